"""Images of more than 8 bits a channel to 8, by the depth that the file states or the levels that the caller states."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.tiff import BITS, PHOTOMETRIC, WHITE_IS_ZERO, stated, with_args
from ganmetrics.data.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from PIL.Image import Image as PilImage

    Numbers = np.ndarray[Any, Any]
    Levels = tuple[float, float] | None

BAND_PIXELS = 1 << 18
WITHOUT_RANGE = "image without a fixed range; convert it to 8 bits, or state its black and white by `levels`"


def to_eight_bits(
    image: PilImage, levels: Levels, again: Callable[[], PilImage] | None, *, has_deep_colours: bool, is_inverted: bool
) -> tuple[PilImage, list[str]]:
    """A loaded image with 8 bits a channel, and the short names of what is unusual about its depth.

    Parameters
    ----------
    levels : (float, float) or None
        The numbers of an image of more than 8 bits that are black and white, in place of those of its depth.
    again : callable, optional
        Opens the image once more.
    has_deep_colours : bool
        Whether the file has colours of 16 bits, of which Pillow keeps the high bytes.
    is_inverted : bool
        Whether white is zero, beside what the image's own tags say.

    Raises
    ------
    Unreadable
        Numbers without a fixed range where no levels are stated, NaN, colours to which levels cannot be applied.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey(image, levels, again, is_inverted or stated(image, PHOTOMETRIC) == WHITE_IS_ZERO)
    if levels is None:
        return image, ["16-bit"] * has_deep_colours
    return _colours(image, again, levels) if has_deep_colours else (image, ["8-bit"])


def are_deep_colours(image: PilImage) -> bool:
    """Whether an image that is opened and not yet loaded has colours of more than 8 bits, which Pillow reduces to 8.

    Only the arguments of the decoder still tell: its raw mode, and of .ppm files the largest number.
    """
    tiles = getattr(image, "tile", ())
    if image.format == "PPM":
        return image.mode == "RGB" and any(isinstance(tile[3], tuple) and tile[3][-1] > 255 for tile in tiles)
    are_named = image.format in ("PNG", "TIFF") and image.mode in ("RGB", "RGBA", "CMYK", "LA")
    return are_named and any(";16" in str(tile[3]) for tile in tiles)


def _grey(
    image: PilImage, levels: Levels, again: Callable[[], PilImage] | None, is_inverted: bool
) -> tuple[PilImage, list[str]]:
    """Grey of more than 8 bits as a Pillow image L, or LA where the file names one value as transparent."""
    import numpy as np
    from PIL import Image

    is_scaled = image.format == "PPM" and image.mode == "I" and levels is not None
    values, bits = _netpbm_numbers(again) if is_scaled else np.asarray(image), _stated_bits(image)
    grey, kinds = _by_depth(values, bits, image.mode) if levels is None else _by_levels(values, levels)
    found, kinds = Image.fromarray(255 - grey if is_inverted else grey), [f"{bits}-bit" if bits else "32-bit", *kinds]
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return found, kinds
    return Image.merge("LA", (found, Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))), kinds


def _colours(
    image: PilImage, again: Callable[[], PilImage] | None, levels: tuple[float, float]
) -> tuple[PilImage, list[str]]:
    """Colours of 16 bits by levels: decoded once more, for the byte of each number that Pillow leaves out."""
    import numpy as np
    from PIL import Image

    if image.format == "PPM":
        found, kinds = _by_levels(_netpbm_numbers(again), levels)
        return Image.fromarray(found), ["16-bit", *kinds]
    if again is None or image.mode not in ("RGB", "RGBA") or "transparency" in image.info:
        raise Unreadable("has 16 bits a channel in a form to which levels cannot be applied; convert it to RGB or grey")
    other: Any = again()
    is_grey = "LA;16" in str(other.tile)
    other.tile = [with_args(tile, _of_other_byte(tile[3])) for tile in other.tile]
    high, low = (np.asarray(each).astype(np.uint16) for each in (image, other))
    # Grey with alpha is read as four numbers of 8 bits: high, low, high, low.
    numbers = (low[..., [0]] << 8 | low[..., [1]]).repeat(3, axis=2) if is_grey else high[..., :3] << 8 | low[..., :3]
    found, kinds = _by_levels(numbers, levels)
    whole = np.concatenate([found, high[..., 3:].astype(np.uint8)], axis=2)
    return Image.fromarray(whole), ["16-bit", *kinds]


def _netpbm_numbers(again: Callable[[], PilImage] | None) -> Numbers:
    """The numbers of a .pgm or .ppm file of more than 8 bits as they stand there, which Pillow would scale."""
    import numpy as np

    if again is None:
        raise Unreadable("is a .pgm or .ppm image that Pillow has scaled already; give its file, to which levels apply")
    image: Any = again()
    decoder, _, start, _ = image.tile[0]
    shape = (image.height, image.width, *[3] * (image.mode == "RGB"))
    body = image.fp.getvalue()[start:]
    if decoder == "ppm_plain":
        body = np.array([int(word) for word in re.sub(rb"#[^\r\n]*", b"", body).split()]).astype(">u2").tobytes()
    return np.frombuffer(body, ">u2", int(np.prod(shape))).reshape(shape)


def _of_other_byte(args: Any) -> Any:
    """A decoder's arguments for the byte of each number that Pillow leaves out, or of both."""
    rawmode, *rest = (args,) if isinstance(args, str) else args
    own = {"little": "L", "big": "B"}[sys.byteorder] if rawmode[-1] == "N" else rawmode[-1]
    other = "RGBA" if rawmode == "LA;16B" else rawmode[:-1] + {"B": "L", "L": "B"}[own]
    return other if isinstance(args, str) else (other, *rest)


def _by_depth(values: Numbers, bits: int, mode: str) -> tuple[Numbers, list[str]]:
    white = 2**bits - 1
    if not bits or values.min() < 0 or values.max() > white:
        raise Unreadable(f"is a {'float' if mode == 'F' else '32-bit or signed integer'} {WITHOUT_RANGE}")
    # 255 / 65535 and 255 / 4095 have odd denominators: no value lies half-way, and this is exact rounding
    return _in_bands(values, lambda band: (band.astype("int32") * 255 + white // 2) // white), []


def _by_levels(values: Numbers, levels: tuple[float, float]) -> tuple[Numbers, list[str]]:
    import numpy as np

    low, high = levels
    least, most = values.min(), values.max()
    if not np.isfinite([least, most]).all():
        raise Unreadable("holds NaN or infinite values")
    found = _in_bands(values, lambda band: ((band.astype("float64") - low) * (255 / (high - low))).round().clip(0, 255))
    return found, ["clipped"] * bool(least < low or most > high)


def _in_bands(values: Numbers, change: Callable[[Numbers], Numbers]) -> Numbers:
    """What becomes of each number, as uint8; a band at a time, since a small file may hold a large image."""
    import numpy as np

    found = np.empty(values.shape, np.uint8)
    step = max(1, BAND_PIXELS // values.shape[1])
    for top in range(0, len(values), step):
        found[top : top + step] = change(values[top : top + step])
    return found


def _stated_bits(image: PilImage) -> int:
    """The bits of each number that the file states, 0 where they have no fixed range."""
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        return 0
    return 12 if stated(image, BITS) == 12 else 16
