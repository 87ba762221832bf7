"""Graded degradations of sets of colour images, by which ``judge_colour.py`` compares extractors."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from distortions import affine, blur_by, smooth_noise, warped
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from ganmetrics.types import Images

LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


class Fault(NamedTuple):
    """One degradation: its family, its level in words, and the degraded images."""

    family: str
    level: str
    images: Images


class Material(NamedTuple):
    """The images to degrade, in an order whose beginning is narrower than the whole, and images from elsewhere."""

    images: Images
    foreign: Images


def faults(material: Material, seed: int = 0) -> Iterator[Fault]:
    """Every degradation, the levels of each family from weak to strong."""
    floats = material.images.float()
    for family, (change, levels) in CHANGES.items():
        for level in levels:
            rng = torch.Generator().manual_seed(seed)
            yield Fault(family, f"{level:g}", rounded(change(floats, level, rng)))
    for family, (choose, levels) in CHOICES.items():
        for level in levels:
            rng = torch.Generator().manual_seed(seed)
            yield Fault(family, f"{level:g}", choose(material, level, rng))


def rounded(images: Tensor) -> Images:
    return images.round().clamp(0, 255).byte()


def _blur(images: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
    return blur_by(images, sigma)


def _noise(images: Tensor, levels: float, rng: torch.Generator) -> Tensor:
    return images + levels * torch.randn(images.shape, generator=rng)


def _jpeg(images: Tensor, quality: float, rng: torch.Generator) -> Tensor:
    found = []
    for image in rounded(images).permute(0, 2, 3, 1).numpy():
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=int(quality))
        found.append(np.array(Image.open(stream)))
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float()


def _saturation(images: Tensor, factor: float, rng: torch.Generator) -> Tensor:
    return torch.lerp((images * LUMA).sum(dim=1, keepdim=True).expand_as(images), images, factor)


def _hue(images: Tensor, degrees: float, rng: torch.Generator) -> Tensor:
    """A turn about the grey axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees)) / 3**0.5
    third = (1 - c) / 3
    matrix = torch.full((3, 3), third) + torch.tensor([[c, -s, s], [s, c, -s], [-s, s, c]])
    return torch.einsum("ij,njhw->nihw", matrix, images)


def _brightness(images: Tensor, added: float, rng: torch.Generator) -> Tensor:
    return images + added


def _contrast(images: Tensor, factor: float, rng: torch.Generator) -> Tensor:
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + factor * (images - mean)


def _elastic(images: Tensor, share: float, rng: torch.Generator) -> Tensor:
    shape = torch.Size((len(images), 2, *images.shape[2:]))
    return warped(images, 2 * share * smooth_noise(shape, 8, rng))


def _rotation(images: Tensor, degrees: float, rng: torch.Generator) -> Tensor:
    return affine(images, math.radians(degrees))


def _checkerboard(images: Tensor, levels: float, rng: torch.Generator) -> Tensor:
    rows, columns = (torch.arange(size) for size in images.shape[-2:])
    return images + levels * (1 - 2.0 * ((rows[:, None] + columns) % 2))


def _resizing(images: Tensor, factor: float, rng: torch.Generator) -> Tensor:
    size = [round(side * factor) for side in images.shape[-2:]]
    shrunk = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(shrunk, images.shape[-2:], mode="bilinear", align_corners=False)


def _boxes(images: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """A black square at a random place of each image."""
    side = round(share * images.shape[-1])
    top, left = torch.randint(images.shape[-1] - side + 1, (2, len(images), 1, 1), generator=rng)
    place = torch.arange(images.shape[-1])
    inside = ((place >= top) & (place < top + side)).transpose(1, 2) & (place >= left) & (place < left + side)
    return images * ~inside[:, None]


def _blend(images: Tensor, share: float, rng: torch.Generator) -> Tensor:
    return torch.lerp(images, images[torch.randperm(len(images), generator=rng)], share)


def _foreign(material: Material, share: float, rng: torch.Generator) -> Images:
    count = round(share * len(material.images))
    return torch.cat([material.foreign[:count], material.images[count:]])


def _repeats(material: Material, distinct: float, rng: torch.Generator) -> Images:
    return _repeated(material.images[torch.randperm(len(material.images), generator=rng)], int(distinct))


def _narrow(material: Material, share: float, rng: torch.Generator) -> Images:
    return _repeated(material.images, round(share * len(material.images)))


def _repeated(images: Images, distinct: int) -> Images:
    return images[torch.arange(len(images)) % distinct]


Change = Callable[[Tensor, float, torch.Generator], Tensor]
CHANGES: dict[str, tuple[Change, tuple[float, ...]]] = {
    "blur, σ in pixels": (_blur, (0.5, 1, 2)),
    "noise, levels": (_noise, (8, 20, 50)),
    "JPEG, quality": (_jpeg, (60, 25, 8)),
    "saturation, factor": (_saturation, (0.5, 0)),
    "hue, degrees": (_hue, (30, 120)),
    "brightness, levels added": (_brightness, (20, 60)),
    "contrast, factor": (_contrast, (0.7, 0.4)),
    "elastic, share of the side": (_elastic, (0.02, 0.05, 0.1)),
    "rotation, degrees": (_rotation, (10, 45)),
    "checkerboard, levels": (_checkerboard, (4, 12, 30)),
    "resized down and up, factor": (_resizing, (0.75, 0.5, 0.25)),
    "black box, share of the side": (_boxes, (0.15, 0.3, 0.5)),
    "blended with another, share": (_blend, (0.15, 0.3, 0.5)),
}
Choice = Callable[[Material, float, torch.Generator], "Images"]
CHOICES: dict[str, tuple[Choice, tuple[float, ...]]] = {
    "foreign images, share": (_foreign, (0.1, 0.3, 1)),
    "repeats, distinct images": (_repeats, (100, 20, 5)),
    "first part of the order, share": (_narrow, (0.5, 0.2, 0.05)),
}
