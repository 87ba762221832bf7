"""``ganmetrics evaluate REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings, html_option, scoring_options
from .output import names_of, score


@click.command()
@click.argument("real")
@click.argument("fake")
@click.option(
    "--metrics",
    default="default",
    metavar="NAME,NAME…",
    help="What to score; all takes what the sets allow.  [default: fid, is and kid as far as the sets allow them]",
)
@click.option(
    "--test", metavar="SET", help="Real images that the generator was not trained on, as REAL; for ct and fld."
)
@html_option
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str, metrics: str, test: str | None) -> None:
    """Several metrics from one pass over each set.

    REAL and FAKE are as in `ganmetrics fid`.

    \b
    ganmetrics evaluate real/ fake/
    ganmetrics evaluate real/ fake/ --metrics fid,kid --set kid.subset_size=200 --json -
    ganmetrics evaluate real/ fake/ --test unseen/ --metrics all
    """
    score(real, fake, names_of(metrics), Settings.of(ctx), test)
