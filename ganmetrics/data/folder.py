"""A folder of image files, with all its sub-folders, in the order of the bytes of their relative paths."""

from __future__ import annotations

import os
import stat
from collections import Counter

from ganmetrics._files import shown
from ganmetrics.data.kind import DEFAULT_READING, Kind
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.paths import ARRAY_SUFFIXES, IMAGE_SUFFIXES, is_folder, why_ignored, why_passed_over
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.data.reading.file_items import UNLISTED, Files, FileSource, system_sentence
from ganmetrics.data.source import Notes, Reading
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
        files = _scan(os.path.abspath(os.fsencode(path)), notes.ignored)
        if not len(files):
            raise _empty(os.fsdecode(path), notes)
        super().__init__(files, reading, notes)
        self.name = shown(path)
        self.identity = os.path.realpath(path)


def _scan(root: bytes, ignored: Counter[str]) -> Files:
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
                what = f"the folder {system_sentence(root, error)}"
                raise InputError(what, where=shown(os.fsdecode(root)), code="E-UNREADABLE") from None
            entries.append((folder, UNLISTED, 0))
    entries.sort()
    return Files(root, entries)


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
    matches=is_folder,
    open=lambda value, opening: FolderSource(value, opening.reading),
)
