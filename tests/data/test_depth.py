"""Images of more than 8 bits: scaled by the depth that the file states, or by levels, which the signature names."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganmetrics as gm
from ganmetrics.data.reading.decode import Unreadable, decode, from_pil
from ganmetrics.data.reading_choices import Reading

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)
TWELVE = np.round(RAMP / 4095 * 255)  # the same as pixels of 8 bits
LEVELS = Reading(levels=(0, 4095))


def packed(rows: Any) -> bytes:
    """Numbers of 12 bits, two in three bytes, each row filled up to whole bytes."""
    texts = ("".join(f"{number:012b}" for number in row) for row in rows.tolist())
    whole = (text + "0" * (-len(text) % 8) for text in texts)
    return b"".join(int(text, 2).to_bytes(len(text) // 8, "big") for text in whole)


def tiff(rows: Any, bits: int, photometric: int, order: str = "<") -> bytes:
    """A TIFF by hand: Pillow writes neither 12 bits nor white that is zero."""
    data = packed(rows) if bits == 12 else rows.astype(f"{order}u{bits // 8}").tobytes()
    height, width = rows.shape
    longs = {256: width, 257: height, 273: 8, 278: height, 279: len(data)}
    shorts = {258: bits, 259: 1, 262: photometric, 277: 1}
    entries = {tag: struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in longs.items()}
    entries |= {tag: struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in shorts.items()}
    directory = b"".join(entries[tag] for tag in sorted(entries))
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(entries)) + directory + bytes(4)


def png(rows: Any, colour_type: int) -> bytes:
    """A PNG of 16 bits by hand, as no release of Pillow writes its colours."""
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 16, colour_type, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows))
    chunks = [(b"IHDR", header), (b"IDAT", content), (b"IEND", b"")]
    written = (struct.pack(">I", len(x)) + name + x + struct.pack(">I", zlib.crc32(name + x)) for name, x in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def grey(data: bytes, reading: Reading | None = None) -> Any:
    return decode(data, reading or Reading()).pixels[..., 0]


def test_twelve_bits_that_the_file_states_fill_the_range() -> None:
    found = decode(tiff(RAMP, 12, 1), Reading(), ".tif")
    assert found.kinds == ("12-bit", "grey")
    assert np.array_equal(found.pixels[..., 0], TWELVE)
    assert np.array_equal(grey(tiff(RAMP[:, :5], 12, 1)), TWELVE[:, :5]), "rows that end within a byte"


@pytest.mark.parametrize("order", ["<", ">"])
def test_white_that_is_zero_is_inverted(order: str) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(grey(tiff(ramp, 16, 0, order)), 255 - np.round(ramp / 257))
    assert np.array_equal(grey(tiff(ramp, 16, 1, order)), np.round(ramp / 257))
    small = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(grey(tiff(small, 8, 0, order)), 255 - small)


def test_white_that_is_zero_in_twelve_bits_too() -> None:
    assert np.array_equal(grey(tiff(RAMP, 12, 0)), 255 - TWELVE)


def test_white_that_is_zero_of_an_image_that_is_open() -> None:
    image = Image.open(io.BytesIO(tiff(RAMP * 16, 16, 0)))
    assert np.array_equal(from_pil(image, Reading()).pixels[..., 0], 255 - np.round(RAMP * 16 / 257))


def test_a_tiff_that_is_not_read_is_named_as_it_is() -> None:
    with pytest.raises(Unreadable, match="variant that is not read: a TIFF of 12 bits a sample, big-endian"):
        decode(tiff(RAMP, 12, 1, ">"), Reading())


def test_a_tiff_that_does_not_state_what_every_one_does_is_damaged() -> None:
    without = tiff(RAMP, 12, 1, ">").replace(struct.pack(">HHI", 262, 3, 1), struct.pack(">HHI", 263, 3, 1))
    with pytest.raises(Unreadable, match="truncated or damaged: its header cannot be read"):
        decode(without, Reading())


def test_a_maximum_that_a_pgm_states_is_white() -> None:
    assert np.array_equal(grey(b"P5 64 64 4095\n" + RAMP.astype(">u2").tobytes()), TWELVE)


@pytest.mark.parametrize("most", [1023, 4095, 65535])
@pytest.mark.parametrize("magic", ["P2", "P3", "P5", "P6"])
def test_levels_are_of_the_numbers_that_a_pgm_or_ppm_holds(magic: str, most: int) -> None:
    numbers = np.random.default_rng(0).integers(0, 1024, (9, 7, 3 if magic in ("P3", "P6") else 1))
    is_plain = magic in ("P2", "P3")
    body = " # x 9\n".join(map(str, numbers.ravel())).encode() if is_plain else numbers.astype(">u2").tobytes()
    found = decode(f"{magic} 7 9 {most}\n".encode() + body, Reading(levels=(100, 900)))
    assert np.array_equal(
        found.pixels, np.rint((numbers - 100.0) * 255 / 800).clip(0, 255).repeat(3 // numbers.shape[2], 2)
    )
    assert {"16-bit", "clipped"} <= set(found.kinds)
    assert "16-bit" in decode(f"{magic} 7 9 {most}\n".encode() + body, Reading()).kinds


def test_levels_are_refused_for_numbers_that_pillow_has_scaled_already() -> None:
    image = Image.open(io.BytesIO(b"P5 64 64 4095\n" + RAMP.astype(">u2").tobytes()))
    with pytest.raises(Unreadable, match="Pillow has scaled already; give its file"):
        from_pil(image, LEVELS)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(Image.fromarray(RAMP), "PNG"), id="PNG"),
        pytest.param(encoded(Image.fromarray(RAMP), "TIFF"), id="TIFF"),
        pytest.param(encoded(Image.fromarray(RAMP), "TIFF", compression="tiff_lzw"), id="compressed TIFF"),
        pytest.param(tiff(RAMP, 16, 1, ">"), id="big-endian TIFF"),
        pytest.param(png(RAMP[..., None].repeat(3, axis=2), 2), id="colour"),
        pytest.param(png(np.dstack([RAMP] * 3 + [np.full_like(RAMP, 65535)]), 6), id="colour with alpha"),
        pytest.param(png(np.dstack([RAMP, np.full_like(RAMP, 65535)]), 4), id="grey with alpha"),
    ],
)
def test_levels_are_black_and_white(data: bytes) -> None:
    found = decode(data, LEVELS)
    assert np.array_equal(found.pixels, TWELVE[..., None].repeat(3, axis=2))
    assert "clipped" not in found.kinds
    half = decode(data, Reading(levels=(1000, 2000)))
    assert np.array_equal(half.pixels[..., 1], np.rint((RAMP - 1000.0) * 0.255).clip(0, 255))
    assert "clipped" in half.kinds


def test_levels_are_of_the_numbers_before_they_are_inverted() -> None:
    assert np.array_equal(grey(tiff(RAMP, 12, 0), LEVELS), 255 - TWELVE)
    assert np.array_equal(grey(tiff(RAMP, 16, 0, ">"), LEVELS), 255 - TWELVE)


def test_colours_of_sixteen_bits_keep_their_low_bytes() -> None:
    values = np.random.default_rng(0).integers(0, 4096, (9, 7, 3), dtype=np.uint16)
    assert np.array_equal(decode(png(values, 2), LEVELS).pixels, np.rint(values / 4095 * 255))
    assert set(decode(png(values, 2), Reading()).pixels.flatten().tolist()) <= set(range(16))


def test_numbers_without_a_range_take_one() -> None:
    image = Image.fromarray((RAMP / 4095).astype(np.float32))
    with pytest.raises(Unreadable, match="float image without a fixed range"):
        decode(encoded(image, "TIFF"), Reading())
    found = decode(encoded(image, "TIFF"), Reading(levels=(0, 1)))
    assert found.kinds == ("32-bit", "grey")
    assert np.array_equal(found.pixels[..., 0], TWELVE)
    signed = Image.fromarray(RAMP.astype(np.int32) - 1000)
    assert np.array_equal(grey(encoded(signed, "TIFF"), Reading(levels=(-1000, 3095))), TWELVE)
    with pytest.raises(Unreadable, match="NaN"):
        decode(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), Reading(levels=(0, 1)))


def test_eight_bits_are_read_as_they_are() -> None:
    image = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    found = decode(encoded(image, "PNG"), LEVELS)
    assert np.array_equal(found.pixels[..., 0], np.asarray(image))
    assert "8-bit" in found.kinds


@pytest.mark.parametrize("levels", [(1, 1), (2, 1), (0, float("nan")), (0, float("inf")), (0,), "01", 5, ("0", "1")])
def test_levels_that_are_none_are_refused(levels: Any) -> None:
    with pytest.raises(gm.UsageError, match=r"levels is .*two finite numbers"):
        gm.Reading(levels=levels)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Images of 12 bits in files of 16, and of 8 bits."""
    rng = np.random.default_rng(0)
    for name in ("deep", "plain"):
        (tmp_path / name).mkdir()
        for index in range(8):
            pixels = rng.integers(0, 4096, (9, 9), dtype=np.uint16)
            pixels = pixels if name == "deep" else (pixels // 16).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    return tmp_path / "deep", tmp_path / "plain"


def test_twelve_bits_in_files_of_sixteen_are_cautioned(folders: tuple[Path, Path]) -> None:
    deep, plain = folders
    first = gm.evaluate(plain, deep, extractor="pixels").warnings[0]
    assert first.startswith("fake: the pixel values fill 6% of the range 0..255: they lie in 0..16, never above")
    assert (
        "Images of 12 bits in files of 16 look so: state their black and white, as in `gm.Reading(levels=(0, 4095))`"
        in first
    )


def test_the_command_takes_levels_and_the_signature_names_them(folders: tuple[Path, Path], run: Any) -> None:
    deep, plain = folders
    done = run("fid", plain, deep, "--extractor", "pixels", "-q", "--levels", "0:4095")
    assert done.returncode == 0
    assert done.stdout.count(":levels=0..4095") == 2
    assert "fill" not in done.stderr
    assert "real: 8 of 8 images have 8 bits a channel, to which `--levels` does not apply" in done.stderr
    reading = gm.Reading(levels=(0, 4095))
    score = gm.evaluate(plain, deep, extractor="pixels", reading=reading)["fid"]
    assert str(gm.Signature.parse(str(score.signature))) == str(score.signature)
    assert str(score.signature) in done.stdout
    narrow = run("fid", plain, deep, "--extractor", "pixels", "-q", "--levels", "-100:200")
    assert "8 of 8 images have pixel values outside of `--levels`, which became black or white" in narrow.stderr
    for wrong in ("4095", "a:b", "5:5", "1:2:3"):
        refused = run("fid", plain, deep, "--extractor", "pixels", "--levels", wrong)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "levels" in refused.stderr


def test_statistics_of_other_levels_are_refused(folders: tuple[Path, Path]) -> None:
    deep, plain = folders
    of_deep = gm.measure(deep, extractor="pixels", reading=gm.Reading(levels=(0, 4095)))
    assert gm.evaluate(of_deep, plain, extractor="pixels")["fid"].value >= 0, "8 bits are the same under any"
    with pytest.raises(gm.StatisticsError, match=r"levels=0\.\.4095 / levels=0\.\.1023"):
        gm.evaluate(of_deep, deep, extractor="pixels", reading=gm.Reading(levels=(0, 1023)))
