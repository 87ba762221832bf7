"""Resizing, one function for each rule that the literature uses; uint8 [N, 3, H, W] in, float32 out, in 0..255.

``INPUTS`` and ``PIXELS`` have rules by the names that signatures write, the former each with the range that its package
feeds to Inception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

    Rule = Callable[[Images, int], Tensor]

# A larger image is resized channel by channel, since it takes four times its bytes in float32.
LARGE_BYTES = 16 << 20
# Images that are resized together where that saves memory.
FEW = 4


def tf1_bilinear(images: Images, size: int) -> Tensor:
    """Bilinear interpolation as TensorFlow 1 had it: source = target * scale, no half-pixel shift, no antialiasing.

    The horizontal pass comes first, once for each source row; every output pixel then sees the same operations in the
    same order as in an implementation that gathers four corners, so the results are equal to the last bit.
    """
    height, width = images.shape[-2:]
    left, right, dx = _taps(width, size, images.device)
    top, bottom, dy = _taps(height, size, images.device)
    # Only the rows that some output row reads are kept.
    if height > 2 * size:
        rows, inverse = torch.unique(torch.cat([top, bottom]), return_inverse=True)
        images, top, bottom = images[:, :, rows], inverse[:size], inverse[size:]
    found = images.new_empty(*images.shape[:-2], size, size, dtype=torch.float32)
    # The two operands of each pass are larger than what they give: on the CPU a few images at a time.
    count = FEW if images.device.type == "cpu" else max(1, len(images))
    for part, place in zip(images.split(count), found.split(count), strict=True):
        x = _lerp(part[..., left].to(torch.float32), part[..., right].to(torch.float32), dx)
        place.copy_(_lerp(x[:, :, top], x[:, :, bottom], dy[:, None]))
    return found


def in_float32(images: Images, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """What a rule that treats channels alike makes of images in float32, which of large ones exist one at a time."""
    if images[0].nbytes <= LARGE_BYTES:
        return rule(images.to(torch.float32))
    return torch.cat([rule(channel.to(torch.float32)) for channel in images.split(1, dim=1)], dim=1)


def antialiased_bilinear(images: Images, size: int) -> Tensor:
    """Bilinear interpolation with half-pixel centres whose filter widens when it shrinks, as Pillow's does."""
    if images.shape[-2:] == (size, size):
        return images.to(torch.float32)
    return in_float32(
        images,
        lambda x: F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=True),
    )


def pytorch_bilinear(images: Images, size: int) -> Tensor:
    """Bilinear interpolation with half-pixel centres and no antialiasing, of values in 0..1 as pytorch-fid has them."""
    return in_float32(
        images, lambda x: F.interpolate(x.div_(255), size=(size, size), mode="bilinear", align_corners=False)
    )


def pillow_bicubic(images: Images, size: int) -> Tensor:
    """Pillow's antialiased bicubic filter on float32 channels, cut to 0..255 and not rounded, as clean-fid has it."""
    from PIL import Image

    channels = images.flatten(0, 1).cpu().numpy()
    resized = [
        Image.fromarray(channel.astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
        for channel in channels
    ]
    found = torch.from_numpy(np.stack([np.asarray(channel) for channel in resized])).clamp_(0, 255)
    return found.reshape(len(images), 3, size, size).to(images.device)


def bicubic(images: Images, size: int) -> Tensor:
    """Bicubic interpolation with half-pixel centres and no antialiasing, overshoot kept, as CMMD's authors have it."""
    return in_float32(images, lambda x: F.interpolate(x, size=(size, size), mode="bicubic", align_corners=False))


def antialiased_bicubic(images: Images, size: int) -> Tensor:
    """Pillow's antialiased bicubic filter, rounded to whole numbers in 0..255, as torchvision's ``Resize`` has it."""
    return _rounded_bicubic(images, (size, size))


def cropped_bicubic(images: Images, size: int) -> Tensor:
    """Pillow's antialiased bicubic filter of the shorter side, and a cut of the longer about its centre, as in CLIP."""
    height, width = images.shape[-2:]
    short = min(height, width)
    resized = _rounded_bicubic(images, (size * height // short, size * width // short))
    top, left = (round((side - size) / 2) for side in resized.shape[-2:])
    return resized[..., top : top + size, left : left + size]


def _rounded_bicubic(images: Images, size: tuple[int, int]) -> Tensor:
    """By Pillow itself: torch's own filter of uint8 is off by several levels where the first pass overshoots."""
    if images.shape[-2:] == size:
        return images.to(torch.float32)
    from PIL import Image

    pictures = images.permute(0, 2, 3, 1).cpu().numpy()
    resized = [Image.fromarray(each).resize(size[::-1], Image.Resampling.BICUBIC) for each in pictures]
    found = torch.from_numpy(np.stack([np.asarray(each) for each in resized])).permute(0, 3, 1, 2)
    return found.to(images.device, torch.float32)


def _taps(in_size: int, out_size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The two source positions of each output position and the weight of the second, in float32 as TensorFlow does."""
    scale = torch.tensor(in_size / out_size, dtype=torch.float32, device=device)
    position = torch.arange(out_size, dtype=torch.float32, device=device) * scale
    low = position.long()
    return low, (low + 1).clamp_max(in_size - 1), position - low.to(torch.float32)


def _lerp(low: Tensor, high: Tensor, weight: Tensor) -> Tensor:  # low + (high - low) * weight, without temporaries
    return high.sub_(low).mul_(weight).add_(low)


def _about_128(rule: Rule) -> Rule:
    """(x - 128) / 128, the range of the TensorFlow graph."""
    return lambda images, size: rule(images, size).sub_(128).div_(128)


def _doubled(images: Images, size: int) -> Tensor:
    return pytorch_bilinear(images, size).mul_(2).sub_(1)


INPUTS: dict[str, Rule] = {
    "tf1-bilinear": _about_128(tf1_bilinear),
    "pytorch-fid-bilinear": _doubled,
    "clean-bicubic": _about_128(pillow_bicubic),
    "torchmetrics-antialias": _about_128(antialiased_bilinear),
}
# These rules are for networks with a normalisation of their own.
PIXELS: dict[str, Rule] = {
    "tf1-bilinear": tf1_bilinear,
    "bicubic": bicubic,
    "antialiased-bicubic": antialiased_bicubic,
    "cropped-bicubic": cropped_bicubic,
}
