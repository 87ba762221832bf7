"""Silhouettes: signed distances, negative inside, in the coordinates of a shape whose radius is about one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional as F

# (u, v, own) -> distance; u and v are [N, H, W], own [N, 1, 1] in 0..1 tells shapes of one family apart.
Silhouette = Callable[[Tensor, Tensor, Tensor], Tensor]
GLYPHS, GLYPH_SIDE = "ABCDEFGHJKLMNPQRSTUVWXYZ2345679&?#@", 40


def disc(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.hypot(u, v) - 1


def ring(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return (torch.hypot(u, v) - 0.75).abs() - (0.12 + 0.18 * own)


def square(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) - 0.85


def triangle(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.maximum(u.abs() * 0.866 + v * 0.5, -v) - 0.55


def star(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    points = (4.5 + 3 * own).floor()
    return 0.7 * (torch.hypot(u, v) - (0.68 + 0.3 * torch.cos(points * torch.atan2(u, v))))


def flower(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    petals = (3 + 5 * own).floor()
    return 0.8 * (torch.hypot(u, v) - (0.55 + 0.45 * torch.cos(petals * torch.atan2(u, v) / 2).abs()))


def cross(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    a, b, thickness = u.abs(), v.abs(), 0.2 + 0.2 * own
    upright = torch.maximum(a - thickness, b - 0.95)
    return torch.minimum(upright, torch.maximum(a - 0.95, b - thickness))


def crescent(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.maximum(torch.hypot(u, v) - 1, 0.8 - torch.hypot(u - 0.3 - 0.3 * own, v))


def rod(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.hypot((u.abs() - 0.85).clamp(min=0), v) - (0.1 + 0.15 * own)


def hexagon(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.maximum(u.abs() * 0.866 + v.abs() * 0.5, v.abs()) - 0.85


def blob(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    angle, phase = torch.atan2(u, v), 40 * own
    edge = 0.2 * torch.cos(2 * angle + phase) + 0.15 * torch.cos(3 * angle + 2.3 * phase)
    return 0.8 * (torch.hypot(u, v) - (0.75 + edge + 0.1 * torch.cos(5 * angle - phase)))


def arc(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    return torch.maximum((torch.hypot(u, v + 0.4) - 0.95).abs() - (0.08 + 0.12 * own), -0.3 - v)


def letter(u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    which = (own.flatten() * len(GLYPHS)).long().clamp(max=len(GLYPHS) - 1)
    ink = F.grid_sample(_glyphs()[which], torch.stack([u, v], dim=-1), align_corners=False)[:, 0]
    return 0.15 * (1 - 2 * ink)


SILHOUETTES: tuple[Silhouette, ...] = (
    disc, ring, square, triangle, star, flower, cross, crescent, rod, hexagon, blob, arc, letter,
)  # fmt: skip
ROD, ARC, LETTER = (SILHOUETTES.index(each) for each in (rod, arc, letter))


def distances(families: Tensor, u: Tensor, v: Tensor, own: Tensor) -> Tensor:
    """The silhouette of each shape by its family, [N] -> [N, H, W]."""
    found = torch.empty_like(u)
    for family, silhouette in enumerate(SILHOUETTES):
        places = (families == family).nonzero()[:, 0]
        if len(places):
            found[places] = silhouette(u[places], v[places], own[places])
    return found


@cache
def _glyphs() -> Tensor:
    """Letters as ink in 0..1, [G, 1, S, S], in the font that comes with Pillow."""
    font, found = ImageFont.load_default(GLYPH_SIDE), []
    for glyph in GLYPHS:
        page = Image.new("L", (GLYPH_SIDE, GLYPH_SIDE))
        draw = ImageDraw.Draw(page)
        draw.text((GLYPH_SIDE / 2, GLYPH_SIDE / 2), glyph, fill=255, font=font, anchor="mm", stroke_width=1)
        found.append(torch.from_numpy(np.array(page)).float() / 255)
    return torch.stack(found)[:, None]


def rotated(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates turned by an angle in units of a whole turn."""
    cos, sin = torch.cos(2 * math.pi * angle), torch.sin(2 * math.pi * angle)
    return x * cos + y * sin, y * cos - x * sin
