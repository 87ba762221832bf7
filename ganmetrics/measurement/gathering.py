"""What readers gather of a set, batch by batch; the gatherings of its parts merge into that of the whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch

from ganmetrics.metrics.needs import Kind, Need
from ganmetrics.numerics.moments import Moments, RunningMoments
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors.extractor import Extractor
    from ganmetrics.measurement.image_record import ImageRecord

# Rows merged at a time: a rank-512 update of the scatter is bound by arithmetic, a rank-32 one by memory.
BLOCK = 512
SAMPLE_ROWS = 10_000  # tell a standard error to within a hundredth of itself
SEED = 2020  # of the sample's keys


class Collector:
    """Gathers what the metrics of a run read of a network's layers, in constant memory where only moments are read.

    Parameters
    ----------
    reads : iterable of Need
        What the metrics read of the network.
    extractor : Extractor
        Says which layer each need reads.
    max_rows : float
        The most rows of features and of logits that are kept; of more images a sample stays.
    """

    def __init__(self, reads: Iterable[Need], extractor: Extractor, max_rows: float = math.inf) -> None:
        wanted = set(reads)
        # A sample follows from the rows of its layer, where these are kept anyway.
        spared = {need for need in wanted if need.kind is Kind.SAMPLE and need.also_as(Kind.ROWS) in wanted}
        needs = sorted(wanted - spared, key=lambda need: need.name)
        self.max_rows, self.count = max_rows, 0
        self.layer_of: Mapping[Need, str] = {need: extractor.layer_for(need) for need in needs}
        self.layers = sorted(set(self.layer_of.values()))  # that the extractor must yield
        keepers: dict[Kind, Callable[[], Keeper]] = {
            Kind.MOMENTS: MomentsKeeper,
            Kind.SPREAD: SpreadKeeper,
            Kind.ROWS: partial(Sample, max_rows, is_ordered=True),
            Kind.SAMPLE: Sample,
        }
        self.keepers: Mapping[Need, Keeper] = {need: keepers[need.kind]() for need in needs}

    def add(self, found: Mapping[str, Tensor], places: Tensor | None = None) -> None:
        """Take in the layers of some images, [N, D] each; without places they follow those before."""
        count = len(next(iter(found.values())))
        places = torch.arange(self.count, self.count + count) if places is None else places
        self.count += count
        for need, keeper in self.keepers.items():
            keeper.add(found[self.layer_of[need]], places)

    def moved(self, by: int) -> Collector:
        """A copy, so many places further on."""
        found = copy(self)
        found.keepers = {need: keeper.moved(by) for need, keeper in self.keepers.items()}
        return found

    def merge(self, other: Collector) -> None:
        """Take in what another reader collected of another part of the set."""
        self.count += other.count
        for need, keeper in self.keepers.items():
            keeper.merge(other.keepers[need])

    def values(self) -> dict[Need, Any]:
        """What was gathered for each need."""
        return {need: keeper.value() for need, keeper in self.keepers.items()}


class Keeper(Protocol):
    """Keeps one need of all images so far; merging and copying change nothing that another keeper holds."""

    def add(self, rows: Tensor, places: Tensor) -> None:
        """Take in rows [N, D] and their places in the set, int64 [N]."""

    def moved(self, by: int) -> Any:
        """A copy, so many places further on."""

    def merge(self, other: Any) -> None:
        """Take in what another keeper of the same need holds of other images."""

    def value(self) -> Any:
        """What the metrics read; ``None`` where there is nothing."""


@dataclass(eq=False)
class PartialStatistics:
    """All that one reader has of a set, or of its share of one.

    Merging takes in tensors and never changes them, so that a copy costs little.
    """

    seen: ImageRecord
    collector: Collector

    def __len__(self) -> int:
        return len(self.seen.pixels)

    def moved(self, by: int = 0) -> PartialStatistics:
        """A copy, for a set of which this is the part that begins so many places further on."""
        return PartialStatistics(self.seen.moved(by), self.collector.moved(by))

    def merge(self, other: PartialStatistics) -> PartialStatistics:
        """This one with another reader's taken in."""
        self.seen.merge(other.seen)
        self.collector.merge(other.collector)
        return self


