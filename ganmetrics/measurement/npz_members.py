"""The members of a statistics file, read only after their headers were found plausible; nothing is ever unpickled."""

from __future__ import annotations

import os
import struct
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np

from ganmetrics._files import shown
from ganmetrics._process import no_warnings
from ganmetrics.data.places.array_header import read_header
from ganmetrics.errors import StatisticsError
from ganmetrics.metrics.needs import Kind, Need, of_kind

MAX_DIM = 16_384
MAX_ROWS = 10_000_000
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
    rows = {need.name: (MAX_ROWS, MAX_DIM) for need in saved_rows()}
    return {"mu": (MAX_DIM,), "sigma": (MAX_DIM, MAX_DIM), **rows, FACTS: ()}


def read_members(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Every known member of an npz file.

    Raises
    ------
    StatisticsError
        The file is missing, damaged or no npz; or a member is a pickle, a bomb, or of an implausible shape or type.
    """
    try:
        # NumPy warns of the headers of Python 2.
        with zipfile.ZipFile(path) as archive, no_warnings():
            arrays = _read(archive, os.path.getsize(path))
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
    return arrays


def member_names(path: str | os.PathLike[str]) -> set[str]:
    """The names of an npz file's arrays; none where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
    except UNREADABLE:
        return set()


def _read(archive: zipfile.ZipFile, size: int) -> dict[str, Any]:
    names = [name for name in limits() if f"{name}.npy" in archive.namelist()]
    for name in names:
        _check(archive, name, size)
    arrays = {}
    for name in names:
        with archive.open(f"{name}.npy") as member:
            arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
        if name != FACTS and not np.isfinite(arrays[name]).all():
            raise StatisticsError(f"{name!r} holds NaN or infinity", code="E-NOT-FINITE")
    return arrays


def _check(archive: zipfile.ZipFile, name: str, size: int) -> None:
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in COMPRESSIONS:
        raise StatisticsError(f"{name!r} is compressed by a method that npz files never use", code="E-DAMAGED")
    # An archive may lie about the packed size.
    packed = min(info.compress_size, size)
    if info.file_size > max(MAX_SUSPECT, MAX_RATIO * packed):
        what = f"{name!r} would grow from {packed} to {info.file_size} bytes; refused"
        raise StatisticsError(what, code="E-BOMB")
    with archive.open(info) as member:
        shape, _, dtype, num_bytes = read_header(member)
    held = info.file_size - num_bytes
    _check_type(name, dtype)
    _check_shape(name, shape)
    if held != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise StatisticsError(f"{name!r} claims the shape {list(shape)} but holds {held} bytes", code="E-DAMAGED")


def _check_type(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise StatisticsError(f"{name!r} contains Python objects; refused", code="E-PICKLE")
    is_right = dtype.kind == "U" and dtype.itemsize <= MAX_FACTS if name == FACTS else dtype in FLOATS
    if not is_right:
        expected = "a short text" if name == FACTS else "float16, float32 or float64, little-endian"
        raise StatisticsError(f"{name!r} is of type {dtype!s:.60}; expected {expected}", code="E-DTYPE")


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    most = limits()[name]
    if len(shape) != len(most) or any(not 0 < n <= m for n, m in zip(shape, most, strict=True)):
        expected = ", ".join(f"1..{m}" for m in most)
        what = f"{name!r} has the shape {list(shape)!s:.60}; expected [{expected}]"
        raise StatisticsError(what, code="E-SHAPE")


def _trouble(error: BaseException) -> str:
    """The system's own words, as one short printable line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return shown(text.strip().partition("\n")[0][:200])
