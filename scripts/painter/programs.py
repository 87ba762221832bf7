"""What pictures of one kind have in common: their shapes, fillings, arrangement, sizes and palette."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from painter.shapes import ARC, LETTER, ROD, SILHOUETTES
from painter.textures import TEXTURES

KINDS = ("leaves", "one", "few", "many", "pattern", "strokes", "field", "letters", "landscape")
KIND_SHARES = (0.1, 0.25, 0.15, 0.1, 0.08, 0.07, 0.08, 0.07, 0.1)
COUNTS = ((20, 24), (1, 1), (2, 5), (8, 20), (6, 20), (6, 18), (0, 1), (1, 5), (2, 8))  # shapes, of each kind
SIZES = ((0.12, 0.3), (0.22, 0.42), (0.12, 0.28), (0.04, 0.13), (0.06, 0.14), (0.12, 0.4), (0.1, 0.4), (0.12, 0.4),
         (0.06, 0.2))  # fmt: skip  # radius, as a share of the picture's side
ARRANGEMENTS = ("anywhere", "grid", "circle", "line", "centre")
BACKGROUNDS = ("flat", "linear", "radial", "rough", "stripes", "checks")
BACKGROUND_SHARES = (0.2, 0.25, 0.15, 0.3, 0.05, 0.05)
ONE, PATTERN, STROKES, LETTERS = (KINDS.index(kind) for kind in ("one", "pattern", "strokes", "letters"))
PALETTE = 4


class Programs(NamedTuple):
    """The common properties of N kinds of picture, a row each; the last two axes of the palette are colours and RGB."""

    kind: Tensor
    families: Tensor  # [N, 2], the second for some of the shapes
    textures: Tensor  # [N, 2], likewise
    arrangement: Tensor
    background: Tensor
    count: Tensor
    size: Tensor
    size_spread: Tensor
    aspect: Tensor
    angle: Tensor
    turns: Tensor  # how freely shapes are turned: 0 not at all, 1 any way
    roughness: Tensor  # [N, 2], of the background and of shapes
    frequency: Tensor
    softness: Tensor  # pixels of an edge
    shade: Tensor
    grain: Tensor
    palette: Tensor  # [N, PALETTE, 3] in 0..1

    def rows(self, places: Tensor) -> Programs:
        return Programs(*(value[places] for value in self))


def draw_programs(count: int, rng: torch.Generator) -> Programs:
    """So many kinds of picture."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=rng)

    def choice(options: int, *shape: int) -> Tensor:
        return torch.randint(options, (count, *shape), generator=rng)

    def weighted(shares: tuple[float, ...]) -> Tensor:
        return torch.multinomial(torch.tensor(shares), count, replacement=True, generator=rng)

    kind, families = weighted(KIND_SHARES), choice(len(SILHOUETTES) - 1, 2)
    is_stroke, is_letter = (kind == STROKES)[:, None], (kind == LETTERS)[:, None]
    families = torch.where(is_stroke, torch.where(uniform(2) < 0.5, ROD, ARC), families)
    families = torch.where(is_letter, LETTER, families)
    arrangement = torch.where(uniform() < 0.5, 0, choice(len(ARRANGEMENTS)))
    arrangement = torch.where(kind == PATTERN, 1, torch.where(kind == ONE, 4, arrangement))
    (least, most), (small, large) = torch.tensor(COUNTS)[kind].T, torch.tensor(SIZES)[kind].T
    return Programs(
        kind, families, choice(len(TEXTURES), 2), arrangement,
        background=weighted(BACKGROUND_SHARES),
        count=least + (most - least) * uniform(),
        size=small * (large / small) ** uniform(),
        size_spread=0.6 * uniform() * (kind != PATTERN),
        aspect=torch.where(uniform() < 0.5, 1.0, torch.exp(0.7 * (2 * uniform() - 1))),
        angle=uniform(),
        turns=torch.where(uniform() < 0.5, 0.03, 1.0) * (kind != LETTERS) + 0.05 * (kind == LETTERS),
        roughness=uniform(2),
        frequency=3 * 5 ** uniform(),
        softness=torch.where(uniform() < 0.7, 1.0, 1 + 5 * uniform() ** 2),
        shade=0.5 * uniform() * (uniform() < 0.6),
        grain=0.04 * uniform() ** 2,
        palette=draw_palettes(count, rng),
    )  # fmt: skip


def draw_palettes(count: int, rng: torch.Generator) -> Tensor:
    """Colours about one or two hues, dull ones more often than bright ones, [N, PALETTE, 3]."""
    hue = torch.rand(count, 1, generator=rng) + torch.tensor([0, 0.5, 0.05, 0.33]) * torch.rand(count, 1, generator=rng)
    hue = hue + 0.06 * torch.randn(count, PALETTE, generator=rng)
    saturation = torch.rand(count, PALETTE, generator=rng) ** 1.3
    value = 0.1 + 0.9 * torch.rand(count, PALETTE, generator=rng)
    waves = torch.cos(2 * math.pi * (hue[..., None] + torch.tensor([0, 2 / 3, 1 / 3])))
    return value[..., None] * (1 - saturation[..., None] * (0.5 - 0.5 * waves))
