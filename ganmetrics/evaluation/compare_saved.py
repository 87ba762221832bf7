"""Compare results that were saved as JSON, without their images."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ganmetrics import _arguments
from ganmetrics._content import content_digest
from ganmetrics._files import shown
from ganmetrics._report import Report
from ganmetrics.errors import MALFORMED, InputError, UsageError
from ganmetrics.measurement.recipe import Signature
from ganmetrics.metrics import METRICS
from ganmetrics.metrics.metric import Metric
from ganmetrics.numerics import interval_ends
from ganmetrics.scoring.difference import Difference
from ganmetrics.scoring.result import SCHEMA, Interval

# Schemas whose scores are written alike. Results have SCHEMA; diagnoses, which hold scores too, have 2 or 3.
READ_SCHEMAS = (SCHEMA, 3)
NOT_FINITE = ("inf", "-inf", "nan")
METHOD = "intervals of both, as if each had met reals of its own"


@dataclass(frozen=True)
class SavedComparison(Report):
    """The differences of every pair of several saved results.

    Attributes
    ----------
    differences : tuple of Difference
    warnings : tuple of str
        What makes a difference easily misread.
    """

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self.differences))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "schema": SCHEMA,
            "differences": [each.to_dict() for each in self.differences],
            "warnings": list(self.warnings),
        }


def compare_saved(*paths: str | os.PathLike[str], force: bool = False) -> SavedComparison:
    """Say which of several saved results are better.

    Their signatures may differ in nothing but the generated images.

    Without the images the real set's own noise cannot cancel: intervals are wider than those of ``compare``.

    Parameters
    ----------
    paths : path
        JSON files of ``ganmetrics evaluate --json FILE`` or ``Result.save``, at least two.
    force : bool
        Compare whatever the signatures say, with warnings in place of the refusal.

    Returns
    -------
    SavedComparison

    Raises
    ------
    UsageError
        Fewer than two files, or signatures that differ in more than the fakes.
    InputError
        A file that is no saved result, or results without a score in common.
    """
    if len(paths) < 2:
        raise UsageError(f"{len(paths)} saved result was given; a comparison needs at least two", where="results")
    results = {path: _scores(path) for path in (_arguments.path(each, "results") for each in paths)}
    # The mapping of results has one entry for each path.
    if len(results) < len(paths):
        raise UsageError("a saved result is given twice", where="results")
    warnings = []
    for first, second in combinations(results, 2):
        rows = [
            row for name in _common(results, first, second) for row in _strange(name, results[first], results[second])
        ]
        if rows and not force:
            what = f"{first} and {second} were made by different protocols: {'; '.join(dict.fromkeys(rows))}"
            hint = "Score both alike, or pass `force=True` to be warned alone"
            raise UsageError(what, where="results", hint=hint, code="E-RECIPE")
        warnings += [f"{first} and {second} differ in {row}" for row in dict.fromkeys(rows)]
        warnings += _sizes(first, second, results)
    pairs = combinations(results, 2)
    differences = [_difference(name, pair, results) for pair in pairs for name in _common(results, *pair)]
    return SavedComparison(tuple(differences), tuple(warnings))


def _scores(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Read the scores of a file, each with its signature parsed (InputError)."""
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
        schema = found["schema"]
        is_known = schema in READ_SCHEMAS and not isinstance(schema, bool)
        if is_known and content_digest(found["scores"]) != found["content"]:
            raise _Altered("its scores do not have the digest that it names")
        scores = {shown(name): _read(shown(name), score) for name, score in found["scores"].items() if is_known}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=shown(path), code="E-MISSING") from error
    except _Altered as error:
        what, hint = f"the file is not as it was written: {error}", "Score the images again"
        raise InputError(what, where=shown(path), hint=hint, code="E-RESULT") from error
    except MALFORMED as error:
        what = "the file is no saved result"
        hint = "Write one with `ganmetrics evaluate REAL FAKE --json FILE`, or Result.save"
        raise InputError(what, where=shown(path), hint=hint, code="E-RESULT") from error
    if not is_known:
        readable = " and ".join(map(str, READ_SCHEMAS))
        what = f"the result is of schema {schema!r:.40}; this version reads {readable}"
        hint = "Score the images again, or compare with the version that wrote the file"
        raise InputError(what, where=shown(path), hint=hint, code="E-RESULT")
    return scores


