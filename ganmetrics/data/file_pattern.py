"""A pattern of image files, such as ``out/*_fake_B.png`` or ``runs/**/samples/*.png``."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from functools import cache

from ganmetrics._files import shown
from ganmetrics.data.folder import found_instead
from ganmetrics.data.places.other_formats import advice
from ganmetrics.data.places.paths import is_kept, is_pattern
from ganmetrics.data.places.shard_files import expanded
from ganmetrics.data.reading.item_source import FileSource, status_of
from ganmetrics.data.source import Kind, Notes, Opening
from ganmetrics.errors import InputError


def pattern_source(value: str | os.PathLike[str], opening: Opening) -> FileSource:
    """The image files that a pattern names, in the order of their paths' bytes.

    ``*`` and ``?`` stand for anything but a slash, ``**`` for any folders, ``[ab]`` for one character of several;
    ``{a,b}`` and ``{000..099}`` name files that must all be there. Hidden files are named by no wild card.

    Raises
    ------
    UsageError
        Braces that stand for more files than can be meant.
    InputError
        The pattern names no image, or braces name a file that is missing.
    """
    text, notes = os.fsdecode(value), Notes()
    root, pattern = _divided(text)
    names = sorted(set(_named(root, pattern, shown(text))), key=os.fsencode)
    files = [name for name in names if not os.path.isdir(os.path.join(root, name))]
    kept = [name for name in _distinct(root, files, notes) if is_kept(name, notes.ignored)]
    if not kept:
        raise _nothing(text, root, len(names) - len(files), notes)
    entries = status_of(root, kept)
    source = FileSource(os.fsencode(os.path.abspath(root)), entries, opening.reading, notes)
    source.name = shown(text)
    source.identity = os.path.join(os.path.realpath(root), pattern)
    return source


def _divided(text: str) -> tuple[str, str]:
    """The deepest folder that exists as it is written, and the pattern below it."""
    parts = text.split(os.sep)
    depth = next(depth for depth in range(len(parts)) if not os.path.isdir(os.sep.join(parts[: depth + 1]) or os.sep))
    return os.sep.join(parts[:depth]) or (os.sep if depth else os.curdir), os.sep.join(parts[depth:])


def _named(root: str, pattern: str, where: str) -> Iterator[str]:
    """The relative names that the pattern stands for, in any order."""
    missing = []
    names = expanded(pattern, where)
    for name in names:
        if any(sign in name for sign in "*?["):
            yield from glob.iglob(name, root_dir=root, recursive=True)
        elif os.path.exists(os.path.join(root, name)):
            yield name
        else:
            missing.append(name)
    if missing:
        what = f"{len(missing)} of {len(names)} files are not there, such as '{shown(missing[0])}'"
        raise InputError(what, where=where, hint="Name those that are there, or use a wild card", code="E-MISSING")


def _distinct(root: str, names: list[str], notes: Notes) -> Iterator[str]:
    """Each file once, also where links between folders lead to it by several names."""
    real_folder = cache(os.path.realpath)
    seen: set[tuple[str, str]] = set()
    for name in names:
        folder, base = os.path.split(os.path.join(root, name))
        identity = real_folder(folder), base
        if identity in seen:
            notes.ignored["file reached twice"] += 1
        else:
            seen.add(identity)
            yield name


def _nothing(text: str, root: str, num_folders: int, notes: Notes) -> InputError:
    hint = advice(notes.ignored) or f"The nearest existing folder is '{shown(os.path.abspath(root))}'"
    if notes.ignored:
        what = f"the pattern names no image ({found_instead(notes.ignored)})"
    elif num_folders:
        what = f"the pattern names {num_folders} folder{'s' * (num_folders > 1)} and no image"
        hint = f"Name their images, as in '{shown(text.rstrip(os.sep))}{os.sep}*.png'"
    else:
        what = "the pattern names no file"
    return InputError(what, where=shown(text), hint=hint, code="E-MISSING")


KIND = Kind(
    accepts="a pattern of image files such as 'out/*_fake.png'",
    matches=is_pattern,
    open=pattern_source,
)
