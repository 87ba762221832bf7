"""One side of an evaluation that is fed batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.errors import StatisticsError, UsageError
from ganmetrics.measurement.blocks import Block
from ganmetrics.measurement.checkpoint import damaged_state, gathering_of, state_of
from ganmetrics.measurement.gathering import Collector, Gathering, Seen
from ganmetrics.metrics.needs import IMAGES, Need

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors import Extractor
    from ganmetrics.extractors.extraction import Extraction
    from ganmetrics.types import Images


class Stream:
    """One side: what was seen of it, and images that wait until there is a whole batch for the network."""

    def __init__(self, extractor: Extractor, reads: set[Need], extraction: Extraction, max_rows: int) -> None:
        self.extractor, self.reads, self.extraction, self.max_rows = extractor, reads, extraction, max_rows
        self.reset()

    def reset(self) -> None:
        seen = Seen(has_sample=IMAGES in self.reads)
        self.gathering = Gathering(seen, Collector(self.reads - {IMAGES}, self.extractor, self.max_rows))
        self.extraction.layers = self.gathering.collector.layers
        self.extraction.count = 0
        self.waiting = Block(self.extraction)
        self.has_indices = False

    def add(self, images: Images, indices: Tensor | None) -> None:
        has_indices = indices is not None
        if len(self.gathering) and has_indices != self.has_indices:
            what = "indices were given for some batches and not for others"
            raise UsageError(what, where="update", hint="Give them for every batch or for none")
        self.has_indices = has_indices
        first = len(self.gathering)
        places = torch.arange(first, first + len(images)) if indices is None else indices
        self.gathering.seen.add(images, places)
        self.gathering.seen.notes.sizes[images.shape[2], images.shape[3]] += len(images)
        if self.extraction.layers:
            self._wait(images, places)

    def _wait(self, images: Images, places: Tensor) -> None:
        """Give the network its batches as ``gm.evaluate`` would cut them, whatever the size of those that come."""
        while len(images):
            room = self.extraction.batch_size - len(self.waiting)
            self.waiting.add(images[:room].clone(), places[:room])  # the caller may overwrite its own
            images, places = images[room:], places[room:]
            if len(self.waiting) >= self.extraction.batch_size:
                self.flush()

    def flush(self) -> None:
        """Send what waits through the network."""
        if not len(self.waiting):
            return
        with OwnStreams():
            found = list(self.waiting.features())
        rows = {layer: torch.cat([each[layer] for each in found]) for layer in self.extraction.layers}
        self.gathering.collector.add(rows, torch.cat(self.waiting.places))
        self.waiting = Block(self.extraction)

    def merge(self, other: Stream) -> None:
        self.flush()
        other.flush()
        if len(self.gathering) and len(other.gathering) and self.has_indices != other.has_indices:
            what = "one of the two evaluations was given the places of its images (indices) and the other not"
            raise UsageError(what, where="merge", hint="Give them to both or to neither")
        self.has_indices = self.has_indices if len(self.gathering) else other.has_indices
        self.gathering.merge(other.gathering.moved(0 if other.has_indices else len(self.gathering)))

    def state(self) -> dict[str, Any]:
        self.flush()
        return {"has_indices": self.has_indices, **state_of(self.gathering)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.reset()
        try:
            self.gathering = gathering_of(self.gathering, state)
            self.has_indices = bool(state["has_indices"])
        except (KeyError, StatisticsError) as error:
            self.reset()  # of a part of a state
            raise error if isinstance(error, StatisticsError) else damaged_state(error) from error
