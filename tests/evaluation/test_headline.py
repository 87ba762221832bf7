"""The result of a comparison in one sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ganmetrics as gm
from ganmetrics.numerics.interval_ends import Interval
from ganmetrics.scoring.difference import Difference
from ganmetrics.scoring.headline import headline
from ganmetrics.scoring.score_table import Verdicts


def images(seed: int, top: int = 200) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (60, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def score() -> gm.Score:
    return gm.fid(images(0), images(1), extractor="pixels")


def told(first: str, second: str, half: float) -> Difference:
    return Difference("fid", "FID", first, second, -1.0, Interval.around(-1.0, half, "m"), higher_is_better=False)


def test_the_best_and_its_ties_are_named(score: gm.Score) -> None:
    values = {"a": 1.0, "b": 2.0, "c": 3.0}
    results = {name: {"fid": dataclasses.replace(score, value=value)} for name, value in values.items()}
    title = score.title
    apart = [told("a", "b", 0.5), told("a", "c", 0.5), told("b", "c", 0.5)]
    assert headline(results, Verdicts(apart)) == f"a is best on {title}"
    tied = [told("a", "b", 2.0), *apart[1:]]
    assert headline(results, Verdicts(tied)) == f"a and b are best on {title} and cannot be told apart"
    none = [told(*pair, 2.0) for pair in (("a", "b"), ("a", "c"), ("b", "c"))]
    assert headline(results, Verdicts(none)) == f"a, b and c cannot be told apart on {title}"
    bare = [dataclasses.replace(one, interval=None) for one in none]
    assert headline(results, Verdicts(bare)) == f"{title} tells nothing apart without an interval"
    against = Verdicts([told("a", "c", 0.5), told("b", "c", 2.0)], "c")
    assert headline(results, against) == "a is better than c on FID; b cannot be told apart from c on FID"


def test_a_comparison_says_it() -> None:
    found = gm.compare(images(0), images(1), images(2), images(3, 250), metrics=["fid", "vendi"], extractor="pixels")
    assert found.headline.startswith("A and B are best on FID(pixels) and cannot be told apart")
    assert found.headline in found._repr_html_()
