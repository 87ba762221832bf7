"""Figures on their own: names that look like formulas, and sets that are too small for a curve."""

from __future__ import annotations

import numpy as np
import pytest

import ganmetrics as gm
from ganmetrics import reporting
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.reporting.drawing import Drawing, figure_of, svg_of


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


@pytest.mark.parametrize("count", [10, 22, 79])
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
