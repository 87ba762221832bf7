"""Leaving out each row: the closed form for all rows at once against the statistic of the others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.metrics.fid import fid_losses
from ganmetrics.metrics.inception_score import inception_score_losses
from ganmetrics.numerics.moments import Moments

FAMILIES = {
    "normal": lambda rng, n, d: rng.randn(n, d),
    "heavy tails": lambda rng, n, d: rng.standard_t(3, (n, d)),
    "counts": lambda rng, n, d: rng.poisson(1.5, (n, d)).astype(float),
    "correlated": lambda rng, n, d: np.tanh(rng.randn(n, d) @ np.random.RandomState(7).randn(d, d)) ** 3,
    "two kinds": lambda rng, n, d: rng.randn(n, d) * 0.1 + 5 * rng.randint(0, 2, (n, 1)),
    "one dimension is constant": lambda rng, n, d: rng.randn(n, d) * (np.arange(d) > 0),
}
DIM = 12


@pytest.mark.parametrize("denominator", ["n-1", "n"])
@pytest.mark.parametrize("count", [3, 5, 12, 13, 14, 30, 200])
@pytest.mark.parametrize("family", FAMILIES)
def test_fid_without_each_image(family: str, count: int, denominator: str) -> None:
    """With fewer images than dimensions, as many, and more; in other units too."""
    rng = np.random.RandomState(count)
    unit = 10.0 ** rng.choice([-60, -3, 0, 3, 60])
    real, fake = (unit * FAMILIES[family](rng, n, DIM) for n in (300, count))
    fake[0] += 3 * unit
    found = fid_losses(Moments.of(torch.from_numpy(real)), torch.from_numpy(fake), denominator)
    whole = gm.functional.fid(real, fake, denominator=denominator)
    for index in range(0, count, max(1, count // 5)):
        without = gm.functional.fid(real, np.delete(fake, index, axis=0), denominator=denominator)
        assert found[index] == pytest.approx(whole - without, rel=1e-6, abs=1e-7 * whole)


def test_fid_of_equal_images_loses_nothing() -> None:
    real = torch.from_numpy(np.random.RandomState(0).randn(50, 4))
    assert fid_losses(Moments.of(real), torch.ones(5, 4)) == pytest.approx(np.zeros(5), abs=1e-12)


@pytest.mark.parametrize(("count", "splits"), [(2, 1), (40, 1), (41, 4), (400, 10)])
def test_the_inception_score_without_each_image(count: int, splits: int) -> None:
    """Of a single split the score of the others; of several the score with the others in their splits."""
    logits = torch.from_numpy(3 * np.random.RandomState(count).randn(count, 10))
    found = inception_score_losses(None, logits, splits)
    whole = gm.functional.inception_score(logits, splits=splits).value
    order = np.random.RandomState(2020).permutation(count)
    bounds = [i * count // splits for i in range(splits + 1)]
    parts = [order[start:stop] for start, stop in itertools.pairwise(bounds)]
    for index in (0, 1, count // 2):
        kept = [logits[part[part != index]] for part in parts]
        without = np.mean([gm.functional.inception_score(part, splits=1).value for part in kept])
        assert found[index] == pytest.approx(whole - without, rel=1e-7, abs=1e-12)


def test_sets_too_small_to_leave_one_out_are_refused() -> None:
    real = Moments.of(torch.randn(9, 2))
    with pytest.raises(gm.InputError, match="FID without one of 2 fakes"):
        fid_losses(real, torch.randn(2, 2))
    with pytest.raises(gm.InputError, match="19 images in 10 splits"):
        inception_score_losses(None, torch.randn(19, 3))
