"""A uniform sample of a set's rows, the same however the set is cut into batches or shared among readers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 10_000  # tell a standard error to within a hundredth of itself
IMAGES = 2_000  # of a thousand pairs
SEED = 2020


class Sample:
    """Keeps the rows with the smallest keys: ``limit`` of them.

    A row's key follows from its place in the set alone, so that samples of parts merge into that of the whole. There is
    no sample of rows that have several shapes, or that would take more than ``most_bytes``.
    """

    def __init__(self, limit: float = ROWS, most_bytes: float = math.inf, *, is_ordered: bool = False) -> None:
        self.limit, self.most_bytes, self.is_ordered = limit, most_bytes, is_ordered
        self.kept: list[Rows] = []  # the sample, and what came after it was settled
        self.count, self.border = 0, math.inf
        self.is_possible = True

    def add(self, rows: Tensor, places: Tensor) -> None:
        """Take in more rows, [N, ...], and their places in the set, int64 [N]."""
        self._add(Rows(_keys(places), places, rows))

    def merge(self, other: Sample) -> None:
        """Take in the sample of another part of the set."""
        self.is_possible &= other.is_possible
        for rows in other.kept:
            self._add(rows)

    def moved(self, by: int) -> Sample:
        """A copy of the sample, so many places further on in a set; its keys stay, so that it stays as random."""
        found = Sample(self.limit, self.most_bytes, is_ordered=self.is_ordered)
        found.count, found.border, found.is_possible = self.count, self.border, self.is_possible
        found.kept = [rows._replace(places=rows.places + by) for rows in self.kept]
        return found

    def value(self) -> Tensor | None:
        """The sample, in the order of the set where ``is_ordered``; ``None`` where there is none."""
        return self.in_order() if self.is_ordered else self.rows

    @property
    def rows(self) -> Tensor | None:
        """The sample in random order, the order of the keys; ``None`` where there is none."""
        if not self.is_possible or not self.kept:
            return None
        self._settle()
        return self.kept[0].rows

    def in_order(self) -> Tensor | None:
        """The sample in the order of the set; ``None`` where there is none."""
        if not self.is_possible or not self.kept:
            return None
        if self.count > self.limit:
            self._settle()
        _, places, rows = self.joined()
        return rows if bool((places.diff() > 0).all()) else rows[places.argsort()]

    def joined(self) -> Rows:
        """What is kept, in one piece."""
        if len(self.kept) > 1:
            self.kept = [Rows(*(torch.cat(parts) for parts in zip(*self.kept, strict=True)))]
        return self.kept[0]

    def _add(self, more: Rows) -> None:
        self.is_possible &= not self.kept or self.kept[0].rows.shape[1:] == more.rows.shape[1:]
        if not self.is_possible:
            self.kept = []
            return
        if self.border < math.inf:  # most of a long run leaves the sample as it is
            more = more.at(more.keys < self.border)
        self.kept.append(more)
        self.count += len(more.rows)
        is_too_much = sum(rows.rows.nbytes for rows in self.kept) > self.most_bytes
        if self.count >= 2 * self.limit or (is_too_much and self.count > self.limit):
            self._settle()
            is_too_much = self.kept[0].rows.nbytes > self.most_bytes
        if is_too_much:
            self.is_possible, self.kept = False, []

    def _settle(self) -> None:
        joined = self.joined()
        order = joined.keys.argsort()
        order = order[: int(self.limit)] if len(order) > self.limit else order
        settled = joined.at(order)
        self.kept, self.count = [settled], len(order)
        self.border = float(settled.keys[-1]) if len(order) == self.limit else math.inf


class Rows(NamedTuple):
    """Some rows [n, ...], their places in the set, int64 [n], and their keys, float64 [n]."""

    keys: Tensor
    places: Tensor
    rows: Tensor

    def at(self, index: Tensor) -> Rows:
        return Rows(self.keys[index], self.places[index], self.rows[index.to(self.rows.device)])


def sampled(rows: Tensor) -> Tensor | None:
    """The sample of rows that are all at hand."""
    sample = Sample()
    sample.add(rows, torch.arange(len(rows)))
    return sample.rows


def _keys(places: Tensor) -> Tensor:
    """Numbers in 0..1 that follow from whole numbers as if drawn: int64 [N] -> float64 [N], by SplitMix64's mixing.

    Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators. OOPSLA 2014.
    """
    z: np.ndarray[Any, Any] = (places.numpy().astype(np.uint64) + np.uint64(SEED)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return torch.from_numpy(((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53)
