"""StyleGAN2 on MNIST, 32 x 32 pixels with a border of two that the samples lose again.

After Karras et al. (2020), at the size of one processor: 4 mapping layers for 8, latents and styles of 64 numbers for
512, 96 to 16 channels for 512. Kept from the paper: the networks (``stylegan2_nets.py``), the logistic non-saturating
loss, R1 every 16 iterations and path-length regularisation every 8, each weighted by its interval, the latter on half
a batch, Adam with beta1 0 and beta2 0.99, corrected for the additional steps, and averaged weights. Style mixing and
truncation are those of StyleGAN (Karras et al. 2019).

Differences: half of the samples mix styles, not nine in ten, each at a crossover of its own; both networks move at once
on one batch of fakes, which saves forward passes; the learning rate falls linearly to zero over the last third.

References
----------
Karras, Laine, Aittala, Hellsten, Lehtinen, Aila: Analyzing and Improving the Image Quality of StyleGAN. CVPR 2020,
arXiv:1912.04958. Karras, Laine, Aila: A Style-Based Generator Architecture for GANs. CVPR 2019, arXiv:1812.04948.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import BETTER_THAN_GAN
from ganmetrics.generators.stylegan2_nets import Discriminator, Generator, PathLength, mixed
from ganmetrics.generators.stylegan2_sampling import StyleSampler, style_scores
from ganmetrics.generators.system import Recipe, System
from ganmetrics.generators.training import (
    Training,
    averaged,
    linear_decay,
    move_average,
    placed,
    set_learning_rate,
    update,
)

if TYPE_CHECKING:
    from torch import Tensor, nn


# Side of the training images, border included, in pixels.
SIZE = 32


@dataclass(frozen=True)
class Settings:
    """The sizes and weights of one training.

    Attributes
    ----------
    depth : int
        Layers of the mapping network.
    channels : str
        Channels at 4, 8, 16 and 32 pixels, in both networks.
    mixing : float
        The share of samples that take the styles of two latents.
    r1_gamma, r1_every : float, int
        gamma / 2 E |grad D|^2 at real images, taken every so many iterations and weighted by as many.
    path_weight, path_decay, path_every : float, float, int
        The weight of the path length penalty, the decay of its running mean, and the steps between penalties.
    w_avg_decay, average : float
        Decays of the mean style and of the averaged weights.
    """

    latent_dim: int = allowed.whole(64, 1, allowed.WIDEST)
    depth: int = allowed.whole(4, 1, 64)
    channels: str = allowed.sizes("96-64-32-16", "-")
    batch_size: int = allowed.whole(32, 2, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(2.5e-3)
    beta2: float = allowed.real(0.99, 0, 1, is_open="high")
    mixing: float = allowed.real(0.5, 0, 1)
    r1_gamma: float = allowed.real(0.1, 0, 1e6)
    r1_every: int = allowed.whole(16, 1, allowed.LONGEST)
    path_weight: float = allowed.real(2.0, 0, 1e6)
    path_decay: float = allowed.real(0.01, 0, 1)
    path_every: int = allowed.whole(8, 1, allowed.LONGEST)
    w_avg_decay: float = allowed.real(0.995, 0, 1)
    average: float = allowed.real(0.999, 0, 1)

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(int(width) for width in self.channels.split("-"))


def lazy_adam(net: nn.Module, beta2: float, every: int) -> torch.optim.Adam:
    """Return Adam for a network that is regularised every k steps: beta1 0, beta2 to the power k / (k + 1)."""
    return torch.optim.Adam(net.parameters(), betas=(0.0, beta2 ** lazy_share(every)))


def lazy_share(every: int) -> float:
    """Return k / (k + 1), the share of loss steps among k of them and one regularisation."""
    return every / (every + 1)


class StyleGAN2Training(Training):
    """Both networks, their optimisers, the averaged generator and the running path length."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        settings: Settings = recipe.settings
        self.settings, self.iterations = settings, recipe.iterations
        self.images = datasets.load_grey(recipe.data, root, size=SIZE).images.to(device)
        generator = Generator(settings.latent_dim, settings.depth, settings.widths)
        self.generator = placed(generator, device)
        self.discriminator = placed(Discriminator(settings.widths), device)
        self.average = averaged(self.generator)
        self.path_length = PathLength(settings.path_decay).to(device)
        self.g_optimizer = lazy_adam(self.generator, settings.beta2, settings.path_every)
        self.d_optimizer = lazy_adam(self.discriminator, settings.beta2, settings.r1_every)
        self.parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "path_length": self.path_length,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def step(self) -> dict[str, float]:
        rate = self.settings.learning_rate * linear_decay(self.iteration, self.iterations, after=2 / 3)
        set_learning_rate(self.g_optimizer, rate * lazy_share(self.settings.path_every))
        set_learning_rate(self.d_optimizer, rate * lazy_share(self.settings.r1_every))
        real = datasets.to_range(self.draw(self.images, self.settings.batch_size))
        entry = self.play(real)
        # Lazy regularisation: every few iterations, weighted by their number.
        if (self.iteration + 1) % self.settings.r1_every == 0:
            entry |= self.regularise_discriminator(real)
        if (self.iteration + 1) % self.settings.path_every == 0:
            entry |= self.regularise_generator()
        move_average(self.average, self.generator, self.settings.average)
        return entry

    def play(self, real: Tensor) -> dict[str, float]:
        """Take a step of the discriminator, then one of the generator on the same generated images."""
        fake, _ = self.fakes(len(real))
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake.detach())
        d_loss = losses.discriminator_loss(real_logits, fake_logits)
        update(self.d_optimizer, d_loss)
        g_loss = losses.non_saturating_loss(self.discriminator(fake))
        self.g_optimizer.zero_grad(set_to_none=True)
        # Gradients of the discriminator's weights are not computed, as only the generator moves here.
        g_loss.backward(inputs=list(self.generator.parameters()))
        self.g_optimizer.step()
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return {"d_loss": d_loss.item(), "g_loss": g_loss.item(), "d_accuracy": accuracy.item()}

    def regularise_discriminator(self, real: Tensor) -> dict[str, float]:
        real.requires_grad_(True)
        penalty = losses.r1_penalty(self.discriminator(real), real)
        update(self.d_optimizer, penalty * (self.settings.r1_gamma / 2 * self.settings.r1_every))
        return {"r1": penalty.item()}

    def regularise_generator(self) -> dict[str, float]:
        # Half a batch, as in the paper: the penalty needs second derivatives.
        images, styles = self.fakes(self.settings.batch_size // 2)
        # Variance 1 / (H W), so that the expected length does not depend on the size.
        direction = torch.randn(images.shape, generator=self.rng).to(self.device) / SIZE
        penalty = self.path_length(images, styles, direction)
        update(self.g_optimizer, penalty * (self.settings.path_weight * self.settings.path_every))
        return {"path_penalty": penalty.item(), "path_length": self.path_length.mean.item()}

    def fakes(self, count: int) -> tuple[Tensor, Tensor]:
        """Generate images [count, 1, 32, 32]; return them with their styles [count, num_styles, latent_dim]."""
        styles = self.styles(count)
        noise = [each.to(self.device) for each in self.generator.synthesis.draw_noise(count, self.rng)]
        return self.generator.synthesis(styles, noise), styles

    def styles(self, count: int) -> Tensor:
        """Draw styles of random latents, some of two latents, and move their running mean."""
        z = torch.randn(2 * count, self.settings.latent_dim, generator=self.rng)
        w = self.generator.mapping(z.to(self.device))
        self.generator.mapping.track(w, self.settings.w_avg_decay)
        crossover = draw_crossovers(count, self.generator.synthesis.num_styles, self.settings.mixing, self.rng)
        first, second = self.generator.broadcast(w).split(count)
        return mixed(first, second, crossover.to(self.device))

    def weights(self) -> dict[str, Tensor]:
        return self.average.state_dict()


def draw_crossovers(count: int, num_styles: int, share: float, rng: torch.Generator) -> Tensor:
    """Draw the layer of each sample's second latent: uniform in 1..num_styles - 1 for a share, else num_styles."""
    is_mixed = torch.rand(count, generator=rng) < share
    return torch.where(is_mixed, torch.randint(1, num_styles, (count,), generator=rng), num_styles)


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> StyleSampler:
    return StyleSampler(filled_from(lambda: Generator(settings.latent_dim, settings.depth, settings.widths), weights))


RECIPES = (Recipe("stylegan2-mnist", "StyleGAN2 on MNIST", "mnist", Settings(), 18_000, targets=(BETTER_THAN_GAN,)),)

SYSTEM = System(
    name="stylegan2",
    title="StyleGAN2",
    paper="Karras, Laine, Aittala, Hellsten, Lehtinen, Aila 2020, arXiv:1912.04958",
    makes="images",
    settings=Settings,
    train=StyleGAN2Training,
    sampler=sampler,
    score=style_scores,
    recipes=RECIPES,
)
