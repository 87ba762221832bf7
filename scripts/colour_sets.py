"""The images by which ``judge_colour.py`` compares extractors: photographs, emoji, and drawn shapes of six kinds."""

from __future__ import annotations

import io
import math
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

    from ganmetrics.types import Images

    Point = tuple[float, float]

KINDS = ("disc", "square", "triangle", "star", "ring", "cross")
OVERSAMPLED = 3


class Labelled(NamedTuple):
    """Images with classes, sorted by class so that the first part of them is narrower than the whole."""

    images: Images
    labels: torch.Tensor


def cifar(data: Path) -> Labelled:
    """5,000 photographs of ten kinds of things, 32 px."""
    with np.load(data / "cifar10_train4000_test1000.npz") as found:
        pixels = np.concatenate([found["train_images"], found["test_images"]])
        labels = np.concatenate([found["train_labels"], found["test_labels"]])
    return Labelled(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels).long())


def emoji(data: Path) -> Labelled:
    """2,153 emoji of one design, 32 px, in the order of their code points, which is one of topics."""
    pictures = {}
    with tarfile.open(data / "noto_emoji32.tar.xz") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream and "B_noto2025/" in member.name and member.name.endswith(".png"):
                pictures[member.name] = _opened(stream.read())
    images = torch.stack([pictures[name] for name in sorted(pictures)])
    return Labelled(images, torch.arange(len(images)) * 10 // len(images))


def _opened(content: bytes) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(io.BytesIO(content)).convert("RGB"))).permute(2, 0, 1)


def shapes(count: int, side: int, seed: int = 0) -> Labelled:
    """Shapes of six kinds, each of any colour, size, place and turn, on plain or shaded backgrounds."""
    rng = np.random.RandomState([side, seed])
    labels = rng.randint(len(KINDS), size=count)
    images = torch.stack([_shape(KINDS[label], side, rng) for label in labels])
    return Labelled(images, torch.from_numpy(labels))


def _shape(kind: str, side: int, rng: np.random.RandomState) -> torch.Tensor:
    """One picture, uint8 [3, side, side]; it is drawn larger and shrunk, so that edges are smooth."""
    size = side * OVERSAMPLED
    ground, other, ink = rng.randint(256, size=(3, 3))
    while np.abs(ink - ground).sum() < 120:
        ink = rng.randint(256, size=3)
    ramp = np.linspace(0, rng.uniform(0, 0.6), side)[:, None, None]
    page = Image.fromarray(np.broadcast_to(ground + ramp * (other - ground), (side, side, 3)).astype(np.uint8))
    radius = size * rng.uniform(0.16, 0.32)
    centre = (size * rng.uniform(0.35, 0.65), size * rng.uniform(0.35, 0.65))
    mask = Image.new("L", (size, size))
    DRAWN[kind](ImageDraw.Draw(mask), centre, radius, rng.uniform(0, 2 * math.pi))
    page.paste(tuple(int(value) for value in ink), mask=mask.resize((side, side), Image.Resampling.BOX))
    return torch.from_numpy(np.array(page)).permute(2, 0, 1)


def _corners(centre: Point, radii: list[float], turn: float) -> list[Point]:
    """Corners at equal angles whose distances from the centre take turns."""
    angles = [turn + 2 * math.pi * place / len(radii) for place in range(len(radii))]
    return [(centre[0] + r * math.cos(a), centre[1] + r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]


def _box(centre: Point, radius: float) -> list[Point]:
    return [(centre[0] - radius, centre[1] - radius), (centre[0] + radius, centre[1] + radius)]


def _disc(draw: ImageDraw.ImageDraw, centre: Point, radius: float, turn: float) -> None:
    draw.ellipse(_box(centre, radius), fill=255)


def _ring(draw: ImageDraw.ImageDraw, centre: Point, radius: float, turn: float) -> None:
    draw.ellipse(_box(centre, radius), fill=255)
    draw.ellipse(_box(centre, 0.6 * radius), fill=0)


def _polygon(pattern: list[float]) -> Callable[[ImageDraw.ImageDraw, Point, float, float], None]:
    def drawn(draw: ImageDraw.ImageDraw, centre: Point, radius: float, turn: float) -> None:
        draw.polygon(_corners(centre, [radius * share for share in pattern], turn), fill=255)

    return drawn


def _cross(draw: ImageDraw.ImageDraw, centre: Point, radius: float, turn: float) -> None:
    for quarter in (0.0, math.pi / 2):
        angles = [turn + quarter + sign * math.pi + bend for sign in (0, 1) for bend in (-0.3, 0.3)]
        draw.polygon([(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles], fill=255)


DRAWN = {
    "disc": _disc, "square": _polygon([1.0] * 4), "triangle": _polygon([1.1] * 3), "star": _polygon([1.1, 0.45] * 5),
    "ring": _ring, "cross": _cross,
}  # fmt: skip
