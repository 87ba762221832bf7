"""Mean and scatter of a stream of vectors, as values that merge (Chan, Golub, LeVeque 1979)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

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
        """The moments of no vectors, the neutral element of ``merge``."""
        return Moments(0, torch.zeros(dim, dtype=torch.float64), torch.zeros(dim, dim, dtype=torch.float64))

    @staticmethod
    def of(features: Features) -> Moments:
        """The moments of [N, D] vectors of any floating type, N >= 1, computed in float64 on their device."""
        x = features.to(torch.float64)
        mean = x.mean(dim=0)
        centred = x - mean
        return Moments(len(x), mean, centred.T @ centred)

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets together."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        scatter = self.scatter + other.scatter
        return Moments(count, mean, scatter.addr_(delta, delta, alpha=self.count * other.count / count))

    def covariance(self) -> Tensor:
        """The unbiased covariance, scatter / (n - 1): [D, D].

        Raises
        ------
        InputError
            Fewer than two vectors have no covariance.
        """
        if self.count < 2:
            what = f"a covariance needs at least 2 images, found {self.count}"
            raise InputError(what, hint="Add images", code="E-TOO-FEW")
        return self.scatter / (self.count - 1)

    def trace(self) -> float:
        """The trace of the covariance."""
        return float(self.scatter.trace()) / max(self.count - 1, 1)
