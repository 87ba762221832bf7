"""Image files for networks that take other channels or depths: each number as the file has it, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.unreadable import Unreadable

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

    from ganmetrics.data.reading.pixel_form import PixelForm

OTHERWISE = "Pass arrays, or a data set that returns tensors [C, H, W]"


def in_form(image: PilImage, form: PixelForm, *, has_deep_colours: bool) -> np.ndarray[Any, Any]:
    """The numbers of a loaded image, [H, W, C]; those of 16 bits as int32.

    Parameters
    ----------
    image : PIL.Image.Image
    form : PixelForm
        Other than three channels of 8 bits.
    has_deep_colours : bool
        Whether the file has colours of 16 bits, of which Pillow keeps 8.

    Raises
    ------
    Unreadable
        An image of other channels or another depth, of which numbers would have to be made up or left out.
    """
    import numpy as np

    if has_deep_colours:
        raise Unreadable(f"has colours of 16 bits; the network takes {form.words}", OTHERWISE)
    is_whole = image.mode not in ("F", "I") and not image.mode.startswith("I;")
    if form == (1, "float32") and image.mode == "F":
        return np.asarray(image)[:, :, None]
    if form == (1, "uint16") and image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() >= 0 and values.max() <= 65535:
            return values.astype(np.int32)[:, :, None]
    if form == (1, "uint8") and is_whole:
        return _grey(image)[:, :, None]
    # Without transparency a fourth channel would be made up; four of CMYK are other ones.
    if form == (4, "uint8") and is_whole and image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    raise Unreadable(f"has the mode {image.mode}; the network takes {form.words}", OTHERWISE)


def _grey(image: PilImage) -> np.ndarray[Any, Any]:
    import numpy as np

    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))
    pixels = np.asarray(image.convert("RGBA"))
    if (pixels[..., 3] < 255).any() or (pixels[..., :2] != pixels[..., 1:3]).any():
        raise Unreadable("has colours or an alpha channel; the network takes one channel", OTHERWISE)
    return pixels[..., 0]
