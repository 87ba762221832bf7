"""Classes that a caller gives to the images of a source: a list, or a file that names them."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from ganmetrics._files import shown
from ganmetrics._process import no_warnings
from ganmetrics.data.choosing import ChosenSource
from ganmetrics.data.places.paths import IMAGE_SUFFIXES, suffix_of
from ganmetrics.data.reading.classes import MAX_LABEL_BYTES, Pairs, class_text, classes_by_name, image_name
from ganmetrics.data.reading.label_columns import CHOOSE, picked
from ganmetrics.data.reading.unreadable import LabelError
from ganmetrics.data.source import Classes, Source
from ganmetrics.data.wrapped import WrappedSource
from ganmetrics.errors import InputError, UsageError

FORMS = (
    "lines of name,class in a .csv or .txt; {'labels': [[name, class], …]} in a .json; one class a line in a .txt; "
    "or .npy"
)
# The file of an image and its class, between them a space, a comma or a semicolon.
NAMED = re.compile(rf"(.*?({'|'.join(map(re.escape, sorted(IMAGE_SUFFIXES)))}))[\s,;]+(\S.*)", re.IGNORECASE)


class LabelledSource(WrappedSource):
    """A source whose images have the classes that the caller gave.

    Parameters
    ----------
    source : Source
    classes : sequence of str
        One for each image, in the source's order.
    """

    def __init__(self, source: Source, classes: Sequence[str]) -> None:
        super().__init__(source)
        self.classes = list(classes)

    def known_classes(self) -> Classes:
        """The classes that were given."""
        return Classes(self.classes)


def labelled(source: Source, labels: Any, column: str = "") -> Source:
    """The source with classes from a sequence, or from a file.

    Parameters
    ----------
    source : Source
    labels : path or sequence of int or str
        One class for each image in order, or a file: ``name,class`` lines (.csv), StyleGAN's ``dataset.json``, one
        class a line or ``name class`` lines (.txt), or an .npy of whole numbers. Of a set of which patterns or a sample
        pick some images, they are those of the whole set.
    column : str
        Which of several labels of an image counts, by its name in the first line of a .csv or by its number from 0.

    Raises
    ------
    InputError
        A file that is missing or of another form; an image without a class, or another number of classes.
    UsageError
        Labels of another type.
    """
    if isinstance(source, ChosenSource):
        # The labels are those of the whole set, of which some images were picked.
        found = copy(source)
        found.source = labelled(source.source, labels, column)
        return found
    where, given = _given(labels, column)
    classes = _by_name(source, given, where) if isinstance(given, dict) else given
    return LabelledSource(source, _as_many(classes, source.count, where, source.name))


def labels_of_rows(labels: Any, column: str, count: int, name: str) -> list[str]:
    """The class of each row of features, which have an order and no names; see ``labelled``."""
    where, given = _given(labels, column)
    if isinstance(given, dict):
        what = f"the rows of {name} have no names to look up"
        raise InputError(what, where=where, hint="Give one class for each row in order (.txt or .npy)", code="E-LABELS")
    return _as_many(given, count, where, name)


def _as_many(classes: list[str], count: int | None, where: str, name: str) -> list[str]:
    if count is not None and len(classes) != count:
        what = f"there are {len(classes)} classes for {count} images"
        raise InputError(what, where=where, hint=f"Give one for each image of {name}", code="E-LABELS")
    return classes


def _given(labels: Any, column: str) -> tuple[str, dict[str, str] | list[str]]:
    """What labels are called in messages, and the classes by name or in order."""
    if isinstance(labels, (str, os.PathLike)):
        return shown(os.fspath(labels)), _read(Path(labels), column)
    if isinstance(labels, Mapping) or not hasattr(labels, "__len__") or not hasattr(labels, "__getitem__"):
        what = f"labels are of type {type(labels).__name__}; expected a file or one class for each image"
        raise UsageError(what, where="labels")
    return "labels", _sequence(labels, column)


def _sequence(labels: Sequence[Any], column: str) -> list[str]:
    try:
        labels = _one_each(labels, column, (), "labels")
        return [class_text(each) for each in labels]
    except LabelError as error:
        raise UsageError(str(error), where="labels") from error
    except (ValueError, TypeError, RuntimeError) as error:
        what = f"a class is {shown(str(error)[:80])}; expected whole numbers or names, one for each image"
        raise UsageError(what, where="labels") from error


def _one_each(rows: Sequence[Any], column: str, names: Sequence[str], title: str) -> Sequence[Any]:
    """One label for each image: the column of several that was chosen (LabelError where none was, or needlessly)."""
    are_several = len(rows) > 0 and hasattr(rows[0], "__len__") and not isinstance(rows[0], str) and _width(rows[0]) > 1
    if are_several and not column:
        raise LabelError(f"{title} have {_width(rows[0])} columns. {CHOOSE}")
    if column and not are_several:
        raise LabelError(f"{title} have one column, and the column {column} was asked for")
    return picked(rows, column, names, title) if are_several else rows


def _width(row: Any) -> int:
    try:
        return len(row)
    except TypeError:  # a tensor without axes
        return 1


def _by_name(source: Source, given: dict[str, str], where: str) -> list[str]:
    names = source.item_names()
    if names is None:
        what = f"the images of {source.name} have no names to look up"
        raise InputError(
            what, where=where, hint="Give one class for each image in order (.txt or .npy)", code="E-LABELS"
        )
    missing = [name for name in names if image_name(name) not in given]
    if missing:
        what = f"{len(missing)} of {len(names)} images have no class, such as {missing[0]}"
        raise InputError(
            what, where=where, hint=f"Name each by its path in {source.name}, as {missing[0]} is", code="E-LABELS"
        )
    return [given[image_name(name)] for name in names]


def _read(path: Path, column: str) -> dict[str, str] | list[str]:
    """What a file says, by name or in order."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            "labels are read from .csv, .json, .txt and .npy files", where=shown(path), hint=f"Expected {FORMS}"
        )
    try:
        is_small = path.stat().st_size <= MAX_LABEL_BYTES
        found = reader(path, column) if is_small else []
    except InputError:
        raise
    except LabelError as error:
        raise InputError(str(error), where=shown(path), hint=f"Expected {FORMS}", code="E-LABELS") from None
    except Exception as error:  # NumPy and the parsers of texts raise anything for bytes from anywhere
        reason = getattr(error, "strerror", None) or "it is of another form"
        what = f"the labels cannot be read: {reason}"
        raise InputError(what, where=shown(path), hint=f"Expected {FORMS}", code="E-LABELS") from error
    if not is_small:
        raise InputError("the file is larger than labels can be", where=shown(path), code="E-LABELS")
    return found


