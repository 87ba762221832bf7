"""Arrays that are no images and look a little like some: features, latents, paths, dates; each with what to do."""

from __future__ import annotations

from ganmetrics.data.reading.pixel_form import FLOATS
from ganmetrics.errors import InputError

ROWS = (
    'Rows of features are scored as gm.features(rows, name="r3d18"), or by: '
    "ganmetrics fid A.npy B.npy --features-name r3d18"
)
# The channels of latents that autoencoders of diffusion models have.
LATENT_CHANNELS = (4, 16)


def refuse_what_is_no_image(shape: tuple[int, ...], dtype: str, where: str) -> None:
    """Refuse an array whose numbers are no pixel values, or whose axes are those of features or latents.

    Raises
    ------
    InputError
        Such an array, with what to do with what it holds.
    """
    hint = _of_dtype(dtype)
    if hint:
        raise InputError(f"the array has dtype {dtype}; expected images", where=where, hint=hint, code="E-DTYPE")
    hint = _of_shape(shape, dtype)
    if hint:
        what = f"the array has the shape {list(shape)} and dtype {dtype}; expected images [N, 3, H, W]"
        raise InputError(what, where=where, hint=hint, code="E-SHAPE")


def fix_of_dtype(dtype: str, *, is_array: bool) -> str:
    """What makes images of another dtype such that can be scored."""
    cast = "images.astype(np.uint8)" if is_array else "images.to(torch.uint8)"
    if dtype == "bool":
        return f"Use {cast} * 255"
    if dtype == "int8":
        wide = "images.astype(np.int16)" if is_array else "images.to(torch.int16)"
        return f"If -128 is black and 127 is white, use {cast.replace('images', f'({wide} + 128)')}"
    if dtype == "uint16":
        floats = "images.astype(np.float32)" if is_array else "images.float()"
        white = "value_range=(0, 65535)), or (0, 4095) for images of 12 bits"
        return f"State black and white: gm.source({floats}, {white}"
    if dtype.startswith("complex"):
        return "Take the real part or the magnitude and state its value_range"
    return f"If the values run from 0 to 255, use {cast}"


def _of_dtype(dtype: str) -> str:
    if dtype.startswith(("str", "bytes")):
        return "Paths of images are given as a list, as by array.tolist(); decode encoded images, or save them as files"
    if dtype.startswith(("datetime", "timedelta")):
        return "Dates and durations are no pixel values; save images as one uint8 array [N, H, W, 3]"
    if dtype == "void24":
        return "Three bytes a pixel are images.view(np.uint8).reshape(*images.shape, 3)"
    if dtype.startswith("void"):
        return "An array of records is no array of images; save one uint8 array [N, H, W, 3]"
    return ""


def _of_shape(shape: tuple[int, ...], dtype: str) -> str:
    if len(shape) == 4 and shape[2:] == (1, 1) and shape[1] > 4:
        return f"Pooled features are features.reshape({shape[0]}, {shape[1]}). {ROWS}"
    if dtype not in FLOATS:
        return ""
    if len(shape) == 3 and 3 not in (shape[0], shape[2]):
        grey = "grey images [N, H, W] need three channels"
        return f"Features of tokens are averaged to rows, features.mean(1); {grey}. {ROWS}"
    if len(shape) != 4 or {1, 3} & {shape[1], shape[3]} or shape[1] < 4 or shape[3] == 4:
        return ""
    if shape[1] in LATENT_CHANNELS:
        latents = "Latents are decoded to images first, as by the decoder of their autoencoder"
        alpha = ". If the fourth channel is an opaque alpha channel, use images[..., :3, :, :]"
        return f"{latents}{alpha * (shape[1] == 4)}. {own_channels(shape[1], dtype)}"
    own = own_channels(shape[1], dtype)
    return f"Maps of features are averaged to rows, features.mean((2, 3)); latents are decoded first. {own}. {ROWS}"


def own_channels(channels: int, dtype: str) -> str:
    """What lets a network of the caller's have images of other channels."""
    stated = f"channels={channels}" + ', dtype="float32"' * (dtype in FLOATS)
    return f"A network that takes such images is gm.load_extractor(network, {stated})"
