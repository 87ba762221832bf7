"""Coloured shapes of six kinds, drawn by a seeded formula: colour images that need no download."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ganmetrics.types import Images

    Plane = np.ndarray[Any, np.dtype[np.float64]]

SIDE = 64
# Least sum of the differences between the colours of a shape and of its ground.
CONTRAST = 120


def shapes(kinds: Sequence[str], *, seed: int) -> Images:
    """Draw one image of each given kind, of any colour, size, place and turn, on a plain or shaded ground.

    Parameters
    ----------
    kinds : sequence of str
        Names of ``KINDS``.
    seed : int

    Returns
    -------
    Tensor, uint8 [N, 3, 64, 64]
    """
    rng = np.random.RandomState(seed)
    return torch.from_numpy(np.stack([_drawn(KINDS[kind], rng) for kind in kinds]))


def _drawn(
    distance: Callable[[Plane, Plane], Plane], rng: np.random.RandomState
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw one image, uint8 [3, SIDE, SIDE]."""
    ground, other, ink = rng.randint(256, size=(3, 3, 1, 1))
    while np.abs(ink - ground).sum() < CONTRAST:
        ink = rng.randint(256, size=(3, 1, 1))
    shade = np.linspace(0, rng.uniform(0, 0.6), SIDE)[:, None]
    radius, turn = rng.uniform(0.16, 0.32), rng.uniform(0, 2 * math.pi)
    down, right = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - rng.uniform(0.35, 0.65, size=(2, 1, 1))
    u = (right * math.cos(turn) + down * math.sin(turn)) / radius
    v = (down * math.cos(turn) - right * math.sin(turn)) / radius
    # An edge is one pixel wide.
    cover = np.clip(0.5 - distance(u, v) * radius * SIDE, 0, 1)
    page = ground + shade * (other - ground)
    return (page + cover * (ink - page)).round().astype(np.uint8)


def _star(u: Plane, v: Plane) -> Plane:
    """The distance to a star of five points, whose edges are straight from the outer to the inner corners."""
    sector = np.abs((np.arctan2(u, v) + math.pi / 5) % (2 * math.pi / 5) - math.pi / 5)
    x, y = np.hypot(u, v) * np.cos(sector), np.hypot(u, v) * np.sin(sector)
    inner = 0.45 * np.array([math.cos(math.pi / 5), math.sin(math.pi / 5)])
    edge = inner - np.array([1.1, 0.0])
    return ((x - 1.1) * edge[1] - y * edge[0]) / np.hypot(*edge)


def _cross(u: Plane, v: Plane) -> Plane:
    a, b = np.abs(u), np.abs(v)
    return np.minimum(np.maximum(a - 0.3, b - 1), np.maximum(a - 1, b - 0.3))


# The signed distance from the edge of each kind of about radius 1, negative inside.
KINDS: dict[str, Callable[[Plane, Plane], Plane]] = {
    "cross": _cross,
    "disc": lambda u, v: np.hypot(u, v) - 1,
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.8) - 0.2,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) - 0.75,
    "star": _star,
    "triangle": lambda u, v: np.maximum(np.abs(u) * math.sqrt(0.75) + v / 2, -v) - 0.55,
}
