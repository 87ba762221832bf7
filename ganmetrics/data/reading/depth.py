"""Images of more than 8 bits a channel to 8, by the depth that the file states or the levels that the caller states."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from PIL.Image import Image as PilImage

    Numbers = np.ndarray[Any, Any]
    Levels = tuple[float, float] | None

BITS, PHOTOMETRIC = 258, 262  # tags of TIFF
BAND_PIXELS = 1 << 18
TIFF_STARTS = (b"II*\0", b"MM\0*")
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
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
        return _grey(image, levels, is_inverted or _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO)
    if levels is None:
        return image, ["16-bit"] * has_deep_colours
    return _colours(image, again, levels) if has_deep_colours else (image, ["8-bit"])


def _grey(image: PilImage, levels: Levels, is_inverted: bool) -> tuple[PilImage, list[str]]:
    """Grey of more than 8 bits as a Pillow image L, or LA where the file names one value as transparent."""
    import numpy as np
    from PIL import Image

    values, bits = np.asarray(image), _stated_bits(image)
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

    from ganmetrics.data.reading.unreadable import Unreadable

    if again is None or image.mode not in ("RGB", "RGBA") or "transparency" in image.info:
        raise Unreadable("has 16 bits a channel in a form to which levels cannot be applied; convert it to RGB or grey")
    other: Any = again()
    is_grey = "LA;16" in str(other.tile)
    other.tile = [tile._replace(args=_of_other_byte(tile.args)) for tile in other.tile]
    high, low = (np.asarray(each).astype(np.uint16) for each in (image, other))
    # Grey with alpha is read as four numbers of 8 bits: high, low, high, low.
    numbers = (low[..., [0]] << 8 | low[..., [1]]).repeat(3, axis=2) if is_grey else high[..., :3] << 8 | low[..., :3]
    found, kinds = _by_levels(numbers, levels)
    whole = np.concatenate([found, high[..., 3:].astype(np.uint8)], axis=2)
    return Image.fromarray(whole), ["16-bit", *kinds]


def _of_other_byte(args: Any) -> Any:
    """A decoder's arguments for the byte of each number that Pillow leaves out, or of both."""
    rawmode, *rest = (args,) if isinstance(args, str) else args
    own = {"little": "L", "big": "B"}[sys.byteorder] if rawmode[-1] == "N" else rawmode[-1]
    other = "RGBA" if rawmode == "LA;16B" else rawmode[:-1] + {"B": "L", "L": "B"}[own]
    return other if isinstance(args, str) else (other, *rest)


def black_is_zero(data: bytes) -> tuple[bytes, bool]:
    """A TIFF of 12 or 16 bits as one whose black is zero, since Pillow reads more of these; and whether its white was.

    Its pixels then have to be inverted.
    """
    entries = _first_directory(data)
    if entries.get(PHOTOMETRIC, (0, -1))[1] != WHITE_IS_ZERO or entries.get(BITS, (0, 0))[1] not in (12, 16):
        return data, False
    place, order = entries[PHOTOMETRIC][0], _order(data)
    return data[:place] + struct.pack(f"{order}H", BLACK_IS_ZERO) + data[place + 2 :], True


def tiff_in_words(data: bytes) -> str:
    """A TIFF that cannot be read, in words; empty for what is no TIFF or one that lacks what every one states."""
    entries = _first_directory(data)
    if not {BITS, PHOTOMETRIC} <= entries.keys():
        return ""
    order = {"<": "little", ">": "big"}[_order(data)]
    return f"a TIFF of {entries[BITS][1]} bits a sample, {order}-endian, photometric {entries[PHOTOMETRIC][1]}"


def _first_directory(data: bytes) -> dict[int, tuple[int, int]]:
    """The place and the number of the tags of one short number; none of what is no TIFF or a damaged one."""
    if data[:4] not in TIFF_STARTS:
        return {}
    order, found = _order(data), {}
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number, value = struct.unpack_from(f"{order}HHIH", data, place)
            if (kind, number) == (3, 1):
                found[tag] = (place + 8, value)
    except struct.error:
        return {}
    return found


def _order(data: bytes) -> str:
    return "<" if data[:2] == b"II" else ">"


def _by_depth(values: Numbers, bits: int, mode: str) -> tuple[Numbers, list[str]]:
    from ganmetrics.data.reading.unreadable import Unreadable

    white = 2**bits - 1
    if not bits or values.min() < 0 or values.max() > white:
        raise Unreadable(f"is a {'float' if mode == 'F' else '32-bit or signed integer'} {WITHOUT_RANGE}")
    # 255 / 65535 and 255 / 4095 have odd denominators: no value lies half-way, and this is exact rounding
    return _in_bands(values, lambda band: (band.astype("int32") * 255 + white // 2) // white), []


def _by_levels(values: Numbers, levels: tuple[float, float]) -> tuple[Numbers, list[str]]:
    import numpy as np

    from ganmetrics.data.reading.unreadable import Unreadable

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
    return 12 if _tag(image, BITS) == 12 else 16


def _tag(image: PilImage, tag: int) -> int | None:
    """A tag of a TIFF that is one number."""
    found = getattr(image, "tag_v2", {}).get(tag)
    return found[0] if isinstance(found, tuple) else found
