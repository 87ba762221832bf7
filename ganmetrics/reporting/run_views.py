"""What a report shows of many results: saved ones, several trainings, and a plan of how many it takes."""

from __future__ import annotations

from ganmetrics.evaluation.compare_trainings import TrainingComparison
from ganmetrics.evaluation.load_results import SavedResults
from ganmetrics.evaluation.required_images import RequiredImages
from ganmetrics.reporting import run_figures
from ganmetrics.reporting.page_parts import View
from ganmetrics.reporting.plotting import Drawing
from ganmetrics.reporting.views import figures_of, score_row, view_of
from ganmetrics.scoring.result import environment


@view_of.register
def _(shown: SavedResults, *, with_pictures: bool = True) -> View:
    trainings, sets = len(shown.series()), sum(each.step is None for each in shown.runs)
    counts = ([f"{sets} sets of images"] if sets else []) + (
        [f"{trainings} trainings, each by its best step"] if trainings else []
    )
    return View(
        title="Runs",
        summary=f"{' and '.join(counts)}. Click a heading to sort by it.",
        figures=figures_of(shown) if with_pictures else (),
        warnings=shown.warnings,
        versions=environment(),
        grid=shown.table(),
        is_browser=True,
    )


@figures_of.register
def _(shown: SavedResults) -> tuple[Drawing, ...]:
    return tuple(run_figures.of_runs(shown))


@view_of.register
def _(shown: TrainingComparison, *, with_pictures: bool = True) -> View:
    methods = ", ".join(
        f"{next(iter(each.values())).num_trainings} trainings of {name}" for name, each in shown.spreads.items()
    )
    return View(
        title="Comparison of methods",
        summary=f"{methods}. The spread over trainings decides.",
        scores=tuple(score_row(score, name) for name, scores in shown.scores.items() for score in scores.values()),
        set_head="Training",
        differences=shown.differences,
        warnings=shown.warnings,
        versions=environment(),
        grid=shown.table(),
    )


@view_of.register
def _(shown: RequiredImages, *, with_pictures: bool = True) -> View:
    needed = "no number" if shown.images is None else f"{shown.images:,}"
    return View(
        title=f"How many images tell {shown.difference:.3g} in {shown.score.title}?",
        summary=f"{needed} images of each set, where there are {shown.num_images:,} now.",
        figures=figures_of(shown) if with_pictures else (),
        warnings=shown.warnings,
        versions=environment(),
        grid=shown.table(),
    )


@figures_of.register
def _(shown: RequiredImages) -> tuple[Drawing, ...]:
    return tuple(run_figures.of_plan(shown))
