"""The blocks that ProGAN and MSG-GAN are built of, after Karras et al. (2018), table 2.

A change of size and the convolution beside it are one strided convolution, which spares more than half of the
multiplications. In the generator this changes nothing; in the discriminator the pooling comes before the rectifier.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from ganmetrics.generators.layers import EqualizedConv2d, EqualizedLinear, MinibatchStd, pixel_norm

if TYPE_CHECKING:
    from torch import Tensor


def rectified(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


# A 3 x 3 kernel after doubling by the nearest pixel equals a 4 x 4 transposed convolution.
def spread(weight: Tensor) -> Tensor:
    """Sum kernels [..., 3, 3] over the four pixels of a 2 x 2 square: [..., 4, 4]."""
    weight = F.pad(weight, [1, 1, 1, 1])
    rows = weight[..., 1:, :] + weight[..., :-1, :]
    return rows[..., 1:] + rows[..., :-1]


class UpscalingConv2d(EqualizedConv2d):
    """A 3 x 3 convolution of the upscaled input, as one transposed convolution: 4/9 of the multiplications."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:  # [N, inputs, H, W] -> [N, outputs, 2 H, 2 W]
        kernel = spread(self.weight * self.scale).flip(2, 3).transpose(0, 1)
        return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class DownscalingConv2d(EqualizedConv2d):
    """A 3 x 3 convolution and the mean over 2 x 2 pixels, as one strided convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:  # [N, inputs, H, W] -> [N, outputs, H / 2, W / 2]
        return F.conv2d(x, spread(self.weight * (self.scale / 4)), self.bias, stride=2, padding=1)


class Seed(nn.Module):
    """Latents [N, latent_dim], normalised, to the first feature map [N, width, 4, 4]."""

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.dense = EqualizedLinear(latent_dim, 16 * width, gain=math.sqrt(2) / 4)
        self.convolution = EqualizedConv2d(width, width, 3)

    def forward(self, latents: Tensor) -> Tensor:
        # [N, W * 16] -> [N, W, 4, 4], channels last in memory.
        x = self.dense(pixel_norm(latents)).view(-1, 4, 4, self.width).permute(0, 3, 1, 2)
        x = pixel_norm(rectified(x))
        return pixel_norm(rectified(self.convolution(x)))


class UpBlock(nn.Module):
    """Features to features of twice the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = UpscalingConv2d(inputs, outputs)
        self.second = EqualizedConv2d(outputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = pixel_norm(rectified(self.first(x)))
        return pixel_norm(rectified(self.second(x)))


class DownBlock(nn.Module):
    """Features to features of half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualizedConv2d(inputs, inputs, 3)
        self.second = DownscalingConv2d(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return rectified(self.second(rectified(self.first(x))))


class Verdict(nn.Module):
    """The last feature map [N, width, 4, 4] to one score each, [N], with a view of the minibatch's variety."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.variety = MinibatchStd()
        self.convolution = EqualizedConv2d(inputs + 1, width, 3)
        self.dense = EqualizedLinear(16 * width, width)
        self.score = EqualizedLinear(width, 1, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        x = rectified(self.convolution(self.variety(x)))
        scores: Tensor = self.score(rectified(self.dense(x.flatten(1))))
        return scores.flatten()
