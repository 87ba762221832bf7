"""What fills shapes and backgrounds: patterns in 0..1 that mix two colours, and random fields of a given roughness."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

# (u, v, frequency, field) -> mixture; u, v and the random field are [N, H, W], the frequency is [N, 1, 1]
Texture = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
FIELD_SIDE, NUM_FIELDS = 256, 240
ROUGHEST, SMOOTHEST = 0.6, 2.6  # exponents of the amplitude spectrum


def flat(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return torch.zeros_like(u)


def gradient(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return (0.5 + 0.5 * u).clamp(0, 1)


def stripes(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return (0.5 + 2 * torch.sin(u * frequency)).clamp(0, 1)


def checks(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return (0.5 + 4 * torch.sin(u * frequency) * torch.sin(v * frequency)).clamp(0, 1)


def dots(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return (2 * (torch.cos(u * frequency) + torch.cos(v * frequency)) - 1.2).clamp(0, 1)


def rough(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return field


def round_shade(u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    return torch.hypot(u + 0.3, v + 0.3).mul(0.65).clamp(0, 1)


TEXTURES: tuple[Texture, ...] = (flat, gradient, stripes, checks, dots, rough, round_shade)
ROUGH = TEXTURES.index(rough)


def filled(textures: Tensor, u: Tensor, v: Tensor, frequency: Tensor, field: Tensor) -> Tensor:
    """The pattern of each shape by its texture, [N] -> [N, H, W]."""
    found = torch.empty_like(u)
    for number, texture in enumerate(TEXTURES):
        places = (textures == number).nonzero()[:, 0]
        if len(places):
            found[places] = texture(u[places], v[places], frequency[places], field[places])
    return found


@cache
def fields() -> Tensor:
    """Random fields in 0..1, [NUM_FIELDS, S, S], from the roughest to the smoothest; some are stretched."""
    rng = torch.Generator().manual_seed(1)
    rows = torch.fft.fftfreq(FIELD_SIDE)[:, None]
    columns = torch.fft.rfftfreq(FIELD_SIDE)
    found = torch.empty(NUM_FIELDS, FIELD_SIDE, FIELD_SIDE)
    for number in range(NUM_FIELDS):
        exponent = ROUGHEST + (SMOOTHEST - ROUGHEST) * number / NUM_FIELDS
        stretch = 4.0 ** float(torch.randint(-1, 2, (), generator=rng)) if number % 3 == 0 else 1.0
        radius = torch.hypot(rows * stretch, columns / stretch)
        amplitude = torch.where(radius > 0, radius.clamp(min=1 / FIELD_SIDE) ** -exponent, 0.0)
        noise = torch.randn(FIELD_SIDE, FIELD_SIDE, generator=rng)
        found[number] = torch.fft.irfft2(torch.fft.rfft2(noise) * amplitude, s=(FIELD_SIDE, FIELD_SIDE))
    spread = found.std(dim=(1, 2), keepdim=True)
    return (0.5 + found / spread / 4).clamp(0, 1)


def windows(roughness: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """A window of a field for each roughness in 0..1, [N] -> [N, side, side]; large ones are periodic."""
    which = (roughness * NUM_FIELDS).long().clamp(0, NUM_FIELDS - 1)
    top, left = torch.randint(FIELD_SIDE, (2, len(which), 1), generator=rng) + torch.arange(side)
    return fields()[which[:, None, None], top[:, :, None] % FIELD_SIDE, left[:, None, :] % FIELD_SIDE]
