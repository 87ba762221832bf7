"""A uniform sample of a set's rows, in random order, the same however the set is cut into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 10_000  # tell a standard error to within a hundredth of itself
SEED = 2020


class Sample:
    """Keeps the rows with the smallest of keys drawn row by row: ``rows`` of them, sorted by key."""

    def __init__(self, rows: int = ROWS) -> None:
        self.limit, self.rng = rows, seeded(SEED)
        self.keys, self.rows = torch.empty(0, dtype=torch.float64), torch.empty(0)

    def add(self, rows: Tensor) -> None:
        keys = torch.from_numpy(self.rng.random_sample(len(rows)))
        if len(self.rows) == self.limit:  # most of a long run leaves the sample as it is
            is_in = keys < self.keys[-1]
            keys, rows = keys[is_in], rows[is_in]
        if len(keys):
            keys, order = torch.cat([self.keys, keys]).sort()
            self.keys = keys[: self.limit]
            self.rows = torch.cat([self.rows.reshape(-1, rows.shape[1]), rows])[order[: self.limit]]


def sampled(rows: Tensor) -> Tensor:
    """The sample of rows that are all at hand."""
    sample = Sample()
    sample.add(rows)
    return sample.rows
