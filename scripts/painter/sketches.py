"""One instance of each program: where every shape lies, how large it is, how it is turned and coloured."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from painter.programs import KINDS, PALETTE, Programs

MOST_SHAPES = 24
LEAVES, LANDSCAPE = KINDS.index("leaves"), KINDS.index("landscape")


class Sketch(NamedTuple):
    """N pictures of at most M shapes, the first the farthest; lengths are shares of the picture's side."""

    programs: Programs
    count: Tensor  # [N]
    x: Tensor  # [N, M], and so on
    y: Tensor
    radius: Tensor
    angle: Tensor
    own: Tensor
    family: Tensor
    texture: Tensor
    colours: Tensor  # [N, M, 2, 3]
    ground: Tensor  # [N, 2, 3], the colours of the background
    horizon: Tensor  # [N]

    def rows(self, places: Tensor) -> Sketch:
        return Sketch(self.programs.rows(places), *(value[places] for value in self[1:]))


def draw_sketch(programs: Programs, rng: torch.Generator) -> Sketch:
    """One instance of each program."""
    number = len(programs.kind)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(number, *shape, generator=rng)

    counts = (programs.count * (0.8 + 0.4 * uniform())).round().clamp(max=MOST_SHAPES).long()
    spread = programs.size_spread[:, None]
    radius = programs.size[:, None] * torch.exp(spread * torch.randn(number, MOST_SHAPES, generator=rng))
    radius = radius * (0.85 + 0.3 * uniform(1))
    is_leaves = (programs.kind == LEAVES)[:, None]
    radius = torch.where(is_leaves, 0.12 / uniform(MOST_SHAPES).clamp(min=0.08).sqrt(), radius)
    x, y = _places(programs, counts, rng)
    horizon = 0.35 + 0.35 * uniform()
    depth = uniform(MOST_SHAPES).sort(dim=1).values
    is_scene = (programs.kind == LANDSCAPE)[:, None]
    y = torch.where(is_scene, horizon[:, None] + depth * (0.95 - horizon[:, None]) - radius * 0.5, y)
    radius = torch.where(is_scene, radius * (0.6 + depth), radius)
    second = uniform(MOST_SHAPES) < 0.3
    pick = (uniform(MOST_SHAPES, 2) * (PALETTE - 2)).long() + torch.tensor([2, 1])
    pick = torch.where(
        uniform(MOST_SHAPES, 1) < 0.2, torch.randint(PALETTE, (number, MOST_SHAPES, 2), generator=rng), pick
    )
    palette = (programs.palette + 0.08 * torch.randn(number, 1, 3, generator=rng)).clamp(0, 1)
    colours = palette[torch.arange(number)[:, None, None], pick] + 0.06 * torch.randn(
        number, MOST_SHAPES, 2, 3, generator=rng
    )
    return Sketch(
        programs, counts, x, y, radius.clamp(0.02, 0.6),
        angle=programs.angle[:, None] + programs.turns[:, None] * (uniform(MOST_SHAPES) - 0.5),
        own=uniform(MOST_SHAPES),
        family=torch.where(second, programs.families[:, 1:], programs.families[:, :1]),
        texture=torch.where(second, programs.textures[:, 1:], programs.textures[:, :1]),
        colours=colours.clamp(0, 1),
        ground=palette[:, :2],
        horizon=horizon,
    )  # fmt: skip


def _places(programs: Programs, counts: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """The centres of shapes, [N, M] each, by the arrangement."""
    number, order = len(counts), torch.arange(MOST_SHAPES)
    x, y = torch.rand(2, number, MOST_SHAPES, generator=rng)
    shift_x, shift_y = 0.5 + 0.2 * (torch.rand(2, number, 1, generator=rng) - 0.5)
    jitter_x, jitter_y = 0.015 * torch.randn(2, number, MOST_SHAPES, generator=rng)
    wide = counts.clamp(min=1).float().sqrt().ceil()[:, None]
    share = (order + 0.5) / counts.clamp(min=1)[:, None]
    turn = 2 * math.pi * (share + programs.angle[:, None])
    along = 0.8 * (share - 0.5)
    tilt = 2 * math.pi * programs.angle[:, None]
    options_x = [
        x, (order % wide + shift_x) / wide, shift_x + 0.32 * torch.cos(turn), shift_x + along * torch.cos(tilt),
        shift_x + 0.12 * (x - 0.5),
    ]  # fmt: skip
    options_y = [
        y, ((order / wide).floor() + shift_y) / wide, shift_y + 0.32 * torch.sin(turn),
        shift_y + along * torch.sin(tilt), shift_y + 0.12 * (y - 0.5),
    ]  # fmt: skip
    row, column = torch.arange(number)[:, None], order
    which = programs.arrangement[:, None]
    return torch.stack(options_x)[which, row, column] + jitter_x, torch.stack(options_y)[which, row, column] + jitter_y
