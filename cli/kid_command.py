"""``ganmetrics kid REAL FAKE``."""

from __future__ import annotations

import click

from .grouped_help import Command
from .options import Settings, scoring_options, set_argument
from .output import run


@click.command(cls=Command)
@set_argument("real")
@set_argument("fake")
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str) -> None:
    """Compute the Kernel Inception Distance of two sets.

    There are 100 subsets of 1000 images; lower is better. `ganmetrics fid --help` says what REAL and FAKE may be.
    Smaller sets need smaller subsets, which is another protocol:

    \b
    ganmetrics kid real/ fake/
    ganmetrics kid real/ fake/ --set kid.subset_size=200
    """
    from ganmetrics import evaluate

    run(evaluate, [real, fake], Settings.of(ctx), {"metrics": ["kid"]})
