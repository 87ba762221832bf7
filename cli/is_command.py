"""``ganmetrics is FAKE``."""

from __future__ import annotations

import click

from .options import Settings, scoring_options
from .output import score


@click.command(name="is")
@click.argument("fake")
@scoring_options
@click.pass_context
def command(ctx: click.Context, fake: str) -> None:
    """Inception Score of one set of images, 10 splits; higher is better.

    \b
    ganmetrics is fake/
    ganmetrics is fake/ --extractor digits --set is.splits=1
    """
    score(None, fake, ["is"], Settings.of(ctx))
