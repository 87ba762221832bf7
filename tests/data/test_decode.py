"""One image file: what is accepted, with which pixels and notes, and what is refused in which words."""

from __future__ import annotations

import contextlib
import io
import signal
import struct
import tarfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, ImageOps

from ganmetrics.data.reading.decode import Unreadable, decode, from_pil
from ganmetrics.data.reading_choices import Reading

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "pillow_subset.tar.xz"
LENIENT = Reading(alpha="white", frames="first")


def png(image, **settings):
    stream = io.BytesIO()
    image.save(stream, settings.pop("format", "PNG"), **settings)
    return stream.getvalue()


def colour(mode="RGB", size=(8, 6)):
    width, height = size
    red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([red, green, 255 - red], 2).astype(np.uint8)).convert(mode)


def huge_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return start + png(colour())[33:]


def frames(file_format):
    images = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in (10, 200)]
    return png(images[0], format=file_format, save_all=True, append_images=images[1:])


def flipped(data, index):
    return data[:index] + bytes([data[index] ^ 0x10]) + data[index + 1 :]


TRANSPARENT = Image.fromarray(np.full((4, 4, 4), (200, 100, 50, 128), np.uint8))
OPAQUE = Image.fromarray(np.full((4, 4, 4), (200, 100, 50, 255), np.uint8))
HALF_KEYED = Image.fromarray(np.array([[0, 9]], np.uint8))

