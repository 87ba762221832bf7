"""Sets of images that should not be scored as they are: what a user may well have on disk, made small.

A maker takes an empty folder and leaves the set in it; what it returns is what the user names.
"""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Maker = Callable[[Path], "Path | str"]
Array = np.ndarray[Any, Any]
COUNT = 3  # images of a good set
PNG_START = b"\x89PNG\r\n\x1a\n"


# --- images --------------------------------------------------------------------------------------------------------


def picture(seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (7, 6)) -> Image.Image:
    """Noise of a mode and of (width, height)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def noise(width: int, height: int) -> bytes:
    """A PNG file of noise."""
    return encoded(picture(size=(width, height)))


def _of_one_colour(level: int) -> bytes:
    return encoded(Image.new("RGB", (7, 6), (level, level, level)))


PNG = encoded(picture(9))
LARGE = picture(size=(64, 64))
JPEG = encoded(LARGE, "JPEG")
TRUNCATED_PNG, TRUNCATED_JPEG = encoded(LARGE)[:-40], JPEG[:-200]
HALF_OPAQUE = Image.fromarray(np.full((6, 7, 4), (200, 100, 50, 128), np.uint8))
TRANSPARENT, TRANSPARENT_GREY = encoded(HALF_OPAQUE), encoded(HALF_OPAQUE.convert("LA"))
KEYED = encoded(Image.fromarray(np.array([[0, 9], [9, 9]], np.uint8)).convert("P"), transparency=0)
SIXTEEN_BIT = encoded(Image.fromarray(np.arange(42, dtype=np.uint16).reshape(6, 7) * 1500))
FLOATS = encoded(Image.fromarray(np.full((6, 7), 0.5, np.float32)), "TIFF")
INTEGERS = encoded(Image.new("I", (7, 6), 7), "TIFF")
P3 = encoded(picture(), icc_profile=b"Display P3")
HEIC, AVIF = (b"\0\0\0\x18ftyp" + brand + bytes(16) for brand in (b"heic", b"avif"))
BLANK = {f"{level}.png": _of_one_colour(level) for level in range(4)}
JUNK = dict.fromkeys(["._0.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/0.png"], b"junk")
OTHERS = dict.fromkeys(["a.npy", "b.txt", "c.TXT", "README"], b"text")


def flipped(data: bytes, index: int) -> bytes:
    """The same with one bit changed."""
    return data[:index] + bytes([data[index] ^ 0x10]) + data[index + 1 :]


def huge_png(side: int) -> bytes:
    """A small PNG file whose header claims a large image."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return PNG_START + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + encoded(picture())[33:]


def animated(kind: str) -> bytes:
    """A file of two frames or pages."""
    return encoded(picture(1), kind, save_all=True, append_images=[picture(2)])


def turned(orientation: int) -> bytes:
    """A PNG file with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(), exif=exif)


# --- folders -------------------------------------------------------------------------------------------------------


def good(at: Path, count: int = COUNT, seed: int = 100, suffix: str = "png") -> Path:
    """A folder of images with nothing wrong."""
    at.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        (at / f"{index}.{suffix}").write_bytes(encoded(picture(seed + index)))
    return at


def good_beside_empty(folder: Path) -> Path:
    """A good folder beside one for what is made and one for what comes out."""
    (folder / "out").mkdir()
    (folder / "made").mkdir()
    return good(folder / "good")


def holding(files: Mapping[str, bytes]) -> Maker:
    """A folder of just these files."""

    def make(at: Path) -> Path:
        for name, data in files.items():
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            (at / name).write_bytes(data)
        return at

    return make


def beside(name: str, data: bytes) -> Maker:
    """A folder of good images and one file more."""
    return lambda at: holding({name: data})(good(at))


def called(name: str) -> Maker:
    """A good folder and a good image in it of that name."""

    def make(at: Path) -> Path:
        place = good(at / name, COUNT - 1)
        (place / f"{name}.png").write_bytes(encoded(picture(7)))
        return place

    return make


def linked(name: str, target: str | None = None) -> Maker:
    """A good folder with a link in it: to itself where no target is named."""

    def make(at: Path) -> Path:
        (good(at) / name).symlink_to(at if target is None else target)
        return at

    return make


def pipes(at: Path) -> Path:
    """A good folder with a pipe, a socket and a device that are called images."""
    os.mkfifo(good(at) / "pipe.png")
    (at / "zero.png").symlink_to("/dev/zero")
    here = os.getcwd()
    os.chdir(at)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket.png")
    finally:
        os.chdir(here)
    return at


def pipe(name: str) -> Maker:
    """A pipe."""

    def make(at: Path) -> Path:
        os.mkfifo(at / name)
        return at / name

    return make


def one_image(at: Path) -> Path:
    """The path of a single image."""
    return good(at) / "0.png"


def misspelt(at: Path) -> Path:
    """A name that is nearly that of a good folder."""
    return good(at / "samples").with_name("sampels")


def class_folders(at: Path) -> Path:
    """Images in sub-folders only."""
    for seed, name in enumerate(("cat", "dog")):
        good(at / name, seed=seed)
    return at


def with_old_samples(at: Path) -> Path:
    """Images in the folder and more in a sub-folder, as training scripts leave them."""
    good(good(at) / "old", seed=200)
    return at


def with_folder(name: str) -> Maker:
    """A good folder with an empty folder in it."""

    def make(at: Path) -> Path:
        (good(at) / name).mkdir()
        return at

    return make
