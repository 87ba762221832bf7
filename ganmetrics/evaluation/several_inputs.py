"""One network behind several ways of preparing its images, so that each image is decoded once for all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ganmetrics.data import Source
from ganmetrics.data.reading.preparing import prepared_batch
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.extractors.extractor import Extractor
from ganmetrics.measurement.feature_cache import cached
from ganmetrics.measurement.gathering import Collector, PartialStatistics
from ganmetrics.measurement.image_record import ImageRecord
from ganmetrics.measurement.intake import Intake
from ganmetrics.measurement.reader import Measuring, recipe_of, statistics_of, take_in
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images


class Way(NamedTuple):
    """How images reach a network: after which crops, as ``Reading.prepare`` names them, and by which resize rule."""

    resize: str
    steps: str = ""

    def __str__(self) -> str:
        # It is the name of a folder in the cache too.
        return re.sub(r"[^A-Za-z0-9_.+-]", "-", f"{self.steps}+{self.resize}")


class SeveralInputs(Extractor):
    """A network with one layer for each way of preparing its images.

    Parameters
    ----------
    network : Extractor
        One that takes several resize rules.
    ways : sequence of Way
    """

    resize = "several"
    feature_layer = ""

    def __init__(self, network: Extractor, ways: Sequence[Way]) -> None:
        self.name, self.network, self.ways, self.identity = network.name, network, ways, network.identity
        self.layers = dict.fromkeys(map(str, ways), network.layers[network.feature_layer])

    def to(self, device: torch.device) -> None:
        self.network.to(device)

    def prepare(self, images: Images) -> Tensor:
        # [N, ways, 3, 299, 299]
        cut = {"": images}
        for way in self.ways:
            if way.steps not in cut:
                cut[way.steps] = prepared_batch(images, way.steps, "images").to(images.device)
        return torch.stack([self._under(way.resize).prepare(cut[way.steps]) for way in self.ways], dim=1)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        layer = self.network.feature_layer
        return {str(way): self.network.forward(inputs[:, i], [layer])[layer] for i, way in enumerate(self.ways)}

    def _under(self, rule: str) -> Extractor:
        self.network.choose_resize(rule)
        return self.network

    def measured(self, source: Source, reads: set[Need], measuring: Measuring) -> Mapping[Way, Statistics]:
        """Measure a set in one pass, and return its statistics by the way that its images were prepared."""
        collectors = {way: Collector(reads, _reading_layer(str(way))) for way in self.ways}
        seen = ImageRecord()
        extraction = Extraction(self, list(self.layers), measuring.device, measuring.batch_size)
        is_kept = measuring.reading.cache and source.is_lasting
        cache = cached(self, measuring.device) if is_kept else None
        is_ours = not source.runs_callers_code
        intake = Intake(seen, list(collectors.values()), extraction, cache, is_side_by_side=is_ours)
        take_in(source, intake, measuring.reading)
        if cache is not None:
            cache.close()
        changes, found = source.changes_under(measuring.reading), {}
        for way, collector in collectors.items():
            own = (*changes, f"prepare={way.steps}") if way.steps else changes
            recipe = recipe_of(self._under(way.resize), own)
            found[way] = statistics_of(PartialStatistics(seen, collector), source, reads, recipe)
        return found


def _reading_layer(name: str) -> Any:
    return SimpleNamespace(layer_for=lambda _: name)