REFUSED = {  # case: (data, words of the sentence)
    "22 zero bytes": (b"", "empty"),
    "23 text": (b"hello, I am text", "not an image"),
    "23 HTML": (b"<!DOCTYPE html><p>404", "HTML"),
    "24 truncated PNG": (png(colour(size=(64, 64)))[:-40], "truncated or damaged"),
    "24 truncated JPEG": (png(colour(size=(64, 64)), format="JPEG")[:-200], "truncated"),
    "24 only a PNG signature": (b"\x89PNG\r\n\x1a\n", "truncated or damaged"),
    "25 flipped bit in PNG data": (flipped(png(colour()), 60), "truncated or damaged"),
    "31 100 megapixels": (huge_header(10_000, 10_000), "64000000 pixels"),
    "31 past Pillow's own limit": (huge_header(100_000, 100_000), "64000000 pixels"),
    "33 32-bit integer TIFF": (png(Image.new("I", (4, 4), 7), format="TIFF"), "32-bit or signed integer"),
    "33 float TIFF": (png(Image.new("F", (4, 4), 0.5), format="TIFF"), "float image"),
    "34 transparent RGBA": (png(TRANSPARENT), "16 of 16 pixels are transparent"),
    "34 transparent LA": (png(TRANSPARENT.convert("LA")), "transparent"),
    "34 palette with tRNS": (png(HALF_KEYED.convert("P"), transparency=0), "1 of 2 pixels are transparent"),
    "34 grey with tRNS": (png(HALF_KEYED, transparency=9), "transparent"),
    "34 WebP with alpha": (png(TRANSPARENT, format="WEBP", lossless=True), "transparent"),
    "36 GIF": (frames("GIF"), "several frames"),
    "36 WebP": (frames("WEBP"), "several frames"),
    "36 APNG": (frames("PNG"), "several frames"),
    "36 TIFF": (frames("TIFF"), "several frames"),
    "37 HEIC": (b"\0\0\0\x18ftypheic" + bytes(16), "HEIC"),
    "38 AVIF": (b"\0\0\0\x18ftypavif" + bytes(16), "AVIF"),
    "38 EPS": (png(colour(), format="EPS"), "PostScript"),
    "38 PDF": (png(colour(), format="PDF"), "PDF"),
    "38 PSD": (b"8BPS\0\1" + bytes(40), "Photoshop"),
    "38 FITS": (b"SIMPLE  =                    T" + bytes(50), "FITS"),
    "38 JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "JPEG 2000"),
    "38 TGA, which Pillow could open": (png(colour(), format="TGA"), "not an image"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("unchanged")
def test_refused_in_one_sentence(case):
    data, words = REFUSED[case]
    with pytest.raises(Unreadable) as caught:
        decode(data, Reading(), ".png")
    sentence = str(caught.value)
    assert words in sentence
    assert "\n" not in sentence
    assert "0x" not in sentence  # no object's address
    assert len(sentence) < 240


RGB = colour()
ACCEPTED = {  # case: (data, suffix, kinds, format)
    "PNG": (png(RGB), ".png", (), "PNG"),
    "JPEG": (png(RGB, format="JPEG"), ".jpg", (), "JPEG"),
    "JPEG in .jpeg": (png(RGB, format="JPEG"), ".jpeg", (), "JPEG"),
    "WebP": (png(RGB, format="WEBP"), ".webp", (), "WEBP"),
    "BMP": (png(RGB, format="BMP"), ".bmp", (), "BMP"),
    "PPM": (png(RGB, format="PPM"), ".ppm", (), "PPM"),
    "PGM": (png(RGB.convert("L"), format="PPM"), ".pgm", ("grey",), "PPM"),
    "TIFF": (png(RGB, format="TIFF"), ".tif", (), "TIFF"),
    "GIF": (png(RGB.convert("P"), format="GIF"), ".gif", ("palette",), "GIF"),
    "27 JPEG in .png": (png(RGB, format="JPEG"), ".png", ("wrong-extension",), "JPEG"),
    "28 one pixel": (png(Image.new("RGB", (1, 1))), ".png", (), "PNG"),
    "34 opaque RGBA": (png(OPAQUE), ".png", (), "PNG"),
    "34 opaque LA": (png(OPAQUE.convert("LA")), ".png", ("grey",), "PNG"),
    "palette": (png(RGB.convert("P")), ".png", ("palette",), "PNG"),
    "one bit": (png(RGB.convert("1")), ".png", ("grey",), "PNG"),
    "35 CMYK": (png(RGB.convert("CMYK"), format="JPEG"), ".jpg", ("cmyk",), "JPEG"),
    "LAB": (png(Image.new("LAB", (3, 3), (200, 128, 128)), format="TIFF"), ".tif", ("lab",), "TIFF"),
    "40 other ICC profile": (png(RGB, icc_profile=b"Display P3"), ".png", ("icc",), "PNG"),
    "40 sRGB profile": (
        png(RGB, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        ".png",
        (),
        "PNG",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.usefixtures("unchanged")
def test_accepted_with_its_kinds(case):
    data, suffix, kinds, file_format = ACCEPTED[case]
    decoded = decode(data, Reading(), suffix)
    assert (decoded.kinds, decoded.format) == (kinds, file_format)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.shape[2] == 3


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "PPM", "TIFF"])
def test_lossless_pixels_are_exact(file_format):
    assert np.array_equal(decode(png(RGB, format=file_format), Reading()).pixels, np.asarray(RGB))


def sixteen_bit_ramp():
    return np.arange(65536, dtype=np.uint16).reshape(256, 256)


def sixteen_bit_png(colour_type, rows, *before):
    """By hand, as no release of Pillow writes them all."""
    width, lines = len(rows[0]) // (3 if colour_type == 2 else 1), [b"\0" + np.array(r, ">u2").tobytes() for r in rows]
    header = struct.pack(">IIBBBBB", width, len(rows), 16, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b"")]
    written = (struct.pack(">I", len(x)) + name + x + struct.pack(">I", zlib.crc32(name + x)) for name, x in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "PPM"])
def test_32_sixteen_bit_grey_is_scaled_exactly(file_format):
    ramp = sixteen_bit_ramp()
    by_hand = b"P5 256 256 65535\n" + ramp.astype(">u2").tobytes()  # which Pillow 10 cannot write
    decoded = decode(by_hand if file_format == "PPM" else png(Image.fromarray(ramp), format=file_format), Reading())
    assert decoded.kinds == ("16-bit", "grey")
    assert decoded.pixels.mean() == 127.5  # Pillow's own conversion clips: 254.5
    assert np.array_equal(decoded.pixels[..., 1], np.round(ramp / 257).astype(np.uint8))


def test_32_big_endian_sixteen_bit_tiff():
    ramp = sixteen_bit_ramp()
    big = Image.frombytes("I;16B", (256, 256), ramp.astype(">u2").tobytes())
    assert np.array_equal(from_pil(big, Reading()).pixels[..., 0], np.round(ramp / 257))


def test_32_sixteen_bit_png_with_a_transparent_level():
    data = sixteen_bit_png(0, [[0, 65535, 514]], (b"tRNS", struct.pack(">H", 514)))
    with pytest.raises(Unreadable, match="1 of 3 pixels are transparent"):
        decode(data, Reading())
    assert decode(data, Reading(alpha="white")).pixels[0, :, 0].tolist() == [0, 255, 255]
    assert decode(data, Reading(alpha="drop")).pixels[0, :, 0].tolist() == [0, 255, 2]


def test_sixteen_bit_colour_png_is_noted():
    data = sixteen_bit_png(2, [[0x1234] * 6] * 2)
    decoded = decode(data, Reading(), ".png")
    assert decoded.kinds == ("16-bit",)
    assert set(decoded.pixels.flatten().tolist()) == {0x12}


@pytest.mark.parametrize(
    ("alpha", "pixel"), [("drop", [200, 100, 50]), ("white", [227, 177, 152]), ("black", [100, 50, 25])]
)
def test_34_alpha_follows_the_choice(alpha, pixel):
    decoded = decode(png(TRANSPARENT), Reading(alpha=alpha))
    assert decoded.pixels[0, 0].tolist() == pixel  # c * 128/255 + background * 127/255
    assert decoded.kinds == ("alpha",)


@pytest.mark.parametrize(("alpha", "background"), [("white", 255), ("black", 0)])
def test_34_every_blend_is_rounded_exactly(alpha, background):
    level, opacity = np.meshgrid(np.arange(256), np.arange(256))
    image = Image.fromarray(np.stack([level, level, level, opacity], 2).astype(np.uint8))
    expected = np.round((level * opacity + background * (255 - opacity)) / 255)
    assert np.array_equal(from_pil(image, Reading(alpha=alpha)).pixels[..., 0], expected)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_36_first_frame_by_choice(file_format):
    decoded = decode(frames(file_format), Reading(frames="first"))
    assert abs(int(decoded.pixels[0, 0, 0]) - 10) < 4
    assert "first-frame" in decoded.kinds


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_39_exif_orientation_is_counted_or_applied(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = png(RGB, exif=exif, format=file_format, lossless=True)
    ignored, turned = decode(data, Reading()), decode(data, Reading(exif="transpose"))
    assert ignored.kinds == (("exif-rotated",) if orientation > 1 else ())
    assert np.array_equal(ignored.pixels, np.asarray(RGB))
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(turned.pixels, np.asarray(ImageOps.exif_transpose(image)))


def test_24_truncation_is_found_though_another_library_allows_it(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(Unreadable, match="truncated"):
        decode(REFUSED["24 truncated JPEG"][0], Reading())
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_31_max_pixels_counts_exactly_and_can_be_raised_past_pillows_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(png(RGB), Reading(max_pixels=48)).pixels.shape == (6, 8, 3)
    with pytest.raises(Unreadable, match="more than 47 pixels"):
        decode(png(RGB), Reading(max_pixels=47))
    assert Image.MAX_IMAGE_PIXELS == 10


def test_no_warning_of_pillow_leaks():
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    data = png(palette, transparency=b"\x00\xff")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        decode(data, LENIENT)
    assert seen == []


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"P6 ", b"II*\0", b"\xff\xd8"]),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_decode_or_are_refused(data, start):
    with contextlib.suppress(Unreadable):
        assert decode(start + data, LENIENT, ".png").pixels.dtype == np.uint8


@given(st.integers(0, 2**31), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM"]))
@settings(max_examples=150, deadline=None)
def test_flipped_bytes_decode_or_are_refused(position, file_format):
    data = png(RGB.convert("P") if file_format == "GIF" else RGB, format=file_format)
    with contextlib.suppress(Unreadable):
        assert decode(flipped(data, position % len(data)), LENIENT).pixels.dtype == np.uint8


def corpus():
    if not CORPUS.exists():
        return []
    with tarfile.open(CORPUS) as archive:
        members = [member for member in archive if member.isfile() and not member.name.endswith("LICENSE")]
        return [(member.name, archive.extractfile(member).read()) for member in members]


@pytest.mark.skipif(not CORPUS.exists(), reason="Pillow's corrupt images are not beside the repository")
@pytest.mark.usefixtures("unchanged")
def test_real_corrupt_files_decode_or_are_refused_and_none_hangs():
    refused = {}
    for name, data in corpus():
        signal.alarm(20)  # kills the run where a decoder hangs
        try:
            pixels = decode(data, LENIENT, Path(name).suffix).pixels
            assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
        except Unreadable as error:
            refused[Path(name).name] = str(error)
        finally:
            signal.alarm(0)
    assert {"broken.png", "truncated_jpeg.jpg", "decompression_bomb.gif", "reallybig.bmp", "exif.avif"} <= set(refused)
    assert all(text.startswith(("is ", "has ", "holds ", "needs ")) and text.isprintable() for text in refused.values())
    assert not set(refused) & {"exif.png", "hopper_orientation_6.jpg", "pil_sample_cmyk.jpg", "16_bit_binary.pgm"}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_large_image_keeps_every_pixel(mode: str) -> None:
    """It is handed over in strips, of which the last is shorter."""
    pixels = np.random.RandomState(0).randint(0, 256, (2111, 1999, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(decode(png(image, compress_level=0), LENIENT).pixels, expected)
