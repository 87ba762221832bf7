"""Multi-scale gradient GAN on grey images padded to 32 x 32 pixels.

The networks are ProGAN's, trained at their full size from the first step. In the place of growing, Karnewar and Wang
(2020) put a path at every scale: each block of the generator gives an image through a 1 x 1 convolution, and the
discriminator takes all of them, each beside the features of its size (their phi simple, a concatenation), and answers
with one score. So gradients reach every scale of the generator at once. Real images come as their own averages.

The loss is the non-saturating one with the zero-centred penalty at real images, averaged over the scales; the penalty
is taken at every fourth step only, times four, which makes it cheap. Made for one CPU core: narrow networks; the
generator's step takes the fakes of the discriminator's step; the minibatch standard deviation stands before the last
block only. An addition to the paper: the learning rate falls linearly to zero at the end.

References
----------
Karnewar, Wang: MSG-GAN: Multi-Scale Gradients for Generative Adversarial Networks. CVPR 2020, arXiv:1903.06048.
Mescheder, Geiger, Nowozin: Which Training Methods for GANs do actually Converge? ICML 2018, arXiv:1801.04406.
Karras et al.: Analyzing and Improving the Image Quality of StyleGAN. CVPR 2020, arXiv:1912.04958 (the lazy penalty).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import BETTER_THAN_GAN, image_scores
from ganmetrics.generators.layers import EqualizedConv2d, downscaled
from ganmetrics.generators.progressive_blocks import DownscalingConv2d, Seed, UpBlock, Verdict, rectified
from ganmetrics.generators.sampler import LatentSampler, normal_latents
from ganmetrics.generators.system import Recipe, System
from ganmetrics.generators.training import (
    Training,
    averaged,
    linear_decay,
    move_average,
    set_learning_rate,
    update,
)

if TYPE_CHECKING:
    from torch import Tensor

FULL_SIZE = 32


@dataclass(frozen=True)
class Settings:
    """Settings of a training; the defaults are the paper's, with sizes for one CPU core.

    Attributes
    ----------
    widths : str
        Channels at 4, 8, 16 and 32 pixels.
    penalty : float
        The weight gamma of the penalty E |grad D|^2 at real images, which is halved.
    penalty_every : int
        Steps from one penalty to the next.
    decay_after : float
        The fraction of the training after which the learning rate falls.
    """

    latent_dim: int = allowed.whole(64, 1, allowed.WIDEST)
    widths: str = allowed.sizes("64 48 32 16")
    batch_size: int = allowed.whole(16, 1, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(2e-3)
    penalty: float = allowed.real(1.0, 0, 1e6)
    penalty_every: int = allowed.whole(4, 1, allowed.LONGEST)
    average: float = allowed.real(0.999, 0, 1)
    decay_after: float = allowed.real(0.6, 0, 1, is_open="high")


class Generator(nn.Module):
    """Latents [N, latent_dim] to images [N, 1, S, S] in -1..1, S = 4, 8, ... up to the full size."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        widths = [int(width) for width in settings.widths.split()]
        self.seed = Seed(settings.latent_dim, widths[0])
        self.blocks = nn.ModuleList(UpBlock(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.to_grey = nn.ModuleList(EqualizedConv2d(width, 1, 1, gain=1.0) for width in widths)

    def scales(self, latents: Tensor) -> list[Tensor]:
        """Return images of all sizes, the smallest first."""
        features = [self.seed(latents)]
        for block in self.blocks:
            features.append(block(features[-1]))
        # Each size has an image of its own, so that gradients reach every block directly.
        return [torch.tanh(to_grey(x)) for to_grey, x in zip(self.to_grey, features, strict=True)]

    def forward(self, latents: Tensor) -> Tensor:
        return self.scales(latents)[-1]


class DownBlock(nn.Module):
    """Features and the image of their size to features of half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # One more input channel: the image of this size.
        self.first = EqualizedConv2d(inputs + 1, inputs, 3)
        self.second = DownscalingConv2d(inputs, outputs)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        return rectified(self.second(rectified(self.first(torch.cat([x, image], dim=1)))))


class Discriminator(nn.Module):
    """Images of all sizes, the smallest first, to one logit each, [N]: positive means real."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        widths = [int(width) for width in settings.widths.split()]
        self.from_grey = EqualizedConv2d(1, widths[-1], 1)
        self.blocks = nn.ModuleList(DownBlock(inputs, outputs) for outputs, inputs in pairwise(widths))
        self.verdict = Verdict(widths[0] + 1, widths[0])

    def forward(self, scales: Sequence[Tensor]) -> Tensor:
        # The largest image enters first; the smaller ones join on the way down.
        x = rectified(self.from_grey(scales[-1]))
        for block, image in zip(reversed(self.blocks), reversed(scales[1:]), strict=True):
            x = block(x, image)
        logits: Tensor = self.verdict(torch.cat([x, scales[0]], dim=1))
        return logits


def scales_of(images: Tensor) -> list[Tensor]:
    """Return images of 32 pixels and their averages down to 4, the smallest first."""
    scales = [images]
    while scales[0].shape[-1] > 4:
        scales.insert(0, downscaled(scales[0]))
    return scales


def multi_scale_penalty(logits: Tensor, scales: Sequence[Tensor]) -> Tensor:
    """E |grad D|^2 by each of the images that it was given, averaged over the scales; they must require gradients."""
    slopes = torch.autograd.grad(logits.sum(), list(scales), create_graph=True)
    return torch.stack([slope.flatten(1).square().sum(dim=1).mean() for slope in slopes]).mean()


class MSGGANTraining(Training):
    """Both networks, their optimisers and the averaged generator."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        self.iterations = recipe.iterations
        self.images = datasets.load_grey(recipe.data, root, size=FULL_SIZE).images.to(device)
        self.latents = normal_latents(self.settings.latent_dim)
        layout = torch.channels_last
        self.generator = Generator(self.settings).to(device).to(memory_format=layout)
        self.discriminator = Discriminator(self.settings).to(device).to(memory_format=layout)
        self.average = averaged(self.generator)
        # Betas of the paper: no momentum, short memory of squares.
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), betas=(0.0, 0.99))
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99))
        self.parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        decay = linear_decay(self.iteration, self.iterations, after=self.settings.decay_after)
        for optimizer in (self.g_optimizer, self.d_optimizer):
            set_learning_rate(optimizer, self.settings.learning_rate * decay)
        fake = self.generator.scales(self.latents(self.settings.batch_size, self.rng).to(self.device))
        entry = self.step_discriminator([image.detach() for image in fake])
        # The discriminator's own gradients would be thrown away.
        self.discriminator.requires_grad_(False)
        loss = losses.non_saturating_loss(self.discriminator(fake))
        update(self.g_optimizer, loss)
        self.discriminator.requires_grad_(True)
        move_average(self.average, self.generator, self.settings.average)
        return entry | {"g_loss": loss.item()}

    def step_discriminator(self, fake: list[Tensor]) -> dict[str, float]:
        settings = self.settings
        penalised = self.iteration % settings.penalty_every == 0
        real = scales_of(datasets.to_range(self.draw(self.images, settings.batch_size)))
        real = [image.requires_grad_(penalised) for image in real]
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
        loss = total = losses.discriminator_loss(real_logits, fake_logits)
        if penalised:
            penalty = multi_scale_penalty(real_logits, real)
            # The penalty of one step stands for those of the steps between, hence the factor.
            total = loss + settings.penalty_every * settings.penalty / 2 * penalty
        update(self.d_optimizer, total)
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return {"d_loss": loss.item(), "d_accuracy": accuracy.item()}

    def weights(self) -> dict[str, Tensor]:
        return self.average.state_dict()


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> LatentSampler:
    net = filled_from(lambda: Generator(settings), weights)
    return LatentSampler(net, normal_latents(settings.latent_dim), border=2)


RECIPES = (Recipe("msg-gan-mnist", "MSG-GAN on MNIST", "mnist", Settings(), 30_000, targets=(BETTER_THAN_GAN,)),)

SYSTEM = System(
    name="msg-gan",
    title="MSG-GAN",
    paper="Karnewar, Wang 2020, arXiv:1903.06048",
    makes="images",
    settings=Settings,
    train=MSGGANTraining,
    sampler=sampler,
    score=image_scores,
    recipes=RECIPES,
)
