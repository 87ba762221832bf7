"""A remote file that is read from a copy on this machine's disk, which is removed when nothing needs it any more."""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganmetrics._progress import progress_bar
from ganmetrics.data.places.filesystem import Place
from ganmetrics.data.places.paths import suffix_of, url_path
from ganmetrics.errors import GanMetricsError, InputError, ResourceError


class LocalCopy:
    """A remote file on this machine's disk, until nothing refers to it any more.

    Parameters
    ----------
    url : str
    progress : bool
        Whether a bar shows how far the copying is.

    Attributes
    ----------
    path : str
        Where the copy lies.
    name : str
        What the file is called in tables and messages.

    Raises
    ------
    UsageError
        An unknown scheme, or one whose package is not installed.
    InputError
        The file is missing or may not be read.
    ResourceError
        There is no room for the copy.
    """

    def __init__(self, url: str, *, progress: bool = False) -> None:
        place = Place(url)
        self.url, self.name = url, place.name
        folder = tempfile.mkdtemp(prefix="ganmetrics-")
        self._removal = weakref.finalize(self, _remove, folder, os.getpid())
        self.path = os.path.join(folder, f"copy{suffix_of(url_path(url))}")
        _copy(place, self.path, progress)

    def __getstate__(self) -> dict[str, object]:
        # The process that made the copy removes it.
        return {"url": self.url, "name": self.name, "path": self.path}

    def lasts_with(self, owner: object) -> None:
        """Keep the copy for as long as another object exists, in place of this one."""
        self._removal.detach()
        weakref.finalize(owner, _remove, os.path.dirname(self.path), os.getpid())

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors about the copy, as errors about what was copied."""
        try:
            yield
        except GanMetricsError as error:
            raise type(error)(error.what, where=self.name, hint=error.hint, code=error.code) from None


def _copy(place: Place, path: str, has_bar: bool) -> None:
    facts = place.ask(lambda system: system.info(place.root))
    if facts.get("type") == "directory":
        what = "the URL is a folder with the name of a file"
        raise InputError(what, where=place.name, hint="Write a slash behind it", code="E-NOT-FOLDER")
    size, free = facts.get("size") or 0, shutil.disk_usage(os.path.dirname(path)).free
    if size > free:
        what = f"a copy of {size} bytes is needed on this machine, which has {free} free in {os.path.dirname(path)}"
        raise ResourceError(what, where=place.name, hint="Set TMPDIR to a larger disk", code="E-WRITE")
    with progress_bar(f"copy {posixpath.basename(url_path(place.name))}", size >> 20, has_bar, unit="MiB") as bar:
        place.ask(lambda system: system.get_file(place.root, path, callback=_callback(bar)))
    if size and os.path.getsize(path) != size:
        what = f"the copy is cut off: {os.path.getsize(path)} of {size} bytes came"
        raise InputError(what, where=place.name, hint="Try again", code="E-UNREADABLE")


def _callback(bar: Any) -> Any:
    """What fsspec tells of each piece that came, as mebibytes of a bar."""
    from fsspec.callbacks import Callback

    class Shown(Callback):
        def absolute_update(self, value: int) -> None:
            super().absolute_update(value)
            bar.update((value >> 20) - bar.n)

        def relative_update(self, inc: int = 1) -> None:
            self.absolute_update(self.value + inc)

    return Shown()


def _remove(path: str, process: int) -> None:
    # A forked worker must not take the copy away.
    if process == os.getpid():
        shutil.rmtree(path, ignore_errors=True)
