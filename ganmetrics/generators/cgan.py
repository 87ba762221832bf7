"""Conditional GAN, fully connected, on 28 x 28 grey images: the class goes into both networks.

As in Mirza and Osindero (2014), latents and the one-hot label each have their own hidden layer before a joint one, in
the generator rectified, in the discriminator of maxout units (images 240 units of 5 pieces, labels 50 of 5, joint 240
of 4). Real and fake images of a batch have the same labels. The training is that of ``gan``, whose settings the paper
takes over.

Deviations, the first two because the paper's start hardly moves in a training as short as this: latents are standard
normal in place of uniform in 0..1; the label's own weights start wider than all others (0.3 in the generator, 0.5 in
the discriminator), for a one-hot input adds up one of them where an image adds up hundreds. The generator's hidden
layers have 400, 200 and 600 units in place of 200, 1000 and 1200; dropout is in the discriminator only, where it leaves
the label alone; momentum rises over the first half of the training; the bundled weights are an exponential moving
average.

References
----------
Mirza, Osindero: Conditional Generative Adversarial Nets. 2014, arXiv:1411.1784.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn import functional as F

from ganmetrics.errors import UsageError
from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.generators import datasets, gan
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import NUM_IMAGES, REFERENCES, classes_of, measured, scores_against
from ganmetrics.generators.gan import PIXELS, GANTraining, Maxout, as_images, as_pixels, init_uniform, start_at_mean
from ganmetrics.generators.sampler import drawn, in_chunks, normal_latents, to_uint8_rgb
from ganmetrics.generators.system import Measured, Recipe, System, Target

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.generators.sampler import Draw
    from ganmetrics.generators.system import Sampler
    from ganmetrics.types import Images

    Labels = int | Sequence[int] | Tensor

NUM_CLASSES = 10


@dataclass(frozen=True)
class Settings(gan.Settings):
    """Settings of a training: those of ``gan``, and the widths of the layers that take the label.

    Attributes
    ----------
    latent_units, label_units : int
        The generator's hidden units for latents and for the label; ``width`` is that of its joint layer.
    label_maxout : int
        The discriminator's maxout units for the label, of ``pieces`` pieces like those for the image.
    joint_pieces : int
        The pieces of its ``units`` joint units.
    """

    latent_units: int = allowed.whole(400, 1, allowed.WIDEST)
    label_units: int = allowed.whole(200, 1, allowed.WIDEST)
    label_maxout: int = allowed.whole(50, 1, allowed.WIDEST)
    joint_pieces: int = allowed.whole(4, 1, 64)


class Generator(nn.Module):
    """Latents [N, latent_dim], standard normal, and one-hot labels [N, 10] to images [N, 1, 28, 28] in -1..1."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.latents = nn.Linear(settings.latent_dim, settings.latent_units)
        self.labels = nn.Linear(NUM_CLASSES, settings.label_units)
        self.joint = nn.Linear(settings.latent_units + settings.label_units, settings.width)
        self.output = nn.Linear(settings.width, PIXELS)
        init_uniform(self, 0.05)
        init_uniform(self.labels, 0.3)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        hidden = torch.cat([self.latents(latents), self.labels(labels)], dim=1).relu()
        return as_images(self.output(self.joint(hidden).relu()).sigmoid())


