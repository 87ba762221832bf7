"""What the header of a TIFF states, and the forms that Pillow reads as other pixels than the file holds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

BITS, PHOTOMETRIC, FILL_ORDER, SAMPLES, PLANES = 258, 262, 266, 277, 284
TIFF_STARTS = (b"II*\0", b"MM\0*")
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
TOGETHER, SEPARATE = 1, 2
JOIN = "save it with the samples of each pixel together (PlanarConfiguration 1)"


def as_pillow_reads(data: bytes) -> tuple[bytes, bool]:
    """A TIFF whose pixels Pillow reads rightly, and whether they then have to be inverted.

    Of numbers of 12 or 16 bits Pillow reads more where black is zero. Of one sample a pixel that is said to lie in a
    plane of its own it forgets the number of bits and what is white, and one plane is all the pixels in any case.
    """
    entries = _first_directory(data)
    value_of = {tag: value for tag, (_, value) in entries.items()}
    is_inverted = value_of.get(PHOTOMETRIC) == WHITE_IS_ZERO and value_of.get(BITS) in (12, 16)
    changes = {PHOTOMETRIC: BLACK_IS_ZERO} if is_inverted else {}
    if value_of.get(PLANES) == SEPARATE and value_of.get(SAMPLES, 1) == 1:
        changes[PLANES] = TOGETHER
    for tag, value in changes.items():
        place = entries[tag][0]
        data = data[:place] + struct.pack(f"{_order(data)}H", value) + data[place + 2 :]
    return data, is_inverted


def mend_planes(image: Any) -> None:
    """Have Pillow read a TIFF's separate planes without compression as they are: it takes those of 16 bits for 8.

    Raises
    ------
    Unreadable
        Planes that Pillow reads as other pixels than the file holds.
    """
    if stated(image, PLANES) != SEPARATE:
        return
    bits = set(image.tag_v2.get(BITS, (1,)))
    if image.info.get("compression") != "raw":
        if image.mode == "LAB":
            raise Unreadable(_planes_in_words(bits))
        return
    letters = {tile[3][0] for tile in image.tile}
    is_plain = stated(image, FILL_ORDER) in (None, 1) and letters <= set(image.mode)
    is_white_zero = stated(image, PHOTOMETRIC) == WHITE_IS_ZERO
    if is_plain and bits == {16} and image.mode in ("RGB", "RGBA") and image.tile:
        end = {b"II": ";16L", b"MM": ";16B"}[image.tag_v2.prefix]
        image.tile = [with_args(tile, (tile[3][0] + end, *tile[3][1:])) for tile in image.tile]
    elif not (is_plain and bits == {8} and image.mode in ("RGB", "RGBA", "CMYK", "P", "L") and not is_white_zero):
        raise Unreadable(_planes_in_words(bits))


def with_args(tile: Any, args: Any) -> Any:
    """One of Pillow's tiles with other arguments of its decoder; old releases have plain tuples for tiles."""
    return tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)


def stated(image: PilImage, tag: int) -> int | None:
    """A tag of a TIFF that is one number; ``None`` for what is no TIFF or has no such tag."""
    found = getattr(image, "tag_v2", {}).get(tag)
    return found[0] if isinstance(found, tuple) else found


def tiff_in_words(data: bytes) -> str:
    """A TIFF that cannot be read, in words; empty for what is no TIFF or one that lacks what every one states."""
    entries = _first_directory(data)
    if entries.get(PLANES, (0, TOGETHER))[1] == SEPARATE:
        return f"a TIFF of separate planes; {JOIN}"
    if not {BITS, PHOTOMETRIC} <= entries.keys():
        return ""
    order = {"<": "little", ">": "big"}[_order(data)]
    return f"a TIFF of {entries[BITS][1]} bits a sample, {order}-endian, photometric {entries[PHOTOMETRIC][1]}"


def _planes_in_words(bits: set[int]) -> str:
    numbers = " and ".join(map(str, sorted(bits)))
    return f"is a variant that is not read: a TIFF of separate planes of {numbers} bits; {JOIN}"


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
