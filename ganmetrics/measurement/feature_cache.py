"""Features that were computed before, found again by the pixels they are of and by the network that made them.

An entry holds one layer of some hundred neighbouring images. Its name is a hash of their pixels, so neither a renamed
folder nor another container matters, and a changed image is another entry. An interrupted run finds what it had.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from filelock import FileLock, Timeout

from ganmetrics._files import atomic_write, remove_abandoned, required_folder, shown
from ganmetrics._process import no_warnings
from ganmetrics.errors import GanMetricsWarning, ResourceError
from ganmetrics.extractors import EXTRACTORS
from ganmetrics.measurement.npz_members import UNREADABLE
from ganmetrics.numerics.memory import parse_size
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors import Extractor
    from ganmetrics.measurement.image_record import PixelDigests

DEFAULT_SIZE = 10 << 30  # bytes
# Entries that are written between two looks at the size.
EVERY = 64
# Seconds that a removal waits for another process's.
SECONDS = 10.0
SUFFIX = ".features"


class Group(NamedTuple):
    """The entries of one layer of one network."""

    name: str
    entries: int
    num_bytes: int
    # Seconds since 1970.
    last_used: float


class FeatureCache:
    """The entries of one network on one kind of device.

    Parameters
    ----------
    extractor : Extractor
    device : torch.device
    """

    def __init__(self, extractor: Extractor, device: torch.device) -> None:
        versions = f"{__version__}|{torch.__version__}|{device.type}"
        self.facts = f"{extractor.name}|{extractor.identity}|{extractor.resize}|{extractor.precision}|{versions}"
        self.title = re.sub(r"[^A-Za-z0-9_.@-]", "-", f"{extractor.identity.partition('/')[0]}@{extractor.resize}")
        self.folder: Path | None = cache_folder()
        self.limit = size_limit()
        # Bytes that this run added, which never removes its own.
        self.added = 0
        self.since_look = 0

    def load(self, pixels: PixelDigests, layers: Sequence[str]) -> dict[str, Tensor] | None:
        """The layers of these images, [N, D] each; ``None`` unless all are there and sound."""
        found = {}
        for layer in layers:
            rows = _read(self._path(pixels, layer)) if self.folder is not None else None
            if rows is None or len(rows) != len(pixels):
                return None
            found[layer] = rows
        return found

    def save(self, pixels: PixelDigests, found: Mapping[str, Tensor]) -> None:
        """Keep the layers of these images; a cache that cannot be written is given up with one warning."""
        if self.folder is None or self.added >= self.limit:
            return
        try:
            for layer, rows in found.items():
                self._write(self._path(pixels, layer), rows)
            self.since_look += 1
            if self.since_look % EVERY == 0:
                shrink(self.limit, spare=self.added)
        except (OSError, ResourceError) as error:
            reason = error.what if isinstance(error, ResourceError) else error.strerror or type(error).__name__
            _warn(f"features are not kept in the cache ({shown(self.folder)}): {reason}")
            self.folder = None

    def close(self) -> None:
        """Bring the cache back to its size."""
        if self.folder is not None and self.added:
            shrink(self.limit, spare=self.added)

    def _path(self, pixels: PixelDigests, layer: str) -> Path:
        assert self.folder is not None
        key = pixels.key(f"{self.facts}|{layer}")
        return self.folder / f"{self.title}~{layer}" / key[:2] / f"{key[2:]}{SUFFIX}"

    def _write(self, path: Path, rows: Tensor) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        buffer = io.BytesIO()
        np.save(buffer, rows.numpy(), allow_pickle=False)
        content = buffer.getvalue()
        with atomic_write(path) as stream:
            stream.write(hashlib.sha256(content).digest() + content)
        self.added += len(content)


def cached(extractor: Extractor, device: torch.device) -> FeatureCache | None:
    """The cache for a network; ``None`` for one that its name and weights do not describe, or where there is none."""
    is_ours = type(extractor).__module__.startswith(("ganmetrics.extractors.", "ganmetrics.evaluation."))
    # A function of the caller's may have the name of an extractor, and no hash tells it from another.
    is_known = is_ours and not extractor.runs_callers_code and extractor.name in EXTRACTORS
    is_on = os.environ.get("GANMETRICS_CACHE", "1") != "0" and size_limit() > 0
    try:
        return FeatureCache(extractor, device) if is_known and is_on else None
    except ResourceError as error:
        _warn(error.what)
        return None


def cache_folder() -> Path:
    """Where entries lie: GANMETRICS_CACHE_DIR, else ganmetrics/features in the user's cache.

    Raises
    ------
    ResourceError
        A user without a home.
    """
    return required_folder("ganmetrics/features", "features", "GANMETRICS_CACHE_DIR")


def size_limit() -> int:
    """The most bytes that entries take: GANMETRICS_CACHE_SIZE, else 10 GiB (UsageError for what is no size)."""
    text = os.environ.get("GANMETRICS_CACHE_SIZE")
    return parse_size(text, where="GANMETRICS_CACHE_SIZE") if text else DEFAULT_SIZE


def groups() -> list[Group]:
    """What the cache holds, by network and layer."""
    found: dict[str, Group] = {}
    for path, status in _entries(cache_folder()):
        name = path.parent.parent.name
        old = found.get(name, Group(name, 0, 0, 0.0))
        used = max(old.last_used, status.st_mtime)
        found[name] = Group(name, old.entries + 1, old.num_bytes + status.st_size, used)
    return [found[name] for name in sorted(found)]


def clear() -> int:
    """Remove every entry, and nothing that is none but what killed runs left; the bytes that became free."""
    _remove_abandoned()
    return _remove(list(_entries(cache_folder())))


def shrink(limit: int, *, spare: int = 0) -> int:
    """Remove the entries that were used longest ago until the rest fits, but not the newest ``spare`` bytes."""
    with _locked(cache_folder()) as is_mine:
        # Another process is removing entries.
        if not is_mine:
            return 0
        _remove_abandoned()
        entries = sorted(_entries(cache_folder()), key=lambda entry: -entry[1].st_mtime)
        total, doomed = 0, []
        for path, status in entries:
            total += status.st_size
            if total > max(limit, min(spare, limit)):
                doomed.append((path, status))
        return _remove(doomed)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    lock = FileLock(str(folder / ".lock"))
    try:
        lock.acquire(timeout=SECONDS)
    except (Timeout, OSError, NotImplementedError):  # a file system without locks
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _remove_abandoned() -> None:
    for folder in cache_folder().glob("*/??"):
        remove_abandoned(folder)


def _warn(what: str) -> None:
    """Say why nothing is kept, in the same words for both sides, so that Python shows them once."""
    warnings.warn(f"{what}; the scores are not affected", GanMetricsWarning, stacklevel=3)


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob(f"*/??/*{SUFFIX}"):
        try:
            yield path, path.stat()
        except OSError:  # removed by another process
            continue


def _remove(entries: Sequence[tuple[Path, os.stat_result]]) -> int:
    freed = 0
    for path, status in entries:
        try:
            path.unlink()
            freed += status.st_size
        except OSError:
            continue
    return freed


def _read(path: Path) -> Tensor | None:
    """The rows of an entry; ``None`` where there is none or a damaged one, which is as good as none."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            return None
        # NumPy warns of headers that it did not write.
        with no_warnings():
            rows = np.lib.format.read_array(io.BytesIO(content[32:]), allow_pickle=False)
        os.utime(path)
    except UNREADABLE:
        return None
    return torch.from_numpy(rows) if rows.ndim == 2 and rows.dtype == np.float32 else None