class Discriminator(nn.Module):
    """Images [N, 1, 28, 28] in -1..1 and one-hot labels [N, 10] to one logit each, [N]: positive means real."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        units, pieces = settings.units, settings.pieces
        self.images = nn.Sequential(nn.Dropout(0.2), Maxout(PIXELS, units, pieces))
        self.labels = Maxout(NUM_CLASSES, settings.label_maxout, pieces)
        self.joint = nn.Sequential(
            nn.Dropout(0.5),
            Maxout(units + settings.label_maxout, units, settings.joint_pieces),
            nn.Dropout(0.5),
            nn.Linear(units, 1),
        )
        init_uniform(self, 0.005)
        init_uniform(self.labels, 0.5)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        hidden = torch.cat([self.images(as_pixels(images)), self.labels(labels)], dim=1)
        return self.joint(hidden).flatten()


class CGANTraining(GANTraining):
    """The training of a GAN whose networks take the label beside latents and images."""

    settings: Settings

    def networks(self) -> tuple[nn.Module, nn.Module, Draw]:
        generator = Generator(self.settings)
        start_at_mean(generator.output, self.images)
        return generator, Discriminator(self.settings), normal_latents(self.settings.latent_dim)

    def draw_real(self) -> tuple[Tensor, ...]:
        rows = self.draw(torch.arange(len(self.images)), self.settings.batch_size)
        return datasets.to_range(self.images[rows]), one_hot(self.labels[rows])


def one_hot(labels: Tensor) -> Tensor:
    """Return labels, int64 [N], as one-hot rows, float32 [N, 10]."""
    return F.one_hot(labels, NUM_CLASSES).float()


class ClassSampler:
    """Images of given classes from a conditional generator."""

    def __init__(self, net: Generator, draw: Draw) -> None:
        self.net, self.draw = net, draw

    def __call__(self, num_samples: int, *, seed: int = 0, labels: Labels | None = None) -> Images:
        """Return images as uint8 RGB [num_samples, 3, 28, 28].

        Parameters
        ----------
        num_samples, seed : int
        labels : int or sequence of int, optional
            The class of all samples, or one for each of them; by default as ``labels_for`` says. A sample's latents
            do not depend on it.
        """
        latents = drawn(self.draw, num_samples, seed)
        classes = self.labels_for(num_samples, labels)
        # Latents are drawn in whole chunks; conditions of samples that are cut off are zero.
        conditions = F.pad(one_hot(classes), [0, 0, 0, len(latents) - num_samples])
        inputs = torch.cat([latents, conditions], dim=1)
        return in_chunks(self.images, inputs)[:num_samples]

    def images(self, inputs: Tensor) -> Images:  # latents beside one-hot labels [N, latent_dim + 10]
        latents, labels = inputs.tensor_split([inputs.shape[1] - NUM_CLASSES], dim=1)
        return to_uint8_rgb(self.net(latents, labels))

    def labels_for(self, num_samples: int, labels: Labels | None = None) -> Tensor:
        """Return the class of each sample, int64 [num_samples]; by default 0 to 9 in turn.

        Raises
        ------
        UsageError
            The labels are not one, or one for each sample, or one of them is no class.
        """
        if labels is None:
            return torch.arange(num_samples) % NUM_CLASSES
        classes = torch.as_tensor(labels)
        if classes.ndim == 0:
            classes = classes.expand(num_samples)
        if classes.is_floating_point() or classes.shape != (num_samples,):
            what = (
                f"the labels are {classes.dtype} of shape {list(classes.shape)}; expected one integer, or {num_samples}"
            )
            raise UsageError(what, where="labels", hint="Give one class for all samples, or one for each")
        if not ((classes >= 0) & (classes < NUM_CLASSES)).all():
            what = f"the labels reach from {int(classes.min())} to {int(classes.max())}; the classes are 0 to 9"
            raise UsageError(what, where="labels")
        return classes.long()


def conditional_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return FID, Inception Score and KID, and the share of samples that show the class asked for."""
    reference = REFERENCES[recipe.data]
    images = sampler(NUM_IMAGES, seed=seed)
    labels = cast("ClassSampler", sampler).labels_for(NUM_IMAGES)
    scores = scores_against(reference, measured(images, reference.extractor))
    return [*scores, label_accuracy(images, labels, reference.extractor)]


def label_accuracy(images: Images, labels: Tensor, extractor: str) -> Measured:
    """Return the share of images, 0 to 1, that a bundled classifier gives the class that they were drawn for."""
    share = (classes_of(images, extractor) == labels).double().mean().item()
    about = f"share of {len(images)} samples, classes 0 to 9 in turn, that {extractor} gives the class asked for"
    return Measured("label_accuracy", "label accuracy", share, True, protocol=about)


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> ClassSampler:
    return ClassSampler(filled_from(lambda: Generator(settings), weights), normal_latents(settings.latent_dim))


TARGETS = (Target("label_accuracy", 0.95, "nineteen labels in twenty"),)
RECIPES = (Recipe("cgan-mnist", "a conditional GAN on MNIST", "mnist", Settings(), 28_000, targets=TARGETS),)

SYSTEM = System(
    name="cgan",
    title="Conditional GAN",
    paper="Mirza, Osindero 2014, arXiv:1411.1784",
    makes="images",
    settings=Settings,
    train=CGANTraining,
    sampler=sampler,
    score=conditional_scores,
    recipes=RECIPES,
)
