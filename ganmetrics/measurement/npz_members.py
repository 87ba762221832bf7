"""The members of a statistics file, read only after their headers were found plausible; nothing is ever unpickled."""

from __future__ import annotations

import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, TypeAlias

import numpy as np

from ganmetrics._files import shown
from ganmetrics._process import no_warnings
from ganmetrics.data.places.array_header import read_header
from ganmetrics.errors import StatisticsError
from ganmetrics.metrics.needs import MOMENTS, SPATIAL_MOMENTS, Kind, Need, of_kind

# The largest plausible shape of each member by its name; ``None`` for any shape.
Shapes: TypeAlias = Mapping[str, tuple[int, ...] | None]

MAX_DIM = 16_384
MAX_ROWS = 10_000_000
# The mean and the covariance of each need that is kept as moments, as guided diffusion names them.
MOMENTS_MEMBERS = {MOMENTS: ("mu", "sigma"), SPATIAL_MOMENTS: ("mu_s", "sigma_s")}
# The member that holds everything but the numbers, as JSON.
FACTS = "ganmetrics"
MAX_FACTS = 1 << 20  # bytes
# Bytes from which a compression ratio of more than MAX_RATIO is taken for a bomb.
MAX_SUSPECT = 256 << 20
MAX_RATIO = 200
FLOATS = tuple(np.dtype(name) for name in ("<f2", "<f4", "<f8"))
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    SyntaxError,  # this and the next from NumPy's parser of headers
    tokenize.TokenError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


def saved_rows() -> list[Need]:
    """The needs of which a file has a member of their name, with a row for each image."""
    return [need for need in of_kind(Kind.ROWS) if need.is_saved]


def limits() -> dict[str, tuple[int, ...]]:
    """The largest plausible shape of each member that is read; others never are."""
    found: dict[str, tuple[int, ...]] = {}
    for mean, covariance in MOMENTS_MEMBERS.values():
        found |= {mean: (MAX_DIM,), covariance: (MAX_DIM, MAX_DIM)}
    return {**found, **{need.name: (MAX_ROWS, MAX_DIM) for need in saved_rows()}, FACTS: ()}


def read_members(path: str | os.PathLike[str], wanted: Shapes | None = None) -> dict[str, Any]:
    """Every known member of an npz file.

    Parameters
    ----------
    path : path
    wanted : mapping of str to tuple of int or None, optional
        The members to read, each with its largest plausible shape, or ``None`` for any; by default those of statistics.

    Raises
    ------
    StatisticsError
        The file is missing, damaged or no npz; or a member is a pickle, a bomb, or of an implausible shape or type.
    """
    with _refusals(path), zipfile.ZipFile(path) as archive, no_warnings():
        # NumPy warns of the headers of Python 2.
        return _read(archive, os.path.getsize(path), limits() if wanted is None else wanted)


def read_array(path: str | os.PathLike[str]) -> Any:
    """The array of an .npy file (StatisticsError as for members of an npz file)."""
    with _refusals(path), open(path, "rb") as stream, no_warnings():
        _check_header(stream, "the array", None, os.path.getsize(path))
        stream.seek(0)
        return _finite(np.lib.format.read_array(stream, allow_pickle=False), "the array")


@contextmanager
def _refusals(path: str | os.PathLike[str]) -> Iterator[None]:
    """What a file of arrays is refused for, with its path (StatisticsError)."""
    try:
        yield
    except StatisticsError as error:
        raise StatisticsError(error.what, where=shown(path), hint=error.hint, code=error.code) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StatisticsError("there is no such file", where=shown(path), code="E-MISSING") from error
    except UNREADABLE as error:
        # The system refuses it: nothing is wrong with the file.
        is_refused = isinstance(error, OSError) and error.errno is not None
        what = f"cannot read the statistics: {_trouble(error)}"
        hint = "Check that the file may be read" if is_refused else "Build or fetch the file again"
        raise StatisticsError(what, where=shown(path), hint=hint, code="E-DAMAGED") from error


def member_names(path: str | os.PathLike[str]) -> set[str]:
    """The names of an npz file's arrays; none where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
    except UNREADABLE:
        return set()


def _read(archive: zipfile.ZipFile, size: int, wanted: Shapes) -> dict[str, Any]:
    names = [name for name in wanted if f"{name}.npy" in archive.namelist()]
    for name in names:
        _check(archive, name, size, wanted[name])
    arrays = {}
    for name in names:
        with archive.open(f"{name}.npy") as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
        arrays[name] = array if name == FACTS else _finite(array, repr(name))
    return arrays


def _finite(array: Any, title: str) -> Any:
    if not np.isfinite(array).all():
        raise StatisticsError(f"{title} holds NaN or infinity", code="E-NOT-FINITE")
    return array


def _check(archive: zipfile.ZipFile, name: str, size: int, most: tuple[int, ...] | None) -> None:
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in COMPRESSIONS:
        raise StatisticsError(f"{name!r} is compressed by a method that npz files never use", code="E-DAMAGED")
    # An archive may lie about the packed size.
    packed = min(info.compress_size, size)
    if info.file_size > max(MAX_SUSPECT, MAX_RATIO * packed):
        what = f"{name!r} would grow from {packed} to {info.file_size} bytes; refused"
        raise StatisticsError(what, code="E-BOMB")
    with archive.open(info) as member:
        _check_header(member, repr(name), most, info.file_size)


def _check_header(member: IO[bytes], title: str, most: tuple[int, ...] | None, size: int) -> None:
    shape, _, dtype, num_bytes = read_header(member)
    held = size - num_bytes
    _check_type(title, dtype)
    if most is not None:
        _check_shape(title, shape, most)
    if held != math.prod(shape) * dtype.itemsize:
        raise StatisticsError(f"{title} claims the shape {list(shape)} but holds {held} bytes", code="E-DAMAGED")


def _check_type(title: str, dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        hint = "Load it where you trust it, and save its numbers by numpy.savez(path, mu=mu, sigma=sigma)"
        raise StatisticsError(f"{title} contains Python objects; refused", hint=hint, code="E-PICKLE")
    is_facts = title == repr(FACTS)
    is_right = dtype.kind == "U" and dtype.itemsize <= MAX_FACTS if is_facts else dtype in FLOATS
    if not is_right:
        expected = "a short text" if is_facts else "float16, float32 or float64, little-endian"
        raise StatisticsError(f"{title} is of type {dtype!s:.60}; expected {expected}", code="E-DTYPE")


def _check_shape(title: str, shape: tuple[int, ...], most: tuple[int, ...]) -> None:
    if len(shape) != len(most) or any(not 0 < n <= m for n, m in zip(shape, most, strict=True)):
        expected = ", ".join(f"1..{m}" for m in most)
        what = f"{title} has the shape {list(shape)!s:.60}; expected [{expected}]"
        raise StatisticsError(what, code="E-SHAPE")


def _trouble(error: BaseException) -> str:
    """The system's own words, as one short printable line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return shown(text.strip().partition("\n")[0][:200])
