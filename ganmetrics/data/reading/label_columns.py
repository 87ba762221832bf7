"""One column of labels where an image has several, as attributes of faces are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganmetrics._files import shown
from ganmetrics.data.reading.unreadable import LabelError

CHOOSE = "Choose one by `label_column`, a name or a number from 0"


def picked(rows: Sequence[Any], column: str, names: Sequence[str], title: str) -> list[Any]:
    """One value of each row, all of one length (LabelError for a column that is not there)."""
    width = len(rows[0]) if len(rows) else 0
    index = names.index(column) if column in names else int(column) if column.isdecimal() else width
    if index < width and all(len(row) == width for row in rows):
        return [row[index] for row in rows]
    listed = f": {shown(', '.join(names[:10]))}{', …' * (len(names) > 10)}" if names else ""
    raise LabelError(f"{title} have no column {shown(column)}; they have {width} columns{listed}")
