"""A folder of image files, with all its sub-folders, in the order of the bytes of their relative paths."""

from __future__ import annotations

import os
import stat
from collections import Counter
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.base import Notes, Reading
from ganmetrics.data.classes import MAX_LABEL_BYTES
from ganmetrics.data.decode import Decoded, Unreadable, decode
from ganmetrics.data.item_source import ItemSource
from ganmetrics.data.kinds import DEFAULT_READING, Kind
from ganmetrics.data.parts import Outcome, outcome_of
from ganmetrics.data.paths import (
    ARRAY_SUFFIXES,
    IMAGE_SUFFIXES,
    UNREAD_SUFFIXES,
    is_folder,
    refuse_path,
    why_ignored,
    why_passed_over,
)
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    import numpy as np

MAX_FILE_BYTES = 512 << 20
UNLISTED = -1  # stands for the size of what could not be listed: an unreadable folder, a link to nothing


class FolderSource(ItemSource):
    """The images of a folder in the order of their paths' bytes; constructing it lists them, reading decodes them.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.
    reading : Reading
        How images are read.

    Raises
    ------
    InputError
        The folder is missing or holds no image.
    """

    is_lasting = True
    _items: _FolderItems

    def __init__(self, path: str | os.PathLike[str], reading: Reading = DEFAULT_READING) -> None:
        super().__init__()
        if not os.path.isdir(path):
            refuse_path(path)
        self.name = shown(path)
        self.identity = os.path.realpath(path)
        self.reading = reading
        self._items = _FolderItems(_scan(os.path.abspath(os.fsencode(path)), self.notes.ignored), reading)
        self.count = len(self._items)
        if not self.count:
            raise _empty(os.fsdecode(path), self.notes)
        files = self._items.files
        self.notes.depths.update(files.relative(index).count(os.fsencode(os.sep)) for index in range(len(files)))

    def item_names(self) -> list[str]:
        """The relative paths."""
        files = self._items.files
        return [shown(os.fsdecode(files.relative(index))) for index in range(len(files))]

    def _beside(self, name: str) -> bytes | None:
        return content_beside(os.path.join(os.fsdecode(self._items.files.root), name))


class _Files:
    # Sorted relative paths in one buffer, with size and time: 10^6 files take about 100 MB, and workers share it.

    def __init__(self, root: bytes, entries: list[tuple[bytes, int, int]]) -> None:
        import numpy as np

        self.root = root
        entries.sort()
        lengths = np.fromiter((len(path) for path, _, _ in entries), np.int64, len(entries))
        self.ends: np.ndarray[Any, Any] = np.cumsum(lengths)
        self.paths = b"".join(path for path, _, _ in entries)
        self.stamps: np.ndarray[Any, Any] = np.array([entry[1:] for entry in entries], np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.ends)

    def relative(self, index: int) -> bytes:
        start = self.ends[index - 1] if index else 0
        return self.paths[start : self.ends[index]]


class _FolderItems:
    is_quiet = True

    def __init__(self, files: _Files, reading: Reading) -> None:
        self.files, self.reading = files, reading

    def __len__(self) -> int:
        return len(self.files)

    def outcome(self, index: int) -> Outcome:
        relative = os.fsdecode(self.files.relative(index))
        return outcome_of(shown(relative), lambda: self._load(index, os.path.splitext(relative)[1].lower()))

    def _load(self, index: int, suffix: str) -> Decoded:
        path = os.path.join(self.files.root, self.files.relative(index))
        size, time = (int(number) for number in self.files.stamps[index])
        return decode(_content(path, size, time), self.reading, suffix)


def content_beside(path: str) -> bytes | None:
    """The content of a small file beside the images; ``None`` where there is none.

    Raises
    ------
    Unreadable
        It is too large or may not be read.
    """
    try:
        if not os.path.isfile(path):
            return None
        if os.path.getsize(path) > MAX_LABEL_BYTES:
            raise Unreadable(f"is a file of {os.path.getsize(path)} bytes; the most is {MAX_LABEL_BYTES}")
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise Unreadable(_system_sentence(os.fsencode(path), error)) from None


def _scan(root: bytes, ignored: Counter[str]) -> _Files:
    entries: list[tuple[bytes, int, int]] = []
    seen: set[tuple[int, int]] = set()
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            if _is_new(os.path.join(root, folder), seen, ignored):
                waiting += _list(root, folder, entries, ignored)
        except OSError as error:
            if not folder:
                what = f"the folder {_system_sentence(root, error)}"
                raise InputError(what, where=shown(os.fsdecode(root)), code="E-UNREADABLE") from None
            entries.append((folder, UNLISTED, 0))
    return _Files(root, entries)


