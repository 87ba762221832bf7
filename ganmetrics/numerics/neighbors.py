"""Exact nearest neighbours and balls about rows, in bounded memory; ``distances`` says how ties are decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.numerics.distances import FEW, TIE, blocks, decided, of_pairs, rough_blocks

if TYPE_CHECKING:
    from torch import Tensor

# Candidates beyond the k-th that are decided in float64.
SPARE = 3


class Crossing(NamedTuple):
    """What one pass over all pairs of two sets tells.

    Attributes
    ----------
    real_balls : Tensor, int64 [M]
        For each fake, the balls about reals that hold it.
    fake_balls : Tensor, int64 [N]
        For each real, the balls about fakes that hold it.
    held_fakes : Tensor, int64 [N]
        For each real, the fakes in its own ball.
    """

    real_balls: Tensor
    fake_balls: Tensor
    held_fakes: Tensor


def neighbor_squares(x: Tensor, k: int, *, block: int | None = None) -> Tensor:  # [N, D] -> [N]
    """Return the squared distance of each row to its k-th nearest other row, 1 <= k < N."""
    return _nearest_others(x, x, k, block, is_within=True)[1][:, k - 1]


def nearest(x: Tensor, y: Tensor, *, block: int | None = None) -> tuple[Tensor, Tensor]:  # [N, D], [M, D] -> [N], [N]
    """Find each row's nearest row of ``y``: its index, the first of equals, and its squared distance."""
    places, squares = _nearest_others(x, y, 1, block, is_within=False)
    return places[:, 0], squares[:, 0]


def nearest_other(x: Tensor, *, block: int | None = None) -> tuple[Tensor, Tensor]:  # [N, D] -> [N], [N]
    """Find each row's nearest other row: its index, the first of equals, and its squared distance."""
    places, squares = _nearest_others(x, x, 1, block, is_within=True)
    return places[:, 0], squares[:, 0]


def crossing(
    real: Tensor, fake: Tensor, radii_r: Tensor, radii_f: Tensor | None, *, is_closed: bool, block: int | None = None
) -> Crossing:
    """Compare all pairs with squared radii about each real and each fake row: [N, D], [M, D], [N], [M].

    A ball holds a point at its radius where ``is_closed``; without radii the fakes have no balls.
    """
    counts = [torch.zeros(len(rows), dtype=torch.int64, device=real.device) for rows in (fake, real, real)]
    for rough in rough_blocks(real, fake, block):
        rows, columns = rough.rows, rough.columns
        is_held = decided(rough, radii_r[rows, None], is_closed)
        counts[0][columns] += is_held.sum(dim=0)
        counts[2][rows] += is_held.sum(dim=1)
        if radii_f is not None:
            counts[1][rows] += decided(rough, radii_f[columns], is_closed).sum(dim=1)
    return Crossing(*counts)


