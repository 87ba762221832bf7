"""Counts over modes or bins, and the nearest mode of a mixture; in float64, divergences in nats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


# Distances that differ by less than this share of themselves are equal.
TIE = 1e-9


def captured_modes(counts: Tensor) -> int:  # [K] -> 0..K
    """Count the modes with at least one sample."""
    return int((counts > 0).sum())


def divergence_from_uniform(counts: Tensor) -> float:  # [K] -> 0..log K, NaN without samples
    """Return KL(p || uniform) = log K - H(p) of the shares p = counts / N.

    Biased upward: about (K - 1) / 2N of N samples that are uniform. Without any sample p is undefined: NaN.
    """
    p = counts.to(torch.float64) / counts.sum()
    # Rounding may leave the sum a little below 0.
    return float((math.log(len(p)) + torch.special.xlogy(p, p).sum()).clamp(min=0))


def two_proportion_z(
    real_counts: Tensor,
    fake_counts: Tensor,
    confusion: Tensor | float = 0.0,
    totals: tuple[Tensor, Tensor] | None = None,
) -> Tensor:  # [K], [K] -> [K]
    """Return the difference of each bin's shares, real less fake, in standard errors of the pooled share.

    z = (r - f) / sqrt((p (1 - p) + c) (1 / N + 1 / M)) with p the share in both sets together and c what confusion of
    bins adds to the variance; 0 where that is 0. ``totals`` are N and M, by default the sums of the counts.
    """
    real, fake = real_counts.to(torch.float64), fake_counts.to(torch.float64)
    n, m = totals or (real.sum(), fake.sum())
    p = (real + fake) / (n + m)
    difference, variance = real / n - fake / m, (p * (1 - p) + confusion) * (1 / n + 1 / m)
    return torch.where(variance > 0, difference / variance.sqrt(), 0.0)


def nearest_mode(points: Tensor, centers: Tensor, std: float) -> tuple[Tensor, Tensor]:  # [N, D], [K, D] -> [N], [N]
    """Find the nearest of equal isotropic Gaussians: its index, the first of equals, and ``|x - c| / std``."""
    # The expansion |x|² - 2 x·c + |c|² would lose the digits of a std that is small beside the centres.
    distances = torch.cdist(points, centers, compute_mode="donot_use_mm_for_euclid_dist")
    least = distances.amin(dim=1)
    return (distances <= least[:, None] * (1 + TIE)).to(torch.int8).argmax(dim=1), least / std