def _is_new(path: bytes, seen: set[tuple[int, int]], ignored: Counter[str]) -> bool:
    # each folder once, whatever links lead to it: loops end, and no image counts twice
    status = os.stat(path)
    identity = status.st_dev, status.st_ino
    if identity in seen:
        ignored["folder reached twice"] += 1
        return False
    seen.add(identity)
    return True


def _list(root: bytes, folder: bytes, entries: list[tuple[bytes, int, int]], ignored: Counter[str]) -> list[bytes]:
    # Adds the folder's images to the entries; returns its sub-folders, last first, to be taken from the end.
    folders = []
    with os.scandir(os.path.join(root, folder)) as listing:
        for entry in listing:
            reason, status = _look(entry)
            path = os.path.join(folder, entry.name)
            if reason:
                ignored[reason] += 1
            elif status is None:
                entries.append((path, UNLISTED, 0))
            elif stat.S_ISDIR(status.st_mode):
                folders.append(path)
            else:
                entries.append((path, status.st_size, status.st_mtime_ns))
    return sorted(folders, reverse=True)


def _look(entry: os.DirEntry[bytes]) -> tuple[str, os.stat_result | None]:
    # Why the entry is ignored, or its status; no status for an image or a link that leads nowhere.
    name = os.fsdecode(entry.name)
    if reason := why_passed_over(name):
        return reason, None
    reason = why_ignored(name)
    try:
        status = entry.stat()
    except OSError:
        return ("" if reason == "no suffix" else reason), None
    if stat.S_ISDIR(status.st_mode):
        return "", status
    return (reason if stat.S_ISREG(status.st_mode) else "pipe, socket or device"), status


def _content(path: bytes, size: int, time: int) -> bytes:
    # Opened without waiting and looked at before the first read: the name may have become a pipe since the listing.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = -1
    try:
        descriptor = os.open(path, flags)
        _check(os.fstat(descriptor), size, time)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(size)
    except OSError as error:
        raise Unreadable(_system_sentence(path, error)) from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _check(status: os.stat_result, size: int, time: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise Unreadable("is a folder that could not be listed")
    if not stat.S_ISREG(status.st_mode) or (status.st_size, status.st_mtime_ns) != (size, time):
        raise Unreadable("changed after the folder was listed")
    if size > MAX_FILE_BYTES:
        raise Unreadable(f"is a file of {size} bytes; the most is {MAX_FILE_BYTES}")


def _system_sentence(path: bytes, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is a link to a missing file" if os.path.islink(path) else "disappeared after the folder was listed"
    if isinstance(error, PermissionError):
        try:
            return f"may not be read (mode {stat.S_IMODE(os.stat(path).st_mode):04o})"
        except OSError:
            return "may not be read"
    return f"cannot be opened: {error.strerror or type(error).__name__}"


def _empty(path: str, notes: Notes) -> InputError:
    looked = " ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
    what = f"no images in the folder (looked for {looked} in it and its sub-folders; {found_instead(notes.ignored)})"
    files = [name for name in os.listdir(path) if os.path.splitext(name)[1].lower() in ARRAY_SUFFIXES | {".zip"}]
    guess = f"Did you mean '{shown(os.path.join(path, files[0]))}'?" if len(files) == 1 else ""
    hint = conversion_hint(notes.ignored) or guess
    return InputError(what, where=shown(path), hint=hint, code="E-EMPTY")


def found_instead(ignored: Counter[str]) -> str:
    """What a place holds other than images, as in ``found 312 files, of which .npy 300, hidden 12``."""
    if not ignored:
        return "it is empty"
    listed = ", ".join(f"{reason} {number}" for reason, number in ignored.most_common(8))
    return f"found {ignored.total()} {'files' if ignored.total() > 1 else 'file'}, of which {listed}"


def conversion_hint(ignored: Counter[str]) -> str:
    """What to do about pictures of kinds that are not read; empty where there are none."""
    found = [suffix for suffix in ignored if suffix in UNREAD_SUFFIXES]
    return f"{' and '.join(found)} files are not read; convert them to PNG" if found else ""


KIND = Kind(
    accepts="a folder of images",
    matches=is_folder,
    open=lambda value, opening: FolderSource(value, opening.reading),
)