class _Altered(Exception):
    """A file says something of a score that this package cannot have written."""


def _read(name: str, score: Mapping[str, Any]) -> dict[str, Any]:
    """Read a score and check that its numbers agree (_Altered, or an error of MALFORMED)."""
    value, around, higher = score["value"], score.get("interval"), score["higher_is_better"]
    if value is None and score["not_finite"] not in NOT_FINITE:
        raise _Altered(f"{name} is null, and not_finite is none of {', '.join(NOT_FINITE)}")
    if value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
        raise _Altered(f"the value of {name} is {value!r:.40} where a finite number belongs")
    if not isinstance(higher, bool):
        raise _Altered(f"higher_is_better of {name} is {higher!r:.40} where true or false belongs")
    if any(part.name == name and part.higher_is_better != higher for each in _metrics(name) for part in each.parts):
        raise _Altered(f"higher_is_better of {name} is {str(higher).lower()}, which is not its direction")
    number = float(score["not_finite"] if value is None else value)
    try:
        interval = None if around is None else Interval.from_dict(around, number)
    except MALFORMED as error:
        raise _Altered(f"{name} has no interval that could be: {shown(str(error))}") from error
    return {
        "title": shown(str(score["title"])),
        "value": number,
        "interval": interval,
        "higher_is_better": higher,
        "signature": Signature.parse(score["signature"]),
    }


def _common(results: Mapping[str, Mapping[str, Any]], first: str, second: str) -> Sequence[str]:
    names = [name for name in results[first] if name in results[second]]
    if not names:
        what = f"{first} and {second} have no score in common"
        raise InputError(what, where="results", hint="Score both by the same metrics", code="E-RESULT")
    return names


def _strange(name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return in what two signatures differ beyond the generated images."""
    rows = first[name]["signature"].differences(second[name]["signature"])
    directions = [side[name]["higher_is_better"] for side in (first, second)]
    turned = [f"higher_is_better of {name}: {directions[0]} / {directions[1]}"] if len(set(directions)) > 1 else []
    return [row for row in rows if not row.startswith("fake:")] + turned


def _sizes(first: str, second: str, results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    sets = [next(iter(results[name].values()))["signature"].fake for name in (first, second)]
    if sets[0] == sets[1]:
        yield f"{first} and {second} hold exactly the same images"


def _difference(name: str, pair: tuple[str, str], results: Mapping[str, Mapping[str, Any]]) -> Difference:
    first, second = (results[path][name] for path in pair)
    value = first["value"] - second["value"]
    is_told = None not in (first["interval"], second["interval"]) and math.isfinite(value)
    # An infinite value has no difference that an interval could surround.
    around = _around(first, second) if is_told else None
    counts = [_count(one["signature"].fake) for one in (first, second)]
    reason = "" if math.isfinite(value) else "a value is not finite"
    if counts[0] != counts[1] and _depends_on_count(name):
        reason = f"the sets have {counts[0]} and {counts[1]} images and this score depends on the number"
    return Difference(name, first["title"], *pair, value, around, first["higher_is_better"], reason=reason)


def _count(side: str) -> str:
    """Return the number of images of a set as signatures write it, ``name#count:digest``."""
    return side.partition("#")[2].partition(":")[0]


def _depends_on_count(name: str) -> bool:
    """Whether a score depends on the number of generated images; an unknown score is taken to depend on it."""
    return all(each.depends_on_count for each in _metrics(name))


def _metrics(name: str) -> list[Metric]:
    """Return the metrics of the catalogue that have a part of that name: one, or none where it is the caller's own."""
    return [each for each in METRICS.records().values() if name in (part.name for part in each.parts)]


def _around(first: Mapping[str, Any], second: Mapping[str, Any]) -> Interval:
    """Return the interval of a difference of independent values."""
    sides = [(one["value"], interval_ends.Bounds(*one["interval"][:2])) for one in (first, second)]
    return Interval(*interval_ends.difference(*sides[0], *sides[1], 0.0), METHOD)
