"""Subsets and splits: what is drawn, in which order, from which generator."""

from __future__ import annotations

import numpy as np
import pytest

from ganmetrics.errors import UsageError
from ganmetrics.numerics.resampling import paired_subsets, seeded, split_bounds


@pytest.mark.parametrize(("count", "splits"), [(10, 1), (10, 10), (25, 10), (5, 3), (50_000, 10), (7, 4)])
def test_splits_cover_everything_once_and_evenly(count, splits):
    bounds = split_bounds(count, splits)
    assert [i for start, stop in bounds for i in range(start, stop)] == list(range(count))
    sizes = [stop - start for start, stop in bounds]
    assert len(sizes) == splits
    assert max(sizes) - min(sizes) <= 1


def test_subsets_are_without_replacement_and_within_range():
    pairs = list(paired_subsets(30, 20, 15, 50, np.random.RandomState(0)))
    assert len(pairs) == 50
    for real, fake in pairs:
        assert len(set(real.tolist())) == len(set(fake.tolist())) == 15
        assert real.min() >= 0
        assert real.max() < 30
        assert fake.min() >= 0
        assert fake.max() < 20
    assert {int(i) for real, _ in pairs for i in real} == set(range(30))


def test_the_fake_subset_of_a_pair_is_drawn_first():
    (real, fake), rng = next(paired_subsets(9, 9, 4, 1, np.random.RandomState(5))), np.random.RandomState(5)
    np.testing.assert_array_equal(fake, rng.choice(9, 4, replace=False))
    np.testing.assert_array_equal(real, rng.choice(9, 4, replace=False))


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_a_seed_means_numpys_stream(seed):
    assert seeded(seed).randint(2**31, size=4).tolist() == np.random.RandomState(seed).randint(2**31, size=4).tolist()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_other_seeds_are_refused(seed):
    with pytest.raises(UsageError) as caught:
        seeded(seed)
    assert (caught.value.what, caught.value.where) == (f"the seed {seed} is not in 0..4294967295", "seed")
