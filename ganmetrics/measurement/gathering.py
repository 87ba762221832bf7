"""What readers gather of a set, batch by batch; the gatherings of its parts merge into that of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ganmetrics.data import Notes
from ganmetrics.errors import InputError
from ganmetrics.measurement.digests import PixelDigests
from ganmetrics.measurement.pixel_range import PixelValues
from ganmetrics.measurement.row_sample import IMAGES, Sample
from ganmetrics.measurement.thumbnails import Thumbnails
from ganmetrics.metrics.needs import Kind, Need
from ganmetrics.numerics.memory import memory_budget
from ganmetrics.numerics.moments import Moments, RunningMoments
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors.extractor import Extractor
    from ganmetrics.types import Images

BLOCK = 512  # rows merged at a time: a rank-512 update of the scatter is bound by arithmetic, a rank-32 one by memory
SAMPLE_BYTES = 512 << 20  # of the images that are kept, where no limit of memory was set
LEVELS = ("flat", "levels-0-1")  # kinds of image that are told from its pixels


class ImageRecord:
    """What is known of images before any network: places, digests, notes, and some or all of them in small.

    Parameters
    ----------
    has_sample : bool
        Whether 2,000 of the images are kept.
    thumbnails : Thumbnails or None
        Where pictures of all images go.
    """

    def __init__(self, *, has_sample: bool = False, thumbnails: Thumbnails | None = None) -> None:
        self.sample = Sample(IMAGES, memory_budget(SAMPLE_BYTES)) if has_sample else None
        self.thumbnails = thumbnails
        self.pixels, self.values, self.notes = PixelDigests(), PixelValues(), Notes()
        self.places: list[Tensor] = []

    def add(self, images: Images, places: Tensor) -> None:
        """Take in uint8 images [N, 3, H, W] and their places in the set, int64 [N]."""
        self.pixels.add(images)
        self.places.append(places)
        self._note_levels(images)
        for keeper in (self.sample, self.thumbnails):
            if keeper is not None:
                keeper.add(images.cpu(), places)

    def __len__(self) -> int:
        return len(self.pixels)

    def merge(self, other: ImageRecord) -> None:
        """Take in what was seen of another part of the set."""
        self.pixels.merge(other.pixels)
        self.values.merge(other.values)
        self.places += other.places
        self.notes.merge(other.notes)
        if self.sample is not None and other.sample is not None:
            self.sample.merge(other.sample)
        if self.thumbnails is not None and other.thumbnails is not None:
            self.thumbnails.merge(other.thumbnails)

    def moved(self, by: int) -> ImageRecord:
        """A copy, so many places further on; without thumbnails."""
        found = ImageRecord()
        found.merge(self)
        found.places = [places + by for places in self.places]
        found.sample = self.sample and self.sample.moved(by)
        return found

    def order(self) -> Tensor | None:
        """How to put what was seen into the order of the set, int64 [N]; ``None`` where it is in order.

        Raises
        ------
        InputError
            Images that were read twice.
        """
        places = torch.cat(self.places) if self.places else torch.empty(0, dtype=torch.int64)
        if bool((places.diff() > 0).all()):
            return None
        order = places.argsort()
        repeated = (places[order].diff() == 0).sum()
        if repeated:
            what = f"{int(repeated)} of {len(places)} images have a place in the set that others have too"
            hint = "Give every rank images of its own; samplers that make all shares equal repeat some"
            raise InputError(what, hint=hint, code="E-REPEATED")
        return order

    def _note_levels(self, images: Images) -> None:
        """Count pixel values, the images of a single colour, and those that would be black but for a value of 1."""
        low, high = images.flatten(2).aminmax(dim=2)  # [N, 3] each
        self.values.add(images, low.amin(dim=1), high.amax(dim=1))
        for kind, is_so in zip(LEVELS, ((low == high).all(dim=1), high.amax(dim=1) == 1), strict=True):
            self.notes.kinds[kind] += int(is_so.sum())


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
        self.keepers: Mapping[Need, Keeper] = {need: _keeper(need.kind, max_rows) for need in needs}

    @property
    def layers(self) -> list[str]:
        """The layers that the extractor must yield."""
        return sorted(set(self.layer_of.values()))

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


def _keeper(kind: Kind, max_rows: float) -> Keeper:
    if kind is Kind.MOMENTS:
        return MomentsKeeper()
    if kind is Kind.SPREAD:
        return SpreadKeeper()
    return Sample(max_rows, is_ordered=True) if kind is Kind.ROWS else Sample()


class PartialStatistics:
    """All that one reader has of a set, or of its share of one.

    Merging takes in tensors and never changes them, so that a copy costs little.
    """

    def __init__(self, seen: ImageRecord, collector: Collector) -> None:
        self.seen, self.collector = seen, collector

    def __len__(self) -> int:
        return len(self.seen)

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
