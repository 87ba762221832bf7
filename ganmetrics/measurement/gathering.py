"""What readers gather of a set, batch by batch; the gatherings of its parts merge into that of the whole."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING

import torch

from ganmetrics.data import Notes
from ganmetrics.errors import InputError
from ganmetrics.measurement.digests import PixelDigests
from ganmetrics.measurement.pixel_range import PixelValues
from ganmetrics.measurement.row_sample import IMAGES, Sample
from ganmetrics.measurement.thumbnails import Thumbnails
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
ROWS = {"features", "logits"}  # of which every image has one that is kept


class Seen:
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

    def merge(self, other: Seen) -> None:
        """Take in what was seen of another part of the set."""
        self.pixels.merge(other.pixels)
        self.values.merge(other.values)
        self.places += other.places
        self.notes.merge(other.notes)
        if self.sample is not None and other.sample is not None:
            self.sample.merge(other.sample)
        if self.thumbnails is not None and other.thumbnails is not None:
            self.thumbnails.merge(other.thumbnails)

    def moved(self, by: int) -> Seen:
        """A copy, so many places further on; without thumbnails."""
        found = Seen()
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
    reads : collection of str
        What the metrics read: ``moments``, ``features``, ``sample`` and so on.
    extractor : Extractor
        Says which layer each of them is.
    max_rows : float
        The most rows of features and of logits that are kept; of more images a sample stays.
    """

    def __init__(self, reads: Iterable[str], extractor: Extractor, max_rows: float = math.inf) -> None:
        self.reads = sorted(set(reads))
        self.max_rows = max_rows
        if "features" in self.reads and "sample" in self.reads:
            self.reads.remove("sample")  # it follows from the rows
        self.layer_of: Mapping[str, str] = {name: extractor.layer_for(name) for name in self.reads}
        self.rows = {name: Sample(max_rows) for name in self.reads if name in ROWS}
        self.samples = {name: Sample() for name in self.reads if name.endswith("sample")}
        self.gathered = {name: _Gathered() for name in self.reads if name.endswith("moments")}
        self.spread: Spread | None = None
        self.count, self.is_of_one_size = 0, True

    @property
    def kept(self) -> dict[str, Sample]:
        """The rows that are kept, by what reads them."""
        return self.rows | self.samples

    @property
    def layers(self) -> list[str]:
        """The layers that the extractor must yield."""
        return sorted(set(self.layer_of.values()))

    def add(self, found: Mapping[str, Tensor], places: Tensor | None = None) -> None:
        """Take in the layers of some images, [N, D] each; without places they follow those before."""
        count = len(next(iter(found.values())))
        places = torch.arange(self.count, self.count + count) if places is None else places
        self.count += count
        for name in self.reads:
            value = found[self.layer_of[name]]
            if name in self.gathered:
                self.gathered[name].add(value)
            elif name == "spread":
                self._add_spread(Spread.of(value, places))
            else:
                self.kept[name].add(value, places)

    def moved(self, by: int) -> Collector:
        """A copy, so many places further on."""
        found = copy(self)
        found.rows = {name: sample.moved(by) for name, sample in self.rows.items()}
        found.samples = {name: sample.moved(by) for name, sample in self.samples.items()}
        found.gathered = {name: gathered.copied() for name, gathered in self.gathered.items()}
        return found

    def merge(self, other: Collector) -> None:
        """Take in what another reader collected of another part of the set."""
        self.count += other.count
        self.is_of_one_size &= other.is_of_one_size
        for name, sample in self.kept.items():
            sample.merge(other.kept[name])
        for name, gathered in self.gathered.items():
            gathered.merge(other.gathered[name])
        if other.spread is not None:
            self._add_spread(other.spread)

    def _add_spread(self, block: Spread) -> None:
        self.is_of_one_size &= self.spread is None or self.spread.means.shape == block.means.shape
        if self.is_of_one_size:
            self.spread = block if self.spread is None else self.spread.merge(block)

    def tensor(self, name: str) -> Tensor | None:
        """The rows that were kept under that name: of features and logits in the order of the set."""
        if name in self.samples:
            return self.samples[name].rows
        return self.rows[name].in_order() if name in self.rows else None

    def moments(self, name: str) -> Moments | None:
        """The moments of everything added under that name."""
        return self.gathered[name].finished() if name in self.gathered else None


class Gathering:
    """All that one reader has of a set, or of its share of one.

    Merging takes in tensors and never changes them, so that a copy costs little.
    """

    def __init__(self, seen: Seen, collector: Collector) -> None:
        self.seen, self.collector = seen, collector

    def __len__(self) -> int:
        return len(self.seen)

    def moved(self, by: int = 0) -> Gathering:
        """A copy, for a set of which this is the part that begins so many places further on."""
        return Gathering(self.seen.moved(by), self.collector.moved(by))

    def merge(self, other: Gathering) -> Gathering:
        """This one with another reader's taken in."""
        self.seen.merge(other.seen)
        self.collector.merge(other.collector)
        return self


class _Gathered:
    """Moments of rows that come in batches of any size, taken in in blocks of one."""

    def __init__(self) -> None:
        self.running = RunningMoments()
        self.waiting: list[Tensor] = []

    @property
    def moments(self) -> Moments | None:
        """Of the rows that do not wait."""
        return self.running.value() if self.running.count else None

    def add(self, rows: Tensor) -> None:
        self.waiting.append(rows)
        while sum(map(len, self.waiting)) >= BLOCK:
            joined = torch.cat(self.waiting)
            self.running.add(joined[:BLOCK])
            self.waiting = [joined[BLOCK:]]

    def copied(self) -> _Gathered:
        found = _Gathered()
        found.running, found.waiting = RunningMoments(self.moments), list(self.waiting)
        return found

    def merge(self, other: _Gathered) -> None:
        """Take in the moments of other rows, which are left as they are."""
        if (moments := other.moments) is not None:  # a copy, made once
            self.running.merge(moments)
        for rows in other.waiting:
            self.add(rows)

    def finished(self) -> Moments | None:
        """The moments of all rows so far; more may follow."""
        rest = torch.cat(self.waiting) if self.waiting else torch.empty(0)
        if not len(rest):
            return self.moments
        whole = RunningMoments(self.moments)
        whole.add(rest)
        return whole.value()


def without_network(reads: Collection[str]) -> set[str]:
    """What of that is known without the features of any network: labels, names (of images and classes), images."""
    return set(reads) & {"labels", "names", "images"}
