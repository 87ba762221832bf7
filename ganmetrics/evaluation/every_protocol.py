"""FID of the same images under every protocol: decoded once, resized by each rule, one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganmetrics._report import Report
from ganmetrics.data import Reading, Source
from ganmetrics.distributed import require
from ganmetrics.errors import UsageError
from ganmetrics.evaluation.several_inputs import SeveralInputs, Way
from ganmetrics.extractors.inception import Inception
from ganmetrics.measurement.reader import Measuring
from ganmetrics.measurement.sides import open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import metric
from ganmetrics.metrics.needs import MOMENTS, SAMPLE
from ganmetrics.protocols import PROTOCOLS, Protocol
from ganmetrics.scoring.keywords import DeviceAndFileKeywords, Settings, shows
from ganmetrics.scoring.plan import agreed_protocol
from ganmetrics.scoring.result import Score
from ganmetrics.scoring.score import Sides
from ganmetrics.scoring.score_table import score_table
from ganmetrics.scoring.scored import scored

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics._table import Table


SCHEMA = 2


@dataclass(frozen=True, repr=False)
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
            rows.append((name, score.rounded, around, PROTOCOLS[name].why))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}} {c:<{widths[2]}}  {d}" for a, b, c, d in rows]
        return "\n".join(["FID of the same images under every protocol", *lines])

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return FID by the name of the protocol."""
        return {name: {score.name: score} for name, score in self.scores.items()}

    def table(self) -> Table:
        """Return FID under each protocol as a table."""
        return score_table(self.by_set(), head="Protocol")

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
    agreed_protocol({"real": real, "fake": fake}, "all")
    sides = [_images(side, chosen.reading) for side in (real, fake)]
    # Several protocols share a resize rule; the network sees each rule once.
    ways = list(dict.fromkeys(Way(record.resize) for record in PROTOCOLS.records().values()))
    network = SeveralInputs(Inception(str(chosen.weights) if chosen.weights else None), ways)
    measuring = Measuring(None, chosen.weights, chosen.reading, chosen.device, chosen.batch_size)
    measured = [network.measured(side, {MOMENTS, SAMPLE}, measuring) for side in sides]
    found = {name: _score(record, measured, ci) for name, record in PROTOCOLS.records().items()}
    return ProtocolTable(found, next(iter(found.values())).warnings)


def _score(record: Protocol, sides: Sequence[Mapping[Way, Statistics]], ci: str) -> Score:
    chosen = metric("fid").configured(record.options.get("fid", {}))
    real, fake = (side[Way(record.resize)] for side in sides)
    return scored(Sides(real, fake), [chosen], ci)["fid"]


def _images(value: Any, reading: Reading) -> Source:
    side = open_side(value, reading, None)
    if isinstance(side, Statistics):
        what = "saved statistics are of one resize; every protocol needs the images"
        raise UsageError(what, where=side.source or side.name, hint="Name the images themselves")
    return side
