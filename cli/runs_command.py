"""``ganmetrics runs DIR|FILES...``."""

from __future__ import annotations

import click

from .grouped_help import Command
from .options import Settings
from .output import show
from .output_options import fail_if_option, force_option, format_option, html_option, json_option


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...")
@fail_if_option
@format_option
@json_option
@html_option
@force_option
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...]) -> None:
    """Show many saved results as one table or page.

    Each FILE is a result that was saved with --json, or the scores.jsonl of a monitored training; each DIR is searched
    for them. A training has the row of its best step. CSV has every step. Where protocols differ a warning says so.

    \b
    ganmetrics runs results/
    ganmetrics runs results/ trainings/a/scores.jsonl --html runs.html
    ganmetrics runs results/ --format csv > runs.csv
    """
    from ganmetrics import load_results

    show(lambda: load_results(*paths), Settings.of_output(ctx))
