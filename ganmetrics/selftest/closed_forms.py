"""Checks against closed forms: this machine's linear algebra and random streams beside exact numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from ganmetrics.metrics.density_coverage import density_coverage
from ganmetrics.metrics.fid import fid, frechet_distance
from ganmetrics.metrics.inception_score import inception_score
from ganmetrics.metrics.kid import kid
from ganmetrics.metrics.precision_recall import precision_recall
from ganmetrics.metrics.vendi import vendi_of_kernel
from ganmetrics.numerics.moments import Moments
from ganmetrics.selftest.check import Check

# Rows and dimensions of a covariance that lacks full rank.
FEW, DIM = 16, 256


def closed_forms() -> Iterator[Check]:
    """Check FID, Inception Score, KID, precision and recall, coverage and Vendi where a formula gives them."""
    yield from _frechet()
    yield from _scores()
    yield from _neighbors()


def _frechet() -> Iterator[Check]:
    rng = np.random.RandomState(0)
    basis = np.linalg.qr(rng.normal(size=(64, 64)))[0]
    real, fake = rng.uniform(0.1, 4, 64), rng.uniform(0.1, 4, 64)
    shift = rng.normal(size=64)
    expected = float(shift @ shift + ((np.sqrt(real) - np.sqrt(fake)) ** 2).sum())
    distance = frechet_distance(np.zeros(64), (basis * real) @ basis.T, shift, (basis * fake) @ basis.T)
    yield Check("Fréchet distance of covariances that commute", distance, expected, 1e-10)
    x = rng.normal(size=(FEW, DIM))
    trace = float(x.var(axis=0, ddof=1).sum())
    yield Check(f"FID(X, X), {FEW} rows in {DIM} dimensions", fid(x, x), 0.0, 1e-9 * trace)
    # The unbiased covariance divides by N - 1.
    twice = trace * (1 - math.sqrt((2 * FEW - 2) / (2 * FEW - 1))) ** 2
    yield Check("FID(X, X twice)", fid(x, np.concatenate([x, x])), twice, 1e-9 * trace)
    far = torch.from_numpy(1e4 + rng.normal(size=(1000, 8)))
    parts = [Moments.of(part) for part in far.split([1, 99, 400, 500])]
    merged = (parts[0].merge(parts[1])).merge(parts[2].merge(parts[3]))
    error = float((merged.covariance() - torch.cov(far.T - far.T.mean(dim=1, keepdim=True))).abs().max())
    yield Check("covariance of merged parts, far from 0", error, 0.0, 1e-9)


def _scores() -> Iterator[Check]:
    certain = 1000.0 * np.eye(10)[np.arange(100) % 10]
    yield Check("IS of certain guesses at 10 classes", inception_score(certain, splits=1).value, 10.0, 1e-9)
    yield Check("IS of equal guesses", inception_score(np.zeros((100, 10)), splits=1).value, 1.0, 1e-12)
    real, fake = np.full((10, 4), 0.5), np.full((10, 4), 1.5)
    value = kid(real, fake, subset_size=10, num_subsets=3).value
    # (1 + 0.25)³ + (1 + 2.25)³ - 2 (1 + 0.75)³
    yield Check("KID of two points", value, 25.5625, 1e-10)
    # The eigenvalues of the kernel below.
    shares = np.array([1.9, 1.0, 0.1]) / 3
    value = vendi_of_kernel(np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]]))
    yield Check("Vendi score of its authors' example", value, float(np.exp(-(shares * np.log(shares)).sum())), 1e-12)


def _neighbors() -> Iterator[Check]:
    line = np.arange(40.0)[:, None]
    same, half = precision_recall(line, line), precision_recall(line, np.concatenate([line[:20], line[:20] + 1e6]))
    yield Check("precision of a set with itself", same.precision, 1.0, 0.0)
    yield Check("precision where half of the fakes are far away", half.precision, 0.5, 0.0)
    yield Check("coverage of a set with itself", density_coverage(line, line).coverage, 1.0, 0.0)
