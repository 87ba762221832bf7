"""Mean and scatter of a stream of vectors, as values that merge (Chan, Golub, LeVeque 1979)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.linalg import blas

from ganmetrics.errors import InputError
from ganmetrics.numerics.cholesky import mirrored, pivoted

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.cholesky import Pivoted
    from ganmetrics.types import Features


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter of a set of vectors; merging any split of a set in any order gives the whole.

    Attributes
    ----------
    count : int
        The number n of vectors.
    mean : Tensor, float64 [D]
        Their mean; zero where ``count`` is 0.
    scatter : Tensor, float64 [D, D]
        The sum of (x - mean)(x - mean)^T, which is (n - 1) times the covariance.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @staticmethod
    def empty(dim: int) -> Moments:
        """Return the moments of no vectors, the neutral element of ``merge``."""
        return Moments(0, torch.zeros(dim, dtype=torch.float64), torch.zeros(dim, dim, dtype=torch.float64))

    @staticmethod
    def of(features: Features) -> Moments:
        """Compute the moments of [N, D] vectors of any floating type, N >= 1, in float64 on their device."""
        x = features.to(torch.float64)
        mean = x.mean(dim=0)
        centred = x - mean
        return Moments(len(x), mean, centred.T @ centred)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets together."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        # The scatter of n and m rows together is both scatters and n m / (n + m) δ δᵀ, with δ between the means.
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        scatter = self.scatter + other.scatter
        return Moments(count, mean, scatter.addr_(delta, delta, alpha=self.count * other.count / count))

    def covariance(self) -> Tensor:
        """Return the unbiased covariance, scatter / (n - 1): [D, D].

        Raises
        ------
        InputError
            Fewer than two vectors have no covariance.
        """
        if self.count < 2:
            what = f"a covariance needs at least 2 images, found {self.count}"
            raise InputError(what, hint="Add images", code="E-TOO-FEW")
        return self.scatter / (self.count - 1)

    @cached_property
    def factor(self) -> Pivoted:
        """The pivoted Cholesky factor of the covariance, taken once and kept.

        Raises
        ------
        StatisticsError
            The scatter is not symmetric, not positive semidefinite, or not finite.
        """
        return pivoted(self.covariance().cpu().numpy())

    def trace(self) -> float:
        """Return the trace of the covariance."""
        return float(self.scatter.trace()) / max(self.count - 1, 1)


class RunningMoments:
    """Moments that take in blocks of vectors in place, on the CPU, by one symmetric update (BLAS ``dsyrk``) for each.

    Parameters
    ----------
    start : Moments or None
        Of the vectors so far, which are left as they are.

    Notes
    -----
    A block of m vectors adds its own scatter and (n m / (n + m)) δ δᵀ, with δ the difference of the means: the same as
    the scatter of the block with one more row √(n m / (n + m)) δ. Only half of the matrix is kept up to date.
    """

    def __init__(self, start: Moments | None = None) -> None:
        start = start or Moments.empty(0)
        self.count, self.mean = start.count, start.mean.clone()
        self._lower = np.array(start.scatter.numpy(), order="F")

    def add(self, features: Features) -> None:
        """Take in [N, D] vectors of any floating type, N >= 1."""
        x = features.to("cpu", torch.float64)
        mean = x.mean(dim=0)
        if not self.count:
            self.mean, self._lower = torch.zeros_like(mean), np.zeros((len(mean), len(mean)), order="F")
        total = self.count + len(x)
        delta = mean - self.mean
        # One more row √(n m / (n + m)) δ carries the difference of the means into the same rank update.
        rows = np.empty((len(x) + 1, len(mean)))
        np.subtract(x.numpy(), mean.numpy(), out=rows[:-1])
        np.multiply(delta.numpy(), (self.count * len(x) / total) ** 0.5, out=rows[-1])
        self._lower = blas.dsyrk(1.0, rows.T, 1.0, self._lower, lower=1, overwrite_c=1)
        self.mean += delta * (len(x) / total)
        self.count = total

    def merge(self, other: Moments) -> None:
        """Take in the moments of other vectors."""
        whole = RunningMoments(self.value().merge(other))
        self.count, self.mean, self._lower = whole.count, whole.mean, whole._lower

    def value(self) -> Moments:
        """Return the moments of all vectors so far, which later ones do not change."""
        return Moments(self.count, self.mean.clone(), torch.from_numpy(mirrored(self._lower)))


def narrow_moments(features: Features) -> Moments:
    """Compute the moments of [N, D] vectors in their own type, as packages do that do not widen them.

    Below full rank rounding leaves negative variances, which count as 0: such packages drop them with the imaginary
    part of a root.
    """
    mean = features.mean(dim=0)
    centred = features - mean
    values, vectors = torch.linalg.eigh((centred.T @ centred).double())
    scatter = (vectors * values.clamp(min=0)) @ vectors.T
    return Moments(len(centred), mean.double(), (scatter + scatter.T) / 2)
