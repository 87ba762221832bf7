"""KID: against loops, against torch-fidelity, both routes, unbiasedness."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.functional import kid
from ganmetrics.metrics import kid as module
from ganmetrics.numerics.resampling import paired_subsets


def drawn(count, dim=12, seed=0, shift=0.0):
    return np.random.RandomState(seed).randn(count, dim) + shift


def kernel(a, b):
    return (float(a @ b) / len(a) + 1.0) ** 3


def by_loops(x, y):
    """The unbiased estimate of two sets of one size, pair by pair."""
    m = len(x)
    apart = [(i, j) for i in range(m) for j in range(m) if i != j]
    within = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in apart) / (m * (m - 1))
    return within - 2 * sum(kernel(a, b) for a in x for b in y) / m**2


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_whole_sets_equal_the_loop_over_pairs(shift):
    real, fake = drawn(20, seed=1), drawn(20, seed=2, shift=shift)
    found = kid(real, fake, subset_size=20, num_subsets=3)
    assert found.value == pytest.approx(by_loops(real, fake), rel=1e-10)
    assert found.std == pytest.approx(0.0, abs=1e-10)


def test_subsets_equal_the_loop_over_pairs():
    real, fake = drawn(15, seed=1), drawn(11, seed=2, shift=0.5)
    pairs = paired_subsets(15, 11, 6, 8, np.random.RandomState(7))
    values = [by_loops(real[r], fake[f]) for r, f in pairs]
    found = kid(real, fake, subset_size=6, num_subsets=8, seed=7)
    assert found.value == pytest.approx(np.mean(values), rel=1e-10)
    assert found.std == pytest.approx(np.std(values, ddof=0), rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "subset_size", "num_subsets"),
    [((60, 50), 20, 5), ((60, 50), 20, 100), ((40, 40), 40, 3), ((30, 90), 2, 50)],
)
@pytest.mark.parametrize("seed", [2020, 0])
def test_equals_torch_fidelity(counts, subset_size, num_subsets, seed):
    """Its first input is the fakes; in float64, for in float32 it loses three digits."""
    peer = pytest.importorskip("torch_fidelity.metric_kid")
    real, fake = drawn(counts[0], seed=1), drawn(counts[1], seed=2, shift=0.3)
    options = {"kid_subset_size": subset_size, "kid_subsets": num_subsets, "rng_seed": seed, "verbose": False}
    expected = peer.kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **options)
    found = kid(real, fake, subset_size=subset_size, num_subsets=num_subsets, seed=seed)
    assert found.value == pytest.approx(expected[peer.KEY_METRIC_KID_MEAN], rel=1e-10)
    assert found.std == pytest.approx(expected[peer.KEY_METRIC_KID_STD], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("counts", [(40, 40), (40, 25), (25, 1500)])
@pytest.mark.parametrize("subset_size", [2, 25])
def test_both_routes_agree(counts, subset_size):
    real, fake = (torch.from_numpy(drawn(n, seed=n, shift=0.1)) for n in counts)
    pairs = list(paired_subsets(*counts, subset_size, 12, np.random.RandomState(3)))
    np.testing.assert_allclose(
        module._whole(real, fake, pairs), module._by_subset(real, fake, pairs), rtol=1e-9, atol=1e-11
    )


def test_each_route_is_taken_where_it_is_cheaper():
    assert module._cheaper_route(1000, 1000, 1000, 100) is module._whole
    assert module._cheaper_route(50_000, 50_000, 1000, 100) is module._by_subset


@pytest.mark.parametrize(
    ("counts", "subset_size", "num_subsets", "is_whole"),
    [
        ((1000, 1000), 1000, 1, True),
        ((1001, 1000), 1000, 1, False),
        ((1000, 1001), 1000, 1, False),
        ((10, 20), 10, 3, True),
        ((10, 20), 10, 2, False),
        ((20, 10), 10, 2, False),
    ],
)
def test_equal_work_is_done_on_whole_sets(counts, subset_size, num_subsets, is_whole):
    """n² + m² + n m pairs against 3 subset_size² for every subset."""
    expected = module._whole if is_whole else module._by_subset
    assert module._cheaper_route(*counts, subset_size, num_subsets) is expected


@pytest.mark.parametrize("route", [module._whole, module._by_subset])
def test_kernels_of_narrow_features_are_in_float64(route, monkeypatch):
    monkeypatch.setattr(module, "FEW", 4)
    real, fake = (torch.from_numpy(drawn(10, seed=seed)).float() for seed in (1, 2))
    pairs = list(paired_subsets(10, 10, 4, 3, np.random.RandomState(3)))
    expected = [by_loops(real[r].double().numpy(), fake[f].double().numpy()) for r, f in pairs]
    np.testing.assert_allclose(route(real, fake, pairs), expected, rtol=1e-10)


@pytest.mark.parametrize(("count", "num_subsets"), [(10, 2), (10, 50)], ids=["by subset", "whole"])
def test_constant_sets_by_hand(count, num_subsets):
    """k(a, a) + k(b, b) - 2 k(a, b) = 1.25³ + 3.25³ - 2 · 1.75³ = 25.5625 for a = 0.5 and b = 1.5."""
    half, more = np.full((count, 4), 0.5), np.full((count, 4), 1.5)
    found = kid(half, more, subset_size=5, num_subsets=num_subsets)
    assert found.value == pytest.approx(25.5625, rel=1e-12)
    assert found.std == pytest.approx(0.0, abs=1e-10)


def test_zero_on_average_for_one_distribution():
    rng = np.random.RandomState(0)
    values = [kid(rng.randn(50, 8), rng.randn(50, 8), subset_size=50, num_subsets=1).value for _ in range(300)]
    assert abs(np.mean(values)) <= 3 * np.std(values, ddof=1) / np.sqrt(len(values))
    assert 0.3 < np.mean(np.asarray(values) < 0) < 0.8


def test_a_set_against_itself_is_negative():
    """The cross term keeps the diagonal that the terms within a set leave out."""
    x = drawn(50)
    assert kid(x, x, subset_size=50, num_subsets=1).value < 0


def test_farther_apart_is_larger():
    values = [kid(drawn(80, seed=1), drawn(80, seed=2, shift=s), subset_size=40).value for s in (0.0, 0.5, 1.0, 2.0)]
    assert values == sorted(values)
    assert values[-1] > 1.0


def test_the_seed_chooses_the_subsets():
    real, fake = drawn(60, seed=1), drawn(60, seed=2)
    values = {kid(real, fake, subset_size=10, num_subsets=5, seed=seed).value for seed in (0, 1, 2, 2020)}
    assert len(values) == 4
    assert kid(real, fake, subset_size=10, num_subsets=5) == kid(real, fake, subset_size=10, num_subsets=5, seed=2020)


@pytest.mark.parametrize(("counts", "smaller"), [((9, 20), 9), ((20, 9), 9), ((8, 9), 8)])
def test_sets_smaller_than_a_subset_are_refused(counts, smaller):
    with pytest.raises(InputError) as caught:
        kid(*(drawn(n) for n in counts), subset_size=10)
    assert caught.value.code == "E-TOO-FEW"
    assert f"{counts[0]} real and {counts[1]} fake" in caught.value.what
    assert f"`kid(subset_size={smaller})` " in caught.value.hint


@pytest.mark.parametrize("options", [{"subset_size": 1}, {"subset_size": 0}, {"subset_size": -5}, {"num_subsets": 0}])
def test_impossible_subsets_are_refused(options):
    with pytest.raises(UsageError) as caught:
        kid(drawn(5), drawn(5), **options)
    assert caught.value.where == "kid"


def test_golden_number():
    """As torch-fidelity 0.4.0 gives in float64: kid_features_to_metric(fake, real), 10 subsets of 50, seed 2020."""
    rng = np.random.RandomState(2020)
    real, fake = rng.rand(200, 16), 1.1 * rng.rand(150, 16)
    found = kid(real, fake, subset_size=50, num_subsets=10)
    assert found.value == pytest.approx(0.022474565029557515, rel=1e-10)
    assert found.std == pytest.approx(0.005289022267675161, rel=1e-10)
