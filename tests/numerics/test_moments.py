"""Moments: any split of a set, merged in any order, is the whole set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.errors import InputError, StatisticsError
from ganmetrics.numerics.cholesky import BLOCK, check_symmetric
from ganmetrics.numerics.moments import Moments, RunningMoments

RELATIVE = 1e-12


def drawn(count, dim=5, seed=0, scale=1.0, offset=0.0):
    return torch.from_numpy(np.random.RandomState(seed).randn(count, dim) * scale + offset)


def merged(parts, dim):
    result = Moments.empty(dim)
    for part in parts:
        result = result.merge(Moments.of(part))
    return result


def assert_same(found, expected, relative=RELATIVE):
    """Equal up to rounding, relative to the size of the numbers that were added up."""
    assert found.count == expected.count
    torch.testing.assert_close(
        found.mean, expected.mean, rtol=relative, atol=relative * float(expected.mean.abs().max())
    )
    largest = float(expected.scatter.abs().max())
    torch.testing.assert_close(found.scatter, expected.scatter, rtol=relative, atol=relative * largest)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(2, 200),
    st.integers(1, 16),
    st.sampled_from([1e-3, 1.0, 1e3]),
    st.randoms(use_true_random=False),
    st.data(),
)
def test_any_split_in_any_order_is_the_whole(count, dim, scale, shuffler, data):
    x = drawn(count, dim, seed=count * dim, scale=scale)
    cuts = sorted(data.draw(st.lists(st.integers(1, count - 1), unique=True, max_size=8)))
    parts = list(torch.tensor_split(x, cuts))
    shuffler.shuffle(parts)
    assert_same(merged(parts, dim), Moments.of(x))


def test_merging_is_associative_and_commutative():
    a, b, c = (Moments.of(drawn(n, seed=n, offset=n)) for n in (2, 37, 500))
    assert_same(a.merge(b).merge(c), a.merge(b.merge(c)))
    assert_same(a.merge(b), b.merge(a))


def test_one_vector_at_a_time_is_the_whole():
    x = drawn(300, offset=3.0)
    assert_same(merged(x.split(1), 5), Moments.of(x))


def test_no_vectors_are_neutral():
    some, none = Moments.of(drawn(7)), Moments.empty(5)
    for result in (some.merge(none), none.merge(some)):
        assert result.count == 7
        assert torch.equal(result.mean, some.mean)
        assert torch.equal(result.scatter, some.scatter)
    assert none.merge(none).count == 0


def test_merging_leaves_both_parts_as_they_were():
    a, b = Moments.of(drawn(4, seed=1)), Moments.of(drawn(6, seed=2))
    before = [t.clone() for t in (a.mean, a.scatter, b.mean, b.scatter)]
    a.merge(b)
    assert all(torch.equal(t, old) for t, old in zip((a.mean, a.scatter, b.mean, b.scatter), before, strict=True))


@pytest.mark.parametrize(("count", "dim"), [(2, 1), (2, 8), (50, 8), (1000, 3)])
def test_equals_numpy(count, dim):
    x = drawn(count, dim, offset=2.0)
    whole = merged(x.split(7), dim)
    np.testing.assert_allclose(whole.mean.numpy(), x.numpy().mean(axis=0), rtol=RELATIVE)
    expected = np.cov(x.numpy(), rowvar=False).reshape(dim, dim)
    np.testing.assert_allclose(whole.covariance().numpy(), expected, rtol=1e-11, atol=1e-12)
    assert whole.trace() == pytest.approx(np.trace(expected), rel=RELATIVE)


@pytest.mark.parametrize("offset", [1e3, 1e4])
def test_a_large_mean_does_not_spoil_the_variance(offset):
    """A one-pass sum of squares in float32 gives anything from 0.7 to 3 here."""
    plain = drawn(4000, 3, seed=4)
    shifted = merged((plain + offset).split(64), 3)
    expected = Moments.of(plain).covariance()
    torch.testing.assert_close(shifted.covariance(), expected, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_features_are_summed_in_float64(dtype):
    x = drawn(500, 4, offset=30.0).to(dtype)
    found = Moments.of(x)
    assert found.mean.dtype == found.scatter.dtype == torch.float64
    assert_same(found, Moments.of(x.to(torch.float64)), relative=0.0)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_vectors_have_no_covariance(count):
    moments = Moments.of(drawn(1)) if count else Moments.empty(5)
    with pytest.raises(InputError, match=f"at least 2 images, found {count}") as caught:
        moments.covariance()
    assert (caught.value.code, caught.value.hint) == ("E-TOO-FEW", "Add images")


def test_the_covariance_is_symmetric():
    covariance = merged(drawn(200, 9, seed=3).split(13), 9).covariance()
    torch.testing.assert_close(covariance, covariance.T, rtol=0.0, atol=1e-15)


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 200), st.integers(1, 16), st.sampled_from([1e-3, 1.0, 1e3]), st.data())
def test_moments_that_run_in_place_are_those_of_the_whole(count, dim, scale, data):
    x = drawn(count, dim, seed=count + dim, scale=scale, offset=data.draw(st.sampled_from([0.0, 7.0, 1000.0])))
    cuts = sorted(data.draw(st.lists(st.integers(1, count - 1), unique=True, max_size=8)))
    running = RunningMoments()
    for part in torch.tensor_split(x, cuts):
        running.add(part)
    assert_same(running.value(), Moments.of(x), 1e-10 if x.mean() > 100 * scale else RELATIVE)


@pytest.mark.parametrize("dim", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 44])
def test_both_halves_of_a_scatter_are_mirror_images(dim):
    """Whatever the number of blocks that it is mirrored in; the values are those of the same rows all at once."""
    x = torch.from_numpy(np.random.RandomState(dim).randn(5, dim))
    running = RunningMoments()
    running.add(x)
    scatter = running.value().scatter
    assert torch.equal(scatter, scatter.T)
    assert scatter.is_contiguous()
    assert torch.allclose(scatter, Moments.of(x).scatter, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("row", [0, BLOCK - 1, BLOCK, 2 * BLOCK])
@pytest.mark.parametrize("value", [1.0, float("nan"), float("-inf"), -1e303])
def test_one_odd_entry_is_seen_wherever_it_stands(row, value):
    sigma = np.eye(2 * BLOCK + 5)
    assert check_symmetric(sigma, "real") == 1.0
    for place in ((row, row + 1), (row + 1, row), (row, 2 * BLOCK + 4), (2 * BLOCK + 4, row)):
        odd = sigma.copy()
        odd[place] = value
        with pytest.raises(StatisticsError, match="not symmetric" if value == 1.0 else "holds"):
            check_symmetric(odd, "real")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_features_run_in_float64(dtype):
    x = drawn(500, 4, offset=30.0).to(dtype)
    running = RunningMoments()
    for part in x.split(64):
        running.add(part)
    assert_same(running.value(), Moments.of(x.double()))


@pytest.mark.parametrize("start", [None, Moments.of(drawn(7))])
def test_blocks_are_added_in_place(start):
    running = RunningMoments(start)
    running.add(drawn(20))
    held = running._lower
    assert held.flags.f_contiguous
    running.add(drawn(30))
    assert np.shares_memory(held, running._lower)
    if start is not None:
        assert RunningMoments(start)._lower.flags.f_contiguous


def test_nothing_has_run_yet():
    running = RunningMoments()
    running.merge(Moments.of(drawn(9)))
    assert_same(running.value(), Moments.of(drawn(9)))
    assert (RunningMoments().value().count, RunningMoments().value().mean.shape) == (0, (0,))
    none = Moments.empty(3)
    assert none.trace() == 0.0
    assert none.mean.dtype == none.scatter.dtype == torch.float64


def test_a_value_of_running_moments_stays_what_it_was():
    start = Moments.of(drawn(30))
    before = start.scatter.clone()
    running = RunningMoments(start)
    value = running.value()
    running.add(drawn(20, seed=1))
    running.merge(Moments.of(drawn(5, seed=2)))
    assert torch.equal(start.scatter, before)
    assert torch.equal(value.scatter, before)
    assert_same(running.value(), Moments.of(torch.cat([drawn(30), drawn(20, seed=1), drawn(5, seed=2)])))
