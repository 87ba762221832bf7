"""Families of features for the study of intervals: distributions of several kinds, each with a fake side slightly off.

Features of a network are positive, skewed and heavy-tailed in ways that no single simulation shows. An interval is
believed only where it covers in every family here; two of them (log-normal and ring) were added after the methods were
chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.measurement.recipe import Recipe
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from ganmetrics.types import Images

    Rows = np.ndarray[Any, np.dtype[np.float64]]
    Draw = Callable[[np.random.RandomState, int, int, float], Rows]

SPECTRUM = 6.0  # of d dimensions, d / 6 hold most of the variance
NUM_CLASSES = 10
SIDE, COARSE = 24, 4  # pixels of the pictures that MS-SSIM compares on two scales, and of what they are made from
RECIPE = Recipe("simulated", "simulated", "none")


def rectified(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """Rectified and rotated Student-t variables with 8 degrees of freedom and a decaying spectrum."""
    scales = np.exp(-np.arange(dim) * SPECTRUM / dim / 2)
    z = (rng.standard_t(8, (count, dim)) * (1 + delta / 2) + delta) * scales
    return np.maximum(z @ _rotation(dim) + 0.1, 0)


def nonlinear(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """Features of a random two-layer network of eight Gaussian latents: correlated, rectified, of low rank inside."""
    fixed = np.random.RandomState(dim)
    first, second = fixed.randn(8, 32) / 8**0.5, fixed.randn(32, dim) / 32**0.5
    z = rng.randn(count, 8) * (1 + delta / 3) + delta / 2
    return np.maximum(np.maximum(z @ first, 0) @ second + 0.1 * rng.randn(count, dim), 0)


def clusters(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """A mixture of eight Gaussian clusters whose shares differ between the sides."""
    centres = np.random.RandomState(dim).randn(8, dim) * 2
    shares = np.linspace(1.0, 1.0 + delta, 8)
    return centres[rng.choice(8, count, p=shares / shares.sum())] + rng.randn(count, dim) * (1 + delta / 4)


def counts(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """Poisson counts whose rates share one random factor a row."""
    rates = np.random.RandomState(dim).gamma(2.0, 1.0, dim) * (1 + delta / 2)
    return rng.poisson(rates * rng.gamma(4.0, 0.25, (count, 1))).astype(np.float64)


def heavy(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """Student-t variables with 5 degrees of freedom, of which FID's spread has barely a variance."""
    return rng.standard_t(5, (count, dim)) * (1 + delta / 2) + delta / 2


def lognormal(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """Exponentials of correlated Gaussian variables: positive and strongly skewed."""
    common = rng.randn(count, 1)
    return np.exp(0.35 * common + 0.35 * rng.randn(count, dim) @ _rotation(dim) + delta / 3)


def ring(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """Points along one closed curve, unevenly drawn, with a little noise: a manifold of one dimension."""
    angle = 2 * np.pi * rng.beta(2 + delta * 2, 2, (count, 1))
    waves = np.arange(1, dim // 2 + 1)
    curve = np.concatenate([np.cos(angle * waves), np.sin(angle * waves)], axis=1) / np.sqrt(np.tile(waves, 2))
    rows = np.zeros((count, dim))
    rows[:, : curve.shape[1]] = curve
    return rows + 0.05 * rng.randn(count, dim)


def rare(rng: np.random.RandomState, count: int, dim: int, delta: float) -> Rows:
    """A Gaussian with a far mode of 1 % of the images: small samples hold none of them, or several."""
    rows = rng.randn(count, dim) * (1 + delta / 4) + delta / 4
    rows[rng.random_sample(count) < 0.01] += 3.0
    return rows


FAMILIES: dict[str, Draw] = {
    "rectified t": rectified,
    "nonlinear": nonlinear,
    "clusters": clusters,
    "counts": counts,
    "heavy tails": heavy,
    "log-normal": lognormal,
    "ring": ring,
    "rare mode": rare,
}


def draw(
    family: str, seed: tuple[int, ...], count: int, dim: int, delta: float = 0.0, *, has_images: bool = False
) -> Statistics:
    """One set of a family with everything that a metric of the catalogue reads: ``count`` rows in ``dim`` dimensions.

    ``delta`` says how far the set lies from the real one; 0 is the real distribution itself. Pictures are made of the
    rows where ``has_images``.
    """
    rows = torch.from_numpy(FAMILIES[family](np.random.RandomState(seed), count, dim, delta).astype(np.float32))
    centre, scale = _location(family, dim)
    centred = (rows - centre) / scale
    moments = Moments.of(rows)
    return Statistics(
        RECIPE,
        count,
        "unknown",
        moments=moments,
        spatial_moments=moments,
        features=rows,
        spatial_sample=rows,
        logits=2 * centred @ _matrix(dim, NUM_CLASSES),
        labels=torch.from_numpy(np.random.RandomState([*seed, 1]).randint(0, 4, count)),
        classes=tuple("abcd"),
        spread=Spread.of(rows),
        images=_pictures(centred[:1000] @ _matrix(dim, 3 * COARSE**2)) if has_images else None,
    )


def _pictures(values: torch.Tensor) -> Images:
    """Smooth pictures of random values [N, 3 * COARSE²]."""
    blocks = values.view(-1, 3, COARSE, COARSE)
    smooth = torch.nn.functional.interpolate(128 + 40 * blocks, size=SIDE, mode="bilinear")
    return smooth.clamp(0, 255).to(torch.uint8)


@cache
def _matrix(dim: int, width: int) -> torch.Tensor:
    """A fixed random projection that keeps the scale."""
    return torch.from_numpy(np.random.RandomState([dim, width]).randn(dim, width).astype(np.float32)) / dim**0.5


@cache
def _location(family: str, dim: int) -> tuple[torch.Tensor, float]:
    """The means of a family's real distribution and the spread of all its values, from 2,000 rows."""
    rows = torch.from_numpy(FAMILIES[family](np.random.RandomState(dim), 2000, dim, 0.0).astype(np.float32))
    return rows.mean(dim=0), float(rows.std())


@cache
def _rotation(dim: int) -> Rows:
    return np.linalg.qr(np.random.RandomState(dim).randn(dim, dim))[0]
