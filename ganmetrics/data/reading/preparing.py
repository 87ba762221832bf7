"""Crops and resizes that images get before anything else looks at them, equal to other packages' to the pixel."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from ganmetrics._arguments import described
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PilImage

    from ganmetrics.data.reading.decode import Decoded
    from ganmetrics.types import Images

Step: TypeAlias = "Callable[[PilImage], PilImage]"
# Names of Pillow's filters; its BOX is the mean over the area.
FILTERS = {"bicubic": "BICUBIC", "bilinear": "BILINEAR", "lanczos": "LANCZOS", "area": "BOX"}
FORMS = (
    "adm-crop:N, fidelity-crop:N, center-crop[:N], resize:N[:FILTER] or resize:HxW[:FILTER], pad, jpeg:QUALITY; several"
    f" are joined by +, and FILTER is one of {', '.join(FILTERS)}"
)
MOST_PIXELS = 1 << 15
BEST_QUALITY = 100


def check_steps(text: Any) -> None:
    """Refuse steps that cannot be meant (UsageError)."""
    if not isinstance(text, str):
        raise UsageError(f"prepare is {described(text)}; expected {FORMS}", where="Reading.prepare")
    _steps(text)


def prepared(image: Decoded, text: str) -> Decoded:
    """One image after the steps that a text names (Unreadable for one that is smaller than what is cut out of it)."""
    return replace(image, pixels=_after(image.pixels, text))


def prepared_batch(images: Images, text: str, where: str) -> Images:
    """Images of one size after the steps, uint8 [N, 3, H, W] on the CPU (Unreadable)."""
    import torch

    arrays = images.permute(0, 2, 3, 1).cpu().numpy()
    done = [torch.from_numpy(_after(pixels, text).copy()) for pixels in arrays]
    return torch.stack(done).permute(0, 3, 1, 2).contiguous()


def _after(pixels: np.ndarray[Any, Any], text: str) -> np.ndarray[Any, Any]:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    for step in _steps(text):
        image = step(image)
    return np.asarray(image)


@lru_cache(maxsize=32)
def _steps(text: str) -> Sequence[Step]:
    return [_step(word, text) for word in text.split("+")]


def _step(word: str, text: str) -> Step:
    name, *options = word.strip().split(":")
    size = options[0] if options else ""
    if name == "pad" and not options:
        return _padded
    if name == "center-crop" and not options:
        return _square
    if name in ("center-crop", "adm-crop", "fidelity-crop") and len(options) == 1 and size.isdecimal():
        crop = {"center-crop": _cropped, "adm-crop": _as_adm, "fidelity-crop": _as_fidelity}[name]
        return partial(crop, size=_in_range(int(size), text))
    if name == "jpeg" and len(options) == 1 and size.isdecimal() and 1 <= int(size) <= BEST_QUALITY:
        return partial(_as_jpeg, quality=int(size))
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", size)
    filter_name = options[1] if len(options) == 2 else "bicubic"
    if name == "resize" and found and len(options) <= 2 and filter_name in FILTERS:
        sides = [_in_range(int(side), text) for side in found.groups() if side]
        if len(sides) == 1:
            return partial(_shorter_side, size=sides[0], filter_name=filter_name)
        return partial(_resized, size=(sides[1], sides[0]), filter_name=filter_name)
    raise UsageError(f"prepare={text!r} is none of the known steps", where="Reading.prepare", hint=f"Expected {FORMS}")


def _in_range(size: int, text: str) -> int:
    if not 1 <= size <= MOST_PIXELS:
        what = f"prepare={text!r} asks for {size} pixels; they must be 1 to {MOST_PIXELS}"
        raise UsageError(what, where="Reading.prepare")
    return size


def _resized(image: PilImage, size: tuple[int, int], filter_name: str) -> PilImage:
    from PIL import Image

    return image if image.size == size else image.resize(size, Image.Resampling[FILTERS[filter_name]])


def _shorter_side(image: PilImage, size: int, filter_name: str) -> PilImage:
    """Resize the shorter side to a size, as torchvision's Resize does: the longer side is cut down to whole pixels."""
    width, height = image.size
    longer = int(size * max(image.size) / min(image.size))
    return _resized(image, (size, longer) if width <= height else (longer, size), filter_name)


def _cropped(image: PilImage, size: int) -> PilImage:
    """Cut the middle out, as torchvision's CenterCrop does, which would fill what is missing with black."""
    width, height = image.size
    if min(width, height) < size:
        fix = "Resize first, as in `prepare='resize:256+center-crop:256'`"
        raise Unreadable(f"is {height}x{width}, and {size}x{size} cannot be cut out of it", fix)
    left, top = round((width - size) / 2.0), round((height - size) / 2.0)
    return image.crop((left, top, left + size, top + size))


def _square(image: PilImage) -> PilImage:
    return _cropped(image, min(image.size))


def _as_fidelity(image: PilImage, size: int) -> PilImage:
    """Resize and cut as torch-fidelity's ``samples_resize_and_crop``: by torchvision's Resize and CenterCrop."""
    return _cropped(_shorter_side(image, size, "bilinear"), size)


def _as_adm(image: PilImage, size: int) -> PilImage:
    """Resize and cut as guided-diffusion's ``center_crop_arr``: halve while twice too large, then bicubic, then cut."""
    while min(image.size) >= 2 * size:
        image = _resized(image, (image.width // 2, image.height // 2), "area")
    scale = size / min(image.size)
    image = _resized(image, (round(image.width * scale), round(image.height * scale)), "bicubic")
    # There the place is rounded down.
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))


def _padded(image: PilImage) -> PilImage:
    """The image in the middle of a black square."""
    from PIL import Image

    side = max(image.size)
    if image.size == (side, side):
        return image
    square = Image.new("RGB", (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def _as_jpeg(image: PilImage, quality: int) -> PilImage:
    """The image as it comes back from a JPEG file that Pillow wrote."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream, formats=["JPEG"]).convert("RGB")
