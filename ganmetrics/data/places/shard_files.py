"""The tar files that a name stands for: one, several by a pattern, local or remote."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

from ganmetrics._files import shown
from ganmetrics.data.places.filesystem import Place, refusal, shown_url
from ganmetrics.data.places.local_copy import LocalCopy
from ganmetrics.data.places.paths import COMPRESSED_TARS, WILD, foreign_archive, place_of, url_path
from ganmetrics.data.places.refusals import refuse_archive, refuse_path
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.errors import InputError, UsageError

MAX_SHARDS = 100_000
# Bytes asked for at a time while the headers of a remote shard are read.
BLOCK_BYTES = 1 << 20
RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})(?:\.\.(-?\d{1,18}))?")
BRACES = re.compile(r"\{([^{}]*(?:\.\.|,)[^{}]*)\}")


class Shard(Protocol):
    """One tar file, which any process reads for itself."""

    name: str

    def stream(self) -> IO[bytes]:
        """Open the archive at its start, seekable; errors are those of its file system."""

    def read(self, start: int, size: int) -> bytes:
        """Read bytes of the archive, fewer where it ends before (Unreadable)."""

    def close(self) -> None:
        """Let go of the file, if one is open."""


class LocalShard:
    """A tar file on this machine, read through one handle for each process.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self.path, self.name = os.path.abspath(path), shown(path)
        self._stamp = _stamp(os.stat(path))
        self._handle: IO[bytes] | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_handle": None}

    def stream(self) -> IO[bytes]:
        """Open the archive at its start, seekable."""
        return open(self.path, "rb")

    def read(self, start: int, size: int) -> bytes:
        """Read bytes of the archive, fewer where it ends before (Unreadable)."""
        try:
            handle = self._opened()
            handle.seek(start)
            return handle.read(size)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror or type(error).__name__}") from None

    def close(self) -> None:
        """Let go of the file, if one is open."""
        if self._handle is not None:
            self._handle.close()
        self._handle = None

    def _opened(self) -> IO[bytes]:
        if self._handle is None or self._process != os.getpid():
            # In a forked process this closes its own end of the handle alone.
            self.close()
            self._handle, self._process = self.stream(), os.getpid()
        if _stamp(os.fstat(self._handle.fileno())) != self._stamp:
            raise Unreadable("cannot be read: the archive changed after its headers were read")
        return self._handle


class RemoteShard:
    """A tar file that fsspec reads; from a copy on this machine where its server sends whole files only.

    Parameters
    ----------
    place : Place
        Its file system.
    path : str
        The file there.
    """

    def __init__(self, place: Place, path: str) -> None:
        self.place, self.path = place, path
        self.url = place.url if path == place.root else place.system.unstrip_protocol(path)
        self.name = shown_url(self.url)
        self._copy: LocalCopy | None = None
        self._copied: LocalShard | None = None

    @property
    def is_copied(self) -> bool:
        """Whether the server was found to ignore requests for a part of the file."""
        return self._copy is not None

    def stream(self) -> IO[bytes]:
        """Open the archive at its start, seekable."""
        if self.place.is_http and not self._has_ranges():
            return self._local().stream()
        opened: IO[bytes] = self.place.system.open(self.path, "rb", block_size=BLOCK_BYTES)
        return opened

    def read(self, start: int, size: int) -> bytes:
        """Read bytes of the archive, fewer where it ends before (Unreadable)."""
        if self.is_copied:
            return self._local().read(start, size)
        data = self.place.read(self.path, start, start + size) if size else b""
        if len(data) > size:
            raise Unreadable(f"cannot be read: its server sent {len(data)} bytes where {size} were asked for")
        return data

    def close(self) -> None:
        """Let go of the file, if one is open."""
        if self._copied is not None:
            self._copied.close()

    def _has_ranges(self) -> bool:
        # fsspec raises before it has read the body where a server answers with the whole file, or forbids ranges
        def second_byte(system: Any) -> bool:
            with system.open(self.path, "rb", block_size=BLOCK_BYTES, cache_type="none") as file:
                try:
                    file.seek(1)
                    file.read(1)
                except ValueError:
                    return False
            return True

        return self.place.ask(second_byte, self.name)

    def _local(self) -> LocalShard:
        # There is no copy on another machine.
        if self._copy is None or not os.path.exists(self._copy.path):
            self._copy = LocalCopy(self.url)
            self._copied = LocalShard(self._copy.path)
        assert self._copied is not None
        return self._copied


