"""What each metric hands to its interval: the influence of every row, beside the numerics that it stands on."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from ganmetrics.metrics import lpips_diversity
from ganmetrics.metrics.fid import factor_of, mean_of
from ganmetrics.metrics.metric import Given
from ganmetrics.metrics.ppl import of_squares, path_length
from ganmetrics.numerics.spread import Spread

RNG = np.random.RandomState(0)
X, Y = (torch.from_numpy(RNG.randn(count, 4).astype(np.float32)) for count in (40, 30))


def of_lpips(rows: torch.Tensor) -> object:
    spread = Spread.of(rows)
    return lpips_diversity.uncertainty(
        lpips_diversity.of_spread(spread), Given(None, SimpleNamespace(spread=spread), None, {})
    )


def test_of_lpips_diversity_is_the_jackknife_of_ten_groups() -> None:
    rows = torch.from_numpy(RNG.randn(47, 3))
    value = 2 * rows.numpy().var(axis=0, ddof=1).sum()
    without = np.array([2 * np.delete(rows.numpy(), np.s_[g::10], axis=0).var(axis=0, ddof=1).sum() for g in range(10)])
    found = of_lpips(rows)["lpips_diversity"].interval()
    half = stats.t.ppf(0.975, 9) * np.sqrt(9 / 10 * np.square(without - without.mean()).sum())
    assert found[:2] == pytest.approx((value - half, value + half), rel=1e-5)


@pytest.mark.parametrize(("count", "is_told"), [(19, False), (20, True)])
def test_of_lpips_diversity_needs_two_images_a_group(count: int, is_told: bool) -> None:
    assert (of_lpips(X[:count]) is not None) == is_told


def test_a_factor_is_of_centred_rows_up_to_the_number_of_dimensions() -> None:
    for count, rank in ((3, 3), (4, 4), (5, 4), (40, 4)):
        factor = factor_of(X[:count].double())
        assert factor.shape == (rank, 4)
        np.testing.assert_allclose(factor.T @ factor, np.cov(X[:count].numpy(), rowvar=False), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(mean_of(X.double()), X.double().numpy().mean(axis=0), rtol=1e-14)


@pytest.mark.parametrize("count", [2, 3, 100, 101, 250])
@pytest.mark.parametrize("trim", [0.0, 1.0, 10.0])
def test_paths_are_trimmed_as_stylegan_does(count: int, trim: float) -> None:
    start, end = RNG.randn(2, count, 5)
    lengths = ((end - start) ** 2).sum(axis=1) / 0.01**2
    low, high = np.percentile(lengths, trim, method="lower"), np.percentile(lengths, 100 - trim, method="higher")
    kept = lengths[(lengths >= low) & (lengths <= high)]
    found = path_length(start, end, epsilon=0.01, trim=trim)
    error = np.clip(lengths, low, high).std(ddof=1) * math.sqrt(count) / len(kept)  # of a trimmed mean
    assert found == pytest.approx((kept.mean(), kept.std(), error), rel=1e-9)


def test_paths_have_stylegans_defaults() -> None:
    start, end = RNG.randn(2, 300, 3)
    assert path_length(start, end) == path_length(start, end, epsilon=1e-4, trim=1.0)
    narrow = torch.from_numpy(((end - start) ** 2).sum(axis=1).astype(np.float32))
    assert of_squares(narrow, epsilon=1e-4, trim=1.0) == of_squares(narrow.double(), epsilon=1e-4, trim=1.0)
