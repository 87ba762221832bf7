"""DCGAN on 28 x 28 grey images.

The architecture follows the guidelines of Radford, Metz and Chintala (2016): strided convolutions in place of pooling,
batch normalisation except at the generator's output and the discriminator's input, no hidden fully connected layers,
ReLU and tanh in the generator, LeakyReLU of slope 0.2 in the discriminator, weights drawn from N(0, 0.02), Adam with
beta1 0.5 and, in the discriminator, learning rate 2e-4. Deviations: the generator's is 6e-4, without which the
discriminator stays ahead of it and a training takes twice as long; both fall linearly to zero over the last third; the
bundled weights are an exponential moving average.

Four recipes are broken on purpose: what a diagnosis of mode collapse, memorisation or a failed game must notice. The
one that learns by heart needs the R1 penalty of Mescheder et al. for its discriminator of 500 images to keep teaching.

References
----------
Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional GANs. ICLR 2016, arXiv:1511.06434.
Mescheder, Geiger, Nowozin: Which Training Methods for GANs do actually Converge? ICML 2018, arXiv:1801.04406.
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
from ganmetrics.generators.card_scores import image_scores, measured
from ganmetrics.generators.sampler import LatentSampler, batches_of, uniform_latents
from ganmetrics.generators.system import Measured, Recipe, Sampler, System, Target
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
from ganmetrics.measurement import archive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Settings:
    """Settings of a training: the paper's, and ways to break it on purpose.

    Attributes
    ----------
    classes : str
        The digits of the classes that are trained on; all where empty.
    num_images : int
        Train on the first so many images only; all where 0.
    generator_steps, discriminator_steps : int
        Updates of each network in one iteration.
    r1_gamma : float
        gamma / 2 E |grad D|^2 at real images is added to the discriminator's loss (Mescheder et al. 2018).
    """

    latent_dim: int = allowed.whole(100, 1, allowed.WIDEST)
    width: int = allowed.whole(32, 1, 1024)
    batch_size: int = allowed.whole(64, 2, allowed.LARGEST_BATCH)
    learning_rate: float = allowed.rate(6e-4)
    discriminator_rate: float = allowed.rate(2e-4)
    beta1: float = allowed.real(0.5, 0, 1, is_open="high")
    average: float = allowed.real(0.999, 0, 1)
    loss: str = allowed.choice("non-saturating", *losses.GENERATOR_LOSSES)
    classes: str = allowed.digits("")
    num_images: int = allowed.whole(0, 0, allowed.LONGEST)
    generator_steps: int = allowed.whole(1, 1, 1000)
    discriminator_steps: int = allowed.whole(1, 1, 1000)
    r1_gamma: float = allowed.real(0.0, 0, 1e6)


def init_weights(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def up(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    convolution = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def down(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    # A bias would be cancelled by the batch normalisation that follows.
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]


class Generator(nn.Module):
    """Latents [N, latent_dim], uniform in -1..1, to images [N, 1, 28, 28] in -1..1: 4, 7, 14, 28 pixels."""

    def __init__(self, latent_dim: int = 100, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            *up(latent_dim, 4 * width, 4, 1, 0),
            *up(4 * width, 2 * width, 3, 2, 1),
            *up(2 * width, width, 4, 2, 1),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        self.apply(init_weights)

    def forward(self, latents: Tensor) -> Tensor:
        return self.net(latents[:, :, None, None])


class Discriminator(nn.Module):
    """Images [N, 1, 28, 28] in -1..1 to one logit each, [N]: positive means real."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            *down(width, 2 * width, 4),
            *down(2 * width, 4 * width, 3),
            nn.Conv2d(4 * width, 1, 4),
        )
        self.apply(init_weights)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images).flatten()


