"""The first GAN, fully connected, on 28 x 28 grey images, with both of its generator losses.

The networks and their training follow Goodfellow et al. (2014) and the settings that its authors published: rectified
linear units and a sigmoid output in the generator, whose output biases start at the data's mean pixels; a discriminator
of two maxout layers of 240 units with 5 pieces each, under dropout (0.2 of the pixels, 0.5 of the hidden units);
standard normal latents; stochastic gradient descent in batches of 100, with a momentum that rises from 0.5 to 0.7 and a
learning rate that decays exponentially from 0.1.

Deviations: the generator's hidden layers have 600 units in place of 1200; the training is shorter, so momentum rises
over its first half and the learning rate decays ten times faster; both steps of an iteration share one batch of fakes;
the bundled weights are an exponential moving average. With the minimax loss these settings fail as the paper warns: the
discriminator rejects every fake and log(1 - D) leaves no gradient. That recipe uses Adam, which scales a small gradient
up, and a discriminator that learns ten times more slowly than the generator.

References
----------
Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio: Generative Adversarial Nets. NeurIPS 2014,
arXiv:1406.2661.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, losses
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import image_scores
from ganmetrics.generators.sampler import LatentSampler, normal_latents
from ganmetrics.generators.system import Recipe, System
from ganmetrics.generators.training import Training, averaged, move_average, set_learning_rate, update

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from ganmetrics.generators.sampler import Draw

PIXELS = 28 * 28


@dataclass(frozen=True)
class Settings:
    """Settings of a training; the defaults are the authors' but for the deviations that the module states.

    Attributes
    ----------
    width : int
        The generator's hidden units.
    units, pieces : int
        The discriminator's maxout units in each layer and the linear pieces of each.
    optimizer : {"sgd", "adam"}
    learning_rate, discriminator_rate : float
        Of the generator and of the discriminator, at the start.
    decay : float
        What both are divided by after every iteration.
    momentum, final_momentum : float
        Of the first iteration and of the second half; with Adam ``momentum`` is its beta1 throughout.
    """

    latent_dim: int = allowed.whole(100, 1, allowed.WIDEST)
    width: int = allowed.whole(600, 1, allowed.WIDEST)
    units: int = allowed.whole(240, 1, allowed.WIDEST)
    pieces: int = allowed.whole(5, 1, 64)
    batch_size: int = allowed.whole(100, 1, allowed.LARGEST_BATCH)
    optimizer: str = allowed.choice("sgd", "sgd", "adam")
    learning_rate: float = allowed.rate(0.1)
    discriminator_rate: float = allowed.rate(0.1)
    decay: float = allowed.real(1.00004, 1, 2)
    momentum: float = allowed.real(0.5, 0, 1, is_open="high")
    final_momentum: float = allowed.real(0.7, 0, 1, is_open="high")
    average: float = allowed.real(0.999, 0, 1)
    loss: str = allowed.choice("non-saturating", *losses.GENERATOR_LOSSES)


class Maxout(nn.Module):
    """The largest of ``pieces`` affine maps for every unit (Goodfellow et al. 2013), [N, inputs] to [N, units]."""

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, units * pieces)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(dim=2)


def init_uniform(net: nn.Module, reach: float) -> None:
    """Weights uniform in -reach..reach, biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.uniform_(module.weight, -reach, reach)
            nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """Latents [N, latent_dim], standard normal, to images [N, 1, 28, 28] in -1..1."""

    def __init__(self, latent_dim: int = 100, width: int = 600) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(latent_dim, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, PIXELS),
            nn.Sigmoid(),
        )
        init_uniform(self, 0.05)

    def forward(self, latents: Tensor) -> Tensor:
        return as_images(self.net(latents))


class Discriminator(nn.Module):
    """Images [N, 1, 28, 28] in -1..1 to one logit each, [N]: positive means real."""

    def __init__(self, units: int = 240, pieces: int = 5) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Dropout(0.2),
            Maxout(PIXELS, units, pieces),
            nn.Dropout(0.5),
            Maxout(units, units, pieces),
            nn.Dropout(0.5),
            nn.Linear(units, 1),
        )
        init_uniform(self, 0.005)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(as_pixels(images)).flatten()


def as_images(pixels: Tensor) -> Tensor:
    """Convert rows [N, 784] in 0..1 to images [N, 1, 28, 28] in -1..1."""
    return (pixels * 2 - 1).view(-1, 1, 28, 28)


def as_pixels(images: Tensor) -> Tensor:
    """Convert images in -1..1 to rows in 0..1, in which a dropped pixel is black."""
    return (images.flatten(1) + 1) / 2


@torch.no_grad()
def start_at_mean(layer: nn.Linear, images: Tensor) -> None:
    """Give a layer before a sigmoid the biases with which its output is the mean of uint8 images, pixel by pixel."""
    mean = images.flatten(1).float().mean(dim=0) / 255
    # A pixel that is always black has the logit -inf; eps keeps it finite.
    layer.bias.copy_(mean.logit(eps=1e-7))


