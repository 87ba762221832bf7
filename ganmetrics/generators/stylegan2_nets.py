"""The networks of StyleGAN2, for grey images and one processor.

Written from Karras et al. (2020): modulated and demodulated convolutions, per-pixel noise of learnt strength, a skip
generator, a residual discriminator and resampling by the binomial filter [1, 3, 3, 1]. The modulation is applied as
scales on the activations before and after a convolution that all samples share, which is the same function as
convolving each sample with weights of its own (section 2.2 of the paper) and needs no grouped convolution.

References
----------
Karras, Laine, Aittala, Hellsten, Lehtinen, Aila: Analyzing and Improving the Image Quality of StyleGAN. CVPR 2020,
arXiv:1912.04958. Karras, Laine, Aila: A Style-Based Generator Architecture for Generative Adversarial Networks. CVPR
2019, arXiv:1812.04948 (mapping network, style mixing, truncation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from ganmetrics.generators.layers import EqualizedConv2d, EqualizedLinear, MinibatchStd, pixel_norm

if TYPE_CHECKING:
    from torch import Tensor

# Pixels of the constant input's side.
BASE = 4
# Slope of the leaky rectifier, and the gain that keeps the variance behind it.
SLOPE, GAIN = 0.2, math.sqrt(2)


def binomial(x: Tensor, *, gain: float = 1.0) -> Tensor:
    """Return a kernel [1, 3, 3, 1] x [1, 3, 3, 1] of sum ``gain`` for each channel of x: [C, 1, 4, 4]."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device)
    return (torch.outer(taps, taps) * (gain / 64)).expand(x.shape[1], 1, 4, 4)


def blurred(x: Tensor, padding: int, *, gain: float = 1.0) -> Tensor:
    """Filter every channel, with zeros beyond the border: [N, C, H, W] -> [N, C, H + 2 padding - 3, ...]."""
    return F.conv2d(x, binomial(x, gain=gain), padding=padding, groups=x.shape[1])


def halved(x: Tensor) -> Tensor:
    """Filter images and keep every second pixel: [N, C, H, W] -> [N, C, H / 2, W / 2]."""
    return F.conv2d(x, binomial(x), stride=2, padding=1, groups=x.shape[1])


def doubled(x: Tensor) -> Tensor:
    """Put zeros between pixels and filter: [N, C, H, W] -> [N, C, 2 H, 2 W]."""
    return F.conv_transpose2d(x, binomial(x, gain=4.0), stride=2, padding=1, groups=x.shape[1])


class Mapping(nn.Module):
    """Latents z [N, latent_dim] to styles w [N, latent_dim].

    Attributes
    ----------
    w_avg : Tensor, [latent_dim]
        The running mean of w, toward which truncation moves.
    """

    w_avg: Tensor

    def __init__(self, latent_dim: int, depth: int, rate: float = 0.01) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EqualizedLinear(latent_dim, latent_dim, rate=rate) for _ in range(depth))
        self.register_buffer("w_avg", torch.zeros(latent_dim))

    def forward(self, z: Tensor) -> Tensor:
        w = pixel_norm(z)
        for layer in self.layers:
            w = F.leaky_relu(layer(w), SLOPE)
        return w

    @torch.no_grad()
    def track(self, w: Tensor, decay: float) -> None:
        """Move the running mean: w_avg <- decay w_avg + (1 - decay) mean(w)."""
        self.w_avg.lerp_(w.mean(dim=0), 1 - decay)


