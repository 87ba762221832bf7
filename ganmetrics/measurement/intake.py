"""The one road of images into statistics: cut into pieces, noted, prepared, through the network, gathered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.data.reading.batches import Batches
from ganmetrics.extractors._arithmetic import begin_as_caller
from ganmetrics.measurement.gathering import BLOCK
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.measurement.pipeline_threads import InTurn, SideBySide, Step
from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.data.reading.batches import Piece
    from ganmetrics.extractors.extraction import Extraction
    from ganmetrics.measurement.feature_cache import FeatureCache
    from ganmetrics.measurement.gathering import Collector
    from ganmetrics.measurement.image_record import ImageRecord
    from ganmetrics.types import Images

# An entry of the cache holds whole batches, and ends with the one that brings it to so many bytes of images.
BLOCK_BYTES = 128 << 20


class Intake:
    """Takes in the images of one set, of a run or batch by batch of a caller.

    Parameters
    ----------
    seen : ImageRecord
        Notes each image before any network: its digest, its index, its values.
    collectors : sequence of Collector
        Gather what the network makes of the images.
    extraction : Extraction or None
        The network; ``None`` where nothing is read of one.
    cache : FeatureCache, optional
    is_side_by_side : bool
        Whether the steps run at the same time, each on a thread of its own: preparing, network, gathering. Reading and
        noting stay on the calling thread. Leave it off for a network or a data set of the user's, whose code may only
        be run by the calling thread.

    Attributes
    ----------
    when_done : callable
        Is told how many images were just gathered.
    """

    def __init__(
        self,
        seen: ImageRecord,
        collectors: Sequence[Collector],
        extraction: Extraction | None,
        cache: FeatureCache | None = None,
        *,
        is_side_by_side: bool = False,
    ) -> None:
        self.seen, self.collectors, self.extraction = seen, collectors, extraction
        # ``int`` takes a number and does nothing. Unlike a lambda it can be pickled with the rest.
        self.when_done: Callable[[int], object] = int
        if extraction is None:
            return
        # The network's batch size shrinks where memory runs out; these batches stay as they are.
        self.batches = Batches(extraction.batch_size)
        self.cache = cache
        # Layers of the entry of the cache that is not whole yet.
        self.found: list[Mapping[str, Tensor]] = []
        steps: list[Step] = [Preparing(extraction, cache), self._compute, self._gather]
        device = extraction.device
        gpu = torch.cuda.current_device() if device.type == "cuda" and device.index is None else None
        self.road = SideBySide(steps, partial(begin_as_caller, gpu)) if is_side_by_side else InTurn(steps)

    def add(self, images: Images, indices: Tensor) -> None:
        """Take in uint8 images [N, 3, H, W] and their indices in the set, int64 [N]."""
        if self.extraction is None:
            self.seen.add(images, indices)
            self.when_done(len(images))
            return
        for piece in self.batches.cut(images, indices):
            self.road.put((piece, self.seen.add(piece.images, piece.indices)))
            # The next image is not decoded while this one takes so much memory.
            if piece.images.nbytes > memory_budget() // 2:
                self.road.settle()

    def finish(self) -> None:
        """Send the last images through the network, whether they are a whole batch or not."""
        if self.extraction is not None:
            # The next image begins a batch.
            self.batches.room = self.batches.size
            self.road.finish()

    def stop(self) -> None:
        """End what runs beside this thread, after an error."""
        if self.extraction is not None:
            self.road.stop()

    def _compute(self, batch: Batch | None) -> Iterator[Features]:
        """The step from inputs to layers; those of a whole entry are put into the cache."""
        extraction = self.extraction
        if batch is None or extraction is None:
            return
        if batch.known is not None:
            extraction.count += len(batch.indices)
            yield Features(batch.known, batch.indices)
            return
        start = 0
        for layers in extraction.forward(batch.inputs):
            stop = start + len(next(iter(layers.values())))
            self.found += [layers] if self.cache else []
            yield Features(layers, batch.indices[start:stop])
            start = stop
        if self.cache and batch.entry is not None:
            entry = {name: torch.cat([each[name] for each in self.found]) for name in extraction.layers}
            self.cache.save(batch.entry, entry)
            self.found = []

    def _gather(self, features: Features | None) -> Iterator[None]:
        if features is not None:
            # Copies, since what comes out of inference mode may not be changed in place, as a caller's state may be.
            layers = {name: rows.clone() for name, rows in features.layers.items()}
            for collector in self.collectors:
                collector.add(layers, features.indices)
            self.when_done(len(features.indices))
        yield from ()


class Batch(NamedTuple):
    """A batch ready for the network, or an entry of the cache in place of one.

    Attributes
    ----------
    indices : Tensor, int64 [n]
    inputs : list of Tensor
    known : mapping of str to Tensor, or None
        The layers of these images, where the cache has them.
    entry : PixelDigests or None
        Of the last batch of an entry of the cache: the digests of all its images.
    """

    indices: Tensor
    inputs: list[Tensor]
    known: Mapping[str, Tensor] | None = None
    entry: PixelDigests | None = None


class Features(NamedTuple):
    """Layers of some images, float32 [n, D] each, and where these stand in the set, int64 [n]."""

    layers: Mapping[str, Tensor]
    indices: Tensor


class Preparing:
    """The step from pieces to batches of network inputs.

    Images wait until their batch is whole. With a cache they wait until about 512 have come, because the cache stores
    and finds so many at once. They wait as pixels, or as network inputs where pixels take much memory and inputs less.
    """

    def __init__(self, extraction: Extraction, cache: FeatureCache | None) -> None:
        self.extraction, self.cache = extraction, cache
        batch_size = extraction.batch_size
        self.most = batch_size * max(1, round(BLOCK / batch_size)) if cache else batch_size
        self._start()

    def _start(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        # Pieces that wait as inputs, from the first on.
        self.num_prepared = 0
        self.digests = PixelDigests()
        self.count = self.num_bytes = self.num_pixels = 0
        # Whether inputs may take less memory than images do.
        self.is_large = True

    def __call__(self, noted: tuple[Piece, PixelDigests] | None) -> Iterator[Batch]:
        if noted is not None:
            piece, digests = noted
            self.waiting.append(_Waiting([piece.images], piece.indices, piece.ends_batch))
            self.digests.merge(digests)
            self.count += len(piece.images)
            self.num_bytes += piece.images.nbytes
            self.num_pixels += piece.images.nbytes
            if self.is_large and self.num_pixels > memory_budget() // 8:
                self._shrink()
            if not piece.ends_batch or (self.count < self.most and self.num_bytes < BLOCK_BYTES):
                return
        if not self.waiting:
            return
        known = None if self.cache is None else self.cache.load(self.digests, self.extraction.layers)
        if known is not None:
            yield Batch(torch.cat([each.indices for each in self.waiting]), [], known)
            self.waiting.clear()
        pieces: list[_Waiting] = []
        while self.waiting:
            pieces.append(self.waiting.popleft())
            if pieces[-1].ends_batch or not self.waiting:
                indices = torch.cat([each.indices for each in pieces])
                inputs = [part for each in pieces for part in each.inputs]
                inputs += self.extraction.prepared([part for each in pieces for part in each.pixels])
                pieces.clear()
                yield Batch(indices, inputs, entry=self.digests if self.cache and not self.waiting else None)
        self._start()

    def _shrink(self) -> None:
        """Put inputs in the place of pixels, unless they are no smaller."""
        for waiting in list(self.waiting)[self.num_prepared :]:
            inputs, num_bytes = self.extraction.prepared(waiting.pixels), waiting.pixels[0].nbytes
            if sum(each.nbytes for each in inputs) >= num_bytes:
                self.is_large = False
                return
            self.num_pixels -= num_bytes
            waiting.inputs, waiting.pixels = inputs, []
            self.num_prepared += 1


@dataclass(eq=False)
class _Waiting:
    """A piece that waits, as pixels or as inputs, one of which lists is empty."""

    pixels: list[Images]
    indices: Tensor
    ends_batch: bool
    inputs: list[Tensor] = field(default_factory=list)