class MomentsKeeper:
    """Moments of rows that come in batches of any size, taken in in blocks of one."""

    def __init__(self) -> None:
        self.running = RunningMoments()
        self.waiting: list[Tensor] = []

    @property
    def moments(self) -> Moments | None:
        """The moments of the rows that do not wait for a whole block."""
        return self.running.value() if self.running.count else None

    def add(self, rows: Tensor, places: Tensor | None = None) -> None:
        """Take in rows [N, D]; moments are the same in any order, so that places do not matter."""
        self.waiting.append(rows)
        while sum(map(len, self.waiting)) >= BLOCK:
            joined = torch.cat(self.waiting)
            self.running.add(joined[:BLOCK])
            self.waiting = [joined[BLOCK:]]

    def moved(self, by: int) -> MomentsKeeper:
        """A copy."""
        found = MomentsKeeper()
        found.running, found.waiting = RunningMoments(self.moments), list(self.waiting)
        return found

    def merge(self, other: MomentsKeeper) -> None:
        """Take in the moments of other rows, which are left as they are."""
        if (moments := other.moments) is not None:  # a copy, made once
            self.running.merge(moments)
        for rows in other.waiting:
            self.add(rows)

    def value(self) -> Moments | None:
        """The moments of all rows so far; more may follow."""
        rest = torch.cat(self.waiting) if self.waiting else torch.empty(0)
        if not len(rest):
            return self.moments
        whole = RunningMoments(self.moments)
        whole.add(rest)
        return whole.value()


class SpreadKeeper:
    """How far rows lie apart, as long as all have one length."""

    def __init__(self) -> None:
        self.spread: Spread | None = None
        self.is_of_one_size = True

    def add(self, rows: Tensor, places: Tensor) -> None:
        """Take in rows [N, D] and their places in the set, int64 [N]."""
        self._add(Spread.of(rows, places))

    def moved(self, by: int) -> SpreadKeeper:
        """A copy."""
        return copy(self)

    def merge(self, other: SpreadKeeper) -> None:
        """Take in the spread of other rows."""
        self.is_of_one_size &= other.is_of_one_size
        if other.spread is not None:
            self._add(other.spread)

    def value(self) -> Spread | None:
        """The spread of all rows; ``None`` where they have several lengths."""
        return self.spread if self.is_of_one_size else None

    def _add(self, block: Spread) -> None:
        self.is_of_one_size &= self.spread is None or self.spread.means.shape == block.means.shape
        if self.is_of_one_size:
            self.spread = block if self.spread is None else self.spread.merge(block)


class Sample:
    """A uniform sample of rows, the same however a set is cut into batches or shared among readers.

    The ``limit`` rows with the smallest keys are kept. A row's key follows from its place in the set alone, so that
    samples of parts merge into that of the whole. Rows of several shapes, or of more than ``most_bytes``, have none.
    """

    def __init__(self, limit: float = SAMPLE_ROWS, most_bytes: float = math.inf, *, is_ordered: bool = False) -> None:
        self.limit, self.most_bytes, self.is_ordered = limit, most_bytes, is_ordered
        self.kept: list[Rows] = []  # the sample, and what came after it was settled
        self.count, self.border = 0, math.inf
        self.is_possible = True

    def add(self, rows: Tensor, places: Tensor) -> None:
        """Take in more rows, [N, ...], and their places in the set, int64 [N]."""
        # Keys in 0..1 that follow from the places as if drawn, by SplitMix64's mixing (Steele, Lea, Flood: Fast
        # Splittable Pseudorandom Number Generators. OOPSLA 2014): uint64 [N] -> float64 [N].
        z: np.ndarray[Any, Any] = (places.numpy().astype(np.uint64) + np.uint64(SEED)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
        self._add(Rows(torch.from_numpy(keys), places, rows))

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
        if not self.is_ordered:
            return self.rows
        if not self.is_possible or not self.kept:
            return None
        if self.count > self.limit:
            self._settle()
        _, places, rows = self.joined()
        return rows if bool((places.diff() > 0).all()) else rows[places.argsort()]

    @property
    def rows(self) -> Tensor | None:
        """The sample in random order, the order of the keys; ``None`` where there is none."""
        if not self.is_possible or not self.kept:
            return None
        self._settle()
        return self.kept[0].rows

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
