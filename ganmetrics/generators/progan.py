"""Progressive GAN on grey images padded to 32 x 32 pixels.

As Karras et al. (2018) have it, both networks begin at 4 x 4 pixels; each doubling of the size is faded in on both
sides, the real images cross-faded with the same weight, and then trained as it is. Theirs too are the minibatch
standard deviation, pixel normalisation, weights scaled at run time, one step of each network in turn, Adam without
momentum whose state is reset at each new size, and the averaged generator.

The loss is not the paper's WGAN-GP, which learns too slowly for a training a hundred times as short, but that of its
successors: the non-saturating one with the zero-centred penalty at real images (Mescheder et al. 2018), taken at every
fourth step, times four. Made for one CPU core besides: narrow networks; the generator's step takes the fakes of the
discriminator's step; the discriminator's pooling is part of the convolution before it, so that the rectifier comes
after it; the learning rate is 2e-3, where the paper has 1e-3, and falls linearly to zero at the end.

References
----------
Karras, Aila, Laine, Lehtinen: Progressive Growing of GANs for Improved Quality, Stability, and Variation. ICLR 2018,
arXiv:1710.10196.
Mescheder, Geiger, Nowozin: Which Training Methods for GANs do actually Converge? ICML 2018, arXiv:1801.04406.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import BETTER_THAN_GAN, image_scores
from ganmetrics.generators.layers import EqualizedConv2d, downscaled, upscaled
from ganmetrics.generators.progressive_blocks import DownBlock, Seed, UpBlock, Verdict, rectified
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
    """Settings of a training; the defaults are the paper's, with sizes and a schedule for one CPU core.

    Attributes
    ----------
    widths : str
        Channels at 4, 8, 16 and 32 pixels.
    shares : str
        Each size's share of the iterations, in any unit.
    fade : float
        The fraction of a size's iterations in which it is faded in.
    penalty : float
        The weight gamma of the penalty E |grad D|^2 at real images, which is halved.
    penalty_every : int
        Steps from one penalty to the next.
    decay_after : float
        The fraction of the training after which the learning rate falls.
    """

    latent_dim: int = allowed.whole(64, 1, allowed.WIDEST)
    widths: str = allowed.sizes("64 48 32 16")
    shares: str = allowed.sizes("2 4 6 10", high=1_000_000)
    fade: float = allowed.real(0.5, 0, 1)
    batch_size: int = allowed.whole(16, 1, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(2e-3)
    penalty: float = allowed.real(1.0, 0, 1e6)
    penalty_every: int = allowed.whole(4, 1, allowed.LONGEST)
    average: float = allowed.real(0.999, 0, 1)
    decay_after: float = allowed.real(0.75, 0, 1, is_open="high")


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


class Growth(NamedTuple):
    """The stage of the game, 0 for 4 x 4 pixels, and its weight against the stage before (alpha in the paper)."""

    stage: int
    fade: float


def growth_at(iteration: int, iterations: int, settings: Settings) -> Growth:
    """Return the growth that an iteration trains at."""
    shares = numbers(settings.shares)
    # Iterations at which the sizes begin, from their shares of the training.
    starts = [iterations * done / sum(shares) for done in accumulate(shares, initial=0)]
    stage = max(index for index, start in enumerate(starts[:-1]) if start <= iteration)
    # A new size is faded in over the first part of its iterations.
    fading = (starts[stage + 1] - starts[stage]) * settings.fade
    return Growth(stage, min(1.0, (iteration - starts[stage]) / fading) if stage and fading else 1.0)


def cross_faded(images: Tensor, growth: Growth) -> Tensor:
    """Return images as a discriminator of this growth should see them: of its size, mixed with a smaller version."""
    # 4 << stage pixels: 4, 8, 16, 32.
    while images.shape[-1] > 4 << growth.stage:
        images = downscaled(images)
    return images if growth.fade == 1 else torch.lerp(upscaled(downscaled(images)), images, growth.fade)


class Generator(nn.Module):
    """Latents [N, latent_dim] to images [N, 1, S, S] around -1..1, S being the size it has grown to."""

    def __init__(self, latent_dim: int, widths: list[int]) -> None:
        super().__init__()
        self.seed = Seed(latent_dim, widths[0])
        self.blocks = nn.ModuleList(UpBlock(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.to_grey = nn.ModuleList(EqualizedConv2d(width, 1, 1, gain=1.0) for width in widths)

    def forward(self, latents: Tensor, growth: Growth) -> Tensor:
        stage, fade = growth
        x = below = self.seed(latents)
        for block in self.blocks[:stage]:
            x, below = block(x), x
        image: Tensor = self.to_grey[stage](x)
        # Both images have the new size: the previous stage's is enlarged.
        return image if fade == 1 else torch.lerp(upscaled(self.to_grey[stage - 1](below)), image, fade)


class Discriminator(nn.Module):
    """Images [N, 1, S, S] of the size that it has grown to, to one logit each, [N]: the generator's mirror image."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.from_grey = nn.ModuleList(EqualizedConv2d(1, width, 1) for width in widths)
        self.blocks = nn.ModuleList(DownBlock(inputs, outputs) for outputs, inputs in pairwise(widths))
        self.verdict = Verdict(widths[0], widths[0])

    def forward(self, images: Tensor, growth: Growth) -> Tensor:
        stage, fade = growth
        x = rectified(self.from_grey[stage](images))
        for index in reversed(range(stage)):
            x = self.blocks[index](x)
            # Behind the newest block the smaller image is mixed in, as in the generator.
            if index == stage - 1 and fade < 1:
                x = torch.lerp(rectified(self.from_grey[index](downscaled(images))), x, fade)
        scores: Tensor = self.verdict(x)
        return scores


