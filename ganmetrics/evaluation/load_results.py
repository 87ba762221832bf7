"""Many saved results as one: a table, a data frame and a page, with warnings where protocols differ."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics import _arguments
from ganmetrics._files import shown
from ganmetrics._report import Report
from ganmetrics.errors import InputError, UsageError
from ganmetrics.evaluation.compare_saved import difference_of
from ganmetrics.evaluation.saved_scores import saved_runs
from ganmetrics.scoring.multiplicity import corrected
from ganmetrics.scoring.result import SCHEMA, Score
from ganmetrics.scoring.score_table import Verdicts, columns_of, differing_fields, score_table

if TYPE_CHECKING:
    from ganmetrics._table import Table
    from ganmetrics.scoring.difference import Difference

SUFFIXES = (".json", ".jsonl")
# Files that a warning names.
NAMED = 5


@dataclass(frozen=True)
class Run:
    """The scores of one set of images, or of one step of a training.

    Attributes
    ----------
    name : str
        The file, and the set where the file holds several.
    file : str
    step : int or None
        The step of the training, where a monitor wrote the file.
    scores : mapping of str to Score
    """

    name: str
    file: str
    step: int | None
    scores: Mapping[str, Score]

    @property
    def title(self) -> str:
        """The name with the step, where there is one."""
        return self.name if self.step is None else f"{self.name} step {self.step}"


@dataclass(frozen=True, repr=False)
class SavedResults(Report):
    """Saved results, one row for each set; a training is a series of steps.

    Attributes
    ----------
    runs : tuple of Run
        In the order of their files and steps.
    warnings : tuple of str
        In what the signatures differ, and which files hold no result.
    """

    runs: tuple[Run, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.table().text()

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return the scores of each set, and of each training those of its best step."""
        return {each.title: each.scores for each in self._best()}

    def table(self) -> Table:
        """Return a table with a row for each set, and one for the best step of each training."""
        sets = self.by_set()
        return score_table(sets, Verdicts(corrected(_against_best(sets))), head="Run")

    def to_pandas(self) -> Any:
        """Return a data frame with a row for each set and for each step: ``run``, ``file``, ``step`` and the scores.

        Raises
        ------
        UsageError
            The package ``pandas`` is not installed.
        """
        return self._rows().pandas()

    def to_csv(self) -> str:
        """Return a row for each set and for each step as comma-separated values."""
        return self._rows().csv()

    def to_dict(self) -> dict[str, Any]:
        """Return the runs as plain data."""
        runs = [
            {"name": each.name, "file": each.file, "step": each.step,
             "scores": {name: score.to_dict() for name, score in each.scores.items()}}
            for each in self.runs
        ]  # fmt: skip
        return {"schema": SCHEMA, "runs": runs, "warnings": list(self.warnings)}

    def series(self) -> dict[str, list[Run]]:
        """Return the steps of each training, by the name of its file."""
        found: dict[str, list[Run]] = {}
        for each in self.runs:
            if each.step is not None:
                found.setdefault(each.name, []).append(each)
        return found

    def _best(self) -> Iterator[Run]:
        """Yield the runs of single sets, and of each training the step with the best first score."""
        yield from (each for each in self.runs if each.step is None)
        for steps in self.series().values():
            name, first = next(iter(steps[-1].scores.items()))
            # A history may go on under another protocol, with which the older steps do not compare.
            alike = [one for one in steps if name in one.scores and _protocol(one.scores[name]) == _protocol(first)]
            finite = [one for one in alike if math.isfinite(one.scores[name].value)] or steps[-1:]
            sign = -1 if first.higher_is_better else 1
            yield min(finite, key=lambda one: sign * one.scores[name].value)

    def _rows(self) -> Table:
        """Return every run as a row, with the columns that tell runs apart."""
        names = [f"{index}" for index in range(len(self.runs))]
        table = score_table(dict(zip(names, (each.scores for each in self.runs), strict=True)), head="Run")
        records = tuple(
            {"run": run.name, "file": run.file, "step": run.step, **{k: v for k, v in record.items() if k != "run"}}
            for run, record in zip(self.runs, table.records, strict=True)
        )
        return type(table)(table.heads, table.rows, table.notes, records)


