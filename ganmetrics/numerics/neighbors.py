"""Exact nearest neighbours in bounded memory: squared Euclidean distances, block by block.

``|x - y|² = |x|² - 2 x·y + |y|²`` costs one matrix product. It is taken in float32, whose rounding has a known bound,
and whatever that bound leaves open is decided by the difference itself in float64: the same answers as in float64, for
half of the work. Equal rows are at distance 0. Rows may come in float32 too, and then stay so.

The product is of rows less their mean, in a unit of their own, so that no square overflows or vanishes in float32. Two
squared distances that differ by less than ``TIE`` of themselves are equal: which of them comes out larger is rounding,
and another unit of the features would decide it otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.numerics.memory import block_rows

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-9  # of |x|² + |y|²: below it a squared distance is taken again from the difference itself
TIE = 1e-9  # of a squared distance: what differs by less is equal
EPSILON = float(torch.finfo(torch.float32).eps)
VANISHED = 1e-30  # of the largest square: below it float32 tells nothing
SPARE = 3  # candidates beyond the k-th that are decided in float64
FEW = 512  # rows that are converted at a time
PAIRS = 1 << 17  # numbers of rows gathered at a time: 1 MiB, which a cache holds


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


def squared_distances(x: Tensor, y: Tensor) -> Tensor:  # [N, D], [M, D] -> [N, M]
    """Of every pair, in float64; 0 for equal rows."""
    norms = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    squares = torch.addmm(norms, x, y.T, alpha=-2)
    rows, columns = (squares < ROUNDING * norms).nonzero(as_tuple=True)
    squares[rows, columns] = _of_pairs(x, y, rows, columns)
    return squares


def neighbor_squares(x: Tensor, k: int, *, block: int | None = None) -> Tensor:  # [N, D] -> [N]
    """The squared distance of each row to its k-th nearest other row, 1 <= k < N."""
    return _nearest_others(x, x, k, block, is_within=True)[1][:, k - 1]


def nearest(x: Tensor, y: Tensor, *, block: int | None = None) -> tuple[Tensor, Tensor]:  # [N, D], [M, D] -> [N], [N]
    """The place in ``y`` of each row's nearest, the first of equals, and its squared distance."""
    places, squares = _nearest_others(x, y, 1, block, is_within=False)
    return places[:, 0], squares[:, 0]


def nearest_other(x: Tensor, *, block: int | None = None) -> tuple[Tensor, Tensor]:  # [N, D] -> [N], [N]
    """The place of each row's nearest other row, the first of equals, and its squared distance."""
    places, squares = _nearest_others(x, x, 1, block, is_within=True)
    return places[:, 0], squares[:, 0]


def crossing(
    real: Tensor, fake: Tensor, radii_r: Tensor, radii_f: Tensor | None, *, is_closed: bool, block: int | None = None
) -> Crossing:
    """All pairs against squared radii about each real and each fake: [N, D], [M, D], [N], [M].

    A ball holds a point at its radius where ``is_closed``; without radii the fakes have no balls.
    """
    counts = [torch.zeros(len(rows), dtype=torch.int64, device=real.device) for rows in (fake, real, real)]
    for rough in _rough_blocks(real, fake, block):
        rows, columns = rough.rows, rough.columns
        is_held = _decided(rough, radii_r[rows, None], is_closed)
        counts[0][columns] += is_held.sum(dim=0)
        counts[2][rows] += is_held.sum(dim=1)
        if radii_f is not None:
            counts[1][rows] += _decided(rough, radii_f[columns], is_closed).sum(dim=1)
    return Crossing(*counts)


