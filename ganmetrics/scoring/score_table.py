"""Scores of one or several sets as one table: rows are sets, columns scores, the signature stands once below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._table import Cell, Note, Table
from ganmetrics.measurement.recipe import Signature
from ganmetrics.numerics.interval_ends import readable
from ganmetrics.scoring.difference import NO_INTERVAL

if TYPE_CHECKING:
    from ganmetrics.scoring.difference import Difference
    from ganmetrics.scoring.result import Floor, Score

    Scores = Mapping[str, Mapping[str, Score]]

NOTHING = Cell("–")
SCALE = "95 % intervals: ± where both sides are equal as printed, else [low, high]"
# The row of held-out real images.
FLOOR = "held-out real images"


class Verdicts(NamedTuple):
    """What tells the sets of a table apart.

    Attributes
    ----------
    differences : sequence of Difference
        Of every pair of sets, or of every set and the baseline.
    baseline : str
        The set that the others are compared with; empty where every pair is compared.
    """

    differences: Sequence[Difference] = ()
    baseline: str = ""


ALONE = Verdicts()


def score_table(
    results: Scores, verdicts: Verdicts = ALONE, *, head: str = "Set", left_out: Mapping[str, str] | None = None
) -> Table:
    """Return the scores of several sets as one table.

    Parameters
    ----------
    results : mapping of str to mapping of str to Score
        The scores of each set by its name.
    verdicts : Verdicts
        They decide which sets are marked with the best one, and fill the column of verdicts where there is a baseline.
    head : str
        What a row is called.
    left_out : mapping of str to str
        The metrics that were left out, and why.
    """
    columns = [_column(name, results, verdicts) for name in columns_of(results)]
    heads, rows, records = [head], [], []
    for each in columns:
        arrow = "↑" if each.first.higher_is_better else "↓"
        heads += [f"{each.first.title} {arrow}", *(["/ floor"] if each.has_floor else [])]
    for model, scores in results.items():
        row, record = [Cell(model)], {head.lower(): model}
        for each in columns:
            row += each.cells(model, scores.get(each.name))
            record |= each.record(scores.get(each.name))
        if verdicts.baseline:
            row.append(Cell(_against(model, verdicts)))
            record["verdict"] = row[-1].text
        rows.append(tuple(row))
        records.append(record)
    if any(each.has_floor for each in columns):
        floors = [cell for each in columns for cell in each.floor_cells(results)]
        rows.append((Cell(FLOOR), *floors, *([Cell()] if verdicts.baseline else [])))
    heads += [f"against {verdicts.baseline}"] if verdicts.baseline else []
    gone = tuple(Note(f"left out: {name} ({reason})") for name, reason in (left_out or {}).items())
    notes = (*_reading_notes(results, columns, verdicts), *signature_notes(results), *gone)
    return Table(tuple(heads), tuple(rows), notes, tuple(records))


class Column(NamedTuple):
    """One score of every set.

    Attributes
    ----------
    name : str
    first : Score
        That of the first set that has one.
    marked : set of str
        The best set, and those that are not told apart from it.
    has_floor : bool
        Whether some set has the score of held-out real images beside it.
    """

    name: str
    first: Score
    marked: set[str]
    has_floor: bool

    def cells(self, model: str, score: Score | None) -> list[Cell]:
        """Return the cells of one set: its value with its interval, and its ratio to the floor where there is one."""
        value = NOTHING if score is None else Cell(value_cell(score), True, model in self.marked)
        if not self.has_floor:
            return [value]
        floor = None if score is None else score.floor
        return [value, NOTHING if floor is None else _ratio(floor)]

    def record(self, score: Score | None) -> dict[str, Any]:
        """Return the plain values of one set; every set has the same keys."""
        interval, floor = (None, None) if score is None else (score.interval, score.floor)
        of_floor = {f"{self.name}_floor": floor and floor.value, f"{self.name}_over_floor": floor and floor.ratio}
        return {
            self.name: score and score.value,
            f"{self.name}_low": interval and interval.low,
            f"{self.name}_high": interval and interval.high,
            **(of_floor if self.has_floor else {}),
            f"{self.name}_signature": score and str(score.signature),
        }

    def floor_cells(self, results: Scores) -> list[Cell]:
        """Return the cells of held-out real images; sets of different sizes have floors of their own."""
        if not self.has_floor:
            return [NOTHING]
        given = (scores[self.name].floor for scores in results.values() if self.name in scores)
        floors = [one for one in given if one is not None]
        shown = list(dict.fromkeys(one.cell for one in floors))
        has_ratio = any(not math.isnan(one.ratio) for one in floors)
        return [Cell(", ".join(shown), is_number=len(shown) == 1), Cell("1", is_number=True) if has_ratio else NOTHING]


def _ratio(floor: Floor) -> Cell:
    return NOTHING if math.isnan(floor.ratio) else Cell(f"{floor.ratio:.3g}", is_number=True)


def _column(name: str, results: Scores, verdicts: Verdicts) -> Column:
    scores = [scores[name] for scores in results.values() if name in scores]
    return Column(name, scores[0], marked(name, results, verdicts), any(one.floor is not None for one in scores))


def columns_of(results: Scores) -> dict[str, Score]:
    """Return one score for each column, in the order in which the sets have them."""
    columns: dict[str, Score] = {}
    for scores in results.values():
        for name, score in scores.items():
            columns.setdefault(name, score)
    return columns


def value_cell(score: Score) -> str:
    """Return a score as a cell: its value with its interval, rounded by the interval."""
    if score.interval is None or not math.isfinite(score.value):
        return readable(score.value)
    return score.interval.cell(score.value)


def marked(name: str, results: Scores, verdicts: Verdicts) -> set[str]:
    """Return the best set of a column, and those that are not told apart from it; nothing where no interval tells."""
    values = {model: scores[name].value for model, scores in results.items() if name in scores}
    known = {model: value for model, value in values.items() if math.isfinite(value)}
    if len(known) < 2 or set(differing_fields(results, name)) - {"fake"}:
        return set()
    sign = -1 if columns_of(results)[name].higher_is_better else 1
    best = min(known, key=lambda model: sign * known[model])
    if verdicts.baseline or not verdicts.differences:
        return {best}
    own = [one for one in verdicts.differences if one.name == name and best in (one.first, one.second)]
    # Without any interval nothing is told, and all would be marked.
    if not own or all(one.why == NO_INTERVAL for one in own):
        return set()
    # Sets of different sizes, whose scores do not compare, have no interval of their difference: they are no ties.
    alike = [one for one in own if one.verdict == "cannot tell" and one.interval is not None]
    ties = {one.second if one.first == best else one.first for one in alike}
    return {best, *ties}


def _against(model: str, verdicts: Verdicts) -> str:
    """Return the verdicts of one set against the baseline, those that are alike in one phrase."""
    words: dict[str, list[str]] = {}
    for one in verdicts.differences:
        if one.first == model:
            words.setdefault(one.verdict, []).append(one.title)
    if len(words) == 1:
        return next(iter(words))
    return "; ".join(f"{verdict}: {', '.join(titles)}" for verdict, titles in words.items())


def _reading_notes(results: Scores, columns: Sequence[Column], verdicts: Verdicts) -> Iterator[Note]:
    """Say how to read the cells, the arrows, the marks and the verdicts, as far as the table has them."""
    ways = {"lower": False, "higher": True}
    here = {each.first.higher_is_better for each in columns}
    arrows = [f"{'↑' if up else '↓'} {word} is better" for word, up in ways.items() if up in here]
    has_intervals = any(score.interval for scores in results.values() for score in scores.values())
    yield Note("; ".join([*([SCALE] if has_intervals else []), *arrows]))
    if any(each.marked for each in columns):
        tied = "" if verdicts.baseline or not verdicts.differences else ", and what cannot be told apart from it"
        yield Note(f"* or bold: the best value{tied}")
    family = max((one.family for one in verdicts.differences), default=0)
    if family > 1:
        yield Note(f"Verdicts are corrected for {family} comparisons of each score (Holm), which together err in 5 %")
    if any(each.has_floor for each in columns):
        yield Note("/ floor: the score over that of held-out real images, both at the smaller number of images")


def differing_fields(results: Scores, column: str) -> list[str]:
    """Return in which fields the signatures of a column differ."""
    signatures = [scores[column].signature for scores in results.values() if column in scores]
    names = [field.name for field in fields(Signature)]
    return [name for name in names if len({getattr(one, name) for one in signatures}) > 1]


def signature_notes(results: Scores) -> Iterator[Note]:
    """Yield the signature of each column, and for each row the parts in which its signature differs."""
    own: dict[str, dict[tuple[str, str], list[str]]] = {model: {} for model in results}
    for column in columns_of(results):
        signatures = {model: scores[column].signature for model, scores in results.items() if column in scores}
        first = next(iter(signatures.values()))
        differing = differing_fields(results, column)
        yield Note("", str(replace(first, **dict.fromkeys(differing, "…"))))
        for model, signature in signatures.items():
            for name in differing:
                own[model].setdefault((name, getattr(signature, name)), []).append(column)
    for model, parts in own.items():
        several = {name for name, _ in parts if sum(other == name for other, _ in parts) > 1}
        # A value that the columns do not share is followed by theirs.
        of = {part: f" ({','.join(columns)})" if part[0] in several else "" for part, columns in parts.items()}
        if parts:
            yield Note(f"{model}:", "  ".join(f"{name}:{value}{of[name, value]}" for name, value in parts))