class ModulatedConv2d(nn.Module):
    """A convolution whose weights each sample scales by a style of its own, y = conv(x, s w).

    With ``demodulate``, each output channel is divided by the L2 norm of its modulated weights, so that inputs of unit
    variance give outputs of variance ``gain`` squared. With ``up``, the output has twice the size.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, style_dim: int, *, demodulate: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.style = EqualizedLinear(style_dim, inputs, gain=1.0, bias=1.0)
        self.scale, self.padding = 1 / math.sqrt(inputs * kernel * kernel), kernel // 2
        self.demodulate, self.up = demodulate, up

    def forward(self, x: Tensor, w: Tensor, *, gain: float = 1.0) -> Tensor:
        style, weight = self.style(w), self.weight * self.scale
        y = self.convolved(x * style[:, :, None, None], weight)
        if not self.demodulate:
            return y * gain
        return y * (gain * self.demodulation(style, weight))[:, :, None, None]

    def convolved(self, x: Tensor, weight: Tensor) -> Tensor:
        # The filter leaves 2 H of 2 H + 1 pixels.
        if self.up:
            return blurred(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1, gain=4.0)
        return F.conv2d(x, weight, padding=self.padding)

    def demodulation(self, style: Tensor, weight: Tensor) -> Tensor:
        """1 / sqrt(sum over inputs and kernel of (s w)^2 + 1e-8): [N, inputs] -> [N, outputs]."""
        # [outputs, inputs]
        energy = weight.square().sum(dim=(2, 3))
        return (style.square() @ energy.T + 1e-8).rsqrt()


class StyledLayer(nn.Module):
    """A modulated convolution, noise, bias and the rectifier, whose gain is folded into the three terms before it."""

    def __init__(self, inputs: int, outputs: int, style_dim: int, *, up: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConv2d(inputs, outputs, 3, style_dim, up=up)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:  # noise: [N, 1, H, W]
        y = self.convolution(x, w, gain=GAIN) + noise * (self.noise_strength * GAIN)
        return F.leaky_relu(y + (self.bias * GAIN)[:, None, None], SLOPE)


class ToGrey(nn.Module):
    """A modulated 1 x 1 convolution to one channel, without demodulation: each sample's own weighted sum."""

    def __init__(self, inputs: int, style_dim: int) -> None:
        super().__init__()
        self.style = EqualizedLinear(style_dim, inputs, gain=1.0, bias=1.0)
        self.weight = nn.Parameter(torch.randn(inputs))
        self.bias = nn.Parameter(torch.zeros(1))
        self.scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:  # [N, C, H, W] -> [N, 1, H, W]
        weights = self.style(w) * (self.weight * self.scale)
        # [N, H W, C], a view where channels are last in memory.
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        return (pixels @ weights[:, :, None]).view(len(x), 1, *x.shape[2:]) + self.bias


