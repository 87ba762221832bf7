"""Classes that a caller gives to the images of a source: a list, or a file that names them."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics._process import no_warnings
from ganmetrics.data.places.paths import IMAGE_SUFFIXES, suffix_of
from ganmetrics.data.reading.classes import (
    MAX_LABEL_BYTES,
    LabelError,
    Pairs,
    class_text,
    classes_by_name,
    image_name,
)
from ganmetrics.data.source import Classes, Source
from ganmetrics.data.wrapped import WrappedSource
from ganmetrics.errors import InputError, UsageError

if TYPE_CHECKING:
    pass

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


def labelled(source: Source, labels: Any) -> Source:
    """The source with classes from a sequence, or from a file.

    Parameters
    ----------
    source : Source
    labels : path or sequence of int or str
        One class for each image in order, or a file: ``name,class`` lines (.csv), StyleGAN's ``dataset.json``, one
        class a line or ``name class`` lines (.txt), or an .npy of whole numbers.

    Raises
    ------
    InputError
        A file that is missing or of another form; an image without a class, or another number of classes.
    UsageError
        Labels of another type.
    """
    if isinstance(labels, (str, os.PathLike)):
        where, given = shown(os.fspath(labels)), _read(Path(labels))
    elif isinstance(labels, Mapping) or not hasattr(labels, "__len__") or not hasattr(labels, "__getitem__"):
        what = f"labels are of type {type(labels).__name__}; expected a file or one class for each image"
        raise UsageError(what, where="labels")
    else:
        where, given = "labels", _sequence(labels)
    classes = _by_name(source, given, where) if isinstance(given, dict) else given
    if source.count is not None and len(classes) != source.count:
        what = f"there are {len(classes)} classes for {source.count} images"
        raise InputError(what, where=where, hint=f"Give one for each image of {source.name}", code="E-LABELS")
    return LabelledSource(source, classes)


def _sequence(labels: Sequence[Any]) -> list[str]:
    try:
        return [class_text(each) for each in labels]
    except LabelError as error:
        raise UsageError(str(error), where="labels") from error
    except (ValueError, TypeError, RuntimeError) as error:
        what = f"a class is {shown(str(error)[:80])}; expected whole numbers or names, one for each image"
        raise UsageError(what, where="labels") from error


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


def _read(path: Path) -> dict[str, str] | list[str]:
    """What a file says, by name or in order."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            "labels are read from .csv, .json, .txt and .npy files", where=shown(path), hint=f"Expected {FORMS}"
        )
    try:
        is_small = path.stat().st_size <= MAX_LABEL_BYTES
        found = reader(path) if is_small else []
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


def _from_csv(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if any(len(row) != 2 for row in rows):
        raise ValueError(path)
    return classes_by_name(((name, class_text(label)) for name, label in rows), shown(path))


def _from_json(path: Path) -> dict[str, str] | list[str]:
    found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=Pairs)
    if isinstance(found, Pairs) and "labels" in dict(found):
        found = found.one("labels")
    if isinstance(found, Pairs) or all(isinstance(row, list) for row in found):
        return classes_by_name(((str(name), class_text(label)) for name, label in found), shown(path))
    return [class_text(label) for label in found]


def _from_lines(path: Path) -> dict[str, str] | list[str]:
    """One class a line, or the name of an image before each."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().split("\n")]
    empty = next((number for number, line in enumerate(lines, 1) if not line), 0)
    if empty:
        raise LabelError(f"line {empty} is empty, and the lines behind it would be those of other images")
    named = [line for line in lines if (found := NAMED.fullmatch(line)) or suffix_of(line) in IMAGE_SUFFIXES]
    rows = [(found[1], class_text(found[3])) for line in named if (found := NAMED.fullmatch(line))]
    if len(rows) < len(named) or 0 < len(rows) < len(lines):
        raise LabelError("some lines name an image and no class, or a class and no image")
    return classes_by_name(rows, shown(path)) if rows else [class_text(line) for line in lines]


def _from_array(path: Path) -> list[str]:
    import numpy as np

    # NumPy warns of headers of Python 2.
    with no_warnings():
        found = np.load(path, allow_pickle=False)
    if found.ndim != 1:
        raise ValueError(path)
    return [class_text(each) for each in found]


READERS = {".csv": _from_csv, ".json": _from_json, ".txt": _from_lines, ".npy": _from_array}
