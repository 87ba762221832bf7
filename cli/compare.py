"""``ganmetrics compare REAL FAKE FAKE…``."""

from __future__ import annotations

import click

from .options import Settings, scoring_options
from .output import compare, names_of


@click.command()
@click.argument("real")
@click.argument("fakes", nargs=-1, required=True, metavar="FAKE FAKE...")
@click.option("--metrics", default="fid", show_default=True, metavar="NAME,NAME…", help="What to score.")
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fakes: tuple[str, ...], metrics: str) -> None:
    """Which of several sets of fakes is better, and whether one can tell: the real set's own noise cancels.

    REAL and each FAKE are as in `ganmetrics fid`. Every pair gets its difference, a 95 % interval, and a verdict.

    \b
    ganmetrics compare real/ mine/ baseline/
    ganmetrics compare mnist-test a.npz b.npz c.npz --metrics fid,kid
    """
    compare(real, fakes, names_of(metrics), Settings.of(ctx))
