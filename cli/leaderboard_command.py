"""``ganmetrics leaderboard init|submit|show|verify|withdraw|disqualify|export|token|work|serve|upgrade``."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from .hosting import BoardGroup, device_option, init, serve, threads_option, token, upgrade, work
from .output_options import force_option, json_option

if TYPE_CHECKING:
    from ganmetrics.leaderboard import Board

TOKEN_VARIABLE = "GANMETRICS_LEADERBOARD_TOKEN"
POLL = 0.5


@click.group("leaderboard", cls=BoardGroup, epilog="Example: ganmetrics leaderboard show board/")
def command() -> None:
    """Host a leaderboard, or submit images to one.

    A board scores submitted images by one pinned recipe. Entries that cannot be told apart share a rank.

    \b
    ganmetrics leaderboard init board/ --reference real/ --metrics fid,kid --num-images 10000 --resolution 32
    ganmetrics leaderboard submit board/ fake/ --team ours --model dcgan
    ganmetrics leaderboard serve board/
    """


@command.command(epilog="Example: ganmetrics leaderboard submit board/ fake/ --team ours --model dcgan")
@click.argument("board")
@click.argument("images")
@click.option("--team", default="", help="The team. A served board knows it by the token.")
@click.option("--model", required=True, help="The name of the model.")
@click.option("--token", envvar=TOKEN_VARIABLE, default="", show_envvar=True, help="The token of a served board.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the submission is scored.")
@device_option
@threads_option
def submit(board: str, images: str, team: str, model: str, token: str, wait: bool, device: str, threads: int) -> None:
    """Submit IMAGES to BOARD.

    IMAGES is a folder, a zip, or an npz of one uint8 array. BOARD is a folder or the URL of a served board.
    """
    if board.startswith(("http://", "https://")):
        _submit_remote(board, images, model, token, wait)
        return
    from ganmetrics import UsageError
    from ganmetrics.leaderboard import Board

    if not team:
        raise UsageError("the submission has no team", where="--team", hint="Pass --team NAME")
    with Board.open(board) as opened:
        entry = opened.submit(images, team=team, model=model)
        if not wait:
            click.echo(f"entry {entry}: queued")
            return
        _finish(opened, entry, device, threads)


def _finish(board: Board, entry: str, device: str, threads: int) -> None:
    """Score an entry here, unless a worker has it already, and print where it stands."""
    from ganmetrics.errors import RejectedError
    from ganmetrics.leaderboard.recomputation import Machine
    from ganmetrics.leaderboard.showing import text
    from ganmetrics.leaderboard.worker import Worker

    worker = Worker(board, Machine(device, threads))
    # A worker elsewhere may have taken the entry; then this command waits for its end.
    while board.entry(entry)[0].state in ("queued", "scoring"):
        if not worker.step(entry):
            time.sleep(POLL)
    submission, record = board.entry(entry)
    if submission.state != "scored":
        what = record.facts["reason"] if record else submission.state
        raise RejectedError(f"entry {entry} was rejected: {what}", code=record.facts.get("code", "") if record else "")
    rows = board.table()
    row = next(row for row in rows if row.entry == entry)
    click.echo(f"entry {entry}: rank {row.rank} of {len(rows)}{', shared' if row.is_tied else ''}")
    click.echo(text(board, rows))


def _submit_remote(url: str, images: str, model: str, token: str, wait: bool) -> None:
    from ganmetrics._progress import progress_bar
    from ganmetrics.errors import RejectedError
    from ganmetrics.leaderboard.client import Remote

    remote = Remote(url, token)
    with progress_bar("sent", None, sys.stderr is not None and sys.stderr.isatty(), unit="B") as bar:
        entry = remote.submit(images, model, read=bar.update)
    click.echo(f"entry {entry}: queued")
    if wait:
        facts = remote.wait(entry)
        if facts["state"] != "scored":
            raise RejectedError(f"entry {entry} was {facts['state']}: {facts.get('reason', '')}")
        click.echo(f"entry {entry}: rank {facts['rank']}{', shared' if facts['tied'] else ''}")


@command.command(epilog="Example: ganmetrics leaderboard show board/ --csv")
@click.argument("board")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV that is safe to open in a spreadsheet.")
@click.option("--hidden", is_flag=True, help="Show scores against the hidden reference. For the organiser.")
@click.option("--exact", is_flag=True, help="Show every digit. For the organiser.")
def show(board: str, as_json: bool, as_csv: bool, hidden: bool, exact: bool) -> None:
    """Show the table of BOARD.

    Values are rounded to what their intervals allow.
    """
    from ganmetrics.leaderboard import Board
    from ganmetrics.leaderboard.board import public_row
    from ganmetrics.leaderboard.showing import comma_separated, text

    with Board.open(board) as opened:
        rows = opened.table(hidden=hidden)
        if as_json:
            found = [row.facts | {"rank": row.rank, "tied": row.is_tied} if exact else public_row(row) for row in rows]
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        elif as_csv:
            click.echo(comma_separated(rows), nl=False)
        else:
            click.echo(text(opened, rows, is_exact=exact))
            counts = opened.store.counts()
            waiting = counts.get("queued", 0) + counts.get("scoring", 0)
            click.echo(f"{waiting} waiting, {counts.get('rejected', 0)} rejected")


@command.command(epilog="Example: ganmetrics leaderboard verify board/")
@click.argument("board")
@click.argument("entry", required=False)
@click.option("--bytes", "path", metavar="FILE", help="The submission's file, in place of the stored one.")
@click.option("--chain-only", is_flag=True, help="Check the records without scoring again.")
@click.option("--head", default="", metavar="SHA256", help="An earlier head that the chain must still contain.")
@device_option
@threads_option
def verify(
    board: str, entry: str | None, path: str | None, chain_only: bool, head: str, device: str, threads: int
) -> None:
    """Check the records of BOARD and score entries again.

    With ENTRY only that entry is scored again.
    """
    from ganmetrics import UsageError
    from ganmetrics.leaderboard import Board
    from ganmetrics.leaderboard.recomputation import Machine

    if path and not entry:
        raise UsageError("--bytes goes with one entry", where="--bytes", hint="Name the entry")
    with Board.open(board) as opened:
        count = opened.check(head)
        click.echo(f"chain of {count} records holds; head {opened.store.head()[1]}")
        for each in [] if chain_only else [entry] if entry else opened.rows_to_verify():
            drift = opened.verify(each, path, Machine(device, threads))
            click.echo(f"entry {each}: scores come out again, drift {drift:.1e}")


@command.command(epilog="Example: ganmetrics leaderboard withdraw board/ ENTRY")
@click.argument("board")
@click.argument("entry")
@click.option("--reason", default="", help="The reason. It is recorded.")
def withdraw(board: str, entry: str, reason: str) -> None:
    """Take ENTRY off BOARD at the wish of its team.

    The record of the entry stays.
    """
    from ganmetrics.leaderboard import Board

    with Board.open(board) as opened:
        opened.withdraw(entry, reason)
    click.echo(f"entry {entry}: withdrawn")


@command.command(epilog="Example: ganmetrics leaderboard disqualify board/ ENTRY --reason 'trained on the test set'")
@click.argument("board")
@click.argument("entry")
@click.option("--reason", required=True, help="The reason. It is recorded.")
def disqualify(board: str, entry: str, reason: str) -> None:
    """Take ENTRY off BOARD as its organiser.

    The reason is recorded, and the record of the entry stays.
    """
    from ganmetrics.leaderboard import Board

    with Board.open(board) as opened:
        opened.disqualify(entry, reason)
    click.echo(f"entry {entry}: disqualified")


@command.command(epilog="Example: ganmetrics leaderboard export board/ --json board.json")
@click.argument("board")
@json_option
@force_option
@click.pass_context
def export(ctx: click.Context, board: str) -> None:
    """Export the public part of BOARD as JSON.

    It holds the rules, the table, and the head of the chain.
    """
    from ganmetrics._files import save_json
    from ganmetrics.leaderboard import Board

    # The command reads no images, so only two of the shared options exist here.
    path, force = ctx.meta["ganmetrics.json_path"], ctx.meta["ganmetrics.force"]
    with Board.open(board) as opened:
        text = json.dumps(opened.export(), indent=2, ensure_ascii=False)
    if path in (None, "-"):
        click.echo(text)
    else:
        save_json(text, path, force=force)


for each in (init, token, work, upgrade, serve):
    command.add_command(each)