def held(
    x: Tensor, y: Tensor, radii: Tensor, *, is_closed: bool, block: int | None = None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield which rows of ``y`` each ball about a row of ``x`` holds, as bool [n, m], block by block."""
    for rough in rough_blocks(x, y, block):
        yield rough.rows, rough.columns, decided(rough, radii[rough.rows, None], is_closed)


def close_pairs(x: Tensor, square: float, *, block: int | None = None) -> int:  # [N, D] -> pairs of two rows
    """Count the pairs of different rows that are closer than a squared distance, or equal."""
    return int(close_partners(x, square, block=block).sum()) // 2


def close_partners(x: Tensor, square: float, *, block: int | None = None) -> Tensor:  # [N, D] -> int64 [N]
    """Count, for each row, the other rows that are closer than a squared distance, or equal."""
    # Each row finds itself too, so that counts begin at -1.
    partners = torch.full((len(x),), -1, dtype=torch.int64, device=x.device)
    for rows, _, squares in blocks(x, x, block=block):
        partners[rows] += (squares <= square * (1 - TIE)).sum(dim=1)
    return partners


def grouped(squares: Tensor) -> Tensor:  # [N] -> int64 [N]
    """Number squared distances in their order, equal ones alike."""
    values, order = squares.sort()
    return torch.empty_like(order).scatter_(0, order, _ranks(values))


def _nearest_others(x: Tensor, y: Tensor, k: int, block: int | None, *, is_within: bool) -> tuple[Tensor, Tensor]:
    """Find the k nearest rows of ``y``: indices and squared distances, ascending, [N, k].

    Where both sets are one, a row is no neighbour of itself.
    """
    # A few more candidates than k are kept by float32; their order is then decided in float64.
    candidates = _Candidates(len(x), min(k + SPARE, len(y) - is_within), x.device)
    for rough in rough_blocks(x, y, block):
        if is_within:
            _hide_itself(rough.squares, rough.rows, rough.columns)
        candidates.add(rough.rows, rough.columns.start, rough.squares, rough.error)
        if is_within and rough.rows != rough.columns:
            turned = rough.scratch("turned", *rough.squares.T.shape).copy_(rough.squares.T)
            candidates.add(rough.columns, rough.rows.start, turned, rough.error.T)
    reach = (candidates.squares[:, -1] - candidates.errors).double() * rough.scale
    return _settled(x, y, candidates.places, reach, k, is_within=is_within)


class _Candidates:
    """The rows that are nearest to each by distances in float32."""

    def __init__(self, count: int, num: int, device: torch.device) -> None:
        self.squares = torch.full((count, num), torch.inf, dtype=torch.float32, device=device)
        self.places = torch.zeros((count, num), dtype=torch.int64, device=device)
        self.errors = torch.zeros(count, dtype=torch.float32, device=device)

    def add(self, rows: slice, start: int, squares: Tensor, error: Tensor) -> None:
        """Take in a block of distances of some rows to rows of the other set from ``start`` on."""
        num = self.squares.shape[1]
        least, at = squares.topk(min(num, squares.shape[1]), dim=1, largest=False)
        self.squares[rows], order = torch.cat([self.squares[rows], least], dim=1).topk(num, dim=1, largest=False)
        self.places[rows] = torch.cat([self.places[rows], at + start], dim=1).gather(1, order)
        self.errors[rows] = torch.maximum(self.errors[rows], error.amax(dim=1))


def _settled(x: Tensor, y: Tensor, places: Tensor, reach: Tensor, k: int, *, is_within: bool) -> tuple[Tensor, Tensor]:
    """Order candidates by their exact distances; search again the rows whose candidates may not hold all."""
    num = places.shape[1]
    rows = torch.arange(len(x), device=x.device).repeat_interleave(num)
    squares = of_pairs(x, y, rows, places.flatten()).reshape(-1, num)
    # In order of their indices first, so that of equal distances the first one comes first.
    by_place = places.argsort(dim=1)
    places, squares = places.gather(1, by_place), squares.gather(1, by_place)
    order = _ascending(squares)
    places, squares = places.gather(1, order)[:, :k], squares.gather(1, order)[:, :k]
    is_last = squares[:, -1] * (1 + TIE) >= reach
    # Where the k-th is as far as float32 can have missed another, the row is compared with all others.
    is_open = is_last if num < len(y) - is_within else torch.zeros_like(is_last)
    for row in is_open.nonzero()[:, 0].tolist():
        exact = torch.cat([(rows_y.double() - x[row]).square_().sum(dim=1) for rows_y in y.split(FEW)])
        if is_within:
            exact[row] = torch.inf
        order = _ascending(exact[None])[0, :k]
        places[row], squares[row] = order, exact[order]
    return places, squares


def _ascending(squares: Tensor) -> Tensor:  # [P, Q] -> the order of each row, of equal ones as they stand
    values, order = squares.sort(dim=1, stable=True)
    return order.gather(1, (_ranks(values) * squares.shape[1] + order).argsort(dim=1))


def _ranks(values: Tensor) -> Tensor:  # ascending [..., Q] -> int64 from 0, the same of equal ones
    is_next = values[..., 1:] > values[..., :-1] * (1 + TIE)
    return torch.nn.functional.pad(is_next.cumsum(dim=-1), (1, 0))


def _hide_itself(squares: Tensor, rows: slice, columns: slice) -> None:
    start, stop = max(rows.start, columns.start), min(rows.stop, columns.stop)
    own = torch.arange(start, max(start, stop), device=squares.device)
    squares[own - rows.start, own - columns.start] = torch.inf
