"""The header of an .npy file: what it claims of an array, before any of the array is read."""

from __future__ import annotations

from typing import IO, Any, NamedTuple

from ganmetrics._process import no_warnings

# NumPy takes 10,000 characters, but reads as many as are claimed before it counts them.
MAX_BYTES = 1 << 16


class ArrayHeader(NamedTuple):
    """What a header claims, and how many bytes it has itself."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: Any
    num_bytes: int


def read_header(stream: IO[bytes]) -> ArrayHeader:
    """The header at which a stream stands, as it is (any exception at all for one that is damaged)."""
    from numpy.lib import format as npy

    bounded = _Bounded(stream)
    # NumPy warns of headers of Python 2, and Python's parser of the rest.
    with no_warnings():
        version = npy.read_magic(bounded)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = read(bounded)
    return ArrayHeader(shape, is_fortran, dtype, bounded.num_bytes)


class _Bounded:
    # counts what was read; a member of an archive may not be able to tell

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.num_bytes = stream, 0

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= MAX_BYTES:
            raise ValueError(f"the header claims {size} bytes")
        data = self.stream.read(size)
        self.num_bytes += len(data)
        return data
