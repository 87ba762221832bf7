"""Why a path cannot be scored: one sentence that says what was found, and what to do."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from typing import Any, NoReturn

from ganmetrics._files import shown
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.paths import (
    IMAGE_SUFFIXES,
    OTHER_ARCHIVES,
    PICKLES,
    foreign_archive,
    shortened,
    suffix_of,
)
from ganmetrics.errors import InputError, UsageError


def refuse_path(path: Any) -> NoReturn:
    """Say why this path, which is of no kind that is read, cannot be scored."""
    text = os.fsdecode(path)
    try:
        os.stat(text)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        _refuse_missing(text)
    except OSError as error:
        what = f"the path cannot be opened: {error.strerror or type(error).__name__}"
        raise InputError(what, where=shortened(shown(text)), hint=_parent_sentence(text), code="E-MISSING") from None
    if not os.path.isfile(text):
        what = "the path is a pipe, socket or device, not a folder of images"
        raise InputError(what, where=shown(text), code="E-NOT-FOLDER")
    _refuse_file(text)


def refuse_archive(title: str, where: str) -> NoReturn:
    """Say that archives of this kind are not read."""
    what = f"{title} cannot be read; archives of images are .zip files and .tar files without compression"
    hint = "Unpack it and name what it held, or pack images again without compression"
    if "ubyte" in where:
        hint = "MNIST and its kin are named torchvision:MNIST:test"
    raise UsageError(what, where=where, hint=hint, code="E-SOURCE")


def _refuse_missing(text: str) -> NoReturn:
    what = "the path is a link to a missing place" if os.path.islink(text) else "there is no such file or folder"
    parent = _nearest_parent(text)
    wanted = os.path.relpath(os.path.abspath(text), parent).split(os.sep)[0]
    near = difflib.get_close_matches(wanted, entries(parent), n=1, cutoff=0.6)
    guess = f" Did you mean '{shown(os.path.join(parent, near[0]))}'?" if near and near[0] != wanted else ""
    hint = f"{_parent_sentence(text)}.{guess}" if guess else _parent_sentence(text)
    raise InputError(what, where=shown(text) or "an empty path", hint=hint, code="E-MISSING") from None


def _parent_sentence(text: str) -> str:
    return f"The nearest existing folder is '{shown(_nearest_parent(text))}'"


def _nearest_parent(text: str) -> str:
    parent = os.path.dirname(os.path.abspath(text.replace("\0", "")))
    while not os.path.isdir(parent) and os.path.dirname(parent) != parent:
        parent = os.path.dirname(parent)
    return parent


def entries(folder: str) -> list[str]:
    """Return the names in a folder; none where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _refuse_file(text: str) -> NoReturn:
    suffix, where = suffix_of(text), shown(text)
    if suffix in OTHER_ARCHIVES or foreign_archive(text):
        refuse_archive(foreign_archive(text) or f"{suffix} archives", where)
    if suffix in IMAGE_SUFFIXES:
        what = "the path is one image; a set of images is wanted"
        raise InputError(what, where=where, hint="Name the folder that holds the images", code="E-NOT-FOLDER")
    if suffix in PICKLES:
        what = f"a {suffix} file may run code when it is loaded, so it is not opened"
        raise InputError(what, where=where, hint=advice(Counter([suffix])), code="E-NOT-FOLDER")
    what = "the path is a file of no kind that is read; expected a folder of images, or a .zip, .tar, .npz or .npy file"
    raise InputError(what, where=where, hint=advice(Counter([suffix])), code="E-NOT-FOLDER")
