"""Pictures that are real ones mirrored, turned, shifted or encoded anew: compared as pixels, whatever the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, pad

from ganmetrics.extractors.resize import in_float32
from ganmetrics.numerics.neighbors import neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

# Pictures are compared at SIDE pixels, each blurred by the mean of BLUR x BLUR pixels and pooled to CELLS x CELLS.
SIDE, BLUR, CELLS = 28, 3, 14
# Pixels by which a picture may have been moved at that size.
SHIFTS = range(-2, 3)
# Pictures that are compared with all real ones at a time.
BLOCK = 1_000


class Edited(NamedTuple):
    """How near pictures are to real ones in any view.

    Attributes
    ----------
    ratios : Tensor, float32 [N]
        The distance to the nearest real picture, over that one's distance to its nearest other; 0 for a copy.
    places : Tensor, int64 [N]
        Which real picture that is.
    """

    ratios: Tensor
    places: Tensor


def edited(pictures: Sequence[Tensor], reals: Sequence[Tensor]) -> Edited:
    """Compare each picture, mirrored, turned and shifted, with at least two real ones: uint8 [3, h, w] of any sizes.

    Pictures of other proportions are squeezed to a square, and colours are averaged: a tinted copy is a copy.
    """
    references = _described(_grey(reals))
    lengths, own = references.square().sum(dim=1), neighbor_squares(references, 1).float()
    parts = [_nearest_view(part, references, lengths, own) for part in _grey(pictures).split(BLOCK)]
    return Edited(torch.cat([each.ratios for each in parts]), torch.cat([each.places for each in parts]))


def _nearest_view(grey: Tensor, references: Tensor, lengths: Tensor, own: Tensor) -> Edited:
    least = torch.full((len(grey),), torch.inf)
    places = torch.zeros(len(grey), dtype=torch.int64)
    for view in _views(grey):
        rows = _described(view)
        nearest = (lengths - 2 * rows @ references.T).min(dim=1)
        squares = (nearest.values + rows.square().sum(dim=1)).clamp(min=0)
        is_nearer = squares < least
        least, places = torch.where(is_nearer, squares, least), torch.where(is_nearer, nearest.indices, places)
    # What rounding leaves of the distance of equal pictures is none.
    is_equal = least <= 1e-6 * lengths[places]
    return Edited(torch.where(is_equal, 0.0, least / own[places]).sqrt(), places)


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
    blurred = avg_pool2d(pad(grey, (BLUR // 2,) * 4, mode="replicate"), BLUR, stride=1)
    cells = adaptive_avg_pool2d(blurred, CELLS).flatten(1)
    return cells - cells.mean(dim=1, keepdim=True)
