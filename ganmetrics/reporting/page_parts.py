"""The parts of a report, as plain data that the templates turn into HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganmetrics._table import Table as Grid
    from ganmetrics.diagnosis.finding import Finding
    from ganmetrics.reporting.gallery import Gallery
    from ganmetrics.reporting.plotting import Drawing
    from ganmetrics.scoring.difference import Difference


@dataclass(frozen=True)
class ScoreRow:
    """One score in the table of scores."""

    title: str
    value: str
    interval: str
    method: str
    direction: str
    signature: str
    set_name: str = ""


@dataclass(frozen=True)
class Table:
    """A table of words that fits no other part of a report."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Side:
    """What is known of one set of images, as pairs of words."""

    role: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class View:
    """Everything that a report shows.

    Attributes
    ----------
    title, summary : str
    findings : tuple of Finding
    scores : tuple of ScoreRow
    differences : tuple of Difference
    set_head : str
        The head of the column that says which set, or which protocol, a score belongs to.
    tables : tuple of Table
    figures : tuple of Drawing
    galleries : tuple of Gallery
    sides : tuple of Side
    warnings : tuple of str
    left_out : mapping of str to str
    versions : mapping of str to str
    grid : Table, optional
        All scores in one table with the signatures below, which a notebook shows in place of longer tables.
    is_browser : bool
        Whether the page is about many runs, so that this table can be sorted and filtered.
    """

    title: str
    summary: str
    findings: tuple[Finding, ...] = ()
    scores: tuple[ScoreRow, ...] = ()
    differences: tuple[Difference, ...] = ()
    set_head: str = "Set"
    tables: tuple[Table, ...] = ()
    figures: tuple[Drawing, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    sides: tuple[Side, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: Mapping[str, str] | None = None
    versions: Mapping[str, str] | None = None
    grid: Grid | None = None
    is_browser: bool = False
