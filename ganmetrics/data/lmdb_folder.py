"""An LMDB of encoded images, one a key, as LSUN is published."""

from __future__ import annotations

import os
from typing import Any

from ganmetrics._files import shown
from ganmetrics.data.places.libraries import library
from ganmetrics.data.places.paths import is_lmdb
from ganmetrics.data.reading.decode import ACCEPTED_STARTS, Decoded, decode
from ganmetrics.data.reading.item_source import ItemSource
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import Kind
from ganmetrics.errors import InputError


class LmdbSource(ItemSource):
    """The images of an LMDB in the order of its keys; constructing it lists them.

    Parameters
    ----------
    path : str or os.PathLike
        The folder that holds data.mdb.
    reading : Reading
        How images are read.

    Raises
    ------
    UsageError
        lmdb is not installed.
    InputError
        A damaged database, or one without images.
    """

    is_lasting = True
    _items: _LmdbItems

    def __init__(self, path: str | os.PathLike[str], reading: Reading = DEFAULT_READING) -> None:
        super().__init__()
        self.name, self.identity, self.reading = shown(path), os.path.realpath(path), reading
        self._items = _LmdbItems(os.fsdecode(path), reading, self.name)
        keys, others = self._items.listed()
        if not keys:
            what = f"no value of the database is an image of a kind that is read ({others} values)"
            hint = "Its values must be the bytes of PNG, JPEG or WebP files; write others as such first"
            raise InputError(what, where=self.name, hint=hint, code="E-EMPTY")
        self._items.keys, self.count = keys, len(keys)
        if others:
            self.notes.ignored["value that is no image"] += others

    def item_names(self) -> list[str]:
        """The keys."""
        return [self._items.title(index) for index in range(len(self._items))]

    def _beside(self, name: str) -> bytes | None:
        return None


class _LmdbItems:
    is_quiet = True

    def __init__(self, path: str, reading: Reading, where: str) -> None:
        self.path, self.reading, self.where = path, reading, where
        self.keys: list[bytes] = []

    def __len__(self) -> int:
        return len(self.keys)

    def title(self, index: int) -> str:
        return shown(os.fsdecode(self.keys[index]))

    def listed(self) -> tuple[list[bytes], int]:
        """The keys of images, and how many values are none."""
        keys, others = [], 0
        with self._environment() as environment, environment.begin() as transaction:
            for key, value in transaction.cursor():
                if bytes(value[:4]).startswith(ACCEPTED_STARTS):
                    keys.append(bytes(key))
                else:
                    others += 1
        return keys, others

    def load(self, index: int) -> Decoded:
        with self._environment() as environment, environment.begin() as transaction:
            content = transaction.get(self.keys[index])
        if content is None:
            raise Unreadable("disappeared after the database was listed")
        return decode(bytes(content), self.reading)

    def _environment(self) -> Any:
        """The database, opened for each read: it must not be open across a fork."""
        lmdb = library("lmdb", "lmdb", self.where)
        try:
            return lmdb.open(self.path, readonly=True, lock=False, readahead=False)
        except lmdb.Error as error:
            what = f"the database cannot be opened: {shown(str(error)[:120])}"
            raise InputError(what, where=self.where, hint="It may be incomplete", code="E-UNREADABLE") from None


KIND = Kind(
    accepts="a folder of an LMDB whose values are encoded images, as LSUN's",
    matches=is_lmdb,
    open=lambda value, opening: LmdbSource(value, opening.reading),
)
