"""Intervals against their closed forms and against scipy's distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.interval_ends import Bounds


@pytest.mark.parametrize(("freedom", "expected"), [(1, 3), (5, 5), (39, 39), (1e6, 1e6)])
def test_quantiles_are_students_from_three_degrees_on(freedom: float, expected: float) -> None:
    assert interval_ends.quantile(freedom) == pytest.approx(stats.t.ppf(0.975, expected), rel=1e-9)
    assert interval_ends.quantile(math.inf) == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_a_logarithmic_interval_is_even_on_its_scale(unit: float) -> None:
    low, high = interval_ends.logarithmic(2 * unit, 0.5 * unit, 2.0)
    assert low / unit * high / unit == pytest.approx(4)
    assert high / unit == pytest.approx(2 * math.exp(0.5))


def test_a_logarithmic_interval_goes_on_as_a_line() -> None:
    """At two logarithmic units value and slope are those of the exponential."""
    at, before, after = (interval_ends.logarithmic(1.0, x, 1.0).high for x in (2.0, 2 - 1e-6, 2 + 1e-6))
    assert after - at == pytest.approx(at - before, rel=1e-5)
    assert interval_ends.logarithmic(1.0, 50.0, 1.0).high == pytest.approx(math.exp(2) * 49)
    assert interval_ends.logarithmic(0.0, 1.0, 2.0) == Bounds(0.0, pytest.approx(2 * math.exp(2)))
    assert interval_ends.logarithmic(3.0, 0.0) == Bounds(3.0, 3.0)


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (3, 10), (10, 10), (700, 1000)])
def test_intervals_of_shares_are_scipys(hits: int, count: int) -> None:
    test = stats.binomtest(hits, count)
    for found, method in (
        (interval_ends.wilson(hits / count, count), "wilson"),
        (interval_ends.clopper_pearson(hits, count - hits), "exact"),
    ):
        assert found == pytest.approx(tuple(test.proportion_ci(method=method)), abs=1e-12)


@pytest.mark.parametrize("events", [0, 1, 7, 400])
def test_poisson_intervals_are_those_of_gamma_quantiles(events: int) -> None:
    low = stats.gamma.ppf(0.025, events) if events else 0.0
    assert interval_ends.poisson(events) == pytest.approx((low, stats.gamma.ppf(0.975, events + 1)), rel=1e-9)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 0), (3, 9), (20, 20)])
def test_the_sign_test_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert interval_ends.sign_test(first, second) == pytest.approx(expected)


def test_a_share_has_the_interval_of_its_effective_number() -> None:
    error = math.sqrt(0.2 * 0.8 / 50)
    assert interval_ends.share(0.2, error, 1000) == pytest.approx(interval_ends.wilson(0.2, 50))
    low, high = interval_ends.share(1.0, 0.0, 100)
    assert (low, high) == pytest.approx(interval_ends.wilson(1.0, 100))
    assert interval_ends.share(1.0, 0.1, 100) == pytest.approx((1 - 0.196, 1.0), abs=1e-3)


@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e200])
def test_differences_join_the_ends_that_face_each_other(unit: float) -> None:
    first, second = Bounds(8 * unit, 15 * unit), Bounds(2 * unit, 7 * unit)
    found = interval_ends.difference(10 * unit, first, 5 * unit, second, 0.5)
    low = 5 - math.sqrt(2**2 + 2**2 - 2 * 2)
    high = 5 + math.sqrt(5**2 + 3**2 - 5 * 3)
    assert np.array(found) / unit == pytest.approx((low, high))


def test_equal_values_with_all_their_noise_in_common_do_not_differ() -> None:
    assert interval_ends.difference(3.0, Bounds(2, 4), 3.0, Bounds(2, 4), 1.0) == Bounds(0, 0)
    assert interval_ends.difference(3.0, Bounds(2, math.inf), 3.0, Bounds(2, 4), 0.0).high == math.inf


def test_another_error_widens_both_arms_in_quadrature() -> None:
    assert interval_ends.widened(interval_ends.Bounds(7.0, 14.0), 10.0, 4.0, 1.0) == pytest.approx(
        (5.0, 10.0 + 32.0**0.5)
    )
    assert interval_ends.widened(interval_ends.Bounds(7.0, 14.0), 10.0, 0.0) == pytest.approx((7.0, 14.0))
