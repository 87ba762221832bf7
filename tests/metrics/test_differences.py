"""The values of other packages that are not reproduced, as ``docs/differences.md`` lists them."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from ganmetrics import functional as F

RNG = np.random.RandomState(0)
REAL, FAKE = RNG.randn(300, 8), RNG.randn(300, 8)
NOISE, WIDE = RNG.randn(300, 8), RNG.randn(40, 256)
GRID, OTHER = (RNG.randint(-3, 4, (200, 4)).astype(float) for _ in range(2))


def narrow(*sides: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(x.astype(np.float32)) for x in sides]


def theirs_mifid(real: np.ndarray, fake: np.ndarray) -> float:
    from torchmetrics.image.mifid import _mifid_compute

    moments = [[torch.from_numpy(np.array(m)) for m in (x.mean(axis=0), np.cov(x.T), x)] for x in (real, fake)]
    return float(_mifid_compute(*moments[0], *moments[1]))


def theirs_prdc(real: np.ndarray, fake: np.ndarray) -> list[float]:
    from prdc import compute_prdc

    with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings(action="ignore"):
        return [float(value) for value in compute_prdc(real, fake, 5).values()]


def test_mifid_of_a_few_copies() -> None:
    few = REAL[np.arange(300) % 10] + 1e-3 * NOISE
    assert theirs_mifid(REAL, few) == pytest.approx(F.fid(REAL, few), rel=1e-6) == pytest.approx(2.49, abs=0.005)
    assert F.mifid(REAL, few) == pytest.approx(4.7e6, rel=0.01)


def test_mifid_of_copies_alone() -> None:
    copies = REAL[::-1].copy()
    assert (theirs_mifid(REAL, copies), F.mifid(REAL, copies)) == (0.0, math.inf)


def test_fid_below_full_rank() -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torchmetrics.image.fid import _compute_fid

    statistics = fid_features_to_statistics(*narrow(WIDE))
    theirs = fid_statistics_to_metric(statistics, statistics, False)["frechet_inception_distance"]
    mean, covariance = torch.from_numpy(WIDE.mean(axis=0)), torch.from_numpy(np.cov(WIDE.T))
    others = float(_compute_fid(mean, covariance, mean, covariance))
    assert F.fid(WIDE, WIDE) == 0.0
    for value in (theirs, others):  # rounding: about 2e-5 below 0
        assert 1e-6 < abs(value) < 1e-3


def test_kid_in_float32() -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = narrow(np.abs(REAL), np.abs(FAKE))
    options: dict[str, Any] = {"kid_subsets": 10, "kid_subset_size": 100, "rng_seed": 2020, "kid_kernel": "poly"}
    options |= {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    theirs = kid_features_to_metric(fake, real, verbose=False, **options)["kernel_inception_distance_mean"]
    ours = F.kid(real, fake, subset_size=100, num_subsets=10).value
    assert ours == pytest.approx(-0.00562830, abs=2e-8)
    assert theirs == pytest.approx(ours, rel=1e-4)


def test_ties_in_another_unit() -> None:
    whole, tenth = theirs_prdc(GRID, OTHER), theirs_prdc(GRID * 0.1, OTHER * 0.1)
    assert F.prdc(GRID, OTHER) == F.prdc(GRID * 0.1, OTHER * 0.1) == pytest.approx(whole, abs=1e-12)
    assert whole[2] == pytest.approx(0.846)
    assert tenth[2] > 0.9  # which ties rounding takes for smaller is the processor's


def test_large_numbers_in_float32() -> None:
    real, fake = ((x * 1e20).astype(np.float32) for x in (REAL, FAKE))
    assert theirs_prdc(real, fake) == [0.0] * 4
    assert F.prdc(real, fake) == pytest.approx(F.prdc(REAL.astype(np.float32), FAKE.astype(np.float32)), abs=1e-12)
