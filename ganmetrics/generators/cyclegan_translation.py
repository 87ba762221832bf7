"""Translating with a trained CycleGAN, and the images that its samples are translations of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import InputError
from ganmetrics.generators.cyclegan_domains import SIZE, Domains, digit_domains, drawn_faces
from ganmetrics.generators.datasets import to_range
from ganmetrics.generators.sampler import drawn, in_chunks, to_uint8_rgb
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from torch import nn

    from ganmetrics.types import Images

# Maps a count and a seed to images of both domains, counterparts in the same rows.
Source = Callable[[int, int], Domains]
DIRECTIONS = ("forward", "backward")
DIGITS_GENERATOR = "dcgan-mnist"


class Translator:
    """A sampler of translations.

    Parameters
    ----------
    forward, backward : Module
        First domain to second and second to first, images [N, 3, 32, 32] in -1..1.
    source : callable
        A count and a seed to images of both domains, each beside its counterpart; the first n of a seed must not
        depend on the count.
    """

    def __init__(self, forward: nn.Module, backward: nn.Module, source: Source) -> None:
        self.nets = (forward, backward)
        self.source = source

    def __call__(self, num_samples: int, *, seed: int = 0, direction: str = "forward") -> Images:
        """Return translations of the source's images, uint8 RGB [num_samples, 3, 32, 32].

        Parameters
        ----------
        num_samples, seed : int
        direction : {"forward", "backward"}
            From the first domain to the second, or back.
        """
        side = side_of(direction)
        images = drawn(lambda count, _: self.source(count, seed)[side], num_samples, seed)
        return self.translate(images, direction)[:num_samples]

    def translate(self, images: Images, direction: str = "forward") -> Images:
        """Translate any images.

        Parameters
        ----------
        images : uint8 RGB [N, 3, 32, 32]
        direction : {"forward", "backward"}

        Raises
        ------
        UsageError
            Another direction.
        InputError
            Images of another kind or size.
        """
        net = self.nets[side_of(direction)]
        shape = f"{str(images.dtype).removeprefix('torch.')} {list(images.shape)}"
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1:] != (3, SIZE, SIZE) or not len(images):
            what = f"the images to translate are {shape}; expected uint8 [N, 3, {SIZE}, {SIZE}]"
            hint = "Give digits of 28 px a border of two black pixels, and resize others"
            raise InputError(what, where="images", hint=hint)
        return in_chunks(lambda chunk: to_uint8_rgb(net(to_range(chunk))), images)

    def preview(self) -> Images:
        """Return rows of ten images, each above its translations: three rows of the first domain, two of the second."""
        pairs = self.source(50, 0)
        rows = [
            row
            for side, first in enumerate((pairs.first[:30], pairs.second[30:]))
            for row in zip(first.split(10), self.translate(first, DIRECTIONS[side]).split(10), strict=True)
        ]
        return torch.cat([images for row in rows for images in row])


def side_of(direction: str) -> int:
    """Return the domain that a direction starts from: 0 for forward, 1 for backward (UsageError for another word)."""
    if direction not in DIRECTIONS:
        raise unknown("direction", direction, list(DIRECTIONS))
    return DIRECTIONS.index(direction)


def generated_digits(count: int, seed: int) -> Domains:
    """Return digits of the bundled ``dcgan-mnist`` and their restyled counterparts."""
    # Imported here because ``generators`` discovers this file.
    from ganmetrics import generators

    return digit_domains(generators.load(DIGITS_GENERATOR)(count, seed=seed))


SOURCES: Mapping[str, Source] = {"restyled-mnist": generated_digits, "emoji": drawn_faces}
