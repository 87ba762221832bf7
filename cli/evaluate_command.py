"""``ganmetrics evaluate REAL FAKE...``."""

from __future__ import annotations

import click

from .grouped_help import OUTPUT, SCORES, Command
from .options import Settings, scoring_options, set_argument
from .output import names_of, run, run_comparison, write_images
from .output_options import baseline_option, html_option, test_option


@click.command(cls=Command)
@set_argument("real")
@click.argument("fakes", nargs=-1, required=True, metavar="FAKE...")
@click.option("--metrics", default="default", metavar="NAME,NAME,...", cls=SCORES,
              help="Metrics to compute. all takes every metric that the sets allow.  [default: fid, is and kid as far "
              "as the sets allow them]")  # fmt: skip
@test_option
@click.option("--per-image", metavar="FILE.csv|FILE.parquet", cls=OUTPUT,
              help="Write scores of single images: realism, rarity, nearest real.")  # fmt: skip
@baseline_option
@html_option
@scoring_options
@click.pass_context
def command(
    ctx: click.Context,
    real: str,
    fakes: tuple[str, ...],
    metrics: str,
    test: str | None,
    baseline: str,
    per_image: str | None,
) -> None:
    """Compute several metrics in one pass over each set.

    Several sets FAKE give one table with a row for each, where the best and what cannot be told apart from it are
    marked. `ganmetrics fid --help` says what REAL and FAKE may be; `ganmetrics list metrics` lists the metrics.

    \b
    ganmetrics evaluate real/ fake/
    ganmetrics evaluate real/ fake/ --metrics fid,kid --set kid.subset_size=200 --json -
    ganmetrics evaluate real/ fake/ --test unseen/ --metrics all
    ganmetrics evaluate real/ a/ b/ c/ --baseline a/ --format latex
    """
    import ganmetrics as gm

    settings, own = Settings.of(ctx), {"metrics": names_of(metrics)}
    if per_image is not None and len(fakes) > 1:
        raise gm.UsageError("single images are those of one set", where="--per-image", hint="Name one set FAKE")
    if per_image is not None:
        write_images(per_image, [real, *fakes], settings)
    if len(fakes) > 1:
        run_comparison([real, *fakes], settings, {**own, "test": test, "baseline": baseline})
    elif baseline:
        raise gm.UsageError("a baseline stands among several sets", where="--baseline", hint="Name the others too")
    else:
        run(gm.evaluate, [real, *fakes, test], settings, own)
