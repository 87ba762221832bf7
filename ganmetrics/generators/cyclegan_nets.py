"""The networks of CycleGAN and the pool of former translations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


def normalised(convolution: nn.Module, channels: int) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]


class Residual(nn.Module):
    """x plus two convolutions of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (
            # Reflected borders avoid the dark rims of zero padding.
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)
            for _ in range(2)
        )
        self.net = nn.Sequential(*normalised(first, channels), second, nn.InstanceNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.net(x)


class Generator(nn.Module):
    """Images [N, 3, H, W] in -1..1 to images of the other domain, the same size and range."""

    def __init__(self, width: int = 16, halvings: int = 1, blocks: int = 3) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(halvings + 1)]
        layers = normalised(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect", bias=False), width)
        for wide in widths[:-1]:
            layers += normalised(nn.Conv2d(wide, 2 * wide, 3, stride=2, padding=1, bias=False), 2 * wide)
        layers += [Residual(widths[-1]) for _ in range(blocks)]
        for wide in reversed(widths[:-1]):
            doubling = nn.ConvTranspose2d(2 * wide, wide, 3, stride=2, padding=1, output_padding=1, bias=False)
            layers += normalised(doubling, wide)
        layers.append(nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"))
        self.net = nn.Sequential(*layers)
        self.apply(init_weights)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images).tanh()


class PatchDiscriminator(nn.Module):
    """Images [N, 3, H, W] in -1..1 to one score for each of many overlapping patches, [N, 1, h, w]: 1 means real."""

    def __init__(self, width: int = 32, layers: int = 1) -> None:
        super().__init__()
        net: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        for layer in range(1, layers + 1):
            # The last layer keeps its size, so that patches overlap densely.
            stride = 2 if layer < layers else 1
            net += [
                nn.Conv2d(width, 2 * width, 4, stride, padding=1, bias=False),
                nn.InstanceNorm2d(2 * width),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            width *= 2
        self.net = nn.Sequential(*net, nn.Conv2d(width, 1, 4, padding=1))
        self.apply(init_weights)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)


def init_weights(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        # N(0, 0.02), as in the paper.
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class ImagePool(nn.Module):
    """The last translations that a discriminator was shown, so that it does not forget (Shrivastava et al. 2017).

    Until it is full it keeps and returns each image. Then, with probability a half, it returns one that it holds and
    keeps the new one in its place.
    """

    images: Tensor
    held: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        # Buffers, so that a checkpoint holds the pool.
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("held", torch.tensor(0))

    def forward(self, fresh: Tensor, rng: torch.Generator) -> Tensor:  # [N, 3, H, W] -> [N, 3, H, W]
        return torch.stack([self.exchanged(image, rng) for image in fresh])

    def exchanged(self, image: Tensor, rng: torch.Generator) -> Tensor:
        held = int(self.held)
        if held < len(self.images):
            self.images[held] = image
            self.held += 1
            return image
        # A pool of size 0 returns every image; a full one returns half of the new images.
        if not len(self.images) or torch.rand((), generator=rng) < 0.5:
            return image
        place = int(torch.randint(held, (), generator=rng))
        former = self.images[place].clone()
        self.images[place] = image
        return former
