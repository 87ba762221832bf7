"""Wasserstein GAN on 28 x 28 grey images, with weight clipping and with a gradient penalty.

Clipping follows Arjovsky, Chintala and Bottou (2017): a DCGAN generator against a critic of the same kind without a
sigmoid, five critic steps to one of the generator, all of the critic's weights clipped to -0.01..0.01 after each of
them, RMSProp, batches of 64. The penalty follows Gulrajani et al. (2017): a critic without batch normalisation, weight
10, and Adam with beta1 0.5 and beta2 0.9 as in its authors' program.

``wasserstein`` in the log is the critic's estimate, averaged over the critic steps of an iteration, taken before each
update: the quantity that is meant to fall as samples improve.

Deviations: the authors' longer critic training in the first 25 iterations is left out; for a shorter training the
learning rate is 2e-4 in place of 5e-5 with clipping (at 5e-5, 4,000 iterations had reached an FID(digits) of 115) and
of 1e-4 with the penalty, whose batches are of 32 images in place of 64; in both the rate falls linearly to zero over
the last third; the bundled weights are an exponential moving average.

References
----------
Arjovsky, Chintala, Bottou: Wasserstein Generative Adversarial Networks. ICML 2017, arXiv:1701.07875.
Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville: Improved Training of Wasserstein GANs. NeurIPS 2017, arXiv:1704.00028.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import image_scores
from ganmetrics.generators.dcgan import Discriminator, Generator
from ganmetrics.generators.sampler import LatentSampler, batches_of, normal_latents
from ganmetrics.generators.system import Recipe, System
from ganmetrics.generators.training import (
    Training,
    averaged,
    linear_decay,
    move_average,
    placed,
    set_learning_rate,
    settle_batch_norm,
    update,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


@dataclass(frozen=True)
class Settings:
    """Settings of a training; the defaults are those of weight clipping.

    Attributes
    ----------
    critic_steps : int
        Updates of the critic for one of the generator.
    clip : float
        The bound of every weight of the critic; 0 for the gradient penalty in its place.
    penalty : float
        The weight of the gradient penalty.
    """

    latent_dim: int = allowed.whole(100, 1, allowed.WIDEST)
    width: int = allowed.whole(32, 1, 1024)
    batch_size: int = allowed.whole(64, 2, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(2e-4)
    critic_steps: int = allowed.whole(5, 1, 1000)
    clip: float = allowed.real(0.01, 0, 1e6)
    penalty: float = allowed.real(0.0, 0, 1e6)
    average: float = allowed.real(0.999, 0, 1)

    def conflict(self) -> str:
        """Return which settings do not go together; empty where all do."""
        if bool(self.clip) != bool(self.penalty):
            return ""
        both = f"both clip ({self.clip:g}) and penalty ({self.penalty:g})" if self.clip else "neither clip nor penalty"
        return f"{both} would bound the critic; exactly one of them must be above 0"


class SmoothCritic(nn.Module):
    """Images [N, 1, 28, 28] in -1..1 to one score each, [N], without batch normalisation.

    The penalty asks for a gradient of each image alone, which normalisation over a batch would mix.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4 * width, 1, 4),
        )
        self.apply(init_he)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images).flatten()


