"""Any Pillow mode to uint8 RGB pixels: what is exact is done exactly, what is a choice follows the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

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


def to_rgb(image: PilImage, alpha: str) -> tuple[np.ndarray[Any, Any], list[str]]:
    """The loaded image, of 8 bits a channel, as uint8 [H, W, 3], and the short names of what is unusual about it.

    Parameters
    ----------
    alpha : {"error", "white", "black", "drop"}
        What becomes of transparent pixels; a fully opaque alpha channel is dropped in any case.

    Raises
    ------
    Unreadable
        Transparent pixels that are to be refused, modes that Pillow cannot convert.
    """
    import numpy as np

    kinds = [MODE_KINDS[image.mode]] if image.mode in MODE_KINDS else []
    if image.has_transparency_data:
        pixels, is_transparent = _flattened(_converted(image, "RGBA"), alpha)
        return pixels, kinds + ["alpha"] * is_transparent
    image = _lab_to_rgb(image) if image.mode == "LAB" else image
    return np.asarray(_converted(image, "RGB")), kinds


def _converted(image: PilImage, mode: str) -> PilImage:
    # convert() copies even where there is nothing to convert
    return image if image.mode == mode else image.convert(mode)


def _flattened(image: PilImage, alpha: str) -> tuple[np.ndarray[Any, Any], bool]:
    # RGBA -> [H, W, 3], and whether any pixel was transparent
    import numpy as np

    from ganmetrics.data.reading.unreadable import Unreadable

    pixels = np.asarray(image)
    colours, opacity = pixels[..., :3], pixels[..., 3:]
    num_transparent = int((opacity < 255).sum())
    if not num_transparent:
        return colours, False
    if alpha == "error":
        share = f"{num_transparent} of {opacity.size} pixels are transparent"
        fix = 'Paint it on a colour by `alpha="white"` or `alpha="black"`, or drop it by `alpha="drop"`'
        raise Unreadable(f"has an alpha channel: {share}", fix)
    if alpha == "drop":
        return colours, True
    return _blended(colours, opacity, BACKGROUNDS[alpha]), True


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
