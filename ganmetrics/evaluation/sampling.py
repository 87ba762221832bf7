"""A uniform sample of a set's rows, in random order, the same however the set is cut into batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 10_000  # tell a standard error to within a hundredth of itself
IMAGES = 2_000  # of a thousand pairs
SEED = 2020


class Sample:
    """Keeps the rows with the smallest of keys drawn row by row: ``limit`` of them, sorted by key."""

    def __init__(self, limit: int = ROWS) -> None:
        self.limit, self.rng = limit, seeded(SEED)
        self.keys = torch.empty(0, dtype=torch.float64)
        self.kept: list[Tensor] = []  # the sample, and what joins it when as much again has come
        self.border = math.inf
        self.is_of_one_shape = True

    def add(self, rows: Tensor) -> None:
        """More rows, which are left where they have another shape than those before: then there is no sample."""
        self.is_of_one_shape &= not self.kept or self.kept[0].shape[1:] == rows.shape[1:]
        if not self.is_of_one_shape:
            return
        keys = torch.from_numpy(self.rng.random_sample(len(rows)))
        is_in = keys < self.border  # most of a long run leaves the sample as it is
        self.keys = torch.cat([self.keys, keys[is_in]])
        self.kept.append(rows[is_in.to(rows.device)])
        if len(self.keys) >= 2 * self.limit:
            self._settle()

    @property
    def rows(self) -> Tensor:
        """The sample."""
        self._settle()
        return self.kept[0]

    def _settle(self) -> None:
        self.keys, order = self.keys.sort()
        self.keys, order = self.keys[: self.limit], order[: self.limit]
        self.kept = [torch.cat(self.kept)[order]]
        self.border = float(self.keys[-1]) if len(self.keys) == self.limit else math.inf


def sampled(rows: Tensor) -> Tensor:
    """The sample of rows that are all at hand."""
    sample = Sample()
    sample.add(rows)
    return sample.rows
