"""The scores of a training as small records, and the file that holds one on each line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ganmetrics._files import atomic_write, shown
from ganmetrics.diagnosis.finding import VERDICTS, Finding, is_finite, rank
from ganmetrics.errors import MALFORMED, InputError
from ganmetrics.measurement.recipe import Signature
from ganmetrics.numerics.interval_ends import Interval
from ganmetrics.scoring.result import Result, Score


class Mark(NamedTuple):
    """What is kept of one score.

    Attributes
    ----------
    value : float
    interval : Interval or None
    title : str
        Such as ``FID(digits)``.
    higher_is_better : bool
    signature : str
    """

    value: float
    interval: Interval | None
    title: str
    higher_is_better: bool
    signature: str

    @staticmethod
    def of(score: Score) -> Mark:
        """Return what is kept of a score."""
        return Mark(score.value, score.interval, score.title, score.higher_is_better, str(score.signature))

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Mark:
        """Return a mark from a record's plain data (an error of ``MALFORMED`` for other data)."""
        # JSON has no NaN; records have null in its place.
        value = math.nan if data["value"] is None else float(data["value"])
        # Records of early versions have half a width in place of two ends.
        old = {"half_width": data["half_width"]} if data.get("half_width") is not None else None
        around = None if math.isnan(value) else data.get("interval", old)
        interval = None if around is None else Interval.from_dict(around, value)
        signature = str(Signature.parse(data["signature"]))
        return Mark(value, interval, shown(data["title"]), bool(data["higher_is_better"]), signature)

    @property
    def recipe(self) -> Signature:
        """The signature without the digest of the fakes: equal for scores that may be compared."""
        # The generated images differ in each evaluation, the rest must not.
        signature = Signature.parse(self.signature)
        return replace(signature, fake=signature.fake.partition(":")[0])

    def __str__(self) -> str:
        around = "" if self.interval is None else f" ({self.interval.words(self.value)})"
        return f"{self.title} {self.value:.4g}{around}"


@dataclass(frozen=True)
class Record:
    """One evaluation of a training.

    Attributes
    ----------
    step : int
    scores : mapping of str to Mark
        In the order of the metrics.
    seconds : float
        That it took.
    findings : mapping of str to str
        The faults that the training's health showed, and how bad each was: ``{"samples grow alike": "severe"}``.
    """

    step: int
    scores: Mapping[str, Mark]
    seconds: float
    findings: Mapping[str, str]

    @staticmethod
    def of(step: int, result: Result, seconds: float, findings: Iterable[Finding]) -> Record:
        """Return the record of an evaluation's result."""
        scores = {name: Mark.of(score) for name, score in result.scores.items()}
        return Record(step, scores, round(seconds, 3), {finding.name: finding.verdict for finding in findings})

    @property
    def first(self) -> Mark:
        """The mark of the first metric."""
        return next(iter(self.scores.values()))

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data; numbers that are not finite are ``None``."""
        scores = {
            name: {
                **mark._asdict(),
                "value": mark.value if is_finite(mark.value) else None,
                "interval": mark.interval and mark.interval.to_dict(),
            }
            for name, mark in self.scores.items()
        }
        return {"step": self.step, "scores": scores, "seconds": self.seconds, "findings": dict(self.findings)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Record:
        """Return the record that ``to_dict`` wrote (an error of ``MALFORMED`` for other data)."""
        scores = {shown(name): Mark.from_dict(each) for name, each in data["scores"].items()}
        findings = {shown(name): VERDICTS[rank(verdict)] for name, verdict in data["findings"].items()}
        if not scores:
            raise ValueError("no scores")
        return Record(int(data["step"]), scores, float(data["seconds"]), findings)


def best_of(history: Sequence[Record]) -> Record | None:
    """Return the record with the best first metric, the earliest of equals, of those with the latest's recipe."""
    recipe = history[-1].first.recipe if history else None
    # Scores of another recipe, such as another reference, are not compared.
    fit = [one for one in history if math.isfinite(one.first.value) and one.first.recipe == recipe]
    return min(fit, key=lambda one: -one.first.value if one.first.higher_is_better else one.first.value, default=None)


def read_records(path: Path) -> list[Record]:
    """Return the records of a file, without a last line that a kill left half written; none without a file.

    Raises
    ------
    InputError
        Another line that is no record.
    """
    # Read at once: a history has one line for each evaluation.
    lines = path.read_bytes().splitlines() if path.exists() else []
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(Record.from_dict(json.loads(line)))
        except MALFORMED as error:
            if number == len(lines):
                break
            what = f"line {number} is no score of a training"
            hint = "Move the file away to begin anew"
            raise InputError(what, where=shown(path), hint=hint, code="E-SCORES") from error
    return records


def write_records(records: Iterable[Record], path: Path) -> None:
    """Write records to a file, whole or not at all (ResourceError)."""
    with atomic_write(path) as stream:
        stream.writelines(json.dumps(each.to_dict(), ensure_ascii=False).encode() + b"\n" for each in records)


def replace_records(history: list[Record], path: Path) -> None:
    """Write a history in place of a file's other one, which stays beside it (InputError, ResourceError)."""
    if path.exists() and [one.to_dict() for one in read_records(path)] != [one.to_dict() for one in history]:
        keep_old(path)
        write_records(history, path)


def keep_old(path: Path) -> None:
    """Copy a file's content beside it, as ``scores.jsonl.old``."""
    if path.exists():
        with atomic_write(path.with_name(f"{path.name}.old")) as stream:
            stream.write(path.read_bytes())
