"""Layers that ProGAN, MSG-GAN and StyleGAN2 share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


class EqualizedConv2d(nn.Module):
    """A convolution of stride 1 whose weights are drawn from N(0, 1) and scaled by gain / sqrt(fan_in) at run time.

    The scale keeps activations at unit variance and gives every layer the same effective learning rate under Adam
    (Karras et al. 2018, section 4.1). Gain sqrt(2) suits a rectifier after it, 1 a linear output.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        # fan_in = inputs * kernel^2.
        self.scale = gain / math.sqrt(inputs * kernel * kernel)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class EqualizedLinear(nn.Module):
    """A linear layer whose weights are scaled at run time, as those of ``EqualizedConv2d`` are.

    Parameters
    ----------
    rate : float
        The multiplier of its learning rate: weights are stored larger by 1 / rate, biases too, and scaled at run time.
    bias : float
        The bias at the start.
    """

    def __init__(
        self, inputs: int, outputs: int, *, gain: float = math.sqrt(2), rate: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale, self.rate = gain * rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class MinibatchStd(nn.Module):
    """One more channel: the standard deviation over a group of images, averaged over channels and pixels.

    It lets a discriminator see how varied a batch is (Karras et al. 2018, section 3). Groups are of images ``stride``
    apart, as many as ``group`` or, where the batch is not divisible by it, the largest divisor below.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, C + 1, H, W]
        count = len(x)
        # The largest group size that divides the batch.
        size = next(k for k in range(min(self.group, count), 0, -1) if count % k == 0)
        grouped = x.view(size, count // size, *x.shape[1:])
        # One number for each group: [N / size].
        std = (grouped.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
        return torch.cat([x, std.repeat(size).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])], dim=1)


def pixel_norm(x: Tensor) -> Tensor:
    """Divide each pixel's channels by their root mean square (epsilon 1e-8), [N, C, ...]."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def upscaled(x: Tensor) -> Tensor:
    """Double the size of images by the nearest pixel."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def downscaled(x: Tensor) -> Tensor:
    """Halve the size of images by the mean over 2 x 2 pixels."""
    return F.avg_pool2d(x, 2)
