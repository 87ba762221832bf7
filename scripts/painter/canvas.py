"""Painting sketches: a background, then shape over shape, then light and grain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from painter.programs import Programs
from painter.shapes import distances, rotated
from painter.sketches import LANDSCAPE, Sketch
from painter.textures import filled, windows

if TYPE_CHECKING:
    from ganmetrics.types import Images

TOGETHER = 64  # pictures that are painted at a time: more leave the processor's cache


class Factors(NamedTuple):
    """What each picture shows: classes int64 [N, 5] (kind, family, texture, arrangement, background), values [N, 8]."""

    classes: Tensor
    values: Tensor


def paint(sketch: Sketch, side: int, rng: torch.Generator) -> tuple[Images, Factors]:
    """The pictures, uint8 [N, 3, side, side], and their factors; those with many shapes are painted together."""
    order = sketch.count.argsort(descending=True)
    images = torch.empty(len(order), 3, side, side, dtype=torch.uint8)
    values = torch.empty(len(order), 8)
    for places in order.split(TOGETHER):
        images[places], values[places] = _painted(sketch.rows(places), side, rng)
    programs = sketch.programs
    classes = torch.stack(
        [programs.kind, programs.families[:, 0], programs.textures[:, 0], programs.arrangement, programs.background],
        dim=1,
    )
    return images, Factors(classes, values)


def _painted(sketch: Sketch, side: int, rng: torch.Generator) -> tuple[Images, Tensor]:
    programs = sketch.programs
    line = (torch.arange(side) + 0.5) / side
    x, y = line.expand(side, side), line[:, None].expand(side, side)
    canvas = _background(sketch, x, y, windows(programs.roughness[:, 0], side, rng))
    field = windows(programs.roughness[:, 1], side, rng)
    covered = torch.zeros(len(canvas), side, side)
    for shape in range(int(sketch.count.max())):
        live = int((sketch.count > shape).sum())  # the pictures stand in the order of their counts
        alpha, colour = _shape(sketch.rows(torch.arange(live)), shape, (x, y), field[:live])
        canvas[:live] += alpha[:, None] * (colour - canvas[:live])
        covered[:live] += alpha * (1 - covered[:live])
    light = 1 - programs.shade[:, None, None, None] * windows(torch.full((len(canvas),), 0.98), side, rng)[:, None]
    grain = programs.grain[:, None, None, None] * torch.randn(canvas.shape, generator=rng)
    images = ((canvas * light + grain) * 255).round().clamp(0, 255).byte()
    return images, _values(sketch, covered, x, y)


def _background(sketch: Sketch, x: Tensor, y: Tensor, field: Tensor) -> Tensor:
    """The background of each picture, [N, 3, H, W] in 0..1."""
    programs = sketch.programs
    u, v = rotated(x - 0.5, y - 0.5, programs.angle[:, None, None])
    wave = torch.sin(4 * programs.frequency[:, None, None] * u)
    other = torch.sin(4 * programs.frequency[:, None, None] * v)
    options = torch.stack([
        torch.zeros_like(u), (0.5 + 0.7 * u), 1.4 * torch.hypot(u, v), field, 0.5 + 2 * wave, 0.5 + 4 * wave * other
    ])  # fmt: skip
    rows = torch.arange(len(u))
    mix = options[programs.background, rows].clamp(0, 1)
    horizon = sketch.horizon[:, None, None]
    scene = torch.where(y < horizon, 0.4 * y / horizon, 0.7 + 0.6 * (field - 0.5)).clamp(0, 1)
    mix = torch.where((programs.kind == LANDSCAPE)[:, None, None], scene, mix)[:, None]
    first, second = sketch.ground[:, 0, :, None, None], sketch.ground[:, 1, :, None, None]
    return torch.lerp(first, second, mix)


def _shape(
    sketch: Sketch, shape: int, places: tuple[Tensor, Tensor], field: Tensor
) -> tuple[Tensor, Tensor]:  # how much of each pixel it covers [N, H, W], its colour [N, 3, H, W]
    programs, (x, y) = sketch.programs, places
    radius = sketch.radius[:, shape, None, None]
    offsets = x - sketch.x[:, shape, None, None], y - sketch.y[:, shape, None, None]
    u, v = rotated(*offsets, sketch.angle[:, shape, None, None])
    u, v = u / radius, v / (radius * programs.aspect[:, None, None])
    own = sketch.own[:, shape, None, None]
    distance = distances(sketch.family[:, shape], u, v, own)
    pixels = radius * x.shape[-1] / programs.softness[:, None, None]
    alpha = (0.5 - distance * pixels).clamp(0, 1)
    mix = filled(sketch.texture[:, shape], u, v, programs.frequency[:, None, None], field)[:, None]
    first, second = sketch.colours[:, shape, 0, :, None, None], sketch.colours[:, shape, 1, :, None, None]
    return alpha, torch.lerp(first, second, mix)


def _values(sketch: Sketch, covered: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Count, size, roughness, aspect, softness, covered share and its centre, each about -1..1."""
    programs: Programs = sketch.programs
    mass = covered.mean(dim=(1, 2))
    centre = [(covered * place).mean(dim=(1, 2)) / mass.clamp(min=1e-3) - 0.5 * (mass > 1e-3) for place in (x, y)]
    return torch.stack([
        torch.log1p(sketch.count.float()) - 1.7, 2 * torch.log(sketch.radius.mean(dim=1) * 6),
        4 * (programs.roughness[:, 0] - 0.5), 2 * torch.log(programs.aspect), torch.log(programs.softness),
        4 * (mass - 0.5), 6 * centre[0], 6 * centre[1],
    ], dim=1)  # fmt: skip
