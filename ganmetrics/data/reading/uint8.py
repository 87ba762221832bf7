"""Tensors and arrays to images of one form, uint8 RGB [N, 3, H, W] by default; whatever could be misread is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from ganmetrics._arguments import described
from ganmetrics.data.reading.not_images import fix_of_dtype, own_channels, refuse_what_is_no_image
from ganmetrics.data.reading.pixel_form import FLOATS, RGB8, TAKEN, PixelForm
from ganmetrics.data.source import is_instance
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ganmetrics.types import ArrayLike, Images

# The share of the span that rounding in half precision may leave outside the range.
TOLERANCE = 1e-3


def to_uint8(images: ArrayLike, value_range: tuple[float, float] | None, where: str, *, first: int = 0) -> Images:
    """Images as uint8 RGB [N, 3, H, W] on their own device; see ``to_form``."""
    return to_form(images, value_range, where, RGB8, first=first)


def to_form(
    images: ArrayLike, value_range: tuple[float, float] | None, where: str, form: PixelForm, *, first: int = 0
) -> Images:
    """Images [N, C, H, W] of a form on their own device; uint8 passes as it is.

    Parameters
    ----------
    images : torch.Tensor or numpy.ndarray
        [N, C, H, W], an array also [N, H, W, C]; for a form of 8 bits uint8, or float with a value range.
    value_range : (float, float) or None
        What float images call black and white; values within 1e-3 of the span outside are clipped.
    where : str
        What the images come from, for messages.
    form : PixelForm
    first : int
        The index of the first image in the whole set, for messages.

    Raises
    ------
    InputError
        A wrong shape or dtype, no image, NaN or infinite values, values outside the range, no range for floats.
    """
    import torch

    tensor = as_tensor(images, where, form)
    if tensor.dtype == torch.uint8:
        return tensor
    if form.dtype == "uint16":
        return tensor.to(torch.int32)
    check_floats(tensor, value_range, where, form, first=first)
    if form.dtype == "float32":
        return tensor.float()
    # Checked above; this only tells the type checker.
    assert value_range is not None
    low, high = value_range
    wide = tensor if tensor.dtype == torch.float64 else tensor.float()
    return ((wide - low) * 255 / (high - low)).round_().clamp_(0, 255).to(torch.uint8)


def as_tensor(images: ArrayLike, where: str, form: PixelForm = RGB8) -> Tensor:
    """The images as a tensor [N, C, H, W] that shares their memory where it can, its numbers as they are.

    Raises
    ------
    InputError
        A wrong shape or dtype, no image, or a tensor without values of its own.
    """
    if not hasattr(images, "dtype") or not hasattr(images, "shape"):
        what = f"the images are {described(images)}; expected a tensor or an array"
        raise InputError(
            what, where=where, hint="Folders, data sets and loaders are scored by gm.evaluate", code="E-SHAPE"
        )
    is_array = not is_instance(images, "torch", "Tensor")
    check_dtype(images, is_array, where, form)
    if not is_array:
        _check_storage(images, where)
    is_last = check_layout(tuple(images.shape), is_array=is_array, where=where, channels=form.channels)
    tensor = _shared(images) if is_array else images.detach()  # type: ignore[union-attr]
    return tensor.permute(0, 3, 1, 2) if is_last else tensor


def check_layout(
    shape: tuple[int, ...], *, is_array: bool, where: str, is_item: bool = False, channels: int = 3
) -> bool:
    """Whether images of this shape have their channels last, which only arrays may have.

    Raises
    ------
    InputError
        Another number of channels, a wrong number of axes, or an empty axis.
    """
    if len(shape) != (3 if is_item else 4):
        _refuse_axes(shape, is_item, where, channels)
    if 0 in shape:
        raise InputError(f"the images are empty: their shape is {list(shape)}", where=where, code="E-EMPTY")
    if shape[-3] == channels:
        return False
    if shape[-1] == channels and is_array:
        return True
    _refuse_layout(shape, is_item, is_array, where, channels)


def check_floats(
    images: Tensor, value_range: tuple[float, float] | None, where: str, form: PixelForm, *, first: int = 0
) -> None:
    """Refuse floats that do not make images of the form: NaN, infinity, or for 8 bits values outside their range."""
    if form.dtype == "float32":
        check_finite(images, where, first=first)
    else:
        check_values(images, value_range, where, first=first)


def check_values(images: Tensor, value_range: tuple[float, float] | None, where: str, *, first: int = 0) -> None:
    """Refuse float images with NaN or infinite values, or with values outside their range.

    Raises
    ------
    InputError
        Such values, named by their index, or no range at all.
    """
    check_finite(images, where, first=first)
    least, most = (float(bound) for bound in images.aminmax())
    seen = f"the values run from {least:.4g} to {most:.4g}"
    if value_range is None:
        hint = "State what black and white are, as in `gm.source(images, value_range=(0, 1))` or value_range=(-1, 1)"
        raise InputError(f"float images need their value_range; {seen}", where=where, hint=hint, code="E-RANGE")
    low, high = value_range
    slack = TOLERANCE * (high - low)
    if least < low - slack or most > high + slack:
        outside = (images < low - slack) | (images > high + slack)
        what = f"image {_place(outside, first)} lies outside value_range=({low:g}, {high:g}); {seen}"
        raise InputError(what, where=where, hint="State the range the images have, or clamp them", code="E-RANGE")


def check_finite(images: Tensor, where: str, *, first: int = 0) -> None:
    """Refuse float images with NaN or infinite values (InputError)."""
    finite = images.isfinite()
    if not bool(finite.all()):
        what = f"image {_place(~finite, first)} is NaN or infinite; {int((~finite).sum())} values are"
        raise InputError(what, where=where, hint="Look where they were made, as for a division by zero", code="E-RANGE")


def check_dtype(images: Any, is_array: bool, where: str, form: PixelForm) -> None:
    """Refuse a dtype of which no images of the form are made, or an array that is no image (InputError)."""
    name = str(getattr(images.dtype, "name", images.dtype)).removeprefix("torch.")
    if form != RGB8:
        if name not in TAKEN[form.dtype]:
            what = f"the images have dtype {name}; the network takes {form.words}"
            raise InputError(what, where=where, hint="Convert them, or state another dtype", code="E-DTYPE")
        return
    refuse_what_is_no_image(tuple(images.shape), name, where)
    if name not in ("uint8", *FLOATS):
        what = f"the images have dtype {name}; expected uint8, or float with a value_range"
        raise InputError(what, where=where, hint=fix_of_dtype(name, is_array=is_array), code="E-DTYPE")


def _check_storage(images: Any, where: str) -> None:
    if images.is_meta:
        what = "the tensor is on the meta device, where there are no values"
        raise InputError(what, where=where, hint="Make it on a device such as cpu", code="E-DTYPE")
    if str(images.layout) != "torch.strided":
        what = f"the tensor has the layout {images.layout}; expected a dense one"
        raise InputError(what, where=where, hint="Use images.to_dense()", code="E-DTYPE")


def _shared(array: Any) -> Tensor:
    # torch takes neither read-only memory, nor a foreign byte order, nor backward strides
    import numpy as np
    import torch

    native: np.ndarray[Any, Any] = np.asarray(array, dtype=array.dtype.newbyteorder("="))
    is_usable = native.flags.writeable and min(native.strides) >= 0
    return torch.from_numpy(native if is_usable else native.copy())


def _refuse_axes(shape: tuple[int, ...], is_item: bool, where: str, channels: int) -> NoReturn:
    wanted = f"[{channels}, H, W]" if is_item else f"[N, {channels}, H, W]"
    what = f"the shape is {list(shape)}; expected {wanted}"
    hint = ""
    if channels != 3:
        hint = "Images of one channel have that axis too, as in images[:, None]" * (channels == 1)
    elif len(shape) == 3 and not is_item:
        hint = "One image is images[None]; grey images [N, H, W] need three channels"
    elif len(shape) == 2:
        hint = "A grey image needs three channels; rows of features are scored by gm.functional"
    elif len(shape) == 5:
        hint = "Frames of videos [N, T, C, H, W] are images.reshape(-1, *images.shape[2:])"
    raise InputError(what, where=where, hint=hint, code="E-SHAPE")


def _refuse_layout(shape: tuple[int, ...], is_item: bool, is_array: bool, where: str, channels: int) -> NoReturn:
    lead = "" if is_item else "N, "
    first, last = f"[{lead}{channels}, H, W]", f"[{lead}H, W, {channels}]"
    order = "2, 0, 1" if is_item else "0, 3, 1, 2"
    if shape[-1] == channels:
        what = f"the shape {list(shape)} is {last}; a tensor must be {first}"
        raise InputError(what, where=where, hint=f"Use .permute({order})", code="E-SHAPE")
    axis = next((axis for axis in (-3, -1) if shape[axis] in (1, 4)), 0) if channels == 3 else 0
    expected = f"{first} or {last}" if is_array else first
    if not axis:
        hint = own_channels(shape[-3], "uint8") if channels == 3 else ""
        raise InputError(f"the shape is {list(shape)}; expected {expected}", where=where, hint=hint, code="E-SHAPE")
    what = f"the shape {list(shape)} has {shape[axis]} channel{'s' * (shape[axis] > 1)}; expected {expected}"
    fix = _channel_fix(shape[axis], axis, is_array)
    permuted = f".permute({order})" if axis == -1 and not is_array else ""
    raise InputError(what, where=where, hint=f"{fix}{permuted}", code="E-SHAPE")


def _channel_fix(channels: int, axis: int, is_array: bool) -> str:
    if channels == 4:
        kept = "[..., :3]" if axis == -1 else "[..., :3, :, :]"
        return f"If the fourth is an opaque alpha channel, use images{kept}"
    return f"Use np.repeat(images, 3, axis={axis})" if is_array else f"Use images.repeat_interleave(3, dim={axis})"


def _place(mask: Tensor, first: int) -> str:
    # the first true element of [N, 3, H, W] in words, the image counted from `first`
    rest = int(mask.flatten().byte().argmax())
    places = []
    for size in reversed(mask.shape):
        rest, place = divmod(rest, size)
        places.append(place)
    column, row, channel, image = places
    return f"{first + image} at channel {channel}, row {row}, column {column}"
