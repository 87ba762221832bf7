"""Sources whose images are loaded one by one, in any order and any process: files, members of archives, items."""

from __future__ import annotations

import os
import stat
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from ganmetrics._files import shown
from ganmetrics.data.places.paths import suffix_of
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.classes import MAX_LABEL_BYTES, classes_of_files
from ganmetrics.data.reading.decode import Decoded, decode
from ganmetrics.data.reading.loading import chosen_workers, placed_items
from ganmetrics.data.reading.parts import Items
from ganmetrics.data.reading.result_names import FIRST, roles_of
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import Classes, Notes, Source

if TYPE_CHECKING:
    import numpy as np

    from ganmetrics.types import Images, Placed

# A file's path below a root, its number of bytes and the time of its last change in nanoseconds.
Entry: TypeAlias = tuple[bytes, int, int]
MAX_FILE_BYTES = 512 << 20
# Stands for the size of what could not be listed: an unreadable folder, a link to nothing.
UNLISTED = -1


class ItemSource(Source):
    """A source over items; a share of it reads only its own.

    Attributes
    ----------
    reading : Reading
    """

    reading: Reading
    runs_callers_code = False
    prepares = True
    _items: Items

    def known_classes(self) -> Classes:
        """The classes with what there is to say about them."""
        return self._classes

    @cached_property
    def _classes(self) -> Classes:
        names = [name.replace(os.sep, "/") for name in self.item_names() or ()]
        return classes_of_files(names, self._beside, self.reading)

    @abstractmethod
    def _beside(self, name: str) -> bytes | None:
        """The content of ``dataset.json`` of this relative name; ``None`` where there is none (Unreadable)."""

    def batches(self) -> Iterator[Images]:
        """The images in the order of the items; see ``Source.batches``."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the images; see ``Source.share``."""
        workers = chosen_workers(self.reading, len(share.places(len(self._items))))
        return placed_items(self._items, share, workers, self.reading, self.notes, self.name)


class FileSource(ItemSource):
    """The images of some files, in their order; reading decodes them.

    Parameters
    ----------
    root : bytes
        The absolute path of the folder that holds the files.
    entries : list of (bytes, int, int)
        Of each file the path below the root, the number of bytes and the time of the last change in nanoseconds.
    reading : Reading
        How images are read.
    notes : Notes
        What was seen while the files were listed.
    """

    is_lasting = True
    _items: _Files

    def __init__(self, root: bytes, entries: list[Entry], reading: Reading, notes: Notes) -> None:
        super().__init__()
        self.notes, self.reading, self.count = notes, reading, len(entries)
        self._items = _Files(root, entries, reading)
        self.notes.depths.update(path.count(os.fsencode(os.sep)) for path, _, _ in entries)
        # A million names are made into texts only where the first few tell of roles.
        first = [os.fsdecode(path) for path, _, _ in entries[:FIRST]]
        self.notes.roles = roles_of(first) and roles_of(self.item_names())

    def item_names(self) -> list[str]:
        """The relative paths."""
        return [self._items.title(index) for index in range(len(self._items))]

    def _beside(self, name: str) -> bytes | None:
        return _content_beside(os.path.join(os.fsdecode(self._items.root), name))


class _Files:
    """Relative paths in one buffer, with sizes and times: 10^6 files take about 100 MB, and workers share it."""

    is_quiet = True

    def __init__(self, root: bytes, entries: list[Entry], reading: Reading) -> None:
        import numpy as np

        self.root, self.reading = root, reading
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

    def title(self, index: int) -> str:
        return shown(os.fsdecode(self.relative(index)))

    def load(self, index: int) -> Decoded:
        relative = self.relative(index)
        path = os.path.join(self.root, relative)
        size, time = (int(number) for number in self.stamps[index])
        # Opened without waiting and looked at before the first read: the name may be that of a pipe by now.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = -1
        try:
            descriptor = os.open(path, flags)
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise Unreadable("is a folder that could not be listed")
            if not stat.S_ISREG(status.st_mode) or (status.st_size, status.st_mtime_ns) != (size, time):
                raise Unreadable("changed after the folder was listed")
            if size > MAX_FILE_BYTES:
                raise Unreadable(f"is a file of {size} bytes; the most is {MAX_FILE_BYTES}")
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                content = stream.read(size)
        except OSError as error:
            raise Unreadable(system_sentence(path, error)) from None
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return decode(content, self.reading, suffix_of(relative))


def status_of(root: str, names: Iterable[str]) -> list[Entry]:
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
