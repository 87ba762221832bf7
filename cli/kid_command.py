"""``ganmetrics kid REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings, scoring_options
from .output import score


@click.command()
@click.argument("real")
@click.argument("fake")
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str) -> None:
    """Kernel inception distance of two sets of images, 100 subsets of 1000; lower is better.

    REAL and FAKE are as in `ganmetrics fid`. Smaller sets need smaller subsets, which is another protocol:

    \b
    ganmetrics kid real/ fake/
    ganmetrics kid real/ fake/ --set kid.subset_size=200
    """
    score(real, fake, ["kid"], Settings.of(ctx))
