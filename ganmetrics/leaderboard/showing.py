"""The table of a board, as text for a terminal and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from ganmetrics.leaderboard.board import Board
from ganmetrics.leaderboard.public_names import cell
from ganmetrics.leaderboard.ranking import Row, interval_of, public_score, rounded, shown_interval, value_of
from ganmetrics.scoring.result import readable

# Columns of evidence that tables show, with their headings.
EVIDENCE = {
    "near_copies": "near copies",
    "duplicates": "repeated",
    "within_half": "within half",
    "second_fid": "second FID",
}


def text(board: Board, rows: Sequence[Row], *, is_exact: bool = False) -> str:
    """Return the table as text, with the rule that orders it."""
    if not rows:
        return f"{board.rules.title}: no entries yet"
    titles = [score["title"] for score in rows[0].scores.values()]
    evidence = [name for name in EVIDENCE if name in rows[0].facts["evidence"]]
    head = ["RANK", "TEAM", "MODEL", *titles, *(EVIDENCE[name].upper() for name in evidence), "ENTRY"]
    lines = [head, *(_cells(row, evidence, is_exact) for row in rows)]
    # Columns are as wide as their widest cell.
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    table = ["  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([board.rules.title, *table, _order(board, rows)])


def _cells(row: Row, evidence: Sequence[str], is_exact: bool) -> list[str]:
    rank = f"{row.rank}{' =' if row.is_tied else ''}"
    return [rank, row.team, row.model, *(_score(each, is_exact) for each in row.scores.values()),
            *(shown_evidence(name, row.facts["evidence"].get(name)) for name in evidence), row.entry]  # fmt: skip


def _score(score: dict[str, Any], is_exact: bool) -> str:
    exact, value = interval_of(score), value_of(score)
    around = (exact.words(value) if exact else "") if is_exact else shown_interval(score)
    return f"{readable(value) if is_exact else rounded(score)}{f' ({around})' if around else ''}"


def shown_evidence(name: str, value: Any) -> str:
    """Return a value of an evidence column as text."""
    if value is None:
        return ""
    return rounded(value) if name == "second_fid" else f"{value:.1%}"


def _order(board: Board, rows: Sequence[Row]) -> str:
    title = rows[0].scores[board.rules.rank_by]["title"]
    return f"ranked by {title}; entries that its 95 % intervals cannot tell apart share a rank (=)"


def comma_separated(rows: Sequence[Row]) -> str:
    """Return the table as CSV, whose text no spreadsheet runs as a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    for number, row in enumerate(rows):
        facts = dict(_flat(row))
        if not number:
            writer.writerow(list(facts))
        writer.writerow([cell(value) for value in facts.values()])
    return stream.getvalue()


def _flat(row: Row) -> Iterator[tuple[str, Any]]:
    yield from {"rank": row.rank, "tied": row.is_tied, "team": row.team, "model": row.model}.items()
    for name, score in row.scores.items():
        yield name, rounded(score)
        around = public_score(score).get("interval", {})
        yield from ((f"{name}_{end}", around.get(end)) for end in ("low", "high"))
    for name, value in row.facts["evidence"].items():
        yield name, rounded(value) if isinstance(value, dict) else f"{value:.4g}"
    yield from {"entry": row.entry, "received": row.received, "submission": row.submission}.items()
