"""Intervals cover and verdicts do not err: the study's record has every metric, and a reduced form is simulated here.

The bounds leave room for two Monte-Carlo errors. The older methods (plain intervals about FID and KID, subsets scaled
by 1 / √n for counts) fail them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import intervals
from benchmarks.families import FAMILIES
from ganmetrics.metrics import METRICS

WRONG, COVERED = 0.05, 0.92
# Metrics whose spread does not fall as 1 / √n, at a size where scaled subsets told most pairs apart.
COUNTS = {"ndb": 4_000, "birthday": 2_000, "ct": 2_000}
# Families in which plain intervals missed often, by metric.
HARD = {
    "fid": ("rare mode", "nonlinear"),
    "kid": ("counts", "heavy tails"),
    "fid_infinity": ("rare mode", "counts"),
    "is": ("clusters", "log-normal"),
    "vendi": ("counts", "clusters"),
    "precision_recall": ("ring",),
    "density_coverage": ("ring",),
}


def most_wrong(pairs: int) -> float:
    """The largest share of wrong verdicts that 5 % and two errors of so many pairs allow."""
    return WRONG + 2 * math.sqrt(WRONG * (1 - WRONG) / pairs)


def numbers(record: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, float]]]:
    for cell in record.values():
        for name, row in cell["numbers"].items():
            yield cell, name, row


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return intervals.read(intervals.RECORD)


def test_the_record_holds_every_metric_and_every_family(record: dict[str, Any]) -> None:
    assert {cell["metric"] for cell in record.values()} == set(METRICS.names())
    for name in ("fid", "kid", "fid_infinity", "is", "vendi"):
        assert {cell["family"] for cell in record.values() if cell["metric"] == name} == set(FAMILIES), name


def test_the_study_forgets_no_metric_at_any_size() -> None:
    sizes = {(cell.metric, cell.num_fake) for cell in intervals.cells()}
    assert sizes >= {(name, size) for name in METRICS.names() for size in (400, 4_000, 10_000)}


def test_no_recorded_verdict_errs_more_often_than_it_may(record: dict[str, Any]) -> None:
    for cell, name, row in numbers(record):
        assert row["wrong"] <= most_wrong(cell["draws"]), (cell, name)


def test_the_tables_of_the_page_are_those_of_the_record(record: dict[str, Any]) -> None:
    text = intervals.PAGE.read_text()
    for line in [*intervals.summary(record), *intervals.full(record)]:
        assert line in text, "run: python -m benchmarks.intervals page"


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS.names())
def test_two_samples_of_one_generator_are_rarely_told_apart(metric: str) -> None:
    cost = intervals.COSTS.get(metric, 1)
    pairs, size = max(4, 12 // cost), 400 if cost == 1 else 200
    found = intervals.simulate(intervals.Cell(metric, "rectified t", 8, size, size, 0.0, pairs))
    assert max(row["wrong"] for row in found.values()) <= most_wrong(pairs)


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "size"), COUNTS.items())
def test_counts_of_large_sets_are_rarely_told_apart(metric: str, size: int) -> None:
    found = intervals.simulate(intervals.Cell(metric, "rectified t", 2, size, size, 0.0, 8))
    assert max(row["wrong"] for row in found.values()) <= most_wrong(8)


@pytest.mark.slow
@pytest.mark.parametrize("metric", intervals.WANTED)
def test_intervals_cover_in_the_families_that_are_hard(metric: str) -> None:
    draws = 30 // intervals.COSTS.get(metric, 1) ** 2
    for family in HARD[metric]:
        found = intervals.simulate(intervals.Cell(metric, family, 8, 300, 300, 0.3, draws))
        for name, row in found.items():
            assert row["missing"] == 0, (family, name)
            assert row["covered"] >= COVERED - 2 * math.sqrt(COVERED * (1 - COVERED) / draws), (family, name)
