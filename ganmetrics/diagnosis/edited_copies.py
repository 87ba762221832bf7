"""Pictures that are real ones mirrored, turned, shifted or encoded anew: compared as pixels, whatever the network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import adaptive_avg_pool1d, adaptive_avg_pool2d, avg_pool1d, pad

from ganmetrics.extractors.resize import in_float32
from ganmetrics.numerics.neighbors import nearest_other, neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

# Pictures are compared at SIDE pixels, each blurred by the mean of BLUR x BLUR pixels and pooled to CELLS x CELLS.
SIDE, BLUR, CELLS = 28, 3, 14
# Pixels by which a picture may have been moved at that size.
SHIFTS = range(-2, 3)
# Pictures that are compared with all real ones at a time.
BLOCK = 1_000
# Below this ratio a picture is compared with the second nearest real one too: circles are near to many circles, a copy
# to one picture alone.
NEAR = 0.6
# The rank of the real picture that stands for a generated one among those that resemble it.
RESEMBLING = 10
# Real pictures within this share of the median distance between neighbours count as one.
ALIKE = 0.35


class References(NamedTuple):
    """Real pictures, at least three, as others are compared with them.

    Attributes
    ----------
    grey : Tensor, float32 [R, 1, SIDE, SIDE]
    rows : Tensor, float32 [R, CELLS²]
        Their descriptions.
    places : Tensor, int64 [R]
        The index of each picture's nearest other.
    squares, second_squares : Tensor, float64 [R]
        The squared distances to that one and to the one after it.
    """

    grey: Tensor
    rows: Tensor
    places: Tensor
    squares: Tensor
    second_squares: Tensor

    @staticmethod
    def of(pictures: Sequence[Tensor]) -> References:
        """Describe real pictures, uint8 [3, h, w] of any sizes."""
        grey = _grey(pictures)
        rows = _described(grey)
        return References(grey, rows, *nearest_other(rows), neighbor_squares(rows, 2))


class Edited(NamedTuple):
    """How near pictures are to real ones in any view.

    Attributes
    ----------
    ratios : Tensor, float32 [N]
        The distance to the nearest real picture, over that one's distance to its nearest other; 0 for a copy. Near real
        pictures it is at least the same distance over that to the second nearest real picture in any view.
    places : Tensor, int64 [N]
        Which real picture that is.
    """

    ratios: Tensor
    places: Tensor


def edited(pictures: Sequence[Tensor], reals: References) -> Edited:
    """Compare each picture, uint8 [3, h, w], with the real ones: as it is, mirrored, turned and shifted.

    Pictures of other proportions are squeezed to a square, and colours are averaged: a tinted copy is a copy.
    """
    return _edited(_grey(pictures), reals)


def edited_usually(pictures: Sequence[Tensor], reals: References) -> Edited:
    """Compare real pictures that resemble the given ones with all other real ones, as ``edited`` would.

    Simple pictures of one kind resemble each other, so that some seem to be copies of others. For each given picture
    the tenth nearest real one is compared. The nearest would not do: pictures that stand alone are nearest to many.
    ``places`` are the indices of the real pictures that were compared.
    """
    rows = _described(_grey(pictures))
    ranked = torch.cdist(rows, reals.rows).topk(min(RESEMBLING, len(reals.rows)), largest=False)
    compared, order = ranked.indices[:, -1].unique(return_inverse=True)
    return Edited(_edited(reals.grey[compared], reals, compared).ratios[order], compared[order])


def edited_among(reals: References, count: int) -> Edited:
    """Compare some real pictures, evenly spaced, with all other real ones, as ``edited`` would.

    A set may hold copies of its own, such as mirrored arrows. One that a generated picture repeats often has no other.
    """
    compared = torch.arange(len(reals.rows))[:: math.ceil(len(reals.rows) / count)]
    return Edited(_edited(reals.grey[compared], reals, compared).ratios, compared)


def _edited(grey: Tensor, reals: References, itself: Tensor | None = None) -> Edited:
    """Compare pictures with real ones; ``itself`` are the indices of pictures that are among the real ones."""
    own = [None] * len(grey.split(BLOCK)) if itself is None else itself.split(BLOCK)
    parts = [_compared(part, places, reals) for part, places in zip(grey.split(BLOCK), own, strict=True)]
    return Edited(torch.cat([each.ratios for each in parts]), torch.cat([each.places for each in parts]))


def _compared(grey: Tensor, itself: Tensor | None, reals: References) -> Edited:
    numbers = torch.arange(len(reals.rows))
    is_itself = torch.zeros(1, dtype=torch.bool) if itself is None else itself[:, None] == numbers
    least, places = _nearest(grey, reals.rows, is_itself)
    # The distance from the real picture to its nearest other does not count the picture that is compared.
    own = reals.squares[places]
    if itself is not None:
        own = torch.where(reals.places[places] == itself, reals.second_squares[places], own)
    # Where the nearest real picture has an equal one, nothing is nearer than its neighbour, and 0 over 0 is a copy.
    ratios = torch.where(least == 0, 0.0, least / own).sqrt().float()
    near = (ratios < NEAR).nonzero()[:, 0]
    if len(near):
        around = torch.cdist(reals.rows[places[near]], reals.rows).square() <= ALIKE**2 * reals.squares.median()
        second, _ = _nearest(grey[near], reals.rows, around | (is_itself if itself is None else is_itself[near]))
        ratios[near] = torch.maximum(ratios[near], (least[near] / second).sqrt().nan_to_num(0.0))
    return Edited(ratios, places)


def _nearest(grey: Tensor, references: Tensor, without: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squared distance of each picture to the nearest real one in any view, and which that is: [N], [N].

    ``without``, bool [N, R] or [1], says which real pictures are passed over.
    """
    lengths = references.square().sum(dim=1)
    least = torch.full((len(grey),), torch.inf)
    places = torch.zeros(len(grey), dtype=torch.int64)
    for view in _views(grey):
        rows = _described(view)
        nearest = torch.addmm(lengths, rows, references.T, alpha=-2).masked_fill_(without, torch.inf).min(dim=1)
        values = (nearest.values + rows.square().sum(dim=1)).clamp(min=0)
        is_nearer = values < least
        least, places = torch.where(is_nearer, values, least), torch.where(is_nearer, nearest.indices, places)
    # What rounding leaves of the distance of equal pictures is none.
    return torch.where(least <= 1e-6 * lengths[places], 0.0, least), places


