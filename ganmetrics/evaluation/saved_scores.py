"""Scores of results that were saved as JSON, checked as they are read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ganmetrics._content import content_digest
from ganmetrics._files import shown
from ganmetrics.errors import MALFORMED, InputError
from ganmetrics.measurement.recipe import Signature
from ganmetrics.metrics import METRICS
from ganmetrics.metrics.metric import Metric
from ganmetrics.scoring.result import SCHEMA, Floor, Interval, Score

# Schemas whose scores are written alike. Results have SCHEMA; diagnoses, which hold scores too, have 2 or 3.
READ_SCHEMAS = (SCHEMA, 3)
NOT_FINITE = ("inf", "-inf", "nan")


class SavedRun(NamedTuple):
    """The scores of one set, or of one step of a training, as a file holds them.

    Attributes
    ----------
    name : str
        The set of a comparison, empty for a result of one set.
    step : int or None
        The step of the training, where the file is a monitor's.
    scores : mapping of str to Score
    """

    name: str
    step: int | None
    scores: Mapping[str, Score]


def saved_scores(path: str | os.PathLike[str]) -> dict[str, Score]:
    """Read the scores of a saved result or diagnosis (InputError)."""
    return scores_of(_read_json(path), path)


def saved_runs(path: str | os.PathLike[str]) -> list[SavedRun]:
    """Read everything that a file holds: a result, each set of a comparison, or each step of a monitor (InputError)."""
    if str(path).endswith(".jsonl"):
        return _steps(path)
    data = _read_json(path)
    if not isinstance(data, dict) or not isinstance(sets := data.get("results"), dict):
        return [SavedRun("", None, scores_of(data, path))]
    return [SavedRun(shown(name), None, scores_of(each, path)) for name, each in sets.items()]


def _steps(path: str | os.PathLike[str]) -> list[SavedRun]:
    """Read the steps of a monitor, without a last line that a kill left half written."""
    found = []
    lines = _read(path).splitlines()
    for number, line in enumerate(lines, 1):
        try:
            data = json.loads(line)
            scores = {shown(name): read_score(shown(name), _whole(each)) for name, each in data["scores"].items()}
            found.append(SavedRun("", int(data["step"]), scores))
        except (_Altered, *MALFORMED) as error:
            if number == len(lines) and not isinstance(error, _Altered):
                break
            what = f"line {number} is no score of a training"
            raise InputError(what, where=shown(path), hint="Move the file away", code="E-SCORES") from error
    return found


def _whole(score: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score of a monitor as results have it: a monitor does not say why a value is missing."""
    around = score.get("interval") if score["value"] is not None else None
    return {"not_finite": "nan", **score, "interval": around}


def _read(path: str | os.PathLike[str]) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=shown(path), code="E-MISSING") from error
    except MALFORMED as error:
        raise no_result(path) from error


def _read_json(path: str | os.PathLike[str]) -> Any:
    text = _read(path)
    try:
        return json.loads(text)
    except MALFORMED as error:
        raise no_result(path) from error


def scores_of(data: Any, path: str | os.PathLike[str]) -> dict[str, Score]:
    """Return the scores of a result's plain data, which were read from a file (InputError)."""
    try:
        schema = data["schema"]
        is_known = schema in READ_SCHEMAS and not isinstance(schema, bool)
        if is_known and content_digest(data["scores"]) != data["content"]:
            raise _Altered("its scores do not have the digest that it names")
        scores = {shown(name): read_score(shown(name), score) for name, score in data["scores"].items() if is_known}
    except _Altered as error:
        what, hint = f"the file is not as it was written: {error}", "Score the images again"
        raise InputError(what, where=shown(path), hint=hint, code="E-RESULT") from error
    except MALFORMED as error:
        raise no_result(path) from error
    if not is_known:
        readable = " and ".join(map(str, READ_SCHEMAS))
        what = f"the result is of schema {schema!r:.40}; this version reads {readable}"
        hint = "Score the images again, or compare with the version that wrote the file"
        raise InputError(what, where=shown(path), hint=hint, code="E-RESULT")
    return scores


def no_result(path: str | os.PathLike[str]) -> InputError:
    """Return the error for a file that holds something else."""
    hint = "Write one with `ganmetrics evaluate REAL FAKE --json FILE`, or Result.save"
    return InputError("the file is no saved result", where=shown(path), hint=hint, code="E-RESULT")


class _Altered(Exception):
    """A file says something of a score that this package cannot have written."""


def read_score(name: str, score: Mapping[str, Any]) -> Score:
    """Read a score and check that its numbers agree (_Altered, or an error of MALFORMED)."""
    value, around, higher = score["value"], score.get("interval"), score["higher_is_better"]
    if value is None and score["not_finite"] not in NOT_FINITE:
        raise _Altered(f"{name} is null, and not_finite is none of {', '.join(NOT_FINITE)}")
    if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
        raise _Altered(f"the value of {name} is {value!r:.40} where a finite number belongs")
    if not isinstance(higher, bool):
        raise _Altered(f"higher_is_better of {name} is {higher!r:.40} where true or false belongs")
    if any(part.name == name and part.higher_is_better != higher for each in metrics_of(name) for part in each.parts):
        raise _Altered(f"higher_is_better of {name} is {str(higher).lower()}, which is not its direction")
    number = float(score["not_finite"] if value is None else value)
    try:
        interval = None if around is None else Interval.from_dict(around, number)
    except MALFORMED as error:
        raise _Altered(f"{name} has no interval that could be: {shown(str(error))}") from error
    std = score.get("std")
    return Score(
        name=name,
        title=shown(str(score["title"])),
        value=number,
        std=None if std is None else float(std),
        spread=shown(str(score.get("std_over", ""))),
        higher_is_better=higher,
        signature=Signature.parse(score["signature"]),
        interval=interval,
        floor=None if score.get("floor") is None else Floor.from_dict(score["floor"]),
    )


def metrics_of(name: str) -> list[Metric]:
    """Return the metrics of the catalogue that have a part of that name: one, or none where it is the caller's own."""
    return [each for each in METRICS.records().values() if name in (part.name for part in each.parts)]


def count_of(side: str) -> str:
    """Return the number of images of a set as signatures write it, ``name#count:digest``."""
    return side.partition("#")[2].partition(":")[0]


def depends_on_count(name: str) -> bool:
    """Whether a score depends on the number of generated images; an unknown score is taken to depend on it."""
    return all(each.depends_on_count for each in metrics_of(name))
