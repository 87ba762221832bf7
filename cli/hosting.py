"""``ganmetrics leaderboard init|token|work|serve|upgrade``: the commands for whoever hosts a board."""

from __future__ import annotations

from typing import Any

import click

from .grouped_help import Command, Group
from .options import Settings, hosting_options

DAYS = 86400.0

device_option = click.option("--device", default="cpu", show_default=True, metavar="auto|cpu|cuda[:N]",
                             help="Where the network runs.")  # fmt: skip
threads_option = click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1),
                              help="Threads of the CPU for one worker.")  # fmt: skip


class BoardCommand(Command):
    """A command about a board, which says which packages must be installed where they are missing."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            import sqlalchemy  # noqa: F401
        except ModuleNotFoundError:
            from ganmetrics import UsageError

            hint = "pip install 'ganmetrics[leaderboard]'"
            raise UsageError("leaderboards need packages that are not installed", hint=hint, code="E-PACKAGE") from None
        return super().invoke(ctx)


class BoardGroup(Group):
    """The group of commands about boards."""

    command_class = BoardCommand


@click.command(
    cls=BoardCommand,
    epilog="Example: ganmetrics leaderboard init board/ --reference real/ --num-images 10000 --resolution 32",
)
@click.argument("board")
@click.option(
    "--reference",
    required=True,
    metavar="SOURCE",
    help="Real images. A folder, a zip, an npz, or torchvision:NAME:SPLIT.",
)
@click.option(
    "--hidden-reference", "hidden", metavar="SOURCE", help="Real images for scores that only the organiser sees."
)
@click.option(
    "--metrics", default="fid", show_default=True, help="Metrics, separated by commas. The first orders the table."
)
@click.option(
    "--num-images", default=10_000, show_default=True, help="Number of images that each submission must have."
)
@click.option(
    "--resolution", default="32", show_default=True, metavar="SIDE|WxH", help="Resolution that each image must have."
)
@click.option("--title", default="", help="Title of the board.  [default: the folder's name]")
@click.option("--rank-by", default="", metavar="SCORE", help="The score that orders the table.  [default: the first]")
@click.option("--second-extractor", default="", metavar="NAME", help="Another network. Its FID is shown as evidence.")
@click.option("--quota", default="", metavar="N/PERIOD", help="Quota of a team, such as 5/day or 2/hour,50/total.")
@click.option(
    "--max-copies", "copies", default=0.01, show_default=True, help="Share of images that may be copies of real images."
)
@click.option(
    "--max-duplicates", "duplicates", default=0.1, show_default=True, help="Share of images that may repeat another."
)
@click.option(
    "--diagnosis/--no-diagnosis",
    "has_diagnosis",
    default=True,
    show_default=True,
    help="Diagnose every entry. It takes half of the time.",
)
@click.option(
    "--store", default="", metavar="URL", help="Database, postgresql+psycopg://...  [default: SQLite in the folder]"
)
@hosting_options
@click.pass_context
def init(
    ctx: click.Context,
    board: str,
    reference: str,
    hidden: str | None,
    metrics: str,
    num_images: int,
    resolution: str,
    title: str,
    rank_by: str,
    second_extractor: str,
    quota: str,
    copies: float,
    duplicates: float,
    has_diagnosis: bool,
    store: str,
) -> None:
    """Make a board in the new folder BOARD.

    The statistics of the references are computed, and the recipe is frozen.
    """
    from ganmetrics import UsageError
    from ganmetrics.leaderboard.creation import BoardOptions, create

    from .output import names_of

    settings = Settings.of(ctx)
    # Every worker must find the same weights, on any machine.
    if settings.weights is not None:
        hint = "Put it where every worker finds it: 'ganmetrics weights import FILE', or GANMETRICS_WEIGHTS_DIR"
        raise UsageError("a board takes no weights file of its own", where="--weights", hint=hint)
    chosen = BoardOptions(
        reference=reference,
        hidden=hidden,
        metrics=names_of(metrics),
        num_images=num_images,
        resolution=resolution,
        title=title,
        rank_by=rank_by,
        extractor=settings.extractor or "inception",
        second_extractor=second_extractor,
        quota=quota,
        copies=copies,
        duplicates=duplicates,
        has_diagnosis=has_diagnosis,
        store=store,
    )
    with create(board, chosen, device=settings.device, reading=settings.reading) as made:
        rules = made.rules
        click.echo(f"{board}: {rules.title}, {', '.join(rules.metrics)} by {rules.network} against {rules.reference}")
        click.echo(f"rules {rules.digest}")


@click.command(cls=BoardCommand, epilog="Example: ganmetrics leaderboard token board/ --team ours --days 30")
@click.argument("board")
@click.option("--team", default="", help="The team whose submissions the token allows.")
@click.option("--organiser", is_flag=True, help="Issue a token for the organiser's pages instead.")
@click.option("--days", default=30.0, show_default=True, type=click.FloatRange(min=0, min_open=True, max=3650),
              help="Days until the token expires.")  # fmt: skip
@click.option("--list", "is_list", is_flag=True, help="List the valid tokens, without their text.")
@click.option("--revoke", type=int, metavar="NUMBER", help="Revoke a token of the list.")
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


@click.command(cls=BoardCommand, epilog="Example: ganmetrics leaderboard work board/ --until-empty")
@click.argument("board")
@click.option("--until-empty", is_flag=True, help="End when no submission waits.")
@click.option("--lease", default=60.0, show_default=True, type=click.FloatRange(min=1),
              help="Seconds without a sign after which a worker is given up.")  # fmt: skip
# A worker ends with the process that started it.
@click.option("--parent", type=int, hidden=True)
@device_option
@threads_option
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


@click.command(cls=BoardCommand, epilog="Example: ganmetrics leaderboard upgrade board/")
@click.argument("board")
def upgrade(board: str) -> None:
    """Upgrade the tables of BOARD to this version."""
    from ganmetrics.leaderboard.creation import upgrade as upgraded

    click.echo(f"{board}: tables of version {upgraded(board)}")


@click.command(cls=BoardCommand, epilog="Example: ganmetrics leaderboard serve board/ --port 8000")
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