class GANTraining(Training):
    """Both networks, their optimisers and the averaged generator.

    A subclass replaces ``networks`` and ``draw_real`` where the networks take a condition beside latents and images.
    """

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings = recipe.settings
        self.iterations = recipe.iterations
        self.images, self.labels = (each.to(device) for each in datasets.load_grey(recipe.data, root))
        self.generator, self.discriminator, self.latents = self.networks()
        self.generator.to(device)
        self.discriminator.to(device)
        self.average = averaged(self.generator)
        self.g_optimizer = optimizer_for(self.generator, self.settings)
        self.d_optimizer = optimizer_for(self.discriminator, self.settings)
        self.parts = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }

    def networks(self) -> tuple[nn.Module, nn.Module, Draw]:
        settings = self.settings
        generator = Generator(settings.latent_dim, settings.width)
        # net[-2] is the linear layer before the sigmoid.
        start_at_mean(cast("nn.Linear", generator.net[-2]), self.images)
        return generator, Discriminator(settings.units, settings.pieces), normal_latents(settings.latent_dim)

    def draw_real(self) -> tuple[Tensor, ...]:
        """Draw real images in -1..1, and what both networks are conditioned on."""
        return (datasets.to_range(self.draw(self.images, self.settings.batch_size)),)

    def step(self) -> dict[str, float]:
        # decay^(-iteration): the rate shrinks by the factor 1 / decay in each iteration.
        decay = self.settings.decay**-self.iteration
        momentum = momentum_at(self.iteration, self.iterations, self.settings)
        set_pace(self.g_optimizer, self.settings.learning_rate * decay, momentum)
        set_pace(self.d_optimizer, self.settings.discriminator_rate * decay, momentum)
        real, *condition = self.draw_real()
        # One batch of generated images serves both steps of an iteration.
        fake = self.generator(self.latents(len(real), self.rng).to(self.device), *condition)
        entry = self.step_discriminator(real, fake.detach(), condition) | self.step_generator(fake, condition)
        move_average(self.average, self.generator, self.settings.average)
        return entry

    def step_discriminator(self, real: Tensor, fake: Tensor, condition: list[Tensor]) -> dict[str, float]:
        both = [torch.cat([each, each]) for each in condition]
        # One pass over both halves: no layer of this network mixes the images of a batch.
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake]), *both).chunk(2)
        loss = losses.discriminator_loss(real_logits, fake_logits)
        update(self.d_optimizer, loss)
        # Logit 0 is the decision between real and generated.
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return {"d_loss": loss.item(), "d_accuracy": accuracy.item()}

    def step_generator(self, fake: Tensor, condition: list[Tensor]) -> dict[str, float]:
        # The discriminator's own gradients would be thrown away.
        self.discriminator.requires_grad_(False)
        loss = losses.GENERATOR_LOSSES[self.settings.loss](self.discriminator(fake, *condition))
        update(self.g_optimizer, loss)
        self.discriminator.requires_grad_(True)
        # The norm of the whole gradient, from the norms of its parts.
        slopes = [p.grad.norm() for p in self.generator.parameters() if p.grad is not None]
        return {"g_loss": loss.item(), "g_gradient": torch.stack(slopes).norm().item()}

    def weights(self) -> dict[str, Tensor]:
        return averaged(self.average).state_dict()


def optimizer_for(net: nn.Module, settings: Settings) -> Optimizer:
    """Return the optimiser of a network; every step sets its learning rate."""
    if settings.optimizer == "adam":
        return torch.optim.Adam(net.parameters(), betas=(settings.momentum, 0.999))
    # The authors used plain gradient descent with momentum.
    return torch.optim.SGD(net.parameters(), settings.learning_rate, momentum=settings.momentum)


def momentum_at(iteration: int, iterations: int, settings: Settings) -> float:
    """Return the momentum of an iteration: it rises linearly over the first half of a training."""
    risen = min(1.0, 2 * iteration / iterations)
    return settings.momentum + (settings.final_momentum - settings.momentum) * risen


def set_pace(optimizer: Optimizer, rate: float, momentum: float) -> None:
    """Give an optimiser its learning rate and, where it has one, its momentum."""
    set_learning_rate(optimizer, rate)
    for group in optimizer.param_groups:
        if "momentum" in group:
            group["momentum"] = momentum


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> LatentSampler:
    net = filled_from(lambda: Generator(settings.latent_dim, settings.width), weights)
    return LatentSampler(net, normal_latents(settings.latent_dim))


RECIPES = (
    Recipe("gan-mnist", "the first GAN on MNIST, with the non-saturating loss", "mnist", Settings(), 25_000),
    Recipe(
        "gan-mnist-minimax",
        "the first GAN on MNIST, with the minimax loss",
        "mnist",
        Settings(loss="minimax", optimizer="adam", learning_rate=1e-3, discriminator_rate=1e-4),
        20_000,
    ),
)

SYSTEM = System(
    name="gan",
    title="GAN",
    paper="Goodfellow et al. 2014, arXiv:1406.2661",
    makes="images",
    settings=Settings,
    train=GANTraining,
    sampler=sampler,
    score=image_scores,
    recipes=RECIPES,
)
