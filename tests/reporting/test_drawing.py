"""Figures on their own: names that look like formulas, and sets that are too small for a curve."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from matplotlib.collections import LineCollection

import ganmetrics as gm
from ganmetrics import reporting
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.reporting import views
from ganmetrics.reporting.plotting import Drawing, figure_of, svg_of


def test_dollars_in_names_are_dollars() -> None:
    def draw(axes, palette) -> None:  # type: ignore[no-untyped-def]
        axes.bar([0, 1], [1, 2], color=palette.real)
        axes.set_xticks([0, 1], ["$a_{$", "US$5 to US$6"])

    text = svg_of(Drawing("bars", "Bars & <b>", "A caption.", draw))
    assert "$a_{$" in text and "US$5 to US$6" in text
    assert 'aria-label="Bars &amp; &lt;b&gt;"' in text
    assert figure_of([Drawing("bars", "$x_{$", "", draw)] * 3).axes[0].get_title() == "$x_{$"


def test_colours_are_the_page_s() -> None:
    def draw(axes, palette) -> None:  # type: ignore[no-untyped-def]
        axes.plot([0, 1], color=palette.fake)

    text = svg_of(Drawing("line", "Line", "", draw))
    assert "var(--fake)" in text and "var(--ink)" in text and "#0101" not in text


@pytest.mark.parametrize("count", [10, *(pytest.param(count, marks=pytest.mark.slow) for count in (22, 79))])
def test_few_fakes_get_no_curve_of_counts(count: int) -> None:
    rng = np.random.RandomState(0)
    real, fake = (rng.randint(0, 256, (n, 12, 12, 3), dtype=np.uint8) for n in (40, count))
    found = gm.diagnose(real, fake, extractor="pixels")
    text = reporting.page(found)
    assert "fid-by-count" not in text and "figure-coverage-map" in text


def test_two_sizes_of_picture_are_compared_at_one() -> None:
    rng = np.random.RandomState(0)
    small = rng.randint(0, 256, (60, 24, 24, 3), dtype=np.uint8)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    reading = gm.Reading(thumbnails=True)
    sides = [gm.measure(images, reads="features", extractor="pixels", reading=reading) for images in (small, large)]
    pictures = Pair(*sides).pictures
    assert pictures is not None
    assert pictures[0].shape == pictures[1].shape == (60, 3, 24, 24)
    assert bool((pictures[0] == pictures[1]).all())


def test_error_bars_are_as_lopsided_as_the_intervals() -> None:
    """An end without a bound leaves the axes, and the caption says so."""
    rng = np.random.RandomState(0)
    sets = [rng.randint(0, 200 + 20 * i, (40, 8, 8, 3), dtype=np.uint8) for i in range(3)]
    found = gm.compare(*sets, extractor="pixels")
    ends = {"A": (8.0, 14.0), "B": (20.0, math.inf)}
    results = {
        name: dataclasses.replace(
            result,
            scores={"fid": dataclasses.replace(result["fid"], value=v, interval=gm.Interval(*ends[name], "m"))},
        )
        for (name, result), v in zip(found.results.items(), (10.0, 30.0), strict=True)
    }
    [drawing] = views.figures_of(dataclasses.replace(found, results=results))
    axes = figure_of([drawing]).axes[0]
    [bars] = [line for line in axes.collections if isinstance(line, LineCollection)]
    spans = [segment[:, 0].tolist() for segment in bars.get_segments()]
    assert spans[0] == [8.0, 14.0] and spans[1][0] == 20.0 and spans[1][1] > axes.get_xlim()[1]
    assert "A 10 (8.0 to 14.0); B 30 (at least 20)" in drawing.caption
