"""Figures of many saved results: curves over the steps of trainings, and intervals of single sets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganmetrics.reporting.figures import WIDE, interval_figure, short_name
from ganmetrics.reporting.plotting import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ganmetrics.evaluation.load_results import Run, SavedResults
    from ganmetrics.evaluation.required_images import RequiredImages
    from ganmetrics.reporting.palette import Palette

STROKES = ("-", "--", ":", "-.")


def of_runs(found: SavedResults) -> Iterator[Drawing]:
    """Yield a figure for each score: its curve over the steps of trainings, and its values for single sets."""
    trainings = found.series()
    alone = {each.name: each.scores for each in found.runs if each.step is None}
    for key in dict.fromkeys(name for steps in trainings.values() for one in steps for name in one.scores):
        yield _curves(key, {name: [one for one in steps if key in one.scores] for name, steps in trainings.items()})
    for key in dict.fromkeys(name for scores in alone.values() for name in scores):
        some = {name: scores[key] for name, scores in alone.items() if key in scores}
        finite = {name: score for name, score in some.items() if math.isfinite(score.value)}
        if finite:
            names = list(finite)[:WIDE]
            yield interval_figure(f"score-{key}", names, [finite[name] for name in names])


def _curves(key: str, trainings: Mapping[str, Sequence[Run]]) -> Drawing:
    """Draw one score over the steps of trainings, with its intervals as bands."""
    known = {name: steps for name, steps in trainings.items() if steps}
    first = next(iter(known.values()))[0].scores[key]
    direction = "higher" if first.higher_is_better else "lower"

    def draw(axes: Axes, palette: Palette) -> None:
        colours = (palette.fake, palette.real, palette.bad, palette.warn)
        for number, (name, steps) in enumerate(known.items()):
            colour, stroke = colours[number % len(colours)], STROKES[number // len(colours) % len(STROKES)]
            scores = [one.scores[key] for one in steps]
            ends = np.array([score.interval[:2] if score.interval else (np.nan, np.nan) for score in scores])
            places = np.array([one.step for one in steps])
            axes.plot(places, [score.value for score in scores], stroke, color=colour, marker="o", markersize=3)
            axes.plot([], [], stroke, color=colour, label=short_name(name))
            axes.fill_between(places, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, linewidth=0)
        axes.set(xlabel="step", ylabel=f"{first.title} ({direction} is better)")
        axes.legend(frameon=False, fontsize=8, labelcolor=palette.ink)

    ends = [f"{name} {steps[-1].scores[key].value:.4g} at step {steps[-1].step}" for name, steps in known.items()]
    title = f"How did {first.title} change in training?"
    return Drawing(f"curve-{key}", title, f"Bands are 95 % intervals. At the end: {'; '.join(ends)}.", draw)


def of_plan(plan: RequiredImages) -> Iterator[Drawing]:
    """Yield the difference that is told against the number of images, and against the number of trainings."""
    for what, curve in (("images", plan.image_curve()), ("trainings", plan.training_curve())):
        if curve:
            yield _detectable(plan, what, curve)


def _detectable(plan: RequiredImages, what: str, curve: Sequence[tuple[int, float]]) -> Drawing:
    numbers, told = map(list, zip(*curve, strict=True))

    def draw(axes: Axes, palette: Palette) -> None:
        axes.plot(numbers, told, color=palette.fake, marker="o")
        axes.axhline(plan.difference, color=palette.muted, linestyle="--", linewidth=1)
        axes.set(xscale="log", xlabel=f"number of {what} (log scale)", ylabel=f"difference in {plan.score.title}")
        axes.set_ylim(0, None)
        axes.set_xticks(numbers, [f"{number:,}" for number in numbers])
        axes.set_xticks([], minor=True)

    title = f"Which difference do so many {what} tell?"
    words = f"In 80 % of cases {told[0]:.3g} with {numbers[0]:,} {what} and {told[-1]:.3g} with {numbers[-1]:,}."
    return Drawing(f"plan-{what}", title, f"{words} The dashed line is the difference that is to be told.", draw)
