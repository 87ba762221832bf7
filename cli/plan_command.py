"""``ganmetrics plan REAL FAKE FAKE``."""

from __future__ import annotations

import click

from .grouped_help import SCORES, Command
from .options import Settings, diagnosis_options, set_argument
from .output import show
from .output_options import against_option, runs_option


@click.command(cls=Command)
@set_argument("real")
@click.argument("fakes", nargs=-1, metavar="[FAKE FAKE]")
@click.option("--detect", default="2%", show_default=True, metavar="SHARE|NUMBER", cls=SCORES,
              help="The difference that is to be told.")  # fmt: skip
@click.option("--metric", default="fid", show_default=True, metavar="NAME", cls=SCORES, help="Metric to plan for.")
@runs_option
@against_option
@diagnosis_options
@click.pass_context
def command(
    ctx: click.Context,
    real: str,
    fakes: tuple[str, ...],
    detect: str,
    metric: str,
    runs: tuple[str, ...],
    against: tuple[str, ...],
) -> None:
    """Say how many images it takes to tell two models apart.

    A pilot of two sets FAKE tells the variance, from which the number of images follows. Several trainings of each
    method, by --runs and --against, tell how many trainings it takes too.

    \b
    ganmetrics plan real/ a/ b/
    ganmetrics plan real/ a/ b/ --detect 5% --metric kid --html plan.html
    ganmetrics plan real/ --runs a/seed?/ --against b/seed?/
    """
    import ganmetrics as gm

    if bool(fakes) == bool(runs or against) or len(fakes) not in (0, 2):
        raise click.UsageError("Name two sets FAKE, or several by --runs and --against.")
    methods = (fakes[:1], fakes[1:]) if fakes else (runs, against)
    settings, own = Settings.of(ctx), {"detect": detect, "metric": metric}
    shared = settings.arguments_of(gm.required_images)
    show(lambda: gm.required_images(real, *map(list, methods), **{**shared, **own}), settings)
