"""Image files for networks that take other channels or depths: each number as the file has it, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.unreadable import Unreadable

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

    from ganmetrics.data.reading.pixel_form import PixelForm

OTHERWISE = "Pass arrays, or a data set that returns tensors [C, H, W]"
# Pillow's modes for each number of channels of 8 bits.
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def in_form(image: PilImage, form: PixelForm) -> np.ndarray[Any, Any]:
    """The numbers of a loaded image, [H, W, C]; those of 16 bits as int32.

    Raises
    ------
    Unreadable
        An image of other channels or another depth, of which numbers would have to be made up or left out.
    """
    import numpy as np

    is_deep = image.mode.startswith("I")
    if form.dtype == "float32" and form.channels == 1 and image.mode == "F":
        return np.asarray(image)[:, :, None]
    if form.dtype == "uint16" and form.channels == 1 and is_deep:
        values = np.asarray(image)
        if values.min() >= 0 and values.max() <= 65535:
            return values.astype(np.int32)[:, :, None]
    mode = MODES.get(form.channels) if form.dtype == "uint8" else None
    if mode is None or is_deep or image.mode == "F":
        raise Unreadable(f"has the mode {image.mode}; the network takes {form.words}", OTHERWISE)
    if form.channels == 1:
        return _grey(image)[:, :, None]
    if form.channels == 3 and image.has_transparency_data:
        raise Unreadable("has an alpha channel; the network takes three channels", OTHERWISE)
    return np.asarray(image if image.mode == mode else image.convert(mode))


def _grey(image: PilImage) -> np.ndarray[Any, Any]:
    import numpy as np

    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))
    pixels = np.asarray(image.convert("RGBA"))
    if (pixels[..., 3] < 255).any() or (pixels[..., :2] != pixels[..., 1:3]).any():
        raise Unreadable("has colours or an alpha channel; the network takes one channel", OTHERWISE)
    return pixels[..., 0]
