"""One encoded image to uint8 RGB pixels, or to one short sentence that says why not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ganmetrics._process import Held, Undo, assigned, no_warnings
from ganmetrics.data.reading.depth import are_deep_colours, to_eight_bits
from ganmetrics.data.reading.pixel_form import RGB8
from ganmetrics.data.reading.tiff import TIFF_STARTS, as_pillow_reads, mend_planes, tiff_in_words
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import Reading

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

# A whitelist: Pillow would otherwise sniff the content, and hand PostScript to Ghostscript whatever the name says.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM", "TIFF", "GIF")
STRIP_BYTES = 8 << 20
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
# Every other brand of this container is called HEIC here.
BRANDS = {b"avif": "AVIF", b"avis": "AVIF"}
ORIENTATION = 0x0112
# What sets pixels [H, W, 3] upright: EXIF 5 to 8 exchange the axes first, then these are mirrored.
MIRRORED = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
MODE_KINDS = {
    "L": "grey",
    "1": "grey",
    "LA": "grey",
    "La": "grey",
    "P": "palette",
    "PA": "palette",
    "CMYK": "cmyk",
    "LAB": "lab",
}
BACKGROUNDS = {"white": 255, "black": 0}
BAND_PIXELS = 1 << 18
_PILLOW = Held()


@dataclass(frozen=True)
class Decoded:
    """One image: its pixels [H, W, C], what was unusual about it, and the format of its file if it had one."""

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
    try:
        with pillow_rules(reading.max_pixels):
            data, is_inverted = as_pillow_reads(data) if data[:4] in TIFF_STARTS else (data, False)
            again = partial(_opened, data, reading.max_pixels)
            image = again()
            found = "JPEG" if image.format == "MPO" else image.format or ""
            pixels, kinds = _pixels(image, reading, again, is_inverted=is_inverted)
    except (Unreadable, MemoryError):  # the latter is no fault of the image
        raise
    except Exception as error:
        raise Unreadable(*_reason(error, reading.max_pixels, data)) from None
    if SUFFIX_FORMATS.get(suffix, found) != found:
        kinds.append("wrong-extension")
    return Decoded(pixels, tuple(kinds), found)


def _opened(data: bytes, max_pixels: int) -> PilImage:
    from PIL import Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401  the two that Image.open does not preload

    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > max_pixels:
        raise Image.DecompressionBombError
    if image.format == "TIFF":
        mend_planes(image)
    return image


def from_pil(image: PilImage, reading: Reading) -> Decoded:
    """The pixels of a Pillow image, by the same rules as a file's.

    Raises
    ------
    Unreadable
        Whatever is wrong with it.
    """
    try:
        with pillow_rules(reading.max_pixels):
            if image.format == "TIFF":
                mend_planes(image)
            pixels, kinds = _pixels(image, reading)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(*_reason(error, reading.max_pixels)) from None
    return Decoded(pixels, tuple(kinds), image.format or "")


@contextmanager
def pillow_rules(max_pixels: int) -> Iterator[None]:
    """Within it Pillow decodes as a reading needs it, whatever other code has set.

    Other libraries set Pillow's globals, and a truncated file would then be filled with grey without a word. A limit of
    pixels above that of the reading is left alone, since ``decode`` looks at the reading's own.
    """
    from PIL import Image, ImageFile

    def change() -> Undo:
        rows: list[tuple[Any, str, Any]] = [(ImageFile, "LOAD_TRUNCATED_IMAGES", False)]
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
            rows.append((Image, "MAX_IMAGE_PIXELS", max_pixels))
        return assigned(rows)

    with _PILLOW.at(max_pixels, change), no_warnings():
        yield


def _pixels(
    image: PilImage, reading: Reading, again: Callable[[], PilImage] | None = None, *, is_inverted: bool = False
) -> tuple[np.ndarray[Any, Any], list[str]]:
    """The pixels of an opened image, [H, W, C], and the short names of what is unusual about it."""
    kinds = []
    # The further pictures of an MPO file, which phones write as .jpg, are previews of the first.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        if reading.frames == "error":
            raise Unreadable("has several frames or pages", 'Take the first of each by `frames="first"`')
        kinds.append("first-frame")
    has_deep_colours = are_deep_colours(image)
    image.load()
    if reading.form != RGB8:
        # Imported here, since few networks take other images.
        from ganmetrics.data.reading.channels import in_form

        return in_form(image, reading.form, has_deep_colours=has_deep_colours), kinds
    shallow = image
    if has_deep_colours or reading.levels is not None or image.mode.startswith(("I", "F")):
        shallow, more = to_eight_bits(
            image, reading.levels, again, has_deep_colours=has_deep_colours, is_inverted=is_inverted
        )
        kinds += more
    pixels, more = _to_rgb(shallow, reading.alpha)
    kinds += more
    profile = image.info.get("icc_profile") or b""
    if profile and b"sRGB" not in profile and "sRGB".encode("utf-16-be") not in profile:
        kinds.append("icc")
    # Read after the pixels: PNG keeps EXIF behind them, and Pillow turns a TIFF by itself and drops the tag.
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block says nothing about the pixels
        orientation = 1
    if orientation in range(2, 9):
        kinds.append("exif-rotated")
        pixels = _upright(pixels, orientation) if reading.exif == "transpose" else pixels
    return pixels, kinds


def _to_rgb(image: PilImage, alpha: str) -> tuple[np.ndarray[Any, Any], list[str]]:
    """A loaded image of 8 bits a channel as uint8 [H, W, 3]; a fully opaque alpha channel is dropped in any case."""

    kinds = [MODE_KINDS[image.mode]] if image.mode in MODE_KINDS else []
    if image.has_transparency_data:
        # convert() copies even where there is nothing to convert
        pixels = _array(image if image.mode == "RGBA" else image.convert("RGBA"))
        colours, opacity = pixels[..., :3], pixels[..., 3:]
        num_transparent = int((opacity < 255).sum())
        if not num_transparent:
            return colours, kinds
        if alpha == "error":
            share = f"{num_transparent} of {opacity.size} pixels are transparent"
            fix = 'Paint it on a colour by `alpha="white"` or `alpha="black"`, or drop it by `alpha="drop"`'
            raise Unreadable(f"has an alpha channel: {share}", fix)
        colours = colours if alpha == "drop" else _blended(colours, opacity, BACKGROUNDS[alpha])
        return colours, [*kinds, "alpha"]
    image = _lab_to_rgb(image) if image.mode == "LAB" else image
    return _array(image if image.mode == "RGB" else image.convert("RGB")), kinds


def _array(image: PilImage) -> np.ndarray[Any, Any]:
    """The pixels uint8 [H, W, bands]; a large image in strips, since NumPy and Pillow hand it over by two copies."""
    import numpy as np

    bands = len(image.getbands())
    rows = max(1, STRIP_BYTES // (image.width * bands))
    if image.height <= rows:
        return np.asarray(image)
    pixels = np.empty((image.height, image.width, bands), np.uint8)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _upright(pixels: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    pixels = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    for axis in MIRRORED.get(orientation, ()):
        pixels = pixels[::-1] if axis == 0 else pixels[:, ::-1]
    return pixels


def _blended(colours: np.ndarray[Any, Any], opacity: np.ndarray[Any, Any], background: int) -> np.ndarray[Any, Any]:
    # In bands, since a small file may hold a large image; 255 is odd too, so that this is exact rounding.
    import numpy as np

    painted = np.empty_like(colours)
    step = max(1, BAND_PIXELS // colours.shape[1])
    for top in range(0, len(colours), step):
        band, weight = (part[top : top + step].astype(np.int32) for part in (colours, opacity))
        painted[top : top + step] = (band * weight + background * (255 - weight) + 127) // 255
    return painted


def _lab_to_rgb(image: PilImage) -> PilImage:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    return converted or image


def _reason(error: Exception, max_pixels: int, data: bytes = b"") -> tuple[str, str]:
    """What is wrong with an image, and what to do where it need not be repaired or removed.

    Corrupt files make Pillow raise OSError, ValueError, SyntaxError, TypeError, struct.error, zlib.error and more.
    """
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return _foreign_sentence(data), ""
    if isinstance(error, Image.DecompressionBombError):
        fix = "If the large images are meant, allow them by `max_pixels=200000000` or more"
        return f"has more than {max_pixels} pixels", fix
    lines = str(error).strip().splitlines()
    text = "".join(c for c in lines[0] if c.isprintable())[:120] if lines else type(error).__name__
    is_variant = text.lower().startswith("unsupported")
    return f"is a variant that is not read: {text}" if is_variant else f"is truncated or damaged: {text}", ""


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