def _from_csv(path: Path, column: str) -> dict[str, str]:
    """The class behind each name; of several columns the first line has the names."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if {len(row) for row in rows} == {2} and column and rows[0][1] == column:
        # The first line names the only attribute.
        rows, column = rows[1:], ""
    if {len(row) for row in rows} != {2}:
        if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
            raise ValueError(path)
        (_, *names), *rows = rows
        values = _one_each([labels for _, *labels in rows], column, names, "the lines behind the name")
        rows = [[row[0], value] for row, value in zip(rows, values, strict=True)]
    elif column:
        _one_each([label for _, label in rows], column, (), "the lines behind the name")
    return classes_by_name(((name, class_text(label)) for name, label in rows), shown(path))


def _from_json(path: Path, column: str) -> dict[str, str] | list[str]:
    found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=Pairs)
    if isinstance(found, Pairs) and "labels" in dict(found):
        found = found.one("labels")
    are_pairs = all(isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) for row in found)
    if isinstance(found, Pairs) or are_pairs:
        values = _one_each([label for _, label in found], column, (), "labels")
        names = [str(name) for name, _ in found]
        return classes_by_name(zip(names, map(class_text, values), strict=True), shown(path))
    if any(isinstance(row, list) and len(row) < 2 for row in found):
        raise ValueError(path)
    return [class_text(label) for label in _one_each(found, column, (), "labels")]


def _from_lines(path: Path, column: str) -> dict[str, str] | list[str]:
    """One class a line, or the name of an image before each."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().split("\n")]
    empty = next((number for number, line in enumerate(lines, 1) if not line), 0)
    if empty:
        raise LabelError(f"line {empty} is empty, and the lines behind it would be those of other images")
    named = [line for line in lines if (found := NAMED.fullmatch(line)) or suffix_of(line) in IMAGE_SUFFIXES]
    rows = [(found[1], class_text(found[3])) for line in named if (found := NAMED.fullmatch(line))]
    if len(rows) < len(named) or 0 < len(rows) < len(lines):
        raise LabelError("some lines name an image and no class, or a class and no image")
    _one_each([label for _, label in rows] or lines, column, (), "the lines")
    return classes_by_name(rows, shown(path)) if rows else [class_text(line) for line in lines]


def _from_array(path: Path, column: str) -> list[str]:
    import numpy as np

    # NumPy warns of headers of Python 2.
    with no_warnings():
        found = np.load(path, allow_pickle=False)
    if found.ndim not in (1, 2):
        raise ValueError(path)
    return [class_text(each) for each in _one_each(found, column, (), "the rows")]


READERS = {".csv": _from_csv, ".json": _from_json, ".txt": _from_lines, ".npy": _from_array}
