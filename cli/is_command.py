"""``ganmetrics is FAKE``."""

from __future__ import annotations

import click

from .grouped_help import Command
from .options import Settings, scoring_options, set_argument
from .output import run


@click.command(name="is", cls=Command)
@set_argument("fake")
@scoring_options
@click.pass_context
def command(ctx: click.Context, fake: str) -> None:
    """Compute the Inception Score of one set of images.

    There are 10 splits; higher is better.

    \b
    ganmetrics is fake/
    ganmetrics is fake/ --extractor digits --set is.splits=1
    """
    from ganmetrics import evaluate

    run(evaluate, [None, fake], Settings.of(ctx), {"metrics": ["is"]})
