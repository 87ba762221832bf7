"""Image files below one folder, wherever their names come from: a folder's listing, a pattern or a list."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.places.paths import suffix_of
from ganmetrics.data.reading.classes import MAX_LABEL_BYTES
from ganmetrics.data.reading.decode import Decoded, Unreadable, decode
from ganmetrics.data.reading.item_source import ItemSource
from ganmetrics.data.source import Notes, Reading

if TYPE_CHECKING:
    import numpy as np

MAX_FILE_BYTES = 512 << 20
UNLISTED = -1  # stands for the size of what could not be listed: an unreadable folder, a link to nothing


class FileSource(ItemSource):
    """The images of some files, in their order; reading decodes them.

    Parameters
    ----------
    files : Files
    reading : Reading
        How images are read.
    notes : Notes
        What was seen while the files were listed.
    """

    is_lasting = True
    _items: _FileItems

    def __init__(self, files: Files, reading: Reading, notes: Notes) -> None:
        super().__init__()
        self.notes, self.reading = notes, reading
        self._items = _FileItems(files, reading)
        self.count = len(files)
        self.notes.depths.update(files.relative(index).count(os.fsencode(os.sep)) for index in range(len(files)))

    def item_names(self) -> list[str]:
        """The relative paths."""
        files = self._items.files
        return [shown(os.fsdecode(files.relative(index))) for index in range(len(files))]

    def _beside(self, name: str) -> bytes | None:
        return _content_beside(os.path.join(os.fsdecode(self._items.files.root), name))


class Files:
    """Relative paths in one buffer, with sizes and times: 10^6 files take about 100 MB, and workers share it.

    Parameters
    ----------
    root : bytes
        The absolute path of the folder that holds the files.
    entries : list of (bytes, int, int)
        Of each file the path below the root, the number of bytes and the time of the last change in nanoseconds.
    """

    def __init__(self, root: bytes, entries: list[tuple[bytes, int, int]]) -> None:
        import numpy as np

        self.root = root
        lengths = np.fromiter((len(path) for path, _, _ in entries), np.int64, len(entries))
        self.ends: np.ndarray[Any, Any] = np.cumsum(lengths)
        self.paths = b"".join(path for path, _, _ in entries)
        self.stamps: np.ndarray[Any, Any] = np.array([entry[1:] for entry in entries], np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.ends)

    def relative(self, index: int) -> bytes:
        """The path below the root of one file."""
        start = self.ends[index - 1] if index else 0
        return self.paths[start : self.ends[index]]


class _FileItems:
    is_quiet = True

    def __init__(self, files: Files, reading: Reading) -> None:
        self.files, self.reading = files, reading

    def __len__(self) -> int:
        return len(self.files)

    def title(self, index: int) -> str:
        return shown(os.fsdecode(self.files.relative(index)))

    def load(self, index: int) -> Decoded:
        relative = self.files.relative(index)
        size, time = (int(number) for number in self.files.stamps[index])
        content = _content(os.path.join(self.files.root, relative), size, time)
        return decode(content, self.reading, suffix_of(relative))


def status_of(root: str, names: Iterable[str]) -> list[tuple[bytes, int, int]]:
    """The entries of files below a root; the reading says which of them are links to nothing."""
    entries = []
    for name in names:
        try:
            status = os.stat(os.path.join(root, name))
        except OSError:
            entries.append((os.fsencode(name), UNLISTED, 0))
        else:
            entries.append((os.fsencode(name), status.st_size, status.st_mtime_ns))
    return entries


def _content_beside(path: str) -> bytes | None:
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
        raise Unreadable(system_sentence(os.fsencode(path), error)) from None


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
        raise Unreadable(system_sentence(path, error)) from None
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


def system_sentence(path: bytes, error: OSError) -> str:
    """Why the system does not open a file or a folder."""
    if isinstance(error, FileNotFoundError):
        return "is a link to a missing file" if os.path.islink(path) else "disappeared after the folder was listed"
    if isinstance(error, PermissionError):
        try:
            return f"may not be read (mode {stat.S_IMODE(os.stat(path).st_mode):04o})"
        except OSError:
            return "may not be read"
    return f"cannot be opened: {error.strerror or type(error).__name__}"
