"""A folder of image files, with all its sub-folders, in the order of the bytes of their relative paths."""

from __future__ import annotations

import os
import stat
from collections import Counter
from contextlib import suppress

from ganmetrics._files import shown
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.paths import (
    ARRAY_SUFFIXES,
    IMAGE_SUFFIXES,
    JUNK,
    is_lmdb,
    is_saved_dataset,
    place_of,
    why_ignored,
)
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.data.reading.item_source import UNLISTED, Entry, FileSource, system_sentence
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import Kind, Notes
from ganmetrics.errors import InputError


class FolderSource(FileSource):
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

    def __init__(self, path: str | os.PathLike[str], reading: Reading = DEFAULT_READING) -> None:
        if not os.path.isdir(path):
            refuse_path(path)
        notes = Notes()
        root = os.path.abspath(os.fsencode(path))
        entries = _scan(root, notes.ignored)
        if not entries:
            raise _empty(os.fsdecode(path), notes)
        super().__init__(root, entries, reading, notes)
        self.name = shown(path)
        self.identity = os.path.realpath(path)


def _scan(root: bytes, ignored: Counter[str]) -> list[Entry]:
    """The images below a folder in the order of their paths' bytes; why files are none is counted."""
    entries: list[Entry] = []
    seen: set[tuple[int, int]] = set()
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        path = os.path.join(root, folder)
        # Each folder once, whatever links lead to it: loops end, and no image counts twice.
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                ignored["folder reached twice"] += 1
                continue
            seen.add((status.st_dev, status.st_ino))
            waiting += _list(root, folder, entries, ignored)
        except OSError as error:
            if not folder:
                what = f"the folder {system_sentence(root, error)}"
                raise InputError(what, where=shown(os.fsdecode(root)), code="E-UNREADABLE") from None
            entries.append((folder, UNLISTED, 0))
    return sorted(entries)


def _list(root: bytes, folder: bytes, entries: list[Entry], ignored: Counter[str]) -> list[bytes]:
    """Add a folder's images to the entries; return its sub-folders, last first, to be taken from the end."""
    folders = []
    with os.scandir(os.path.join(root, folder)) as listing:
        for entry in listing:
            path, name, status = os.path.join(folder, entry.name), os.fsdecode(entry.name), None
            reason = why_ignored(name)
            # Passed over whatever it is; a name without a suffix may be a folder's.
            if reason == "hidden" or name.lower() in JUNK:
                ignored[reason] += 1
                continue
            with suppress(OSError):
                status = entry.stat()
            if status is not None and stat.S_ISDIR(status.st_mode):
                folders.append(path)
                continue
            if status is None:
                # A link that leads nowhere: it is told as an image that cannot be read, also where it has no suffix.
                reason = "" if reason == "no suffix" else reason
            elif not stat.S_ISREG(status.st_mode):
                reason = "pipe, socket or device"
            if reason:
                ignored[reason] += 1
            else:
                entries.append((path, *((UNLISTED, 0) if status is None else (status.st_size, status.st_mtime_ns))))
    return sorted(folders, reverse=True)


def _empty(path: str, notes: Notes) -> InputError:
    looked = " ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
    what = f"no images in the folder (looked for {looked} in it and its sub-folders; {found_instead(notes.ignored)})"
    files = [name for name in os.listdir(path) if os.path.splitext(name)[1].lower() in ARRAY_SUFFIXES | {".zip"}]
    guess = f"Did you mean '{shown(os.path.join(path, files[0]))}'?" if len(files) == 1 else ""
    hint = guess or advice(notes.ignored)
    return InputError(what, where=shown(path), hint=hint, code="E-EMPTY")


def found_instead(ignored: Counter[str]) -> str:
    """What a place holds other than images, as in ``found 312 files, of which .npy 300, hidden 12``."""
    if not ignored:
        return "it is empty"
    listed = ", ".join(f"{reason} {number}" for reason, number in ignored.most_common(8))
    return f"found {ignored.total()} {'files' if ignored.total() > 1 else 'file'}, of which {listed}"


KIND = Kind(
    accepts="a folder of images",
    matches=lambda value: (
        place_of(value) == "path" and os.path.isdir(value) and not is_lmdb(value) and not is_saved_dataset(value)
    ),
    open=lambda value, opening: FolderSource(value, opening.reading),
)
