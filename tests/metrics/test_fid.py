"""FID of features: identities, closed forms, invariances and bias."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.errors import InputError, UsageError
from ganmetrics.functional import fid, frechet_distance
from ganmetrics.metrics.fid import fid_of_moments
from ganmetrics.numerics.moments import Moments

SCALES = st.sampled_from([1e-3, 1e-1, 1.0, 1e1, 1e3])
SIZES = {
    "count": st.integers(2, 200),
    "dim": st.integers(1, 64),
    "scale": SCALES,
    "seed": st.integers(0, 2**32 - 1),
}


def drawn(count, dim, seed, scale=1.0):
    """Correlated features with an offset, as networks give them."""
    rng = np.random.RandomState(seed)
    return scale * (rng.randn(count, dim) @ (rng.randn(dim, dim) / math.sqrt(dim)) + rng.randn(dim))


def trace(x):
    return float(x.var(axis=0, ddof=1).sum())


def rotation(dim, seed):
    return np.linalg.qr(np.random.RandomState(seed).randn(dim, dim))[0]


def pair(dim, count_r=90, count_f=70):
    """Two sets; the metamorphic tests below run where there are more rows than dimensions and where there are fewer."""
    return drawn(count_r, dim, seed=1), drawn(count_f, dim, seed=2) + 0.2


TALL_AND_WIDE = pytest.mark.parametrize("dim", [8, 128], ids=["n > d", "n < d"])


@settings(deadline=None, max_examples=60)
@given(**SIZES)
def test_a_set_against_itself_is_zero(count, dim, scale, seed):
    x = drawn(count, dim, seed, scale)
    assert 0.0 <= fid(x, x) <= 1e-9 * trace(x)


SLOW_COUNT = pytest.param(5000, marks=pytest.mark.slow)


@pytest.mark.parametrize("count", [2, 10, 64, SLOW_COUNT])
def test_a_set_against_itself_is_zero_with_the_2048_features_of_inception(count):
    x = np.random.RandomState(count).rand(count, 2048)
    assert 0.0 <= fid(x, x) <= 1e-9 * trace(x)


@pytest.mark.slow
def test_a_set_against_itself_is_zero_from_moments_of_lower_rank():
    moments = Moments.of(torch.from_numpy(np.random.RandomState(0).rand(64, 2048)))
    assert 0.0 <= fid_of_moments(moments, moments) <= 1e-9 * moments.trace()


@pytest.mark.parametrize(("count", "dim"), [(2, 3), (2, 64), (10, 4), (10, 64), (200, 16)])
def test_a_set_against_itself_twice_proves_the_unbiased_covariance(count, dim):
    """X ∪ X has the covariance of X times 2(n - 1) / (2n - 1); with the N denominator the distance would be 0."""
    x = drawn(count, dim, seed=count)
    expected = trace(x) * (1 - math.sqrt(2 * (count - 1) / (2 * count - 1))) ** 2
    assert fid(x, np.concatenate([x, x])) == pytest.approx(expected, rel=1e-7, abs=1e-11 * trace(x))


@pytest.mark.parametrize(("count", "dim"), [(2, 3), (10, 64), (200, 16)])
def test_a_set_against_itself_twice_is_zero_over_n(count, dim):
    x = drawn(count, dim, seed=count)
    assert 0.0 <= fid(x, np.concatenate([x, x]), denominator="n") <= 1e-9 * trace(x)


@TALL_AND_WIDE
def test_the_denominator_n_is_numpys_ddof_0(dim):
    """By features and by moments, at unequal counts."""
    x, y = pair(dim)
    expected = frechet_distance(x.mean(axis=0), np.cov(x.T, ddof=0), y.mean(axis=0), np.cov(y.T, ddof=0))
    moments = [Moments.of(torch.from_numpy(side)) for side in (x, y)]
    assert fid(x, y, denominator="n") == pytest.approx(expected, rel=1e-9)
    assert fid_of_moments(*moments, denominator="n") == pytest.approx(expected, rel=1e-9)
    assert fid(x, y) != pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("denominator", ["0", "N", ""])
def test_another_denominator_is_refused(denominator):
    x, y = pair(3)
    with pytest.raises(UsageError, match="must be 'n-1' or 'n'"):
        fid(x, y, denominator=denominator)
    with pytest.raises(UsageError, match="must be 'n-1' or 'n'"):
        fid_of_moments(*(Moments.of(torch.from_numpy(side)) for side in (x, y)), denominator=denominator)


@pytest.mark.parametrize(("count", "dim"), [(2, 5), (100, 5)])
def test_constant_sets_are_as_far_apart_as_their_values(count, dim):
    a, b = np.arange(dim, dtype=float), np.arange(dim)[::-1] * 0.5
    found = fid(np.tile(a, (count, 1)), np.tile(b, (count + 1, 1)))
    assert found == pytest.approx(float((a - b) @ (a - b)), rel=1e-14)


def test_two_images_on_a_side_by_hand():
    """Rank one on both sides, so |u|² + |v|² - 2 |u·v|, plus the distance of the means."""
    rng = np.random.RandomState(3)
    (a, u), (b, v) = rng.randn(2, 2, 50)
    expected = (a - b) @ (a - b) + 2 * (u @ u + v @ v - 2 * abs(u @ v))
    assert fid(np.stack([a - u, a + u]), np.stack([b - v, b + v])) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(other=st.integers(2, 200), **SIZES)
def test_features_and_moments_agree(count, other, dim, scale, seed):
    x, y = drawn(count, dim, seed, scale), drawn(other, dim, seed ^ 1, scale)
    from_moments = fid_of_moments(Moments.of(torch.from_numpy(x)), Moments.of(torch.from_numpy(y)))
    assert fid(x, y) == pytest.approx(from_moments, rel=1e-9, abs=1e-9 * (trace(x) + trace(y)))


@settings(deadline=None, max_examples=40)
@given(other=st.integers(2, 200), **SIZES)
def test_symmetric_and_at_least_the_distance_of_the_means(count, other, dim, scale, seed):
    x, y = drawn(count, dim, seed, scale), drawn(other, dim, seed ^ 1, scale)
    there, rounding = fid(x, y), 1e-9 * (trace(x) + trace(y))
    assert there == pytest.approx(fid(y, x), rel=1e-10, abs=rounding)
    assert there >= np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2) * (1 - 1e-10) - rounding


@settings(deadline=None, max_examples=40)
@given(**SIZES)
def test_the_root_obeys_the_triangle_inequality(count, dim, scale, seed):
    x, y, z = (drawn(count, dim, (seed + i) % 2**32, scale) for i in range(3))
    assert math.sqrt(fid(x, z)) <= math.sqrt(fid(x, y)) + math.sqrt(fid(y, z)) + 1e-4 * math.sqrt(trace(x) + trace(z))


@TALL_AND_WIDE
def test_turning_both_sets_changes_nothing(dim):
    (x, y), q = pair(dim), rotation(dim, 0)
    assert fid(x @ q, y @ q) == pytest.approx(fid(x, y), rel=1e-10)


@TALL_AND_WIDE
def test_shifting_both_sets_changes_nothing(dim):
    (x, y), shift = pair(dim), np.random.RandomState(0).randn(dim) * 10
    assert fid(x + shift, y + shift) == pytest.approx(fid(x, y), rel=1e-10)


@TALL_AND_WIDE
@pytest.mark.parametrize("factor", [-1.0, 0.25, 1000.0])
def test_scaling_both_sets_scales_by_the_square(dim, factor):
    x, y = pair(dim)
    assert fid(factor * x, factor * y) == pytest.approx(factor**2 * fid(x, y), rel=1e-11)


@TALL_AND_WIDE
def test_the_order_of_rows_changes_nothing(dim):
    (x, y), rng = pair(dim), np.random.RandomState(0)
    assert fid(rng.permutation(x), rng.permutation(y)) == pytest.approx(fid(x, y), rel=1e-11)


@TALL_AND_WIDE
def test_features_that_are_always_zero_change_nothing(dim):
    x, y = pair(dim)
    padded = (np.pad(z, ((0, 0), (0, 5))) for z in (x, y))
    assert fid(*padded) == pytest.approx(fid(x, y), rel=1e-10)


def test_shifting_one_set_adds_the_square_of_the_shift():
    x, _ = pair(8)
    shift = np.arange(8.0)
    assert fid(x, x + shift) == pytest.approx(shift @ shift, rel=1e-10)


def test_uncorrelated_blocks_of_features_add():
    """Blocks drawn from the four corners of a square are uncorrelated to the last bit."""
    signs = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    x, y = signs * [2.0, 3.0] + [1.0, 0.0], signs * [5.0, 0.5]
    assert fid(x, y) == pytest.approx(fid(x[:, :1], y[:, :1]) + fid(x[:, 1:], y[:, 1:]), rel=1e-13)


def test_more_noise_is_farther():
    x = drawn(500, 16, seed=0)
    noise = np.random.RandomState(1).randn(500, 16)
    distances = [fid(x, x + sigma * noise) for sigma in (0.0, 1.0, 2.0, 4.0, 8.0)]
    assert distances[0] <= 1e-9 * trace(x)
    assert all(nearer < farther for nearer, farther in itertools.pairwise(distances))


def test_bias_of_finite_samples():
    """(d + d (d + 1) / 4) (1 / n + 1 / m) where both sets are of N(0, I)."""
    dim, count, rng = 8, 500, np.random.RandomState(0)
    values = [fid(rng.randn(count, dim), rng.randn(count, dim)) for _ in range(100)]
    expected = (dim + dim * (dim + 1) / 4) * (2 / count)
    assert np.mean(values) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("scale", [1e-150, 1e-60, 1e-30, 1e30, 1e60, 1e150])
@TALL_AND_WIDE
def test_extreme_units_only_scale_the_result(dim, scale):
    x, y = pair(dim)
    assert fid(scale * x, scale * y) / scale**2 == pytest.approx(fid(x, y), rel=1e-10)


def test_golden_number():
    """torch-fidelity 0.4.0 gives 0.15865349295697406, pytorch-fid 0.3.0 (SciPy 1.17.1) 0.1586534929569723."""
    rng = np.random.RandomState(2020)
    real, fake = rng.rand(200, 16), 1.1 * rng.rand(150, 16)
    assert fid(real, fake) == pytest.approx(0.158653492956974, rel=1e-11)


@pytest.mark.parametrize("rows", [(1, 5), (5, 1)])
def test_one_image_on_a_side_is_refused(rows):
    with pytest.raises(InputError) as caught:
        fid(*(np.ones((n, 3)) for n in rows))
    assert caught.value.code == "E-TOO-FEW"
    assert caught.value.where == ("real_features" if rows[0] == 1 else "fake_features")
