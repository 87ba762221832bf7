"""``ganmetrics compare REAL FAKE FAKE...``."""

from __future__ import annotations

import click

from .grouped_help import SCORES, Command
from .options import Settings, scoring_options, set_argument
from .output import configured, names_of, run_comparison, show
from .output_options import against_option, baseline_option, html_option, runs_option, test_option


@click.command(cls=Command)
@set_argument("real")
@click.argument("fakes", nargs=-1, metavar="FAKE FAKE...")
@runs_option
@against_option
@click.option("--metrics", default="fid", show_default=True, metavar="NAME,NAME,...", cls=SCORES,
              help="Metrics to compute.")  # fmt: skip
@test_option
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
    runs: tuple[str, ...],
    against: tuple[str, ...],
) -> None:
    """Compare generators against the same real images.

    Every pair gets its difference, a 95 % interval, and a verdict. The noise of the real set cancels. Verdicts on more
    than two sets are corrected for their number (Holm). `ganmetrics fid --help` says what REAL and each FAKE may be.
    Results that were saved with --json are compared without their images where they differ in nothing but the generated
    images. --runs and --against compare methods by several trainings of each.

    \b
    ganmetrics compare real/ mine/ baseline/
    ganmetrics compare mnist-test a.npz b.npz c.npz --metrics fid,kid
    ganmetrics compare monday.json tuesday.json
    ganmetrics compare real/ --runs a/seed?/ --against b/seed?/
    """
    import ganmetrics as gm

    settings = Settings.of(ctx)
    if settings.protocol == "all":
        raise gm.UsageError("one protocol serves a comparison", where="--protocol", hint="Name one of them")
    if (runs or against) and (fakes or baseline or test):
        raise gm.UsageError(
            "--runs and --against stand for all generated sets", where="--runs", hint="Leave out other sets and options"
        )
    if runs or against:
        _trainings(real, (runs, against), settings, metrics)
    elif not fakes:
        raise click.UsageError("Missing argument 'FAKE FAKE...'.")
    elif not all(path.endswith(".json") for path in (real, *fakes)):
        run_comparison([real, *fakes], settings, {"metrics": names_of(metrics), "test": test, "baseline": baseline})
    elif test is not None:
        raise click.UsageError("--test goes with images; saved results hold the scores already. Leave it out.")
    else:
        show(lambda: gm.compare_saved(real, *fakes, baseline=baseline, force=settings.force), settings)


def _trainings(real: str, methods: tuple[tuple[str, ...], tuple[str, ...]], settings: Settings, metrics: str) -> None:
    """Compare two methods by several trainings of each, from images or from saved results."""
    import ganmetrics as gm
    from ganmetrics.evaluation.compare_trainings import compare_saved_trainings

    if all(path.endswith(".json") for path in (*methods[0], *methods[1])):
        show(lambda: compare_saved_trainings(*methods), settings)
        return
    own = {"metrics": configured(names_of(metrics), settings.changes)}
    shared = settings.arguments_of(gm.compare_trainings)
    show(lambda: gm.compare_trainings(real, *map(list, methods), **{**shared, **own}), settings)