def held(
    x: Tensor, y: Tensor, radii: Tensor, *, is_closed: bool, block: int | None = None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Which rows of ``y`` each ball about a row of ``x`` holds, as bool [n, m], block by block: [N, D], [M, D], [N]."""
    for rough in _rough_blocks(x, y, block):
        yield rough.rows, rough.columns, _decided(rough, radii[rough.rows, None], is_closed)


def blocks(x: Tensor, y: Tensor, *, block: int | None = None) -> Iterator[tuple[slice, slice, Tensor]]:
    """The squared distances of all pairs, with the rows of each set that every block is of."""
    center = _mean(x)  # distances stay, and round less
    for rows, columns in _tiles(x, y, block):
        yield rows, columns, squared_distances(x[rows] - center, y[columns] - center)


def close_pairs(x: Tensor, square: float, *, block: int | None = None) -> int:  # [N, D] -> pairs of two rows
    """How many pairs of different rows are closer than a squared distance, or equal."""
    return int(close_partners(x, square, block=block).sum()) // 2


def close_partners(x: Tensor, square: float, *, block: int | None = None) -> Tensor:  # [N, D] -> int64 [N]
    """For each row, how many other rows are closer than a squared distance, or equal."""
    found = torch.full((len(x),), -1, dtype=torch.int64, device=x.device)  # itself
    for rows, _, squares in blocks(x, x, block=block):
        found[rows] += (squares <= square * (1 - TIE)).sum(dim=1)
    return found


def grouped(squares: Tensor) -> Tensor:  # [N] -> int64 [N]
    """Numbers in the order of squared distances, equal where these are."""
    values, order = squares.sort()
    return torch.empty_like(order).scatter_(0, order, _ranks(values))


class _Scratch:
    """Float32 matrices that every block writes over: as many fresh ones would leave the heap in pieces."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.held: dict[str, Tensor] = {}

    def __call__(self, name: str, rows: int, columns: int) -> Tensor:
        if name not in self.held or len(self.held[name]) < rows * columns:
            self.held[name] = torch.empty(rows * columns, dtype=torch.float32, device=self.device)
        return self.held[name][: rows * columns].view(rows, columns)


class _Rough(NamedTuple):
    """A block of squared distances in float32, each off by no more than ``error``, and what they are of.

    They are in units of ``scale``, a power of four.
    """

    scale: float
    rows: slice
    columns: slice
    squares: Tensor  # [n, m]
    error: Tensor  # [n, m]
    x: Tensor  # [n, D]
    y: Tensor
    scratch: _Scratch


def _rough_blocks(x: Tensor, y: Tensor, block: int | None) -> Iterator[_Rough]:
    """Every pair of blocks; of one set with itself, each pair of its blocks once."""
    is_within = x is y
    bound = (x.shape[1] + 8) * EPSILON  # of a product of that many terms, and of rounding its factors
    center = _mean(x)  # distances stay, and round less
    unit = _unit(max(_largest(side, center) for side in (x, y)))
    narrow = [_centred(x, center, unit)]
    narrow.append(narrow[0] if is_within else _centred(y, center, unit))
    norms = [torch.linalg.vector_norm(side, dim=1).square_() for side in narrow]
    scratch = _Scratch(x.device)
    for rows, columns in _tiles(x, y, block):
        if is_within and columns.start < rows.start:
            continue
        left, right = narrow[0][rows], narrow[1][columns]
        sums, squares = (scratch(name, len(left), len(right)) for name in ("sums", "squares"))
        torch.add(norms[0][rows, None], norms[1][columns], out=sums)
        torch.addmm(sums, left, right.T, alpha=-2, out=squares)
        error = sums.mul_(bound).add_(VANISHED)
        yield _Rough(unit * unit, rows, columns, squares, error, x[rows], y[columns], scratch)


def _mean(x: Tensor) -> Tensor:  # [N, D] -> float64 [D], without a copy of all rows
    total = torch.zeros(x.shape[1], dtype=torch.float64, device=x.device)
    for rows in x.split(FEW):
        total += rows.sum(dim=0, dtype=torch.float64)
    return total / len(x)


def _largest(x: Tensor, center: Tensor) -> float:  # [N, D], float64 [D], of the magnitudes of the difference
    return max(float((rows - center).abs_().max()) for rows in x.split(FEW))


def _unit(largest: float) -> float:
    """The power of two above a magnitude, by which dividing costs no digit."""
    return math.ldexp(1.0, math.frexp(largest)[1])


def _centred(x: Tensor, center: Tensor, unit: float) -> Tensor:  # [N, D], float64 [D] -> float32 [N, D] in -1..1
    found = torch.empty(x.shape, dtype=torch.float32, device=x.device)
    for rows, target in zip(x.split(FEW), found.split(FEW), strict=True):
        target.copy_((rows - center).div_(unit))
    return found


def _decided(rough: _Rough, radii: Tensor, is_closed: bool) -> Tensor:
    """Whether each pair is within its radius, those that float32 cannot tell by float64: -> bool [n, m]."""
    compare: Callable[[Tensor, Tensor], Tensor] = torch.le if is_closed else torch.lt  # which tells of a radius of 0
    radii = radii * (1 + TIE if is_closed else 1 - TIE)
    narrow, shape = (radii / rough.scale).to(torch.float32), rough.squares.shape
    gaps = torch.sub(rough.squares, narrow, out=rough.scratch("gaps", *shape))
    is_held = gaps < 0
    bounds = torch.add(rough.error, EPSILON * narrow, out=rough.scratch("bounds", *shape))
    rows, columns = (gaps.abs_() > bounds).logical_not_().nonzero(as_tuple=True)
    exact = _of_pairs(rough.x, rough.y, rows, columns)
    is_held[rows, columns] = compare(exact, radii.expand(shape)[rows, columns])
    return is_held


def _nearest_others(x: Tensor, y: Tensor, k: int, block: int | None, *, is_within: bool) -> tuple[Tensor, Tensor]:
    """The k nearest rows of ``y``, itself left out where both sets are one: places and squares, ascending, [N, k]."""
    found = _Candidates(len(x), min(k + SPARE, len(y) - is_within), x.device)
    for rough in _rough_blocks(x, y, block):
        if is_within:
            _hide_itself(rough.squares, rough.rows, rough.columns)
        found.add(rough.rows, rough.columns.start, rough.squares, rough.error)
        if is_within and rough.rows != rough.columns:
            turned = rough.scratch("turned", *rough.squares.T.shape).copy_(rough.squares.T)
            found.add(rough.columns, rough.rows.start, turned, rough.error.T)
    reach = (found.squares[:, -1] - found.errors).double() * rough.scale
    return _settled(x, y, found.places, reach, k, is_within=is_within)


class _Candidates:
    """The rows that are nearest to each by distances in float32."""

    def __init__(self, count: int, num: int, device: torch.device) -> None:
        self.squares = torch.full((count, num), torch.inf, dtype=torch.float32, device=device)
        self.places = torch.zeros((count, num), dtype=torch.int64, device=device)
        self.errors = torch.zeros(count, dtype=torch.float32, device=device)

    def add(self, rows: slice, start: int, squares: Tensor, error: Tensor) -> None:
        """A block of distances of some rows to those of the other set from ``start`` on."""
        num = self.squares.shape[1]
        found, at = squares.topk(min(num, squares.shape[1]), dim=1, largest=False)
        self.squares[rows], order = torch.cat([self.squares[rows], found], dim=1).topk(num, dim=1, largest=False)
        self.places[rows] = torch.cat([self.places[rows], at + start], dim=1).gather(1, order)
        self.errors[rows] = torch.maximum(self.errors[rows], error.amax(dim=1))


def _settled(x: Tensor, y: Tensor, places: Tensor, reach: Tensor, k: int, *, is_within: bool) -> tuple[Tensor, Tensor]:
    """The candidates in order of their exact distances; rows whose candidates may not hold all are searched again."""
    num = places.shape[1]
    rows = torch.arange(len(x), device=x.device).repeat_interleave(num)
    squares = _of_pairs(x, y, rows, places.flatten()).reshape(-1, num)
    by_place = places.argsort(dim=1)  # so that of equal distances the first place comes first
    places, squares = places.gather(1, by_place), squares.gather(1, by_place)
    order = _ascending(squares)
    places, squares = places.gather(1, order)[:, :k], squares.gather(1, order)[:, :k]
    is_last = squares[:, -1] * (1 + TIE) >= reach
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


def _of_pairs(x: Tensor, y: Tensor, rows: Tensor, columns: Tensor) -> Tensor:  # [N, D], [M, D], [P], [P] -> [P]
    size = max(1, PAIRS // x.shape[1])
    pieces = zip(rows.split(size), columns.split(size), strict=True)
    found = [_squares(x[i].double().sub_(y[j].double())) for i, j in pieces]
    return torch.cat([x.new_empty(0, dtype=torch.float64), *found])


def _squares(x: Tensor) -> Tensor:  # [P, D] -> [P]
    return torch.bmm(x[:, None], x[:, :, None])[:, 0, 0]


def _tiles(x: Tensor, y: Tensor, block: int | None) -> Iterator[tuple[slice, slice]]:
    """The rows of each set that every block is of; as many as memory allows where no number is asked for."""
    n, m, block = len(x), len(y), block or block_rows(x.shape[1])
    for start in range(0, n, block):
        for other in range(0, m, block):
            yield slice(start, min(start + block, n)), slice(other, min(other + block, m))