def _grey(pictures: Sequence[Tensor]) -> Tensor:  # -> float32 [N, 1, SIDE, SIDE]
    small = [in_float32(picture[None], lambda x: adaptive_avg_pool2d(x, SIDE)) for picture in pictures]
    return torch.cat(small).mean(dim=1, keepdim=True)


def _views(grey: Tensor) -> Iterator[Tensor]:
    """The eight ways to mirror and turn a square, and the picture moved by up to two pixels."""
    for turns in range(4):
        turned = grey.rot90(turns, (2, 3))
        yield turned
        yield turned.flip(3)
    most = max(SHIFTS)
    framed = pad(grey, (most,) * 4, mode="replicate")
    for top in range(2 * most + 1):
        for left in range(2 * most + 1):
            if (top, left) != (most, most):
                yield framed[:, :, top : top + SIDE, left : left + SIDE]


def _described(grey: Tensor) -> Tensor:  # [N, 1, SIDE, SIDE] -> [N, CELLS²]
    # Blurring and pooling are linear along each axis: one product in place of two passes over all pixels.
    along = _smoothing()
    cells = (along @ grey @ along.T).flatten(1)
    return cells - cells.mean(dim=1, keepdim=True)


@cache
def _smoothing() -> Tensor:
    """Return the matrix that blurs a row of pixels and pools it to cells, float32 [CELLS, SIDE]."""
    pixels = pad(torch.eye(SIDE)[:, None], (BLUR // 2,) * 2, mode="replicate")
    return adaptive_avg_pool1d(avg_pool1d(pixels, BLUR, stride=1), CELLS)[:, 0].T
