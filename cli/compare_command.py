"""``ganmetrics compare REAL FAKE FAKE…``."""

from __future__ import annotations

import click

from .options import Settings, html_option, scoring_options
from .output import compare, compare_saved, names_of


@click.command()
@click.argument("real")
@click.argument("fakes", nargs=-1, required=True, metavar="FAKE FAKE...")
@click.option("--metrics", default="fid", show_default=True, metavar="NAME,NAME…", help="What to score.")
@click.option("--test", metavar="SET", help="Real images that no generator was trained on, for ct and fld.")
@html_option
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fakes: tuple[str, ...], metrics: str, test: str | None) -> None:
    """Which of several sets of fakes is better, and whether one can tell: the real set's own noise cancels.

    REAL and each FAKE are as in `ganmetrics fid`. Every pair gets its difference, a 95 % interval, and a verdict.
    Results that were saved with --json are compared without their images, where nothing but the fakes differs.

    \b
    ganmetrics compare real/ mine/ baseline/
    ganmetrics compare mnist-test a.npz b.npz c.npz --metrics fid,kid
    ganmetrics compare monday.json tuesday.json
    """
    if all(path.endswith(".json") for path in (real, *fakes)):
        if test is not None:
            raise click.UsageError("--test goes with images; saved results hold the scores already. Leave it out.")
        compare_saved([real, *fakes], Settings.of(ctx))
    else:
        compare(real, fakes, names_of(metrics), Settings.of(ctx), test)
