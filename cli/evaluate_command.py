"""``ganmetrics evaluate REAL FAKE``."""

from __future__ import annotations

import click

from .grouped_help import SCORES, Command
from .options import Settings, html_option, scoring_options, set_argument
from .output import names_of, run


@click.command(cls=Command)
@set_argument("real")
@set_argument("fake")
@click.option("--metrics", default="default", metavar="NAME,NAME,...", cls=SCORES,
              help="Metrics to compute. all takes every metric that the sets allow.  [default: fid, is and kid as far "
              "as the sets allow them]")  # fmt: skip
@click.option("--test", metavar="SET", cls=SCORES,
              help="Real images that the generator was not trained on. The metrics ct and fld need them.")  # fmt: skip
@html_option
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str, metrics: str, test: str | None) -> None:
    """Compute several metrics in one pass over each set.

    `ganmetrics fid --help` says what REAL and FAKE may be; `ganmetrics list metrics` lists the metrics.

    \b
    ganmetrics evaluate real/ fake/
    ganmetrics evaluate real/ fake/ --metrics fid,kid --set kid.subset_size=200 --json -
    ganmetrics evaluate real/ fake/ --test unseen/ --metrics all
    """
    from ganmetrics import evaluate

    run(evaluate, [real, fake, test], Settings.of(ctx), {"metrics": names_of(metrics)})
