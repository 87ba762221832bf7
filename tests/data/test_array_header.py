"""The headers of arrays: read without a word, and no more of them than a header can be."""

from __future__ import annotations

import io
import struct
import warnings
from contextlib import suppress

import numpy as np
import pytest

from ganmetrics.data.places.array_header import MAX_BYTES, read_header


class Watched(io.BytesIO):
    """A stream that knows the most that was asked of it at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, size if size is not None and size >= 0 else 1 << 62)
        return super().read(size)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_what_a_header_claims(version: tuple[int, int]) -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy says that version 3 is new
        np.lib.format.write_array(stream, np.zeros((2, 3), np.uint8), version=version)
    stream.seek(0)
    header = read_header(stream)
    assert (header.shape, header.is_fortran, header.dtype) == ((2, 3), False, np.uint8)
    assert header.num_bytes == stream.tell() == len(stream.getvalue()) - 6


@pytest.mark.parametrize("claimed", [MAX_BYTES + 1, 1 << 30, 2**32 - 1])
def test_a_header_of_gigabytes_is_not_read(claimed: int) -> None:
    stream = Watched(b"\x93NUMPY\x02\x00" + struct.pack("<I", claimed) + b" " * (2 * MAX_BYTES))
    with pytest.raises(ValueError, match=f"claims {claimed} bytes"):
        read_header(stream)
    assert stream.most <= MAX_BYTES


@pytest.mark.parametrize("text", ["{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }", "{'\\o': 1}"])
def test_old_and_odd_headers_are_read_without_a_word(text: str) -> None:
    with warnings.catch_warnings(record=True) as said, suppress(ValueError):
        warnings.simplefilter("always")
        read_header(io.BytesIO(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()))
    assert not said
