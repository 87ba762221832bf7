"""Intervals: how their ends are printed, written and read."""

from __future__ import annotations

import json
import math

import pytest

from ganmetrics.numerics.interval_ends import Interval, readable

INF = math.inf


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (1.08, 0.5213, 2.2345, "0.52 to 2.2"),
        (12.31, 12.1321, 12.4876, "12.13 to 12.49"),
        (9.7216, 8.4216, 11.2216, "8.4 to 11.2"),
        (820.0, 410.2, INF, "at least 410"),
        (0.4, -INF, 0.731, "at most 0.73"),
        (0.4, -INF, INF, "no bound"),
        (INF, 410.0, INF, "at least 410"),
        (1.0, 0.98512, 1.0, "0.985 to 1.000"),
        (1.0, 1.0, 1.0, "1.00 to 1.00"),
        (0.0, 0.0, 0.0, "0.00 to 0.00"),
        (0.02, -0.0004, 0.04, "0.000 to 0.040"),
        (5.2e-7, 4.1e-7, 6.34e-7, "4.1e-07 to 6.3e-07"),
        (1234567.0, 1200000.4, 1300000.0, "1200000 to 1300000"),
        (3e12, 2.9e12, 3.2e12, "2.90e+12 to 3.20e+12"),
        (2e-16, 0.0, 0.66, "0.00000 to 0.66"),
    ],
)
def test_each_end_is_rounded_by_its_distance_from_the_value(value: float, low: float, high: float, words: str) -> None:
    assert Interval(low, high, "m").words(value) == words


@pytest.mark.parametrize("ends", [(0.5, 2.2), (0.5, INF), (-INF, 2.0), (-INF, INF), (1.0, 1.0)])
def test_an_interval_is_read_as_it_was_written(ends: tuple[float, float]) -> None:
    interval = Interval(*ends, "m")
    assert Interval.from_dict(json.loads(json.dumps(interval.to_dict(), allow_nan=False)), 1.0) == interval


def test_an_old_record_has_a_half_width() -> None:
    old = {"level": 0.95, "half_width": 0.5, "method": "influence function"}
    assert Interval.from_dict(old, 2.0) == Interval(1.5, 2.5, "influence function")


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 1.1},
        {"high": 0.9},
        {"low": math.nan},
        {"high": math.nan},
        {"low": "x"},
        {"level": 0.5},
        {"half_width": 1.0},
        {"low": 2.0, "high": 0.5},
    ],
    ids=str,
)
def test_what_is_no_interval_about_the_value_is_refused(changes: dict[str, object]) -> None:
    data = {**Interval(0.5, 2.0, "m").to_dict(), **changes}
    with pytest.raises(ValueError, match=r"interval|convert"):
        Interval.from_dict(data, 1.0)


@pytest.mark.parametrize("half_width", [-1.0, math.nan])
def test_a_half_width_below_zero_is_refused(half_width: float) -> None:
    with pytest.raises(ValueError, match="does not hold"):
        Interval.from_dict({"half_width": half_width}, 1.0)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0000"), (0.1, "0.1000"), (-12.34567, "-12.3457"), (0.01234567, "0.01235")]
)
def test_a_value_without_an_interval_has_four_digits(value: float, text: str) -> None:
    assert readable(value) == text
