"""Image files that somebody named one by one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ganmetrics._files import shown
from ganmetrics.data.reading.item_source import FileSource, status_of
from ganmetrics.data.source import Notes, Opening
from ganmetrics.errors import InputError


def files_source(paths: Sequence[Any], opening: Opening, name: str = "", hint: str = "") -> FileSource:
    """The images of files in their order (InputError for files that are not there, with a hint)."""
    where = name or f"list of {len(paths)} paths"
    full = [os.path.abspath(os.fsdecode(path)) for path in paths]
    missing = [path for path in full if not os.path.lexists(path)]
    if missing:
        what = f"{len(missing)} of {len(full)} files are not there, such as '{shown(missing[0])}'"
        hint = hint or "Relative paths start in the working folder"
        raise InputError(what, where=where, hint=hint, code="E-MISSING")
    root = os.path.commonpath({os.path.dirname(path) for path in full})
    entries = status_of(root, (os.path.relpath(path, root) for path in full))
    del full
    source = FileSource(os.fsencode(root), entries, opening.reading, Notes())
    source.name = where
    return source