def load_results(*paths: str | os.PathLike[str]) -> SavedResults:
    """Read saved results, and all results below folders, as one.

    Parameters
    ----------
    paths : path
        JSON files of ``ganmetrics evaluate --json`` or ``Result.save``, of comparisons and diagnoses, the
        ``scores.jsonl`` of a ``gm.training.Monitor``, and folders that are searched for them.

    Returns
    -------
    SavedResults
        Its ``to_pandas()`` is a data frame, its ``save_html`` a page with sorting, a filter and curves.

    Raises
    ------
    UsageError
        No path.
    InputError
        A file that is named and holds no result, a missing path, or folders without any result.
    """
    if not paths:
        raise UsageError("no file and no folder was given", where="results")
    places = [Path(_arguments.path(each, "results")) for each in paths]
    runs, passed_over = [], []
    for place in places:
        is_folder = place.is_dir()
        for path in _files(place) if is_folder else [place]:
            try:
                runs += _runs(path)
            except InputError as error:
                # What lies in a folder need not be a result; what a caller names must be one.
                if not is_folder or error.code == "E-MISSING":
                    raise
                passed_over.append(f"{shown(path)} ({error.what})")
    if not runs:
        hint = "Write some with `ganmetrics evaluate REAL FAKE --json FILE`, or Result.save"
        where = ", ".join(map(shown, places))
        raise InputError("no saved result was found", where=where, hint=hint, code="E-RESULT")
    more = f" and {len(passed_over) - NAMED} more" if len(passed_over) > NAMED else ""
    said = [f"passed over: {', '.join(passed_over[:NAMED])}{more}"] if passed_over else []
    found = SavedResults(tuple(_apart(runs)))
    return SavedResults(found.runs, (*_mixed(found.by_set()), *said))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def _runs(path: Path) -> list[Run]:
    name = shown(path)
    return [
        Run(f"{name}:{each.name}" if each.name else name, name, each.step, each.scores) for each in saved_runs(path)
    ]


def _apart(runs: Sequence[Run]) -> Iterator[Run]:
    """Yield each run once, though a file may be named and lie in a folder too."""
    seen = set()
    for each in runs:
        if (each.name, each.step) not in seen:
            seen.add((each.name, each.step))
            yield each


def _protocol(score: Score) -> tuple[str, ...]:
    """Return what two scores must share to be compared: the signature without the generated images."""
    one = score.signature
    return one.metric, one.network, one.resize, one.real, one.precision, one.version, one.test


def _mixed(sets: Mapping[str, Mapping[str, Score]]) -> Iterator[str]:
    """Say of each score in what the signatures differ beyond the generated images."""
    for name, first in columns_of(sets).items():
        differing = [field for field in differing_fields(sets, name) if field != "fake"]
        if differing:
            protocols = len({_protocol(scores[name]) for scores in sets.values() if name in scores})
            words = ", ".join(differing)
            yield f"{first.title} has {protocols} protocols, which do not compare ({words}): no run is marked best"


def _against_best(sets: Mapping[str, Mapping[str, Score]]) -> list[Difference]:
    """Compare the best of each score with all others, where nothing but the generated images differs."""
    found = []
    for name, first in columns_of(sets).items():
        known = {run: scores[name].value for run, scores in sets.items() if name in scores}
        known = {run: value for run, value in known.items() if math.isfinite(value)}
        if len(known) > 1 and not set(differing_fields(sets, name)) - {"fake"}:
            sign = -1 if first.higher_is_better else 1
            best = min(known, key=lambda run: sign * known[run])
            found += [difference_of(name, (best, other), sets) for other in known if other != best]
    return found
