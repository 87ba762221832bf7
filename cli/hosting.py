"""``ganmetrics leaderboard token|work|serve|upgrade``: the commands for whoever hosts a board."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from .grouped_help import Command

DAYS = 86400.0

device_option = click.option("--device", default="cpu", show_default=True, metavar="auto|cpu|cuda[:N]",
                             help="Where the network runs.")  # fmt: skip
threads_option = click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1),
                              help="Threads of the CPU for one worker.")  # fmt: skip


def needing_packages(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command so that it says which packages must be installed where they are missing."""

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            import sqlalchemy  # noqa: F401
        except ModuleNotFoundError:
            from ganmetrics import UsageError

            hint = "pip install 'ganmetrics[leaderboard]'"
            raise UsageError("leaderboards need packages that are not installed", hint=hint, code="E-PACKAGE") from None
        return function(*arguments, **options)

    return wrapped


@click.command(cls=Command, epilog="Example: ganmetrics leaderboard token board/ --team ours --days 30")
@click.argument("board")
@click.option("--team", default="", help="The team whose submissions the token allows.")
@click.option("--organiser", is_flag=True, help="Issue a token for the organiser's pages instead.")
@click.option("--days", default=30.0, show_default=True, type=click.FloatRange(min=0, min_open=True, max=3650),
              help="Days until the token expires.")  # fmt: skip
@click.option("--list", "is_list", is_flag=True, help="List the valid tokens, without their text.")
@click.option("--revoke", type=int, metavar="NUMBER", help="Revoke a token of the list.")
@needing_packages
def token(board: str, team: str, organiser: bool, days: float, is_list: bool, revoke: int | None) -> None:
    """Issue a token for submissions to a served BOARD.

    The token is printed once and never stored.
    """
    from ganmetrics import UsageError
    from ganmetrics.leaderboard import Board
    from ganmetrics.leaderboard.chain import stamp
    from ganmetrics.leaderboard.public_names import clean_name

    with Board.open(board) as opened:
        if is_list:
            for each in opened.store.tokens():
                click.echo(f"{each.id}  {each.purpose}  {each.team}  until {stamp(each.expires)}")
        elif revoke is not None:
            if not opened.store.revoke(revoke):
                raise UsageError(f"there is no token {revoke}", where="--revoke", hint="See --list")
            click.echo(f"token {revoke}: revoked")
        elif bool(team) == organiser:
            raise UsageError("whose token it is was not said", hint="Pass --team NAME or --organiser")
        else:
            purpose, name = ("organiser", "") if organiser else ("team", clean_name(team, "--team"))
            click.echo(opened.store.issue(purpose, name, days * DAYS))


@click.command(cls=Command, epilog="Example: ganmetrics leaderboard work board/ --until-empty")
@click.argument("board")
@click.option("--until-empty", is_flag=True, help="End when no submission waits.")
@click.option("--lease", default=60.0, show_default=True, type=click.FloatRange(min=1),
              help="Seconds without a sign after which a worker is given up.")  # fmt: skip
@click.option("--parent", type=int, hidden=True)  # the process that started it, with which it ends
@device_option
@threads_option
@needing_packages
def work(board: str, until_empty: bool, lease: float, parent: int | None, device: str, threads: int) -> None:
    """Score the submissions that wait on BOARD.

    Several workers share one queue.
    """
    from ganmetrics.leaderboard import Board
    from ganmetrics.leaderboard.recomputation import Machine
    from ganmetrics.leaderboard.worker import Worker, end_with

    if parent is not None:
        end_with(parent)
    with Board.open(board) as opened:
        tell = lambda line: click.echo(line, err=True)  # noqa: E731
        Worker(opened, Machine(device, threads), lease=lease, tell=tell).run(until_empty=until_empty)


@click.command(cls=Command, epilog="Example: ganmetrics leaderboard upgrade board/")
@click.argument("board")
@needing_packages
def upgrade(board: str) -> None:
    """Upgrade the tables of BOARD to this version."""
    from ganmetrics.leaderboard.creation import upgrade as upgraded

    click.echo(f"{board}: tables of version {upgraded(board)}")


@click.command(cls=Command, epilog="Example: ganmetrics leaderboard serve board/ --port 8000")
@click.argument("board")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="Number of workers that score. 0 starts none here.",
)
@click.option("--https", "is_secure", is_flag=True, help="Insist on https, which a proxy in front speaks.")
@click.option(
    "--proxies", default="127.0.0.1", show_default=True, help="Proxies whose forwarded addresses are believed."
)
@device_option
@threads_option
@needing_packages
def serve(
    board: str, host: str, port: int, workers: int, is_secure: bool, proxies: str, device: str, threads: int
) -> None:
    """Serve BOARD on the web and score what is submitted."""
    from ganmetrics.leaderboard import Board
    from ganmetrics.leaderboard.web import serving

    with Board.open(board) as opened:
        click.echo(f"serving {opened.rules.title} at http://{host}:{port}", err=True)
        how = serving.Serving(host, port, workers, device, threads, is_secure, proxies)
        serving.serve(opened, how)
