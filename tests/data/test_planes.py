"""TIFF files of separate planes: read as the same pixels lying together, or refused in one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganmetrics as gm
from ganmetrics.data.reading.decode import Decoded, Unreadable, decode, from_pil

# PhotometricInterpretation, samples a pixel, ExtraSamples, bits
FORMS: dict[str, tuple[int, int, tuple[int, ...], int]] = {
    "RGB": (2, 3, (), 8),
    "RGB of 16 bits": (2, 3, (), 16),
    "RGB with alpha": (2, 4, (2,), 8),
    "RGB with alpha of 16 bits": (2, 4, (2,), 16),
    "premultiplied": (2, 4, (1,), 8),
    "premultiplied of 16 bits": (2, 4, (1,), 16),
    "RGB and a fourth": (2, 4, (0,), 8),
    "CMYK": (5, 4, (), 8),
    "CMYK of 16 bits": (5, 4, (), 16),
    "LAB": (8, 3, (), 8),
    "grey with alpha": (1, 2, (2,), 8),
    "grey": (1, 1, (), 8),
    "grey whose white is zero": (0, 1, (), 8),
    "grey of 16 bits": (1, 1, (), 16),
    "grey of 16 bits whose white is zero": (0, 1, (), 16),
    "two levels whose white is zero": (0, 1, (), 1),
    "four bits": (1, 1, (), 4),
}
READ = [*(name for name in FORMS if name.startswith(("RGB", "grey", "two", "four"))), "CMYK"]
READ = [name for name in READ if name not in ("RGB and a fourth", "grey with alpha")]


def tiff(
    form: str, order: str, *, are_apart: bool, is_packed: bool = False, rows: int = 17, fill_order: int = 1
) -> bytes:
    """A TIFF by hand, of 17 rows of 24 pixels in strips of some rows."""
    photometric, samples, extra, bits = FORMS[form]
    values = np.random.default_rng(0).integers(0, 1 << bits, (17, 24, samples))
    planes = [values[..., [k]] for k in range(samples)] if are_apart else [values]
    strips = [_bytes(plane[top : top + rows], bits, order) for plane in planes for top in range(0, 17, rows)]
    strips = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in strip) if fill_order == 2 else strip for strip in strips]
    strips = [zlib.compress(strip) if is_packed else strip for strip in strips]
    shorts = {256: [24], 257: [17], 258: [bits] * samples, 259: [8 if is_packed else 1], 262: [photometric]}
    shorts |= {266: [fill_order], 277: [samples], 278: [rows], 284: [2 if are_apart else 1]}
    shorts |= {338: list(extra)} if extra else {}
    longs = {273: [0] * len(strips), 279: [len(strip) for strip in strips]}
    directory_end = 8 + 2 + 12 * (len(shorts) + len(longs)) + 4
    sizes = [2 * len(found) for found in shorts.values()] + [4 * len(found) for found in longs.values()]
    start = directory_end + sum(size for size in sizes if size > 4)
    longs[273] = [start + sum(map(len, strips[:k])) for k in range(len(strips))]
    entries, beside = b"", b""
    for tag, found in sorted((shorts | longs).items()):
        letter, kind = ("H", 3) if tag in shorts else ("I", 4)
        data = struct.pack(f"{order}{len(found)}{letter}", *found)
        place = struct.pack(f"{order}I", directory_end + len(beside))
        beside += data if len(data) > 4 else b""
        entries += struct.pack(f"{order}HHI", tag, kind, len(found)) + (
            place if len(data) > 4 else data.ljust(4, b"\0")
        )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(shorts) + len(longs))
    return head + entries + bytes(4) + beside + b"".join(strips)


def _bytes(block: Any, bits: int, order: str) -> bytes:
    if bits >= 8:
        return block.astype(f"{order}u{bits // 8}").tobytes()
    return b"".join(
        int("".join(f"{value:0{bits}b}" for value in row), 2).to_bytes(24 * bits // 8, "big") for row in block[..., 0]
    )


def read(data: bytes, **options: Any) -> Decoded:
    return decode(data, gm.Reading(alpha="drop", **options), ".tif")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", READ)
def test_separate_planes_are_the_same_pixels(form: str, order: str) -> None:
    truth = read(tiff(form, order, are_apart=False))
    for options in ({}, {"rows": 5}, {"is_packed": True}):
        found = read(tiff(form, order, are_apart=True, **options))
        assert np.array_equal(found.pixels, truth.pixels), options
        assert found.kinds == truth.kinds, options
    if form == "RGB of 16 bits":
        levels = [read(tiff(form, order, are_apart=apart), levels=(1000, 2000)) for apart in (False, True)]
        assert np.array_equal(levels[0].pixels, levels[1].pixels)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in READ])
def test_planes_that_would_be_other_pixels_are_refused(form: str) -> None:
    with pytest.raises(
        Unreadable, match=r"not read: a TIFF of separate planes.*; save it with the samples of each pixel"
    ):
        read(tiff(form, "<", are_apart=True))


def test_planes_of_bits_in_reverse_are_refused() -> None:
    with pytest.raises(Unreadable, match="separate planes of 8 bits"):
        read(tiff("RGB", "<", are_apart=True, fill_order=2))
    turned = [read(tiff("grey", "<", are_apart=apart, fill_order=2)).pixels for apart in (False, True)]
    assert np.array_equal(turned[0], turned[1])


def test_planes_of_an_image_that_is_open_already() -> None:
    data = tiff("RGB of 16 bits", ">", are_apart=True)
    image = Image.open(io.BytesIO(data))
    assert np.array_equal(from_pil(image, gm.Reading()).pixels, read(data).pixels)
    image = Image.open(io.BytesIO(data))
    image.load()
    with pytest.raises(Unreadable, match="separate planes of 16 bits"):
        from_pil(image, gm.Reading())
    with pytest.raises(Unreadable, match="separate planes of 8 bits"):
        from_pil(Image.open(io.BytesIO(tiff("grey whose white is zero", "<", are_apart=True))), gm.Reading())
