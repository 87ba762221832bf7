"""Intervals of counts against the distributions that they are exact for, and variances of ranks against their form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from ganmetrics.numerics.counting import Pairs, differing_bins, divergence_of_counts, rank_shares
from ganmetrics.numerics.entropy import mean_divergence


def test_only_bins_that_differ_for_one_of_two_sets_tell() -> None:
    first = torch.tensor([True] * 9 + [False] * 91)
    second = torch.tensor([True] * 5 + [False] * 93 + [True] * 2)
    found, p_value = differing_bins(first, second)
    error = math.sqrt(4 + 2 + 1 - 2**2 / 100)
    assert found == pytest.approx((2 - 1.96 * error, 2 + 1.96 * error), abs=1e-3)
    assert p_value == pytest.approx(stats.binomtest(2, 6).pvalue)
    assert differing_bins(first, first)[1] == 1.0


def pairs(found: int, scatter: float = 0.0, behind: int = 10**9) -> Pairs:
    return Pairs(found, 1000 * 999 // 2, scatter, behind)


def test_independent_pairs_have_the_exact_poisson_interval() -> None:
    assert pairs(12).bounds() == pytest.approx((stats.gamma.ppf(0.025, 12), stats.gamma.ppf(0.975, 13)), rel=1e-6)
    assert pairs(0).bounds() == pytest.approx((0, 3.6889), rel=1e-3)


def test_clumps_and_the_threshold_widen_it() -> None:
    """Twelve rows in three groups of four make 18 pairs, in clumps of about three."""
    partners = np.array([3] * 12 + [0] * 988)
    clumped = pairs(18, float(((partners - partners.mean()) ** 2).sum()))
    assert clumped.clumping == pytest.approx((107 - 18) / 18, rel=0.02)
    narrow, wide, rough = pairs(18).bounds(), clumped.bounds(), pairs(18, behind=5).bounds()
    assert wide.low < narrow.low and narrow.high < wide.high
    assert rough.low < narrow.low and narrow.high < rough.high


@pytest.mark.parametrize(("seen", "other"), [(0, 0), (0, 8), (12, 4)])
def test_shares_of_pairs_are_binomial(seen: int, other: int) -> None:
    found, even = pairs(seen).share(pairs(other))
    expected = stats.binomtest(seen, seen + other).proportion_ci() if seen + other else (0.0, 1.0)
    assert found == pytest.approx(tuple(expected), abs=1e-12)
    assert even == 0.5


def test_rank_shares_are_of_pairs_with_ties_by_halves() -> None:
    first, second = torch.tensor([1.0, 3.0, 3.0]), torch.tensor([3.0, 0.0])
    found = rank_shares(first, second)
    assert found.of_first.tolist() == [0.5, 0.75, 0.75]
    assert found.of_second.tolist() == pytest.approx([1 / 3, 1.0])
    assert float(found.of_first.mean()) == pytest.approx(float(found.of_second.mean()))


def test_the_influence_of_bins_is_the_derivative_of_the_divergence() -> None:
    counts = [torch.tensor([30, 50, 20]), torch.tensor([10, 60, 0])]

    def divergence(shares: list[torch.Tensor]) -> float:
        return mean_divergence(torch.stack(shares).log())

    shares = [one.double() / one.sum() for one in counts]
    for side, influence in enumerate(divergence_of_counts(*counts)):
        mean = float((influence.shares * influence.values).sum())
        for bin_ in range(2):
            step = 1e-6
            moved = list(shares)
            moved[side] = (1 - step) * shares[side] + step * torch.eye(3, dtype=torch.float64)[bin_]
            slope = (divergence(moved) - divergence(shares)) / step
            assert float(influence.values[bin_]) - mean == pytest.approx(slope, abs=1e-4)
        spread = float((influence.shares * (influence.values - mean) ** 2).sum())
        assert float(influence.deviations().square().sum()) == pytest.approx(spread)
