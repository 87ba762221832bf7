"""Some hundred neighbouring images at a time, between their source and the network, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch

from ganmetrics.extractors.extraction import Cuts
from ganmetrics.measurement.digests import PixelDigests
from ganmetrics.measurement.gathering import BLOCK
from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors.extraction import Extraction
    from ganmetrics.measurement.feature_cache import FeatureCache
    from ganmetrics.types import Images, Placed

BLOCK_BYTES = 128 << 20  # of images, after which a block ends with the next whole batch


class Block:
    """Neighbouring images, in whole batches of the network, that wait until their features are asked for.

    They wait as pixels; where these take much memory, as the network's inputs if those take less.

    Parameters
    ----------
    extraction : Extraction
    has_digests : bool
        Whether the features may come from a cache, which finds them by the images' digests.
    """

    def __init__(self, extraction: Extraction, *, has_digests: bool = False) -> None:
        self.extraction = extraction
        self.places: list[Tensor] = []
        self.digests = PixelDigests() if has_digests else None
        self.count = self.num_bytes = 0
        self._cuts = Cuts(extraction.piece_size)
        self._inputs: list[Tensor] = []  # of the first images
        self._pieces: list[Images] = []  # the images that follow
        self._is_large = True  # whether inputs may take less memory than images do

    def __len__(self) -> int:
        return self.count

    def add(self, images: Images, places: Tensor) -> None:
        """Take in uint8 images [N, 3, H, W] and their places in the set, int64 [N]."""
        self.places.append(places)
        if self.digests is not None:
            self.digests.add(images)
        self.count, self.num_bytes = self.count + len(images), self.num_bytes + images.nbytes
        self._pieces += self._cuts.add(images)
        if self._is_large and sum(piece.nbytes for piece in self._pieces) > memory_budget() // 8:
            self._prepare()

    def features(self, cache: FeatureCache | None = None) -> Iterator[dict[str, Tensor]]:
        """The layers of the images, from the cache or else from the network, and then kept in the cache."""
        if cache is None or self.digests is None:
            yield from self._from_network()
            return
        known = cache.load(self.digests, self.extraction.layers)
        if known is not None:
            yield known
            return
        found = list(self._from_network())
        cache.save(
            self.digests, {layer: torch.cat([each[layer] for each in found]) for layer in self.extraction.layers}
        )
        yield from found

    def _prepare(self) -> None:
        """Put inputs in the place of images, unless they are no smaller."""
        while self._pieces:
            inputs = list(self.extraction.prepared(self._pieces[:1]))
            if sum(each.nbytes for each in inputs) >= self._pieces[0].nbytes:
                self._is_large = False
                return
            self._inputs += inputs
            del self._pieces[0]

    def _from_network(self) -> Iterator[dict[str, Tensor]]:
        self._pieces += self._cuts.rest()
        return self.extraction.run_prepared(self._all_inputs())

    def _all_inputs(self) -> Iterator[Tensor]:
        yield from self._inputs
        yield from self.extraction.prepared(self._pieces)


def blocks(placed: Iterable[Placed], extraction: Extraction, *, has_digests: bool) -> Iterator[Block]:
    """Some hundred neighbouring images at a time, in whole batches; fewer where they are large."""
    batch_size = extraction.batch_size  # which shrinks where memory runs out
    size = batch_size * max(1, round(BLOCK / batch_size))
    block = Block(extraction, has_digests=has_digests)
    for places, images in placed:
        while len(images):
            room = batch_size - len(block) % batch_size
            block.add(images[:room], places[:room])
            places, images = places[room:], images[room:]
            if len(block) == size or (len(block) % batch_size == 0 and block.num_bytes >= BLOCK_BYTES):
                yield block
                block = Block(extraction, has_digests=has_digests)
    if len(block):
        yield block
