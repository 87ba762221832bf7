"""The files of a folder that another package reads, which are not those that ganmetrics would read."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics._files import shown
from ganmetrics.data import open_source
from ganmetrics.data.image_files import files_source
from ganmetrics.data.source import Opening
from ganmetrics.errors import GanMetricsError, GanMetricsWarning, InputError

if TYPE_CHECKING:
    from ganmetrics.data import Reading, Source

# pytorch-fid 0.3.0 and clean-fid 0.1.35 look for files that end so, as glob does: capitals count.
PYTORCH_FID = ("bmp", "jpg", "jpeg", "pgm", "png", "ppm", "tif", "tiff", "webp")
CLEAN_FID = (*PYTORCH_FID, "JPEG", "JPG", "PNG")


class PeerRule(NamedTuple):
    """Which files of a folder a package reads.

    Attributes
    ----------
    package : str
    takes : callable
        Whether it reads a file, by its name relative to the folder.
    is_deep : bool
        Whether it looks into sub-folders.
    """

    package: str
    takes: Callable[[str], bool]
    is_deep: bool


def pytorch_fids_rule() -> PeerRule:
    """The folder itself alone, hidden files too."""
    return PeerRule("pytorch-fid", lambda name: _ends(name, PYTORCH_FID), False)


def clean_fids_rule() -> PeerRule:
    """All sub-folders, but neither hidden files nor hidden folders."""
    return PeerRule("clean-fid", lambda name: _ends(name, CLEAN_FID) and not _is_hidden(name), True)


def torch_fidelitys_rule(suffixes: str, *, is_deep: bool) -> PeerRule:
    """Suffixes in any case, hidden files and folders too."""
    taken = {f".{part.strip()}" for part in suffixes.split(",") if part.strip()}
    return PeerRule("torch-fidelity", lambda name: os.path.splitext(name)[1].lower() in taken, is_deep)


def peer_folder(
    path: str | os.PathLike[str],
    rule: PeerRule,
    reading: Reading,
    most: int | None = None,
    shuffle_seed: int | None = None,
) -> Source:
    """The images of a folder that a package reads, in its order; a warning names what ganmetrics would read otherwise.

    Parameters
    ----------
    path : path
    rule : PeerRule
    reading : Reading
    most : int, optional
        How many are taken, the first ones.
    shuffle_seed : int, optional
        Of ``random``, by which they are shuffled first.

    Raises
    ------
    InputError
        The package would read no file.
    """
    root = os.fspath(path)
    names = sorted(name for name in _names(root, is_deep=rule.is_deep) if rule.takes(name))
    if not names:
        what = f"the folder holds no file that {rule.package} reads"
        raise InputError(what, where=shown(root), hint=_own_hint(root, reading), code="E-EMPTY")
    own = _own(root, reading)
    _tell(root, rule, names, own)
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(names)
    source = files_source([os.path.join(root, name) for name in names[:most]], Opening(reading=reading), shown(root))
    source.identity = os.path.realpath(root)
    source.notes.ignored = own.notes.ignored if own is not None else source.notes.ignored
    return source


def _tell(root: str, rule: PeerRule, names: Iterable[str], own: Source | None) -> None:
    """Warn where ganmetrics' own list of the folder's images is another."""
    ours, theirs = set((own is not None and own.item_names()) or ()), set(names)
    rows = [
        f"{len(found)} {words}, such as {shown(min(found))}"
        for found, words in (
            (ours - theirs, f"that {rule.package} leaves out"),
            (theirs - ours, "that ganmetrics would leave out"),
        )
        if found
    ]
    if rows:
        text = f"{shown(root)}: the files are those of {rule.package}; there are {' and '.join(rows)}"
        warnings.warn(text, GanMetricsWarning, stacklevel=5)


def _own(root: str, reading: Reading) -> Source | None:
    """The folder as ganmetrics itself reads it; ``None`` where it finds no image."""
    try:
        return open_source(root, reading=reading)
    except GanMetricsError:
        return None


def _own_hint(root: str, reading: Reading) -> str:
    own = _own(root, reading)
    others = (own is not None and own.item_names()) or ()
    return f"ganmetrics itself would read {len(others)}, such as {others[0]}" if others else "Name the folder of images"


def _names(root: str, *, is_deep: bool) -> Iterator[str]:
    """The relative paths of the files of a folder."""
    for folder, folders, files in os.walk(root):
        if not is_deep:
            folders.clear()
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def _ends(name: str, suffixes: Iterable[str]) -> bool:
    return any(fnmatchcase(name, f"*.{suffix}") for suffix in suffixes)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split(os.sep))
