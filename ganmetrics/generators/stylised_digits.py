"""Digits in the style of stripes and checks: neural style transfer as a system that needs no weights.

Each image of a bundled generator is optimised towards the style of a seeded pattern, under the embedded digit
classifier, so that the scores can be taken anywhere. Nothing is trained.

References
----------
Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (arXiv:1508.06576).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import GanMetricsError, UsageError
from ganmetrics.extractors.style_networks import MapNetwork, load_map_network
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.style_transfer import Objective, distances, start_pixels, to_images, transfer
from ganmetrics.generators.system import Measured, Recipe, Sampler, System
from ganmetrics.generators.training import Training

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images

NUM_SCORED = 64
# Pixel values within reach of the optimiser, which black and white are not.
DARK, LIGHT = 40, 200
PROTOCOL = "the mean over {count} pairs of seed {seed} under {network}, {moment}"
AFTER, BEFORE = "after the optimisation", "of the image that it starts from"


@dataclass(frozen=True)
class Settings(Objective):
    """Settings of a system that stylises the images of a bundled generator.

    Attributes
    ----------
    network : str
        A name that ``load_map_network`` takes.
    contents : str
        The generator of the content images.
    """

    network: str = allowed.choice("digits", "auto", "digits", "random-vgg19")
    contents: str = allowed.text(
        "dcgan-mnist", "a generator of images, such as dcgan-mnist", lambda name: _makes_images(name)
    )


def _makes_images(name: str) -> bool:
    # Imported here because the systems include this module.
    from ganmetrics.generators.cards import SYSTEMS, folder_of, read_card

    try:
        return SYSTEMS[read_card(folder_of(name)).system].makes == "images"
    except GanMetricsError:
        return False


class Task(NamedTuple):
    """One transfer: its two images, uint8 [3, H, W], and the seed of its noise."""

    content: Tensor
    style: Tensor
    seed: int


class Stylised:
    """A generator's images in the style of seeded patterns, each optimised by itself."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def network(self) -> MapNetwork:
        return load_map_network(self.settings.network)

    def __call__(self, num_samples: int, *, seed: int = 0) -> Images:
        """Return images as uint8 RGB [num_samples, 3, H, W]."""
        return torch.stack([self.stylised(task) for task in tasks(self.settings, num_samples, seed)])

    def stylised(self, task: Task) -> Tensor:  # -> uint8 [3, H, W]
        return transfer(task.content, task.style, network=self.network, objective=self.settings, seed=task.seed).image

    def preview(self) -> Images:
        """Return rows of ten images: contents, styles, results, and the next ones."""
        todo = list(tasks(self.settings, 30, 0))
        rows = (
            [*(task.content for task in ten), *(task.style for task in ten), *(self.stylised(task) for task in ten)]
            for ten in (todo[:10], todo[10:20], todo[20:])
        )
        return torch.stack([image for row in rows for image in row])


def tasks(settings: Settings, count: int, seed: int) -> Iterator[Task]:
    """Yield the transfers of a seed: each of the generator's images of that seed with a pattern of its own."""
    # Imported here because ``generators`` discovers this file.
    from ganmetrics import generators

    contents = generators.load(settings.contents)(count, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    for content in contents:
        style = pattern(content.shape[-1], rng)
        yield Task(content, style, int(torch.randint(2**31, (), generator=rng)))


def pattern(size: int, rng: torch.Generator) -> Tensor:
    """Return an image of dark and light stripes or checks, uint8 [3, size, size], of 4 to 7 pixels to a period."""
    angle, period, phase, kind = torch.rand(4, generator=rng).tolist()
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    turn, pace = angle * math.pi, 2 * math.pi / (4 + 3 * period)
    waves = torch.sin(pace * (x * math.cos(turn) + y * math.sin(turn)) + 2 * math.pi * phase)
    if kind > 0.5:
        waves = waves * torch.sin(pace * (y * math.cos(turn) - x * math.sin(turn)))
    return torch.where(waves > 0, LIGHT, DARK).to(torch.uint8).expand(3, -1, -1).contiguous()


class NothingToTrain(Training):
    """The training of a system without weights: finished at iteration 0."""

    def __init__(self, recipe: Recipe, root: str | None, seed: int, device: torch.device) -> None:
        super().__init__(seed, device)

    def step(self) -> dict[str, float]:
        what = "style transfer has nothing to train: every image is optimised when it is drawn"
        raise UsageError(what, where="iterations", hint="Leave `iterations` out")

    def weights(self) -> dict[str, Tensor]:
        return {}


def sampler(settings: Settings, weights: Mapping[str, Tensor]) -> Stylised:
    return Stylised(settings)


def transfer_scores(recipe: Recipe, sampler: Sampler, seed: int) -> list[Measured]:
    """Return the distances of 64 images to their own style and content images, before and after."""
    images = sampler(NUM_SCORED, seed=seed)
    settings: Settings = recipe.settings
    network = load_map_network(settings.network)
    todo = list(tasks(settings, NUM_SCORED, seed))
    contents, styles = torch.stack([task.content for task in todo]), torch.stack([task.style for task in todo])
    starts = [start_pixels(network.pixels(task.content[None]), settings.start, task.seed) for task in todo]
    scores: list[Measured] = []
    for moment, each, suffix in ((AFTER, images, ""), (BEFORE, to_images(torch.cat(starts)), "_before")):
        values = distances(network, contents, styles, each)
        protocol = PROTOCOL.format(count=NUM_SCORED, seed=seed, network=network.identity, moment=moment)
        for name, value in values._asdict().items():
            title = f"{name.capitalize()} distance{suffix.replace('_', ' ')}"
            scores.append(Measured(f"{name}_distance{suffix}", title, value, False, protocol=protocol))
    return scores


RECIPES = (
    Recipe(
        "style-transfer",
        "digits of the bundled DCGAN in the style of stripes and checks",
        "mnist",
        Settings(content_weight=1.0, style_weight=5e4, variation_weight=0.3, iterations=30),
        0,
    ),
)

SYSTEM = System(
    name="style-transfer",
    title="Neural style transfer",
    paper="Gatys, Ecker, Bethge 2016, arXiv:1508.06576",
    makes="images",
    settings=Settings,
    train=NothingToTrain,
    sampler=sampler,
    score=transfer_scores,
    preview=Stylised.preview,
    recipes=RECIPES,
)