class Grown(nn.Module):
    """A generator that knows how far it has grown, its images enlarged to the full size."""

    def __init__(self, generator: Generator, growth: Growth) -> None:
        super().__init__()
        self.generator = generator
        self.growth: Tensor
        # A buffer, so that the growth is stored with the weights.
        self.register_buffer("growth", torch.tensor(growth, dtype=torch.float32))

    def forward(self, latents: Tensor) -> Tensor:
        stage, fade = self.growth.tolist()
        images: Tensor = self.generator(latents, Growth(int(stage), fade))
        return F.interpolate(images, size=FULL_SIZE, mode="nearest")


class ProGANTraining(Training):
    """Both networks, their optimisers and the averaged generator; growth follows from the iteration."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        self.iterations = recipe.iterations
        self.images = datasets.load_grey(recipe.data, root, size=FULL_SIZE).images.to(device)
        widths = numbers(self.settings.widths)
        self.latents = normal_latents(self.settings.latent_dim)
        layout = torch.channels_last
        self.generator = Generator(self.settings.latent_dim, widths).to(device).to(memory_format=layout)
        self.discriminator = Discriminator(widths).to(device).to(memory_format=layout)
        self.average = averaged(self.generator)
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), betas=(0.0, 0.99), eps=1e-8)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99), eps=1e-8)
        self.parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        growth = self.growth()
        self.prepare_optimizers()
        fake = self.generator(self.latents(self.settings.batch_size, self.rng).to(self.device), growth)
        entry = self.step_discriminator(fake.detach(), growth)
        # The discriminator's own gradients would be thrown away.
        self.discriminator.requires_grad_(False)
        loss = losses.non_saturating_loss(self.discriminator(fake, growth))
        update(self.g_optimizer, loss)
        self.discriminator.requires_grad_(True)
        move_average(self.average, self.generator, self.settings.average)
        return entry | {"g_loss": loss.item()}

    def step_discriminator(self, fake: Tensor, growth: Growth) -> dict[str, float]:
        settings = self.settings
        penalised = self.iteration % settings.penalty_every == 0
        real = cross_faded(datasets.to_range(self.draw(self.images, settings.batch_size)), growth)
        real.requires_grad_(penalised)
        real_logits, fake_logits = self.discriminator(real, growth), self.discriminator(fake, growth)
        loss = total = losses.discriminator_loss(real_logits, fake_logits)
        if penalised:
            penalty = losses.r1_penalty(real_logits, real)
            # The penalty of one step stands for those of the steps between, hence the factor.
            total = loss + settings.penalty_every * settings.penalty / 2 * penalty
        update(self.d_optimizer, total)
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        growing = {"pixels": 4 << growth.stage, "fade": growth.fade}
        return {"d_loss": loss.item(), "d_accuracy": accuracy.item(), **growing}

    def growth(self, ago: int = 0) -> Growth:
        return growth_at(max(self.iteration - ago, 0), self.iterations, self.settings)

    def prepare_optimizers(self) -> None:
        """Set the learning rate of this iteration; forget moments at the first iteration of a new size."""
        decay = linear_decay(self.iteration, self.iterations, after=self.settings.decay_after)
        for optimizer in (self.g_optimizer, self.d_optimizer):
            set_learning_rate(optimizer, self.settings.learning_rate * decay)
            # Moments of the smaller network would mislead the first steps of the larger one.
            if self.growth().stage != self.growth(ago=1).stage:
                optimizer.state.clear()

    def weights(self) -> dict[str, Tensor]:
        # as of the last step that was trained
        return Grown(self.average, self.growth(ago=1)).state_dict()


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> LatentSampler:
    def build() -> Grown:
        return Grown(Generator(settings.latent_dim, numbers(settings.widths)), Growth(0, 1.0))

    return LatentSampler(filled_from(build, weights), normal_latents(settings.latent_dim), border=2)


SUMMARY = "ProGAN on MNIST, grown from 4 to 32 pixels"
RECIPES = (Recipe("progan-mnist", SUMMARY, "mnist", Settings(), 22_000, targets=(BETTER_THAN_GAN,)),)

SYSTEM = System(
    name="progan",
    title="ProGAN",
    paper="Karras, Aila, Laine, Lehtinen 2018, arXiv:1710.10196",
    makes="images",
    settings=Settings,
    train=ProGANTraining,
    sampler=sampler,
    score=image_scores,
    recipes=RECIPES,
)
