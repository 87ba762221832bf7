"""Parquet files with a column of images, encoded or named by their paths, as data sets of Hugging Face have them."""

from __future__ import annotations

import glob
import json
import os
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.places.libraries import library
from ganmetrics.data.places.paths import is_parquet, suffix_of
from ganmetrics.data.reading.decode import Decoded, decode
from ganmetrics.data.reading.item_source import ItemSource
from ganmetrics.data.reading.items import KEYS
from ganmetrics.data.reading.targets import classes_of_values
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import Classes, Kind
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

# Names of columns, the likelier first.
IMAGE_NAMES = (*KEYS, "img", "jpg", "png", "picture", "bytes", "content", "path", "file", "file_name")
LABEL_NAMES = ("label", "labels", "class", "target", "fine_label", "y")


class ParquetSource(ItemSource):
    """The images of .parquet files in the order of their names and rows; constructing it reads the files' footers.

    Parameters
    ----------
    value : str or os.PathLike
        A file, or a pattern such as ``data/train-*.parquet``.
    reading : Reading
        How images are read.

    Raises
    ------
    UsageError
        pyarrow is not installed.
    InputError
        Files that are missing, damaged, or without a column of images.
    """

    is_lasting = True
    _items: _ParquetItems

    def __init__(self, value: str | os.PathLike[str], reading: Reading = DEFAULT_READING) -> None:
        super().__init__()
        text = os.fsdecode(value)
        self.name, self.reading = shown(text), reading
        self.identity = os.path.realpath(text)
        tables = library("pyarrow.parquet", "parquet", self.name)
        paths = [text] if os.path.isfile(text) else sorted(glob.glob(text, recursive=True), key=os.fsencode)
        if not paths:
            raise InputError("the pattern names no file", where=self.name, code="E-MISSING")
        schema, groups = _footers(tables, paths, self.name)
        full = [os.path.abspath(path) for path in paths]
        self._items = _ParquetItems(full, groups, _image_column(schema, self.name), reading)
        self.count = len(self._items)
        if not self.count:
            raise InputError("the table has no rows", where=self.name, code="E-EMPTY")
        chosen = reading.column
        is_named = chosen in schema.names
        self._label = chosen if is_named else next((name for name in LABEL_NAMES if name in schema.names), "")
        # A number chooses among several labels in one column.
        self._column = "" if is_named else chosen
        self._class_names = _class_names(schema, self._label)

    def item_names(self) -> list[str]:
        """The file and the row of each image."""
        return [self._items.title(index) for index in range(len(self._items))]

    @cached_property
    def _classes(self) -> Classes:
        """The column of classes, as names where the file has those of Hugging Face."""
        if self.reading.classes == "none" or not self._label:
            what = "Reading.classes is none" if self._label else "the table has no column called label"
            return Classes(None, what, "Give one class for each image by `labels`")
        values = self._items.column(self._label)
        known = range(len(self._class_names))
        if known and all(value in known for value in values):
            values = [self._class_names[value] for value in values]
        return classes_of_values(values, f"the values of the column {self._label}", self._column)

    def _beside(self, name: str) -> bytes | None:
        return None


class _ParquetItems:
    is_quiet = True

    def __init__(
        self, paths: list[str], groups: list[tuple[int, int, int]], image_column: str, reading: Reading
    ) -> None:
        self.paths, self.groups, self.image_column, self.reading = paths, groups, image_column, reading
        self.starts = [0]
        for _, _, rows in groups:
            self.starts.append(self.starts[-1] + rows)
        self._known: tuple[int, Any] = (-1, None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": (-1, None)}

    def __len__(self) -> int:
        return self.starts[-1]

    def title(self, index: int) -> str:
        group = bisect_right(self.starts, index) - 1
        path, first = self.groups[group][0], group
        while first and self.groups[first - 1][0] == path:
            first -= 1
        return f"{shown(os.path.basename(self.paths[path]))}/{index - self.starts[first]:06}"

    def column(self, name: str) -> list[Any]:
        """All values of one column."""
        import pyarrow.parquet as tables

        return [value for path in self.paths for value in tables.read_table(path, columns=[name])[name].to_pylist()]

    def load(self, index: int) -> Decoded:
        number = bisect_right(self.starts, index) - 1
        if self._known[0] != number:
            self._known = (number, self._group(number))
        path = self.paths[self.groups[number][0]]
        value = self._known[1][index - self.starts[number]].as_py()
        content, name = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
        if isinstance(content, str):
            content, name = None, content
        if content is None and name is None:
            raise Unreadable("is an empty cell")
        if content is None:
            content = _file(os.path.join(os.path.dirname(path), str(name)))
        return decode(content, self.reading, suffix_of(name or ""))

    def _group(self, number: int) -> Any:
        import pyarrow.parquet as tables

        path, group, _ = self.groups[number]
        try:
            file = tables.ParquetFile(self.paths[path])
            # Threads of the library do not outlive a fork.
            return file.read_row_group(group, columns=[self.image_column], use_threads=False).column(0)
        except MemoryError:
            raise
        except Exception as error:  # whatever pyarrow raises on damaged pages
            raise Unreadable(f"lies in a damaged part of the file: {_first_line(error)}") from None


def _footers(tables: ModuleType, paths: list[str], where: str) -> tuple[Any, list[tuple[int, int, int]]]:
    """The schema that all files share, and of each group of rows its file, its number there and its length."""
    schema, groups = None, []
    for number, path in enumerate(paths):
        try:
            file = tables.ParquetFile(path)
            own, metadata = file.schema_arrow, file.metadata
        except Exception as error:  # OSError, ArrowInvalid
            what = f"the file is damaged or no Parquet file: {_first_line(error)}"
            raise InputError(what, where=shown(path), hint="Make it again", code="E-UNREADABLE") from None
        if schema is not None and own.names != schema.names:
            what = f"{shown(path)} has other columns than {shown(paths[0])}"
            raise InputError(what, where=where, hint="Name files of one table", code="E-SHAPE")
        schema = schema or own
        groups += [(number, group, metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]
    return schema, groups


def _image_column(schema: Any, where: str) -> str:
    import pyarrow as arrow

    kinds = {field.name: field.type for field in schema}
    encoded = [name for name, kind in kinds.items() if _is_encoded(kind)]
    named = [name for name, kind in kinds.items() if arrow.types.is_string(kind) and name in IMAGE_NAMES]
    found = encoded or named
    known = [name for name in IMAGE_NAMES if name in found]
    if len(found) == 1 or known:
        return found[0] if len(found) == 1 else known[0]
    what = f"the table has no column of images, or several; its columns are {shown(', '.join(list(kinds)[:10]))}"
    raise InputError(what, where=where, hint=f"Call the column of encoded images {KEYS[0]}", code="E-SHAPE")


def _is_encoded(kind: Any) -> bool:
    import pyarrow as arrow

    if arrow.types.is_struct(kind):
        return "bytes" in [kind.field(place).name for place in range(kind.num_fields)]
    return bool(arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind))


def _class_names(schema: Any, label: str) -> list[str]:
    """The names behind the numbers of classes, which Hugging Face writes into the file."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return [str(name) for name in features[label]["names"]]
    except (KeyError, ValueError, TypeError):
        return []


def _file(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise Unreadable(f"names the file '{shown(path)}', which cannot be read: {error.strerror}") from None


def _first_line(error: Exception) -> str:
    return shown((str(error).splitlines() or [type(error).__name__])[0][:120])


KIND = Kind(
    accepts="a .parquet file with a column of images, or several by a pattern",
    matches=is_parquet,
    open=lambda value, opening: ParquetSource(value, opening.reading),
)
