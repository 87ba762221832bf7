"""DCGAN on 28 x 28 grey images: the networks, their sampling and their training step.

The architecture follows the guidelines of Radford, Metz and Chintala (2016): strided convolutions in place of pooling,
batch normalisation except at the generator's output and the discriminator's input, no hidden fully connected layers,
ReLU and tanh in the generator, LeakyReLU of slope 0.2 in the discriminator, weights drawn from N(0, 0.02).

References
----------
Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional GANs. ICLR 2016, arXiv:1511.06434.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

LATENT_DIM = 100


def init_weights(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """Latents [N, 100], uniform in -1..1, to images [N, 1, 28, 28] in -1..1."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(LATENT_DIM, 2 * width, 7, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        self.apply(init_weights)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.net(latents[:, :, None, None])


class Discriminator(nn.Module):
    """Images [N, 1, 28, 28] in -1..1 to one logit each, [N]: positive means real."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 7),
        )
        self.apply(init_weights)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images).flatten()


def draw_latents(count: int, rng: torch.Generator) -> torch.Tensor:  # -> [count, 100] in -1..1, on the CPU
    return torch.rand(count, LATENT_DIM, generator=rng) * 2 - 1


def discriminator_loss(real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy: -log D(x) - log(1 - D(G(z)))."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: torch.Tensor) -> torch.Tensor:
    """The non-saturating loss: -log D(G(z))."""
    return F.softplus(-fake_logits).mean()
