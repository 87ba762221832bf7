"""A table of results as text, Markdown, LaTeX, CSV or a data frame: one place for what people paste elsewhere."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

# Columns of a terminal that a table is broken at.
WIDTH = 110
# Digits of a number in CSV: more than any interval deserves, fewer than a float has.
DIGITS = 6
ARROWS = {"↓": r"$\downarrow$", "↑": r"$\uparrow$"}
LATEX = {
    **{character: rf"\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "∞": r"$\infty$", "×": r"$\times$", "–": "--"},
    **{"…": r"\dots{}", **ARROWS},
}
# Characters of a signature behind which a line may be broken.
BREAKS = "|:,#"


class Cell(NamedTuple):
    """One cell: its text, whether it is a number, and whether it is marked as the best."""

    text: str = ""
    is_number: bool = False
    is_marked: bool = False


class Note(NamedTuple):
    """A sentence below a table, and a text that goes with it letter by letter, such as a signature."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class Table:
    """A table of words and numbers.

    Attributes
    ----------
    heads : tuple of str
    rows : tuple of tuple of Cell
        One row for each set, one cell for each head.
    notes : tuple of Note
    records : tuple of mapping
        The same rows as plain values, for CSV and data frames, which share one set of keys.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[Note, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers, which are aligned at the right."""
        return [any(row[i].is_number for row in self.rows) for i in range(len(self.heads))]

    def text(self) -> str:
        """Return the table in columns of one width, with a star beside the best."""
        lines = [self.heads, *([f"{one.text} *" if one.is_marked else one.text for one in row] for row in self.rows)]
        blocks = ["\n".join(_aligned(lines, columns)) for columns in self._blocks(lines)]
        notes = [f"{one.text} {one.code}".strip() for one in self.notes]
        return "\n\n".join([*blocks, *(["\n".join(notes)] if notes else [])])

    def markdown(self) -> str:
        """Return the table as GitHub's Markdown, with the best in bold."""
        head = _marked_down(self.heads)
        rule = f"| {' | '.join('---:' if each else '---' for each in self.numeric)} |"
        rows = [_marked_down([f"**{one.text}**" if one.is_marked else one.text for one in row]) for row in self.rows]
        # Each note is a paragraph; within backticks nothing is read as markup.
        notes = [f"{_escaped_markdown(one.text)} {f'`{one.code}`' if one.code else ''}".strip() for one in self.notes]
        return "\n".join([head, rule, *rows, *(f"\n{note}" for note in notes)])

    def latex(self) -> str:
        """Return the table as LaTeX for the package booktabs, with the best in bold."""
        columns = "".join("r" if each else "l" for each in self.numeric)
        rows = [" & ".join(map(_latex_cell, row)) + r" \\" for row in self.rows]
        notes = [f"{_latex(one.text)} {_latex_code(one.code)}".strip() for one in self.notes]
        lines = [
            "% \\usepackage{booktabs}",
            f"\\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(map(_latex, self.heads)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        ]
        if notes:
            lines += ["", r"\smallskip", r"{\footnotesize\raggedright", "\\par\n".join(notes) + r"\par}"]
        return "\n".join(lines)

    def csv(self) -> str:
        """Return the rows as comma-separated values, whose text no spreadsheet runs as a formula."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self._keys())
        writer.writerows([[_plain(record.get(key)) for key in self._keys()] for record in self.records])
        return stream.getvalue().rstrip("\n")

    def pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame with all digits (UsageError without pandas)."""
        try:
            import pandas as pd
        except ImportError:
            hint = "Install it: pip install pandas"
            raise UsageError("the package pandas is not installed", where="to_pandas", hint=hint) from None
        return pd.DataFrame(list(self.records), columns=self._keys())

    def _keys(self) -> list[str]:
        return list(dict.fromkeys(key for record in self.records for key in record))

    def _blocks(self, lines: Sequence[Sequence[str]]) -> Iterator[list[int]]:
        """Yield the columns of each block that fits a terminal; the first column begins every block."""
        widths = [max(len(line[i]) for line in lines) + 2 for i in range(len(self.heads))]
        block, used = [0], widths[0]
        for column in range(1, len(self.heads)):
            if len(block) > 1 and used + widths[column] > WIDTH:
                yield block
                block, used = [0], widths[0]
            block, used = [*block, column], used + widths[column]
        yield block


FORMATS: Mapping[str, Callable[[Table], str]] = {
    "text": Table.text,
    "markdown": Table.markdown,
    "latex": Table.latex,
    "csv": Table.csv,
}


def words(*cells: str) -> tuple[Cell, ...]:
    """Return a row of plain words."""
    return tuple(map(Cell, cells))


def of_words(heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> Table:
    """Return a table of plain words, whose records have the heads as keys."""
    records = tuple(dict(zip(heads, row, strict=True)) for row in rows)
    return Table(tuple(heads), tuple(words(*row) for row in rows), tuple(map(Note, notes)), records)


def _aligned(lines: Sequence[Sequence[str]], columns: Sequence[int]) -> list[str]:
    widths = [max(len(line[i]) for line in lines) for i in columns]
    return ["  ".join(line[i].ljust(w) for i, w in zip(columns, widths, strict=True)).rstrip() for line in lines]


def _marked_down(cells: Sequence[str]) -> str:
    # A bar would end the cell.
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _escaped_markdown(text: str) -> str:
    """Keep a sentence from being read as markup: stars, underscores and the like stand for themselves."""
    return re.sub(r"([\\`*_<\[])", r"\\\1", text)


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


def _latex_code(text: str) -> str:
    parts = [f"{_latex(one)}{chr(92) + 'allowbreak{}' if one in BREAKS else ''}" for one in text]
    return rf"\texttt{{{''.join(parts)}}}" if text else ""


def _latex_cell(cell: Cell) -> str:
    if not cell.is_number:
        return rf"\textbf{{{_latex(cell.text)}}}" if cell.is_marked else _latex(cell.text)
    text = re.sub(r"e([+-])0*(\d+)", lambda found: rf"{{\times}}10^{{{found[1].strip('+')}{found[2]}}}", cell.text)
    value, _, around = text.partition(" ")
    value = rf"\mathbf{{{value}}}" if cell.is_marked else value
    # Mathematics would close up to a bracket and to the number behind a comma.
    for sign, command in {"[": r"\;[", ", ": r",\ ", "±": r"\pm", "∞": r"\infty"}.items():
        around = around.replace(sign, command)
    return f"${value}{f' {around}' if around else ''}$"


def _plain(value: Any) -> str:
    """Write a value for CSV: numbers with few digits; text that a spreadsheet would run gets an apostrophe."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not isinstance(value, int) else text
