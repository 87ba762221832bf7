"""GAN and PacGAN on mixtures of Gaussians in the plane, where the modes that a generator reaches can be counted.

A packed discriminator sees several samples at once, all real or all made, and so also how varied they are; with
``packing`` 1 it is the plain GAN that PacGAN is compared with. The architecture is that of Lin et al. (2018): a
generator of four hidden layers with batch normalisation and rectified linear units on two normal latents, a
discriminator of three maxout layers, the non-saturating loss, Adam with beta1 0.8, batches of 100 packs.

Deviations, for a training of minutes in place of hours: narrower layers, initial weights of He's scale in place of
N(0, 0.02), a learning rate of 1e-3 that falls linearly to zero over the second half in place of a constant 1e-4, both
steps of an iteration share one batch of fakes, and the bundled weights are an exponential moving average. GAN and
PacGAN2 differ in the packing alone.

References
----------
Lin, Khetan, Fanti, Oh: PacGAN: The power of two samples in generative adversarial networks. NeurIPS 2018,
arXiv:1712.04086.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganmetrics.data.mixtures import GRID, RING, Mixture, draw
from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.gan import Maxout
from ganmetrics.generators.sampler import batches_of, drawn, in_chunks, normal_latents
from ganmetrics.generators.system import Measured, Recipe, Sampler, System
from ganmetrics.generators.training import (
    Training,
    averaged,
    linear_decay,
    move_average,
    set_learning_rate,
    settle_batch_norm,
    update,
)
from ganmetrics.metrics.mixture_modes import mixture_modes
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from torch import Tensor

MIXTURES = {mixture.name: mixture for mixture in (RING, GRID)}
NUM_TRAINING_POINTS = 100_000
# Seed of the training points, which are equal for every training.
DATA_SEED = 1
NUM_SCORED_POINTS = 2500
LATENT_DIM = 2
PROTOCOL = "PacGAN: {count} samples of seed {seed}; {mixture}; high quality within 3 standard deviations of a mode"


@dataclass(frozen=True)
class Settings:
    """Settings of a training; the defaults are the paper's but for the deviations that the module states.

    Attributes
    ----------
    mixture : str
        ``"ring"``, 8 Gaussians of standard deviation 0.01 on a circle of radius 1, or ``"grid"``, 5 x 5 of 0.05 with
        a spacing of 2.
    packing : int
        Samples that the discriminator sees at once.
    width : int
        The generator's hidden units (400 in the paper).
    units, pieces : int
        The discriminator's maxout units in each layer and the linear pieces of each (200 and 5 in the paper).
    """

    mixture: str = allowed.choice("ring", *MIXTURES)
    packing: int = allowed.whole(1, 1, 64)
    width: int = allowed.whole(128, 1, allowed.WIDEST)
    units: int = allowed.whole(64, 1, allowed.WIDEST)
    pieces: int = allowed.whole(5, 1, 64)
    batch_size: int = allowed.whole(100, 2, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(1e-3)
    beta1: float = allowed.real(0.8, 0, 1, is_open="high")
    average: float = allowed.real(0.999, 0, 1)


class Generator(nn.Module):
    """Standard normal latents [N, 2] to points [N, 2]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = LATENT_DIM
        for _ in range(4):
            # A bias would be cancelled by the batch normalisation that follows.
            layers += [nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
            inputs = width
        self.net = nn.Sequential(*layers, nn.Linear(width, 2))
        self.apply(init_weights)

    def forward(self, latents: Tensor) -> Tensor:
        return self.net(latents)


class Discriminator(nn.Module):
    """Packs of points [N, packing, 2] to one logit each, [N]: positive means real."""

    def __init__(self, packing: int, units: int, pieces: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(),
            Maxout(2 * packing, units, pieces),
            Maxout(units, units, pieces),
            Maxout(units, units, pieces),
            nn.Linear(units, 1),
        )
        self.apply(init_weights)

    def forward(self, packs: Tensor) -> Tensor:
        return self.net(packs).flatten()


def init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        # Variance 2 / fan-in suits rectified units (He et al. 2015).
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class PacGANTraining(Training):
    """Both networks, their optimisers and the averaged generator."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        self.iterations = recipe.iterations
        data_rng = torch.Generator().manual_seed(DATA_SEED)
        self.points = draw(mixture_of(self.settings), NUM_TRAINING_POINTS, data_rng).to(device)
        self.latents = normal_latents(LATENT_DIM)
        self.generator = Generator(self.settings.width).to(device)
        packing, units, pieces = self.settings.packing, self.settings.units, self.settings.pieces
        self.discriminator = Discriminator(packing, units, pieces).to(device)
        self.average = averaged(self.generator)
        betas = (self.settings.beta1, 0.999)
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), betas=betas)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), betas=betas)
        self.parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        rate = self.settings.learning_rate * linear_decay(self.iteration, self.iterations, after=1 / 2)
        set_learning_rate(self.g_optimizer, rate)
        set_learning_rate(self.d_optimizer, rate)
        # A batch counts packs, each of ``packing`` points.
        count = self.settings.batch_size * self.settings.packing
        real = self.packed(self.draw(self.points, count))
        fake = self.packed(self.generator(self.latents(count, self.rng).to(self.device)))
        entry = self.step_discriminator(real, fake.detach()) | self.step_generator(fake)
        move_average(self.average, self.generator, self.settings.average)
        return entry

    def packed(self, points: Tensor) -> Tensor:  # [N * packing, 2] -> [N, packing, 2]
        return points.view(-1, self.settings.packing, 2)

    def step_discriminator(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        # One pass over both halves: no layer of this network mixes the packs of a batch.
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake])).chunk(2)
        loss = losses.discriminator_loss(real_logits, fake_logits)
        update(self.d_optimizer, loss)
        return {"d_loss": loss.item()}

    def step_generator(self, fake: Tensor) -> dict[str, float]:
        # The discriminator's own gradients would be thrown away.
        self.discriminator.requires_grad_(False)
        loss = losses.non_saturating_loss(self.discriminator(fake))
        update(self.g_optimizer, loss)
        self.discriminator.requires_grad_(True)
        return {"g_loss": loss.item()}

    def weights(self) -> dict[str, Tensor]:
        net = averaged(self.average)
        rng = torch.Generator().manual_seed(0)
        # The statistics of the averaged weights are measured on 100 batches of a fixed seed.
        settle_batch_norm(net, (z.to(self.device) for z in batches_of(self.latents, 100, 512, rng)))
        return net.state_dict()


class PointSampler:
    """Points of a trained generator, float32 [n, 2]."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def __call__(self, num_samples: int, *, seed: int = 0) -> Tensor:
        return in_chunks(self.net, drawn(normal_latents(LATENT_DIM), num_samples, seed))[:num_samples]


def mixture_of(settings: Settings) -> Mixture:
    """Return the mixture of that name (UsageError for an unknown one)."""
    if settings.mixture not in MIXTURES:
        raise unknown("mixture", settings.mixture, list(MIXTURES))
    return MIXTURES[settings.mixture]


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> PointSampler:
    return PointSampler(filled_from(lambda: Generator(settings.width), weights))


def point_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return the captured modes, the percentage of samples of high quality and the reverse KL of 2,500 samples."""
    mixture = mixture_of(recipe.settings)
    protocol = PROTOCOL.format(count=NUM_SCORED_POINTS, seed=seed, mixture=mixture.name)
    return scores_of(sampler(NUM_SCORED_POINTS, seed=seed), mixture, protocol)


def scores_of(points: Tensor, mixture: Mixture, protocol: str) -> list[Measured]:
    modes = mixture_modes(points, torch.tensor(mixture.centers), mixture.std)
    return [
        Measured("modes", f"Modes of {len(mixture.centers)}", float(modes.captured), True, protocol=protocol),
        Measured("high_quality", "High quality (%)", 100 * modes.high_quality, True, protocol=protocol),
        Measured("reverse_kl", "Reverse KL", modes.reverse_kl, False, protocol=protocol),
    ]


RECIPES = (
    Recipe("gan-ring", "a GAN on a ring of 8 Gaussians", "ring", Settings(), 40_000),
    Recipe("pacgan2-ring", "PacGAN2 on a ring of 8 Gaussians", "ring", Settings(packing=2), 40_000),
    Recipe("gan-grid", "a GAN on a grid of 25 Gaussians", "grid", Settings(mixture="grid"), 60_000),
    Recipe("pacgan2-grid", "PacGAN2 on a grid of 25 Gaussians", "grid", Settings(mixture="grid", packing=2), 60_000),
)

SYSTEM = System(
    name="pacgan",
    title="PacGAN",
    paper="Lin et al. 2018, arXiv:1712.04086",
    makes="points",
    settings=Settings,
    train=PacGANTraining,
    sampler=sampler,
    score=point_scores,
    recipes=RECIPES,
)
