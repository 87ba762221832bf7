"""What data sets and loaders hand out: images, pairs with a label, dictionaries and lists of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganmetrics.data.reading.decode import Decoded, from_pil
from ganmetrics.data.reading.uint8 import check_layout, to_form
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import is_instance
from ganmetrics.data.tensor import is_tensor
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike

KEYS = ("image", "images", "pixel_values")


def image_of(item: Any, where: str) -> Any:
    """The image of a data set's item: the item itself, the first of a tuple, or a dictionary's image.

    Raises
    ------
    InputError
        There is none.
    """
    if isinstance(item, dict):
        return image_of(_value(item, where), where)
    if isinstance(item, (tuple, list)) and item:
        return image_of(item[0], where)
    if is_image(item):
        return item
    what = f"the item is of type {type(item).__name__}; expected an image, (image, label) or a dict with an image"
    raise InputError(what, where=where, hint="An image is a PIL image, a tensor [3, H, W] or an array", code="E-SHAPE")


def images_of(batch: Any, where: str) -> ArrayLike | list[Any]:
    """The images of a loader's batch: one tensor [N, 3, H, W], or a list of single images.

    Raises
    ------
    InputError
        There are none.
    """
    if isinstance(batch, dict):
        return images_of(_value(batch, where), where)
    if is_tensor(batch):
        return [batch] if batch.ndim == 3 else batch
    if is_image(batch):
        return [batch]
    if isinstance(batch, (tuple, list)) and batch:
        are_images = all(is_image(image) and getattr(image, "ndim", 3) == 3 for image in batch)
        return list(batch) if are_images else images_of(batch[0], where)
    what = f"the batch is of type {type(batch).__name__}; expected images, (images, labels) or a dict with images"
    raise InputError(what, where=where, hint="Images are uint8 [N, 3, H, W]", code="E-SHAPE")


def decoded(image: Any, reading: Reading, value_range: tuple[float, float] | None, where: str) -> Decoded:
    """One image of a data set as pixels: a PIL image as a file's would be, a tensor or array by ``to_form``.

    Raises
    ------
    Unreadable
        A PIL image that cannot be used.
    InputError
        A tensor or array of a wrong shape, dtype or range.
    """
    if not is_tensor(image):
        return from_pil(image, reading)
    is_array, form = is_instance(image, "numpy", "ndarray"), reading.form
    check_layout(tuple(image.shape), is_array=is_array, where=where, is_item=True, channels=form.channels)
    return Decoded(to_form(image[None], value_range, where, form)[0].permute(1, 2, 0).cpu().numpy())


def is_image(value: Any) -> bool:
    """Whether the value is a PIL image, a tensor or an array."""
    return is_tensor(value) or is_instance(value, "PIL.Image", "Image")


def _value(item: dict[Any, Any], where: str) -> Any:
    for key in KEYS:
        if key in item:
            return item[key]
    found = ", ".join(map(str, list(item)[:10]))
    what = f"the item is a dictionary with the keys {found}; expected one of {', '.join(KEYS)}"
    hint = f"Rename the image's key to {KEYS[0]}, or let the data set return the image alone"
    raise InputError(what, where=where, hint=hint, code="E-SHAPE")
