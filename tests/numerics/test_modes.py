"""Counts over modes: closed forms, SciPy's tests, invariances."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, entropy

from ganmetrics.numerics.mode_counts import captured_modes, divergence_from_uniform, nearest_mode, two_proportion_z

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=30).filter(any)


def divergence(counts):
    return divergence_from_uniform(torch.tensor(counts))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([5], 0.0),
        ([3, 3, 3, 3, 3, 3, 3], 0.0),
        ([9, 0, 0, 0], math.log(4)),
        ([2, 2, 0, 0], math.log(2)),
        ([3, 1], math.log(2) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)),
    ],
)
def test_divergence_in_closed_form(counts, expected):
    assert divergence(counts) == pytest.approx(expected, abs=1e-15)
    assert divergence(counts) >= 0


def test_without_samples_nothing_is_captured_and_the_divergence_is_undefined():
    assert captured_modes(torch.zeros(4)) == 0
    assert math.isnan(divergence([0, 0, 0]))


@settings(deadline=None)
@given(COUNTS, st.integers(1, 50), st.integers(0, 1 << 30))
def test_divergence_is_scipys_and_knows_no_order_and_no_scale(counts, factor, seed):
    expected = entropy(np.array(counts), np.ones(len(counts)))
    shuffled = random.Random(seed).sample(counts, len(counts))
    assert divergence(counts) == pytest.approx(expected, abs=1e-12)
    assert divergence([factor * count for count in shuffled]) == pytest.approx(expected, abs=1e-12)
    assert captured_modes(torch.tensor(shuffled)) == np.count_nonzero(counts)


@settings(deadline=None)
@given(COUNTS)
def test_an_empty_mode_adds_the_growth_of_the_logarithm(counts):
    k = len(counts)
    assert divergence([*counts, 0]) == pytest.approx(divergence(counts) + math.log((k + 1) / k), abs=1e-12)


def test_the_square_of_z_is_pearsons_chi_square():
    real, fake = np.array([30, 0, 500, 70]), np.array([9, 4, 180, 7])
    z = two_proportion_z(torch.from_numpy(real), torch.from_numpy(fake))
    for r, f, found in zip(real, fake, z.tolist(), strict=True):
        table = [[r, real.sum() - r], [f, fake.sum() - f]]
        assert found**2 == pytest.approx(chi2_contingency(table, correction=False).statistic, rel=1e-12)
        assert math.copysign(1, found) == math.copysign(1, r / real.sum() - f / fake.sum())


def test_bins_that_nobody_or_everybody_is_in_do_not_differ():
    assert two_proportion_z(torch.tensor([7, 0]), torch.tensor([3, 0])).tolist() == [0.0, 0.0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=20))
def test_exchanging_the_sides_turns_the_sign(pairs):
    real, fake = torch.tensor(pairs).T
    if bool(real.any() and fake.any()):
        torch.testing.assert_close(two_proportion_z(real, fake), -two_proportion_z(fake, real))


def test_nearest_mode_by_hand():
    centers = torch.tensor([[0.0, 0.0], [10.0, 0.0]], dtype=torch.float64)
    points = torch.tensor([[0.3, 0.4], [10.0, 1.0], [4.9, 0.0], [5.1, 0.0]], dtype=torch.float64)
    index, distance = nearest_mode(points, centers, 0.5)
    assert index.tolist() == [0, 1, 0, 1]
    assert distance.tolist() == pytest.approx([1.0, 2.0, 9.8, 9.8])


def test_distances_far_below_the_size_of_the_centres_keep_their_digits():
    centers = 1e6 + 10.0 * torch.arange(60, dtype=torch.float64).repeat(2, 1).T
    index, distance = nearest_mode(centers + torch.tensor([3e-3, 4e-3], dtype=torch.float64), centers, 1e-3)
    assert index.tolist() == list(range(60))
    assert distance.tolist() == pytest.approx([5.0] * 60, rel=1e-6)