class Synthesis(nn.Module):
    """Styles, one for each layer, and noise to images [N, 1, H, H], H = 4, 8, 16, ... by the number of ``channels``.

    Each resolution adds its image to the upsampled one of the resolution before: the skip generator. The sum passes
    through tanh, which the paper's does not: a linear output would have to learn an even black ground for each style,
    and gives up variety for it.
    """

    def __init__(self, channels: Sequence[int], style_dim: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(1, channels[0], BASE, BASE))
        layers = [StyledLayer(channels[0], channels[0], style_dim)]
        for inputs, outputs in pairwise(channels):
            layers += [StyledLayer(inputs, outputs, style_dim, up=True), StyledLayer(outputs, outputs, style_dim)]
        self.layers = nn.ModuleList(layers)
        self.to_grey = nn.ModuleList(ToGrey(width, style_dim) for width in channels)
        self.sizes = [BASE] + [BASE << level for level in range(1, len(channels)) for _ in range(2)]
        # The last style is of the last image alone.
        self.num_styles = len(layers) + 1

    def forward(self, styles: Tensor, noise: Sequence[Tensor]) -> Tensor:  # [N, num_styles, style_dim]
        w = styles.unbind(dim=1)
        x = self.start.expand(len(styles), -1, -1, -1)
        image = None
        for index, layer in enumerate(self.layers):
            x = layer(x, w[index], noise[index])
            # The last layer of its resolution; the image takes the next layer's style.
            if index % 2 == 0:
                grey = self.to_grey[index // 2](x, w[index + 1])
                image = grey if image is None else doubled(image) + grey
        assert image is not None
        return torch.tanh(image)

    def draw_noise(self, count: int, rng: torch.Generator) -> list[Tensor]:
        """Standard normal noise for each layer, [count, 1, H, H] on the CPU."""
        return [torch.randn(count, 1, size, size, generator=rng) for size in self.sizes]


class Generator(nn.Module):
    """Latents z [N, latent_dim], standard normal, to images [N, 1, H, H], about -1..1."""

    def __init__(self, latent_dim: int, depth: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.mapping = Mapping(latent_dim, depth)
        self.synthesis = Synthesis(channels, latent_dim)

    def forward(self, z: Tensor, noise: Sequence[Tensor], *, truncation: float = 1.0) -> Tensor:
        """Return images of latents, with w moved toward its mean: w_avg + truncation (w - w_avg)."""
        w = torch.lerp(self.mapping.w_avg, self.mapping(z), truncation)
        return self.synthesis(self.broadcast(w), noise)

    def broadcast(self, w: Tensor) -> Tensor:
        """Give every layer the style of its sample: [N, D] -> [N, num_styles, D]."""
        return w[:, None].expand(-1, self.synthesis.num_styles, -1)


def mixed(first: Tensor, second: Tensor, crossover: Tensor) -> Tensor:
    """Styles of one latent below the crossover and of another from it on.

    Parameters
    ----------
    first, second : Tensor, [N, num_styles, D]
    crossover : Tensor, int64 [N]
        The first layer of the second latent, for each sample; with ``num_styles`` nothing is mixed.
    """
    layer = torch.arange(first.shape[1], device=first.device)
    return torch.where((layer < crossover[:, None])[..., None], first, second)


class ResidualBlock(nn.Module):
    """Half the size: (two convolutions + a filtered 1 x 1 convolution) / sqrt(2), the division folded into gains."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualizedConv2d(inputs, inputs, 3)
        self.second = EqualizedConv2d(inputs, outputs, 3, gain=1.0)
        self.skip = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.skip_scale = 1 / math.sqrt(2 * inputs)

    def forward(self, x: Tensor) -> Tensor:
        # H + 1 pixels.
        y = blurred(F.leaky_relu(self.first(x), SLOPE), 2)
        y = F.conv2d(y, self.second.weight * self.second.scale, self.second.bias, stride=2)
        return F.leaky_relu(y, SLOPE) + F.conv2d(halved(x), self.skip * self.skip_scale)


class Discriminator(nn.Module):
    """Images [N, 1, H, H] to one logit each, [N]: positive means real. ``channels`` are those of 4, 8, ... pixels."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        widths = list(reversed(channels))
        # A 1 x 1 convolution: one map for every pixel.
        self.from_grey = EqualizedLinear(1, widths[0])
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairwise(widths)))
        self.std = MinibatchStd()
        self.last = EqualizedConv2d(widths[-1] + 1, widths[-1], 3)
        self.hidden = EqualizedLinear(widths[-1] * BASE * BASE, widths[-1])
        self.output = EqualizedLinear(widths[-1], 1, gain=1.0)

    def forward(self, images: Tensor) -> Tensor:
        x = self.from_grey(images.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = self.blocks(F.leaky_relu(x, SLOPE))
        x = F.leaky_relu(self.last(self.std(x)), SLOPE)
        return self.output(F.leaky_relu(self.hidden(x.flatten(1)), SLOPE)).flatten()


class PathLength(nn.Module):
    """The penalty E (|J^T y| - a)^2 on a generator's Jacobian J, with a the running mean of the lengths (section 3.2).

    Attributes
    ----------
    mean : Tensor, scalar
        a, at first the mean of the first batch: from zero the penalty would begin by pulling all lengths to nothing.
    """

    mean: Tensor

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, images: Tensor, styles: Tensor, direction: Tensor) -> Tensor:
        """Return the penalty at images [N, 1, H, W] of styles [N, L, D], along random images y of variance 1 / (H W).

        The squared length is the mean over the L layers, each with a style of its own.
        """
        (slope,) = torch.autograd.grad((images * direction).sum(), styles, create_graph=True)
        lengths = slope.square().sum(dim=2).mean(dim=1).sqrt()
        mean = lengths.detach().mean()
        self.mean.lerp_(mean, 1.0 if self.mean == 0 else self.decay)
        return (lengths - self.mean).square().mean()
