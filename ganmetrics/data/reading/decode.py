"""One encoded image to uint8 RGB pixels, or to one short sentence that says why not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ganmetrics._process import Held, Undo, assigned, no_warnings
from ganmetrics.data.reading.depth import black_is_zero, tiff_in_words, to_eight_bits
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.source import Reading

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

# A whitelist: Pillow would otherwise sniff the content, and hand PostScript to Ghostscript whatever the name says.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM", "TIFF", "GIF")
SUFFIX_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
}
FOREIGN = {
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop (PSD)",
    b"SIMPLE": "FITS",
    b"\x00\x00\x00\x0cjP": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"PK\x03\x04": "a zip archive",
    b"<": "HTML, SVG or XML text",
}
ACCEPTED_STARTS = (b"\x89PNG", b"\xff\xd8", b"RIFF", b"BM", b"GIF8", b"II*\0", b"MM\0*", b"P4", b"P5", b"P6")
BRANDS = {b"avif": "AVIF", b"avis": "AVIF"}  # every other brand of this container is called HEIC here
ORIENTATION = 0x0112
_PILLOW = Held()


@dataclass(frozen=True)
class Decoded:
    """One image: uint8 RGB [H, W, 3], what was unusual about it, and the format of its file if it had one."""

    pixels: np.ndarray[Any, Any]
    kinds: tuple[str, ...] = ()
    format: str = ""


def decode(data: bytes, reading: Reading, suffix: str = "") -> Decoded:
    """The pixels of an encoded image, recognised by its content; the suffix is only compared with what was found.

    Raises
    ------
    Unreadable
        Whatever is wrong with it.
    """
    if not data:
        raise Unreadable("is empty (0 bytes)")
    with _one_sentence(reading, data):
        data, is_inverted = black_is_zero(data)
        again = partial(_opened, data, reading.max_pixels)
        image = again()
        found = "JPEG" if image.format == "MPO" else image.format or ""
        decoded = _pixels(image, reading, again, is_inverted=is_inverted)
        wrong = ("wrong-extension",) if SUFFIX_FORMATS.get(suffix, found) != found else ()
        return Decoded(decoded.pixels, decoded.kinds + wrong, found)


def _opened(data: bytes, max_pixels: int) -> PilImage:
    from PIL import Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401  the two that Image.open does not preload

    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > max_pixels:
        raise Image.DecompressionBombError
    return image


def from_pil(image: PilImage, reading: Reading) -> Decoded:
    """The pixels of a Pillow image, by the same rules as a file's.

    Raises
    ------
    Unreadable
        Whatever is wrong with it.
    """
    with _one_sentence(reading):
        return _pixels(image, reading)


def _pixels(
    image: PilImage, reading: Reading, again: Callable[[], PilImage] | None = None, *, is_inverted: bool = False
) -> Decoded:
    from ganmetrics.data.reading.colour import to_rgb

    kinds = _frame_kinds(image, reading)
    has_deep_colours = _has_16_bit_colours(image)
    image.load()
    shallow, depth_kinds = to_eight_bits(
        image, reading.levels, again, has_deep_colours=has_deep_colours, is_inverted=is_inverted
    )
    pixels, colour_kinds = to_rgb(shallow, reading.alpha)
    kinds += depth_kinds + colour_kinds
    kinds += ["icc"] if _has_other_profile(image) else []
    orientation = _orientation(image)
    if orientation != 1:
        kinds.append("exif-rotated")
        pixels = _turned(pixels, orientation) if reading.exif == "transpose" else pixels
    return Decoded(pixels, tuple(kinds), image.format or "")


def _frame_kinds(image: PilImage, reading: Reading) -> list[str]:
    # The further pictures of an MPO file, which phones write as .jpg, are previews of the first.
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return []
    if reading.frames == "error":
        raise Unreadable("has several frames or pages", 'Take the first of each by `frames="first"`')
    return ["first-frame"]


def _has_16_bit_colours(image: PilImage) -> bool:
    # Pillow keeps the high byte of each; only the decoder's raw mode still tells.
    tiles = getattr(image, "tile", ()) if image.format in ("PNG", "TIFF") else ()
    return image.mode in ("RGB", "RGBA", "CMYK", "LA") and any(";16" in str(tile[3]) for tile in tiles)


def _has_other_profile(image: PilImage) -> bool:
    profile = image.info.get("icc_profile") or b""
    return bool(profile) and b"sRGB" not in profile and "sRGB".encode("utf-16-be") not in profile


def _orientation(image: PilImage) -> int:
    # Read after the pixels: PNG keeps EXIF behind them, and Pillow turns a TIFF by itself and drops the tag.
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block says nothing about the pixels
        return 1
    return value if value in range(1, 9) else 1


def _turned(pixels: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    # [H, W, 3] -> upright; EXIF 2..4 mirror and turn, 5..8 also exchange the axes
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}.get(orientation, ())
    for axis in flips:
        pixels = pixels[::-1] if axis == 0 else pixels[:, ::-1]
    return pixels


@contextmanager
def _one_sentence(reading: Reading, data: bytes = b"") -> Iterator[None]:
    # Corrupt files make Pillow raise OSError, ValueError, SyntaxError, TypeError, struct.error, zlib.error and more.
    from PIL import Image, UnidentifiedImageError

    try:
        with _pillow_rules(reading.max_pixels):
            yield
    except (Unreadable, MemoryError):  # the latter is no fault of the image
        raise
    except UnidentifiedImageError:
        raise Unreadable(_foreign_sentence(data)) from None
    except Image.DecompressionBombError:
        fix = "If the large images are meant, allow them by `max_pixels=200000000` or more"
        raise Unreadable(f"has more than {reading.max_pixels} pixels", fix) from None
    except Exception as error:
        raise Unreadable(_decoder_sentence(error)) from None


@contextmanager
def _pillow_rules(max_pixels: int) -> Iterator[None]:
    # Other libraries set these globals; a truncated file would then be filled with grey without a word. A limit above
    # that of the reading is left alone, as the reading's own is looked at beside it.
    from PIL import Image, ImageFile

    def change() -> Undo:
        rows: list[tuple[Any, str, Any]] = [(ImageFile, "LOAD_TRUNCATED_IMAGES", False)]
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
            rows.append((Image, "MAX_IMAGE_PIXELS", max_pixels))
        return assigned(rows)

    with _PILLOW.at(max_pixels, change), no_warnings():
        yield


def _foreign_sentence(data: bytes) -> str:
    accepted = f"expected {', '.join(FORMATS)}"
    if data[4:8] == b"ftyp":
        title = BRANDS.get(data[8:12], "HEIC")
        return f"is an {title} image, which is not read; convert it to PNG (pillow-heif or pillow can)"
    if tiff := tiff_in_words(data):
        return f"is a variant that is not read: {tiff}"
    if data.startswith(ACCEPTED_STARTS):
        return "is truncated or damaged: its header cannot be read"
    title = next((title for magic, title in FOREIGN.items() if data.startswith(magic)), "")
    return f"holds {title}, which is not read; {accepted}" if title else f"is not an image; {accepted}"


def _decoder_sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    text = "".join(c for c in lines[0] if c.isprintable())[:120] if lines else type(error).__name__
    is_variant = text.lower().startswith("unsupported")
    return f"is a variant that is not read: {text}" if is_variant else f"is truncated or damaged: {text}"
