"""The members of a statistics file, read only after their headers were found plausible; nothing is ever unpickled."""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np

from ganmetrics._files import shown
from ganmetrics.errors import StatisticsError

MAX_DIM = 16_384
MAX_ROWS = 10_000_000
FACTS = "ganmetrics"  # the member that holds everything but the numbers, as JSON
MAX_FACTS = 1 << 20  # bytes
MAX_SUSPECT = 256 << 20  # bytes from which a compression ratio of more than MAX_RATIO is taken for a bomb
MAX_RATIO = 200
LIMITS: dict[str, tuple[int, ...]] = {  # the largest plausible shape of each member that is read; others never are
    "mu": (MAX_DIM,),
    "sigma": (MAX_DIM, MAX_DIM),
    "features": (MAX_ROWS, MAX_DIM),
    "logits": (MAX_ROWS, MAX_DIM),
    FACTS: (),
}
FLOATS = tuple(np.dtype(name) for name in ("<f2", "<f4", "<f8"))
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    MemoryError,
    RuntimeError,
    zlib.error,
    tokenize.TokenError,  # from NumPy's parser of headers
    zipfile.BadZipFile,
)


def read_members(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Every known member of an npz file.

    Raises
    ------
    StatisticsError
        The file is missing, damaged or no npz; or a member is a pickle, a bomb, or of an implausible shape or type.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist()]
            names = [name for name in found if name in LIMITS]
            for name in names:
                _check(archive, name)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in names}
        _check_finite(arrays)
    except StatisticsError as error:
        raise StatisticsError(error.what, where=shown(path), hint=error.hint, code=error.code) from error
    except FileNotFoundError as error:
        raise StatisticsError("there is no such file", where=shown(path), code="E-MISSING") from error
    except UNREADABLE as error:
        trouble = str(error).splitlines()[0] if str(error) else type(error).__name__
        what, hint = f"cannot read the statistics: {trouble}", "Build or fetch the file again"
        raise StatisticsError(what, where=shown(path), hint=hint, code="E-DAMAGED") from error
    return arrays


def _check(archive: zipfile.ZipFile, name: str) -> None:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        held = info.file_size - member.tell()
    _check_type(name, dtype)
    most = LIMITS[name]
    if len(shape) != len(most) or any(not 0 < n <= m for n, m in zip(shape, most, strict=True)):
        what = f"{name!r} has the shape {list(shape)}; expected at most {list(most)}"
        raise StatisticsError(what, code="E-SHAPE")
    if held != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise StatisticsError(f"{name!r} claims the shape {list(shape)} but holds {held} bytes", code="E-DAMAGED")
    if info.file_size > max(MAX_SUSPECT, MAX_RATIO * info.compress_size):
        what = f"{name!r} would grow from {info.compress_size} to {info.file_size} bytes; refused"
        raise StatisticsError(what, code="E-BOMB")


def _check_type(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise StatisticsError(f"{name!r} contains Python objects; refused", code="E-PICKLE")
    is_right = dtype.kind == "U" and dtype.itemsize <= MAX_FACTS if name == FACTS else dtype in FLOATS
    if not is_right:
        raise StatisticsError(f"{name!r} is of type {dtype}; expected {_expected(name)}", code="E-DTYPE")


def _expected(name: str) -> str:
    return "a short text" if name == FACTS else "float16, float32 or float64"


def _check_finite(arrays: dict[str, Any]) -> None:
    for name, array in arrays.items():
        if name != FACTS and not np.isfinite(array).all():
            raise StatisticsError(f"{name!r} holds NaN or infinity", code="E-NOT-FINITE")
