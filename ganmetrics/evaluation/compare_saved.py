"""Compare results that were saved as JSON, without their images."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ganmetrics import _arguments
from ganmetrics._report import Report
from ganmetrics.errors import InputError, UsageError
from ganmetrics.evaluation.saved_scores import count_of, depends_on_count, saved_scores
from ganmetrics.numerics import interval_ends
from ganmetrics.registry import unknown
from ganmetrics.scoring.difference import Difference, tabled
from ganmetrics.scoring.headline import headline
from ganmetrics.scoring.multiplicity import corrected
from ganmetrics.scoring.result import SCHEMA, Interval, Score
from ganmetrics.scoring.score_table import Verdicts, score_table

if TYPE_CHECKING:
    from ganmetrics._table import Table

    Saved = Mapping[str, Mapping[str, Score]]

METHOD = "intervals of both, as if each had met reals of its own"


@dataclass(frozen=True, repr=False)
class SavedComparison(Report):
    """The scores of several saved results, and their differences.

    Attributes
    ----------
    differences : tuple of Difference
    warnings : tuple of str
        What makes a difference easily misread.
    results : mapping of str to mapping of str to Score
        The scores of each file.
    baseline : str
        The file that the others are compared with; empty where every pair is compared.
    """

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()
    results: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    baseline: str = ""

    def __str__(self) -> str:
        return tabled(self.table(), self.differences, self.baseline)

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return the scores by the name of their file."""
        return self.results

    @property
    def headline(self) -> str:
        """One sentence: which result is the best on which scores, and which cannot be told apart."""
        return headline(self.results, Verdicts(self.differences, self.baseline))

    def table(self) -> Table:
        """Return the scores as a table with a row for each file."""
        return score_table(self.results, Verdicts(self.differences, self.baseline))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "schema": SCHEMA,
            "differences": [each.to_dict() for each in self.differences],
            "warnings": list(self.warnings),
        }


def compare_saved(*paths: str | os.PathLike[str], baseline: str = "", force: bool = False) -> SavedComparison:
    """Say which of several saved results are better.

    Their signatures may differ in nothing but the generated images.

    Without the images the real set's own noise cannot cancel: intervals are wider than those of ``compare``.

    Parameters
    ----------
    paths : path
        JSON files of ``ganmetrics evaluate --json FILE`` or ``Result.save``, at least two.
    baseline : str
        One of the files. The others are compared with it alone.
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
    results = {path: saved_scores(path) for path in (_arguments.path(each, "results") for each in paths)}
    # The mapping of results has one entry for each path.
    if len(results) < len(paths):
        raise UsageError("a saved result is given twice", where="results")
    if baseline and baseline not in results:
        raise unknown("saved result", baseline, list(results))
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
    pairs = [(path, baseline) for path in results if path != baseline] if baseline else list(combinations(results, 2))
    alone = [difference_of(name, pair, results) for pair in pairs for name in _common(results, *pair)]
    return SavedComparison(tuple(corrected(alone)), tuple(warnings), results, baseline)


def _common(results: Saved, first: str, second: str) -> Sequence[str]:
    names = [name for name in results[first] if name in results[second]]
    if not names:
        what = f"{first} and {second} have no score in common"
        raise InputError(what, where="results", hint="Score both by the same metrics", code="E-RESULT")
    return names


def _strange(name: str, first: Mapping[str, Score], second: Mapping[str, Score]) -> list[str]:
    """Return in what two signatures differ beyond the generated images."""
    rows = first[name].signature.differences(second[name].signature)
    directions = [side[name].higher_is_better for side in (first, second)]
    turned = [f"higher_is_better of {name}: {directions[0]} / {directions[1]}"] if len(set(directions)) > 1 else []
    return [row for row in rows if not row.startswith("fake:")] + turned


def _sizes(first: str, second: str, results: Saved) -> Iterator[str]:
    sets = [next(iter(results[name].values())).signature.fake for name in (first, second)]
    if sets[0] == sets[1]:
        yield f"{first} and {second} hold exactly the same images"


def difference_of(name: str, pair: tuple[str, str], results: Saved) -> Difference:
    """Compare two saved results by one score, as far as its numbers of images allow it."""
    first, second = (results[path][name] for path in pair)
    value = first.value - second.value
    is_told = None not in (first.interval, second.interval) and math.isfinite(value)
    # An infinite value has no difference that an interval could surround.
    around = _around(first, second) if is_told else None
    counts = [count_of(one.signature.fake) for one in (first, second)]
    reason = "" if math.isfinite(value) else "a value is not finite"
    if counts[0] != counts[1] and depends_on_count(name):
        around, reason = None, f"the sets have {counts[0]} and {counts[1]} images and this score depends on the number"
    return Difference(name, first.title, *pair, value, around, first.higher_is_better, reason=reason)


def _around(first: Score, second: Score) -> Interval:
    """Return the interval of a difference of independent values."""
    ends = [interval_ends.Bounds(*one.interval[:2]) for one in (first, second) if one.interval is not None]
    return Interval(*interval_ends.difference(first.value, ends[0], second.value, ends[1], 0.0), METHOD)
