"""FID of the same images under every protocol: decoded once, resized by each rule, one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._report import Report
from ganmetrics.data import Reading, Source
from ganmetrics.distributed import require
from ganmetrics.errors import UsageError
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.extractors.extractor import Extractor
from ganmetrics.extractors.inception import Inception
from ganmetrics.measurement.gathering import Collector, PartialStatistics
from ganmetrics.measurement.image_record import ImageRecord
from ganmetrics.measurement.intake import Intake
from ganmetrics.measurement.reader import Measuring, recipe_of, statistics_of, take_in
from ganmetrics.measurement.sides import open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import metric
from ganmetrics.metrics.needs import MOMENTS, SAMPLE
from ganmetrics.protocols import PROTOCOLS, Protocol
from ganmetrics.scoring.keywords import DeviceAndFileKeywords, Settings, shows
from ganmetrics.scoring.result import Score, readable
from ganmetrics.scoring.score import Sides, scored

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Unpack

    from ganmetrics.types import Images

SCHEMA = 2


@dataclass(frozen=True)
class ProtocolTable(Report):
    """FID of the same images under every protocol.

    Attributes
    ----------
    scores : mapping of str to Score
        The score by the name of the protocol.
    warnings : tuple of str
    """

    scores: Mapping[str, Score]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = []
        for name, score in self.scores.items():
            around = "" if score.interval is None else f"({score.interval.words(score.value)})"
            rows.append((name, readable(score.value), around, PROTOCOLS[name].why))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}} {c:<{widths[2]}}  {d}" for a, b, c, d in rows]
        return "\n".join(["FID of the same images under every protocol", *lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain data."""
        scores = {name: {**score.to_dict(), "why": PROTOCOLS[name].why} for name, score in self.scores.items()}
        return {"schema": SCHEMA, "protocols": scores, "warnings": list(self.warnings)}


@shows(DeviceAndFileKeywords)
def every_protocol(
    real: Any, fake: Any, *, ci: str = "fast", **settings: Unpack[DeviceAndFileKeywords]
) -> ProtocolTable:
    """Compute FID of two sets under every protocol.

    Each image is decoded once and meets the network once for each resize rule.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader or Source
        Two sets of images, in this order. Saved statistics are refused: they are of one resize rule only.
    ci : {"fast", "bootstrap", "off"}
        How the 95 % intervals are made; ``evaluate`` describes each way.
    device, batch_size, weights, reading
        ``evaluate`` takes the same.

    Returns
    -------
    ProtocolTable

    Raises
    ------
    UsageError
        Saved statistics.
    InputError, WeightsError, ResourceError
        Images or weights that cannot be read.
    """
    chosen = Settings.of(every_protocol, {**settings, "ci": ci})
    require(chosen.reading.engine, ("local",), "the table of protocols")
    sides = [_images(side, chosen.reading) for side in (real, fake)]
    # Several protocols share a resize rule; the network sees each rule once.
    rules = list(dict.fromkeys(record.resize for record in PROTOCOLS.records().values()))
    network = _Resizes(Inception(str(chosen.weights) if chosen.weights else None), rules)
    measuring = Measuring(None, chosen.weights, chosen.reading, chosen.device, chosen.batch_size)
    measured = [_measured(side, network, measuring) for side in sides]
    found = {name: _score(record, measured, ci) for name, record in PROTOCOLS.records().items()}
    return ProtocolTable(found, next(iter(found.values())).warnings)


class _Resizes(Extractor):
    """Inception behind several resize rules at once, with one layer for each rule."""

    name = "inception"
    resize = "several"
    feature_layer = ""

    def __init__(self, network: Inception, rules: Sequence[str]) -> None:
        self.network, self.rules, self.identity = network, rules, network.identity
        self.layers = dict.fromkeys(rules, 2048)

    def to(self, device: torch.device) -> None:
        self.network.to(device)

    def prepare(self, images: Images) -> Tensor:
        # [N, rules, 3, 299, 299]
        return torch.stack([self._under(rule).prepare(images) for rule in self.rules], dim=1)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        layer = self.network.feature_layer
        return {rule: self.network.forward(inputs[:, i], [layer])[layer] for i, rule in enumerate(self.rules)}

    def _under(self, rule: str) -> Inception:
        self.network.choose_resize(rule)
        return self.network

    def recipe(self, rule: str, changes: tuple[str, ...]) -> Any:
        return recipe_of(self._under(rule), changes)


def _measured(source: Source, network: _Resizes, measuring: Measuring) -> dict[str, Statistics]:
    """Measure the statistics of one set under every resize rule."""
    keep = {MOMENTS, SAMPLE}
    collectors = {rule: Collector(keep, _reading_layer(rule)) for rule in network.rules}
    seen = ImageRecord()
    extraction = Extraction(network, network.rules, measuring.device, measuring.batch_size)
    intake = Intake(seen, list(collectors.values()), extraction, is_side_by_side=not source.runs_callers_code)
    take_in(source, intake, measuring.reading)
    changes = source.changes_under(measuring.reading)
    return {
        rule: statistics_of(PartialStatistics(seen, collector), source, keep, network.recipe(rule, changes))
        for rule, collector in collectors.items()
    }


def _reading_layer(rule: str) -> Any:
    return SimpleNamespace(layer_for=lambda _: rule)


def _score(record: Protocol, sides: Sequence[Mapping[str, Statistics]], ci: str) -> Score:
    chosen = metric("fid").configured(record.options.get("fid", {}))
    real, fake = (side[record.resize] for side in sides)
    return scored(Sides(real, fake), [chosen], ci)["fid"]


def _images(value: Any, reading: Reading) -> Source:
    side = open_side(value, reading, None)
    if isinstance(side, Statistics):
        what = "saved statistics are of one resize; every protocol needs the images"
        raise UsageError(what, where=side.source or side.name, hint="Name the images themselves")
    return side
