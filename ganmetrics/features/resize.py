"""Resizing, one function for each rule that the literature uses; uint8 [N, 3, H, W] in, float32 out, in 0..255."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images


def tf1_bilinear(images: Images, size: int) -> Tensor:
    """Bilinear interpolation as TensorFlow 1 had it: source = target * scale, no half-pixel shift, no antialiasing.

    The horizontal pass comes first, once for each source row; every output pixel then sees the same operations in the
    same order as in an implementation that gathers four corners, so the results are equal to the last bit.
    """
    height, width = images.shape[-2:]
    left, right, dx = _taps(width, size, images.device)
    top, bottom, dy = _taps(height, size, images.device)
    if height > 2 * size:  # only the rows that some output row reads
        rows, inverse = torch.unique(torch.cat([top, bottom]), return_inverse=True)
        images, top, bottom = images[:, :, rows], inverse[:size], inverse[size:]
    x = images.to(torch.float32)
    x = _lerp(x[..., left], x[..., right], dx)
    return _lerp(x[:, :, top], x[:, :, bottom], dy[:, None])


def antialiased_bilinear(images: Images, size: int) -> Tensor:
    """Bilinear interpolation with half-pixel centres whose filter widens when it shrinks, as Pillow's does."""
    x = images.to(torch.float32)
    if x.shape[-2:] == (size, size):
        return x
    return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def _taps(in_size: int, out_size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The two source positions of each output position and the weight of the second, in float32 as TensorFlow does."""
    scale = torch.tensor(in_size / out_size, dtype=torch.float32, device=device)
    position = torch.arange(out_size, dtype=torch.float32, device=device) * scale
    low = position.long()
    return low, (low + 1).clamp_max(in_size - 1), position - low.to(torch.float32)


def _lerp(low: Tensor, high: Tensor, weight: Tensor) -> Tensor:  # low + (high - low) * weight, without temporaries
    return high.sub_(low).mul_(weight).add_(low)
