"""One side of an evaluation that is fed batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.measurement.checkpoint import damaged_state, gathering_of, state_of
from ganmetrics.measurement.gathering import Collector, PartialStatistics
from ganmetrics.measurement.image_record import ImageRecord
from ganmetrics.measurement.intake import Intake
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
        seen = ImageRecord(has_sample=IMAGES in self.reads)
        self._go_on_with(PartialStatistics(seen, Collector(self.reads - {IMAGES}, self.extractor, self.max_rows)))
        self.extraction.count = 0
        self.has_indices = False

    def _go_on_with(self, gathering: PartialStatistics) -> None:
        seen, collector = gathering.seen, gathering.collector
        self.gathering, self.extraction.layers = gathering, collector.layers
        self.intake = Intake(seen, [collector], self.extraction if collector.layers else None)

    def add(self, images: Images, indices: Tensor | None) -> None:
        has_indices = indices is not None
        if len(self.gathering) and has_indices != self.has_indices:
            what = "indices were given for some batches and not for others"
            raise UsageError(what, where="update", hint="Give them for every batch or for none")
        self.has_indices = has_indices
        first = len(self.gathering)
        self.gathering.seen.notes.sizes[images.shape[2], images.shape[3]] += len(images)
        with OwnStreams():
            # A copy, since images may wait for a whole batch and the caller may overwrite its own.
            self.intake.add(images.clone(), torch.arange(first, first + len(images)) if indices is None else indices)

    def flush(self) -> None:
        """Send what waits through the network."""
        with OwnStreams():
            self.intake.finish()

    def check_mergeable(self, other: Stream) -> None:
        """Refuse a stream with indices beside one without (UsageError); both take in what waits."""
        self.flush()
        other.flush()
        if len(self.gathering) and len(other.gathering) and self.has_indices != other.has_indices:
            what = "one of the two evaluations was given the places of its images (indices) and the other not"
            raise UsageError(what, where="merge", hint="Give them to both or to neither")

    def merge(self, other: Stream) -> None:
        self.check_mergeable(other)
        self.has_indices = self.has_indices if len(self.gathering) else other.has_indices
        self.gathering.merge(other.gathering.moved(0 if other.has_indices else len(self.gathering)))

    def state(self) -> dict[str, Any]:
        self.flush()
        return {"has_indices": self.has_indices, **state_of(self.gathering)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.reset()
        try:
            self._go_on_with(gathering_of(self.gathering, state))
            self.has_indices = bool(state["has_indices"])
        except (KeyError, StatisticsError) as error:
            # A part of a state is given up whole.
            self.reset()
            raise error if isinstance(error, StatisticsError) else damaged_state(error) from error


def merge_streams(streams: Mapping[str, Stream], others: Mapping[str, Stream]) -> None:
    """Merge the streams of every role; where those of one role do not fit, none is changed (UsageError)."""
    for role, stream in streams.items():
        stream.check_mergeable(others[role])
    for role, stream in streams.items():
        stream.merge(others[role])


def checked_indices(indices: Any, count: int) -> Tensor | None:
    """Places as int64 [N] on the CPU (InputError for another number of them, or negative ones)."""
    if indices is None:
        return None
    try:
        found = torch.as_tensor(indices).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        found = torch.empty(0)
    if found.shape != (count,) or found.is_floating_point() or (count and int(found.min()) < 0):
        what = f"indices have the shape {list(found.shape)} and dtype {found.dtype} for {count} images"
        raise InputError(what, where="indices", hint="Give one whole number of at least 0 for each", code="E-SHAPE")
    return found.to(torch.int64)
