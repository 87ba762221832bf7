"""What a side of an evaluation may be: images to read, or statistics that stand for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data import Reading, Source, open_source
from ganmetrics.data.places.paths import is_copied, is_pattern, local_path, place_of
from ganmetrics.data.places.refusals import entries
from ganmetrics.data.source import Opening
from ganmetrics.errors import InputError, UsageError
from ganmetrics.measurement import archive
from ganmetrics.measurement.npz_members import FACTS, member_names
from ganmetrics.measurement.published_statistics import is_published
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.registry import nearest

if TYPE_CHECKING:
    from ganmetrics.data.places.local_copy import LocalCopy
    from ganmetrics.extractors import Extractor

Side = Source | Statistics


def open_side(
    value: Any,
    reading: Reading,
    extractor: str | Extractor | Callable[..., Any] | None,
    *,
    protocol: str | None = None,
    labels: Any = None,
    value_range: tuple[float, float] | None = None,
) -> Side:
    """The source or the statistics that a value stands for.

    A path that exists comes before a bundled name; ``extractor`` chooses between bundled statistics of one name, and
    ``protocol`` vouches for the recipe of files that only its package writes. The rest is for images, as
    ``open_source`` takes it.
    """
    side = _side(value, reading, extractor, protocol, value_range)
    return side if labels is None else with_labels(side, labels, reading)


def with_labels(side: Side, labels: Any, reading: Reading) -> Side:
    """The side with the class of each image, or of each row of features (UsageError for moments alone)."""
    if isinstance(side, Source):
        return open_source(side, labels=labels, reading=reading)
    where = side.source or side.name
    if side.features is None:
        what = "labels go with images or with features, and the set is saved statistics without features"
        raise UsageError(what, where=where, hint="Pass the images, or leave the labels out")
    # Imported here, since most sets have no labels of their own.
    from ganmetrics.data.labels import labels_of_rows

    return side.with_classes(labels_of_rows(labels, reading.column, side.count, where or "the features"))


def _side(
    value: Any,
    reading: Reading,
    extractor: str | Extractor | Callable[..., Any] | None,
    protocol: str | None,
    value_range: tuple[float, float] | None,
) -> Side:
    if isinstance(value, Statistics):
        return value
    if value is None:
        raise InputError("no images were given", where="None", hint="Pass a folder, an array or a source")
    if not isinstance(value, (str, os.PathLike)):
        return open_source(value, reading=reading, value_range=value_range)
    value = local_path(os.fspath(value))
    if is_copied(value):
        return _open_copy(value, reading, protocol)
    # pathlib raises for a name that is too long.
    is_there = os.path.exists(value)
    if os.path.isfile(value) and archive.is_statistics(Path(value)):
        return archive.load_statistics(value, assume=_vouching(value, protocol))
    if not is_there and is_published(value):
        # Imported here, since most sets are not downloaded.
        from ganmetrics.measurement.published_store import published

        return published(value, progress=reading.progress)
    if not is_there and value in archive.index():
        return archive.bundled(value, extractor if isinstance(extractor, str) else None)
    is_word = place_of(value) == "path" and os.sep not in value and "." not in value and not is_pattern(value)
    if not is_there and is_word:
        bundled = list(archive.index())
        what = f"unknown folder or bundled statistics {value!r}"
        near = nearest(value, [*entries(os.curdir), *bundled])
        meant = f"Did you mean {shown(near)!r}? " if near else ""
        raise InputError(what, hint=f"{meant}Known: {', '.join(bundled)}", code="E-MISSING")
    return open_source(value, reading=reading, value_range=value_range)


def vouched(value: Any, reading: Reading, recipe: str, weights: str | None = None) -> Statistics | None:
    """The statistics in a file, here or remote, that names no recipe, under one that the caller vouches for.

    ``None`` where the value is anything else, which needs nobody to vouch for it.
    """
    if not isinstance(value, (str, os.PathLike)):
        return None
    path = local_path(os.fspath(value))
    if is_copied(path):
        from ganmetrics.data.places.local_copy import LocalCopy

        copy = LocalCopy(path, progress=reading.progress)
        return _of_copy(copy, recipe, weights) if _needs_recipe(copy.path) else None
    return archive.load_statistics(path, assume=recipe, weights=weights) if _needs_recipe(path) else None


def _needs_recipe(path: str) -> bool:
    """Whether a path is a file of statistics that names no recipe."""
    return os.path.isfile(path) and archive.is_statistics(Path(path)) and FACTS not in member_names(path)


def _of_copy(copy: LocalCopy, recipe: str | None, weights: str | None = None) -> Statistics:
    """The statistics in a copy of a remote file, which lasts as long as the images in it are needed."""
    with copy.named():
        found = archive.load_statistics(copy.path, assume=recipe, weights=weights)
    if found.beside is not None:
        found.beside.name, found.beside.identity = copy.name, copy.url
        copy.lasts_with(found.beside)
    return replace(found, source=copy.name)


def _vouching(path: str, protocol: str | None) -> str | None:
    """The protocol, where a file has the arrays of its package's files and names no recipe."""
    keys = PROTOCOLS[protocol].reference_keys if protocol else frozenset()
    members = member_names(path) if keys else set()
    return protocol if keys and keys <= members and FACTS not in members else None


def _open_copy(url: str, reading: Reading, protocol: str | None) -> Side:
    # Imported here, since most sets lie on this machine and the remote ones bring every file system with them.
    from ganmetrics.data.places.local_copy import LocalCopy
    from ganmetrics.data.remote import copied_source

    copy = LocalCopy(url, progress=reading.progress)
    if not archive.is_statistics(Path(copy.path)):
        return copied_source(copy, Opening(reading=reading))
    return _of_copy(copy, _vouching(copy.path, protocol))