def init_he(module: nn.Module) -> None:
    """Weights of variance 2 / fan-in, for LeakyReLU of slope 0.2 (He et al. 2015)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=0.2)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class WGANTraining(Training):
    """Generator, critic, their optimisers and the averaged generator."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        self.iterations = recipe.iterations
        self.images = datasets.load_grey(recipe.data, root).images.to(device)
        self.latents = normal_latents(self.settings.latent_dim)
        width = self.settings.width
        self.generator = placed(Generator(self.settings.latent_dim, width), device)
        self.critic = placed(Discriminator(width) if self.settings.clip else SmoothCritic(width), device)
        self.average = averaged(self.generator)
        self.g_optimizer = optimizer_for(self.generator, self.settings)
        self.c_optimizer = optimizer_for(self.critic, self.settings)
        self.parts = {
            "generator": self.generator,
            "critic": self.critic,
            "average": self.average,
            "g_optimizer": self.g_optimizer,
            "c_optimizer": self.c_optimizer,
        }

    def step(self) -> dict[str, float]:
        rate = self.settings.learning_rate * linear_decay(self.iteration, self.iterations, after=2 / 3)
        set_learning_rate(self.g_optimizer, rate)
        set_learning_rate(self.c_optimizer, rate)
        # The log has means over the critic's steps.
        taken = [self.step_critic() for _ in range(self.settings.critic_steps)]
        entry = {name: sum(each[name] for each in taken) / len(taken) for name in taken[0]}
        entry |= self.step_generator()
        move_average(self.average, self.generator, self.settings.average)
        return entry

    def step_critic(self) -> dict[str, float]:
        real = datasets.to_range(self.draw(self.images, self.settings.batch_size))
        with torch.no_grad():
            fake = self.fakes()
        # The critic ascends on the estimate, hence the minus sign below.
        estimate = losses.wasserstein_estimate(self.critic(real), self.critic(fake))
        entry = {"wasserstein": estimate.item()}
        loss = -estimate
        if not self.settings.clip:
            penalty = losses.gradient_penalty(self.critic, real, fake, self.rng)
            entry["penalty"] = penalty.item()
            loss = loss + self.settings.penalty * penalty
        update(self.c_optimizer, loss)
        # Clipping keeps the critic Lipschitz, by a constant that the bound sets.
        if self.settings.clip:
            clip_weights(self.critic, self.settings.clip)
        return entry

    def step_generator(self) -> dict[str, float]:
        # The critic's own gradients would be thrown away.
        self.critic.requires_grad_(False)
        loss = -self.critic(self.fakes()).mean()
        update(self.g_optimizer, loss)
        self.critic.requires_grad_(True)
        return {"g_loss": loss.item()}

    def fakes(self) -> Tensor:
        return self.generator(self.latents(self.settings.batch_size, self.rng).to(self.device))

    def weights(self) -> dict[str, Tensor]:
        net = averaged(self.average)
        rng = torch.Generator().manual_seed(0)
        # The statistics of the averaged weights are measured on 100 batches of a fixed seed.
        settle_batch_norm(net, (z.to(self.device) for z in batches_of(self.latents, 100, 128, rng)))
        return net.state_dict()


def optimizer_for(net: nn.Module, settings: Settings) -> Optimizer:
    """Return RMSProp for clipping, which momentum would destabilise, and Adam for the penalty."""
    if settings.clip:
        # Arjovsky et al., algorithm 1.
        return torch.optim.RMSprop(net.parameters(), settings.learning_rate)
    # Betas of the program of Gulrajani et al.
    return torch.optim.Adam(net.parameters(), settings.learning_rate, betas=(0.5, 0.9))


@torch.no_grad()
def clip_weights(net: nn.Module, bound: float) -> None:
    """Bring every parameter into -bound..bound."""
    for parameter in net.parameters():
        parameter.clamp_(-bound, bound)


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> LatentSampler:
    net = filled_from(lambda: Generator(settings.latent_dim, settings.width), weights)
    return LatentSampler(net, normal_latents(settings.latent_dim))


WITH_PENALTY = Settings(batch_size=32, clip=0.0, penalty=10.0)

RECIPES = (
    Recipe("wgan-mnist", "a Wasserstein GAN on MNIST, with weight clipping", "mnist", Settings(), 8_000),
    Recipe("wgan-gp-mnist", "a Wasserstein GAN on MNIST, with a gradient penalty", "mnist", WITH_PENALTY, 5_500),
)

SYSTEM = System(
    name="wgan",
    title="Wasserstein GAN",
    paper="Arjovsky, Chintala, Bottou 2017, arXiv:1701.07875; Gulrajani et al. 2017, arXiv:1704.00028",
    makes="images",
    settings=Settings,
    train=WGANTraining,
    sampler=sampler,
    score=image_scores,
    recipes=RECIPES,
)
