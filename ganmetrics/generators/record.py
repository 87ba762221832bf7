"""What a reference generator is to the rest of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ganmetrics.types import Images


class Sampler(Protocol):
    """A trained generator: a number of images and a seed to uint8 RGB images [N, 3, H, W]."""

    def __call__(self, num_images: int, *, seed: int = 0) -> Images: ...


class GeneratorRecord(NamedTuple):
    """How to load one trained generator, and what to say about it."""

    name: str
    load: Callable[[], Sampler]
    summary: str
    paper: str