class DCGANTraining(Training):
    """Both networks, their optimisers and the averaged generator."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)
        self.settings: Settings = recipe.settings
        self.iterations = recipe.iterations
        self.images = chosen_images(recipe.data, root, self.settings).to(device)
        width, latent_dim = self.settings.width, self.settings.latent_dim
        self.latents = uniform_latents(latent_dim)
        self.generator = placed(Generator(latent_dim, width), device)
        self.discriminator = placed(Discriminator(width), device)
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
        decay = linear_decay(self.iteration, self.iterations, after=2 / 3)
        set_learning_rate(self.g_optimizer, self.settings.learning_rate * decay)
        set_learning_rate(self.d_optimizer, self.settings.discriminator_rate * decay)
        for _ in range(self.settings.discriminator_steps):
            entry = self.step_discriminator()
        for _ in range(self.settings.generator_steps):
            entry |= self.step_generator()
        move_average(self.average, self.generator, self.settings.average)
        return entry

    def step_discriminator(self) -> dict[str, float]:
        real = datasets.to_range(self.draw(self.images, self.settings.batch_size))
        with torch.no_grad():
            fake = self.fakes()
        gamma = self.settings.r1_gamma
        # Separate passes, because batch normalisation must not mix real and generated images.
        real_logits, fake_logits = self.discriminator(real.requires_grad_(gamma > 0)), self.discriminator(fake)
        loss = losses.discriminator_loss(real_logits, fake_logits)
        if gamma:
            loss = loss + gamma / 2 * losses.r1_penalty(real_logits, real)
        update(self.d_optimizer, loss)
        accuracy = torch.cat([real_logits > 0, fake_logits < 0]).float().mean()
        return {"d_loss": loss.item(), "d_accuracy": accuracy.item()}

    def step_generator(self) -> dict[str, float]:
        # The discriminator's own gradients would be thrown away.
        self.discriminator.requires_grad_(False)
        loss = losses.GENERATOR_LOSSES[self.settings.loss](self.discriminator(self.fakes()))
        update(self.g_optimizer, loss)
        self.discriminator.requires_grad_(True)
        slopes = [p.grad.norm() for p in self.generator.parameters() if p.grad is not None]
        return {"g_loss": loss.item(), "g_gradient": torch.stack(slopes).norm().item()}

    def fakes(self) -> Tensor:
        return self.generator(self.latents(self.settings.batch_size, self.rng).to(self.device))

    def weights(self) -> dict[str, Tensor]:
        net = averaged(self.average)
        rng = torch.Generator().manual_seed(0)
        # The statistics of the averaged weights are measured on 100 batches of a fixed seed.
        settle_batch_norm(net, (z.to(self.device) for z in batches_of(self.latents, 100, 128, rng)))
        return net.state_dict()


def chosen_images(data: str, root: str | None, settings: Settings) -> Tensor:  # -> uint8 [N, 1, 28, 28]
    images, labels = datasets.load_grey(data, root)
    if settings.classes:
        # The setting names classes by their digits, such as "017".
        kept = torch.tensor([int(digit) for digit in settings.classes])
        images = images[torch.isin(labels, kept)]
    return images[: settings.num_images or None]


def scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return the scores of any generator of images; for MNIST also how near samples are to 500 training images."""
    usual = image_scores(recipe, sampler, seed)
    return [*usual, nearness(sampler, seed)] if recipe.data == "mnist" else usual


def nearness(sampler: Sampler, seed: int) -> Measured:
    """Return the median distance to the nearest of 500 training images, over that to the nearest of 500 others.

    About 1 where training images are nothing special, near 0 where they are copied. The others are the first 500 test
    images; distances are Euclidean between features of ``digits``, of 2,000 samples.
    """
    samples = measured(sampler(2000, seed=seed), "digits").features
    learnt, other = (archive.bundled(name, "digits").features for name in ("mnist-train-500", "mnist-test"))
    assert samples is not None
    assert learnt is not None
    assert other is not None
    # 500 images on either side: a minimum over more images would be smaller.
    near, far = (torch.cdist(samples, known[:500]).amin(dim=1).median() for known in (learnt, other))
    protocol = "2,000 samples, median distance in digits to the nearest of 500 training images over that of 500 unseen"
    return Measured("nearness", "distance to learnt / unseen", float(near / far), True, protocol=protocol)


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> LatentSampler:
    # In float64: the last digits of float32, which differ between processors, would move a pixel value now and then,
    # and with it the digest that the demonstration prints.
    net = filled_from(lambda: Generator(settings.latent_dim, settings.width), weights).double()
    return LatentSampler(net, uniform_latents(settings.latent_dim))


RECIPES = (
    Recipe(
        "dcgan-mnist",
        "DCGAN on MNIST",
        "mnist",
        Settings(),
        24_000,
        targets=(Target("fid", 8.36, "15 times that of the test set"), Target("classes", 10, "none is dropped")),
    ),
    Recipe("dcgan-fashion", "DCGAN on Fashion-MNIST", "fashion", Settings(), 12_000),
    Recipe(
        "dcgan-collapsed",
        "a DCGAN collapsed to one mode",
        "mnist",
        Settings(learning_rate=2e-4, average=0.9, generator_steps=12),
        600,
        fault="mode collapse: twelve generator steps for one of the discriminator, all after the same image",
    ),
    Recipe(
        "dcgan-three-digits",
        "a DCGAN that draws three digits",
        "mnist",
        Settings(classes="017"),
        5_000,
        fault="seven classes are missing: it saw the digits 0, 1 and 7 only",
    ),
    Recipe(
        "dcgan-memorised",
        "a DCGAN that learnt its images by heart",
        "mnist",
        Settings(num_images=500, latent_dim=4, r1_gamma=0.1),
        14_000,
        fault="memorisation: trained on 500 images only",
    ),
    Recipe(
        "dcgan-overpowered",
        "a DCGAN whose discriminator wins",
        "mnist",
        Settings(loss="minimax", learning_rate=2e-5, discriminator_steps=4),
        500,
        fault="vanishing gradient: the minimax loss against a discriminator of four steps to one at ten times the rate",
    ),
)

SYSTEM = System(
    name="dcgan",
    title="DCGAN",
    paper="Radford, Metz, Chintala 2016, arXiv:1511.06434",
    makes="images",
    settings=Settings,
    train=DCGANTraining,
    sampler=sampler,
    score=scores,
    recipes=RECIPES,
)
