"""A text file that names images or sets of them, one a line, as in ``@names.txt``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ganmetrics._files import shown
from ganmetrics.data.image_list import source_of_paths
from ganmetrics.data.places.paths import place_of
from ganmetrics.data.source import Kind, Opening
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.data.source import Source

MAX_BYTES = 1 << 30


def name_list_source(value: str, opening: Opening) -> Source:
    """The images that a file names, in its order; relative names start in its folder or in ``Reading.root``.

    Lines that are empty or begin with # are passed over. A line may name a folder, an archive or a pattern too.

    Raises
    ------
    InputError
        The file is missing, no text, or names nothing; a file that it names is missing.
    """
    path = value[1:]
    where = shown(value)
    try:
        if os.path.getsize(path) > MAX_BYTES:
            raise InputError(f"the file is larger than {MAX_BYTES} bytes", where=where, code="E-UNREADABLE")
        with open(path, encoding="utf-8-sig") as stream:
            names = [line for line in map(str.strip, stream) if line and not line.startswith("#")]
    except UnicodeDecodeError:
        what = "the file is no UTF-8 text; @FILE reads names of images, one a line"
        raise InputError(what, where=where, code="E-UNREADABLE") from None
    except (OSError, ValueError) as error:
        what = f"the list of names cannot be read: {getattr(error, 'strerror', None) or error}"
        hint = "@FILE reads names of images, one a line"
        raise InputError(what, where=where, hint=hint, code="E-MISSING") from None
    if not names:
        raise InputError("the list names no image", where=where, code="E-EMPTY")
    root = opening.reading.root or os.path.dirname(path) or os.curdir
    # In place: a million names are not held twice.
    for index, name in enumerate(names):
        if place_of(name) == "path":
            names[index] = os.path.join(root, name)
    hint = f"Relative names start in '{shown(root)}'; `root` names another folder"
    return source_of_paths(names, opening, where, hint)


KIND = Kind(
    accepts="a list of names as in '@names.txt'",
    matches=lambda value: place_of(value) == "names",
    open=name_list_source,
)
