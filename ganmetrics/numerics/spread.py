"""How far rows lie apart, in one pass and without their covariances: groups of rows, each with its mean and scatter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

# Groups of rows, whose differences tell a standard error.
GROUPS = 10


@dataclass(frozen=True)
class Spread:
    """Rows dealt out to groups in turn, each group merged as Chan et al. (1979) merge moments.

    Attributes
    ----------
    counts : Tensor, float64 [G]
    means : Tensor, float32 [G, D]
    scatters : Tensor, float64 [G]
        Sums of squared distances from the mean.
    """

    counts: Tensor
    means: Tensor
    scatters: Tensor

    @staticmethod
    def of(rows: Tensor, places: Tensor | None = None) -> Spread:  # [N, D], int64 [N]
        """Compute the spread of rows [N, D] with their places in the set, int64 [N], by default its first ones."""
        # A row's group follows from its place alone, however the set is cut into batches.
        turns = (torch.arange(len(rows)) if places is None else places) % GROUPS
        groups = [rows[(turns == group).to(rows.device)] for group in range(GROUPS)]
        means = torch.stack([part.mean(dim=0) if len(part) else rows.new_zeros(rows.shape[1]) for part in groups])
        scatters = [_squares(part, mean) for part, mean in zip(groups, means, strict=True)]
        counts = torch.tensor([len(part) for part in groups], dtype=torch.float64)
        return Spread(counts, means.cpu(), torch.tensor(scatters, dtype=torch.float64))

    def merge(self, other: Spread) -> Spread:
        """Return the spread of both sets of rows together."""
        counts = self.counts + other.counts
        share = torch.where(counts > 0, other.counts / counts.clamp_min(1), 0.0)
        delta = other.means - self.means
        # Between the means of n and m rows lies a scatter of n m / (n + m) |δ|²: [G].
        scatters = self.scatters + other.scatters + _norms(delta) * self.counts * share
        return Spread(counts, self.means + delta * share[:, None].float(), scatters)

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    def variance(self, *, leave_out: int | None = None) -> float:
        """Return the trace of the covariance (denominator n - 1), without one group where it is asked for."""
        is_in = torch.ones(len(self.counts), dtype=torch.bool)
        if leave_out is not None:
            is_in[leave_out] = False
        # The scatter of all rows is that within the groups and that of the groups' means about the mean of all.
        counts, means = self.counts[is_in], self.means[is_in]
        total = counts.sum()
        center = (counts.float()[:, None] * means).sum(dim=0) / total.float()
        between = (counts * _norms(means - center)).sum()
        return float((self.scatters[is_in].sum() + between) / (total - 1))


def _squares(rows: Tensor, mean: Tensor) -> float:  # [n, D], [D]
    return float(_norms(rows - mean).sum())


def _norms(rows: Tensor) -> Tensor:  # [n, D] -> float64 [n], squared
    return torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64).square().cpu()
