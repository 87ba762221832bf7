"""Mixtures of isotropic Gaussians with given centres, fitted by expectation maximisation of their variances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.neighbors import squared_distances

if TYPE_CHECKING:
    from torch import Tensor

STEPS, TOLERANCE = 100, 1e-5  # the latter of the mean log likelihood for each dimension
FLOOR = 1e-6  # of a variance: that of a centre on a row it is fitted to would vanish
BLOCK = 1024  # rows


@dataclass(frozen=True)
class MixtureOfCenters:
    """Equal weights, one variance for each centre.

    Attributes
    ----------
    centers : Tensor, [M, D]
    variances : Tensor, float64 [M]
    """

    centers: Tensor
    variances: Tensor

    @staticmethod
    def fitted(centers: Tensor, rows: Tensor) -> MixtureOfCenters:
        """The variances that maximise the likelihood of rows, from 1 on: [M, D], [N, D]."""
        squares = _squares(rows, centers)
        variances = torch.ones(len(centers), dtype=torch.float64, device=centers.device)
        before = -math.inf
        for _ in range(STEPS):
            likelihood, variances = _step(squares, variances, centers.shape[1])
            if likelihood - before < TOLERANCE * centers.shape[1]:
                break
            before = likelihood
        return MixtureOfCenters(centers, variances)

    def mean_log_likelihood(self, rows: Tensor) -> float:  # [N, D]
        found = [
            torch.logsumexp(_logs(_squares(part, self.centers), self.variances, rows.shape[1]), dim=1)
            for part in rows.split(BLOCK)
        ]
        return float(torch.cat(found).double().mean()) - math.log(len(self.centers))


def _step(squares: Tensor, variances: Tensor, dim: int) -> tuple[float, Tensor]:
    """The mean log likelihood before, and the variances after one step."""
    weights, sums, total = torch.zeros_like(variances), torch.zeros_like(variances), 0.0
    for part in squares.split(BLOCK):
        logs = _logs(part, variances, dim)
        of_rows = torch.logsumexp(logs, dim=1, keepdim=True)
        shares = logs.sub_(of_rows).exp_()  # [n, M]
        weights += shares.sum(dim=0, dtype=torch.float64)
        sums += shares.mul_(part).sum(dim=0, dtype=torch.float64)
        total += float(of_rows.double().sum())
    is_used = weights > FLOOR  # a centre that explains no row keeps its variance
    found = (sums / (dim * weights).clamp_min(FLOOR)).clamp_min(FLOOR)
    return total / len(squares) - math.log(squares.shape[1]), torch.where(is_used, found, variances)


def _logs(squares: Tensor, variances: Tensor, dim: int) -> Tensor:  # [n, M] -> [n, M], without the weights
    constant = -dim / 2 * torch.log(2 * math.pi * variances)
    return torch.addcmul(constant.to(squares.dtype), squares, (-0.5 / variances).to(squares.dtype))


def _squares(x: Tensor, y: Tensor) -> Tensor:  # [N, D], [M, D] -> float32 [N, M]
    return torch.cat([squared_distances(part, y).to(torch.float32) for part in x.split(BLOCK)])