def shards_of(value: str) -> list[Shard]:
    """The tar files that a path, a URL or a pattern names: braces in their order, wild cards in that of bytes.

    Raises
    ------
    UsageError
        A compressed archive, or more files than can be meant.
    InputError
        A file that is missing, or a pattern that matches none.
    """
    if value.lower().endswith(COMPRESSED_TARS):
        refuse_archive("compressed tar archives", shown(value))
    if place_of(value) != "url":
        paths = [value] if os.path.exists(value) else _matching(value, glob.glob, os.path.isfile, shown(value))
        return [_local(path) for path in paths]
    place = Place(value)
    # In the URL of a web server a question mark begins the query.
    if place.is_http or not WILD.search(place.root):
        if place.is_http and any(sign in url_path(place.root).split("/", 3)[-1] for sign in "*["):
            what, hint = (
                "a web server lists no files for wild cards",
                "Write the numbers out, as in shard-{000..009}.tar",
            )
            raise UsageError(what, where=place.name, hint=hint, code="E-SOURCE")
        return [RemoteShard(place, path) for path in _each_once(expanded(place.root, place.name), place.name)]
    found = place.ask(lambda system: _matching(place.root, system.glob, lambda path: True, place.name))
    return [RemoteShard(place, path) for path in found]


def expanded(pattern: str, where: str) -> list[str]:
    """The names that braces stand for, as a shell has them: ``{000..010}``, ``{0..8..2}``, ``{a,b}``.

    Raises
    ------
    UsageError
        More than a hundred thousand.
    """
    # The pieces are text, inside of braces, text, and so on.
    pieces = BRACES.split(pattern)
    choices = [[piece] if place % 2 == 0 else _alternatives(piece, where) for place, piece in enumerate(pieces)]
    number = 1
    for choice in choices:
        number *= len(choice)
    if number > MAX_SHARDS:
        raise _too_many(number, where)
    return ["".join(parts) for parts in itertools.product(*choices)]


def _alternatives(inside: str, where: str) -> list[str]:
    bounds = RANGE.fullmatch(inside)
    if bounds is None:
        return inside.split(",") if "," in inside else [f"{{{inside}}}"]
    first, last = int(bounds[1]), int(bounds[2])
    step = abs(int(bounds[3] or 1)) or 1
    if abs(last - first) // step >= MAX_SHARDS:
        raise _too_many(abs(last - first) // step + 1, where)
    is_padded = any(len(text.lstrip("-")) > 1 and text.lstrip("-").startswith("0") for text in bounds.group(1, 2))
    width = max(len(text) for text in bounds.group(1, 2)) if is_padded else 0
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    return [f"{number:0{width}d}" if width else str(number) for number in numbers]


def _too_many(number: int, where: str) -> UsageError:
    return UsageError(f"the pattern names {number} archives; the most is {MAX_SHARDS}", where=where, code="E-SOURCE")


def _matching(pattern: str, find: Callable[[str], list[str]], is_file: Callable[[str], bool], where: str) -> list[str]:
    names = expanded(pattern, where)
    found = [path for name in names for path in _matches(name, find)]
    missing = [path for path in found if not is_file(path)]
    if missing:
        what = f"{len(missing)} of {len(found)} archives are not there, such as '{shown(missing[0])}'"
        raise InputError(what, where=where, code="E-MISSING")
    if not found:
        hint = "Check the folder and the numbers; a shell leaves a pattern in quotes as it is"
        raise InputError("the pattern matches no file", where=where, hint=hint, code="E-MISSING")
    return _each_once(found, where)


def _each_once(found: list[str], where: str) -> list[str]:
    if len(set(found)) < len(found):
        twice = next(path for path in found if found.count(path) > 1)
        what = f"the pattern names an archive twice: '{shown_url(twice)}'"
        raise UsageError(what, where=where, code="E-SOURCE")
    return found


def _matches(name: str, find: Callable[[str], list[str]]) -> Iterator[str]:
    is_wild = any(sign in name for sign in "*?[")
    yield from sorted(find(name), key=os.fsencode) if is_wild else [name]


def _local(path: str) -> LocalShard:
    title = foreign_archive(path)
    if title:
        refuse_archive(f"{title} of that name", shown(path))
    if not os.path.isfile(path):
        refuse_path(path)
    try:
        shard = LocalShard(path)
        shard.stream().close()
    except OSError as error:
        raise refusal(error, shown(path)) from None
    return shard


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
