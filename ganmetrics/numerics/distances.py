"""Squared Euclidean distances of all pairs, block by block in bounded memory, exact wherever it matters.

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

# A squared distance below this share of |x|² + |y|² is taken again from the difference itself.
ROUNDING = 1e-9
# Squared distances that differ by less than this share of themselves are equal.
TIE = 1e-9
EPSILON = float(torch.finfo(torch.float32).eps)
# Float32 tells nothing of squares below this share of the largest.
VANISHED = 1e-30
# Rows that are converted at a time.
FEW = 512
# Numbers of rows gathered at a time: 1 MiB, which a cache holds.
PAIRS = 1 << 17


def squared_distances(x: Tensor, y: Tensor) -> Tensor:  # [N, D], [M, D] -> [N, M]
    """Return the squared distances of all pairs, in float64; 0 for equal rows."""
    norms = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    squares = torch.addmm(norms, x, y.T, alpha=-2)
    rows, columns = (squares < ROUNDING * norms).nonzero(as_tuple=True)
    squares[rows, columns] = of_pairs(x, y, rows, columns)
    return squares


def blocks(x: Tensor, y: Tensor, *, block: int | None = None) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield the squared distances of all pairs, block by block, with the rows of each set in the block."""
    # Less their mean, rows have the same distances and round less.
    center = _mean(x)
    for rows, columns in _tiles(x, y, block):
        yield rows, columns, squared_distances(x[rows] - center, y[columns] - center)


class Rough(NamedTuple):
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
    scratch: Scratch


def rough_blocks(x: Tensor, y: Tensor, block: int | None) -> Iterator[Rough]:
    """Yield every pair of blocks; for one set with itself, each pair of its blocks once."""
    is_within = x is y
    # The rounding of a product of so many terms, and of its factors.
    bound = (x.shape[1] + 8) * EPSILON
    # Less their mean, rows have the same distances and round less.
    center = _mean(x)
    unit = _unit(max(_largest(side, center) for side in (x, y)))
    narrow = [_centred(x, center, unit)]
    narrow.append(narrow[0] if is_within else _centred(y, center, unit))
    norms = [torch.linalg.vector_norm(side, dim=1).square_() for side in narrow]
    scratch = Scratch(x.device)
    for rows, columns in _tiles(x, y, block):
        if is_within and columns.start < rows.start:
            continue
        left, right = narrow[0][rows], narrow[1][columns]
        sums, squares = (scratch(name, len(left), len(right)) for name in ("sums", "squares"))
        torch.add(norms[0][rows, None], norms[1][columns], out=sums)
        torch.addmm(sums, left, right.T, alpha=-2, out=squares)
        error = sums.mul_(bound).add_(VANISHED)
        yield Rough(unit * unit, rows, columns, squares, error, x[rows], y[columns], scratch)


def decided(rough: Rough, radii: Tensor, is_closed: bool) -> Tensor:
    """Tell whether each pair is within its radius; float64 decides what float32 cannot: -> bool [n, m]."""
    # With the tie in the radius the two differ at a radius of 0 only, where copies lie.
    compare: Callable[[Tensor, Tensor], Tensor] = torch.le if is_closed else torch.lt
    radii = radii * (1 + TIE if is_closed else 1 - TIE)
    narrow, shape = (radii / rough.scale).to(torch.float32), rough.squares.shape
    gaps = torch.sub(rough.squares, narrow, out=rough.scratch("gaps", *shape))
    is_held = gaps < 0
    bounds = torch.add(rough.error, EPSILON * narrow, out=rough.scratch("bounds", *shape))
    rows, columns = (gaps.abs_() > bounds).logical_not_().nonzero(as_tuple=True)
    exact = of_pairs(rough.x, rough.y, rows, columns)
    is_held[rows, columns] = compare(exact, radii.expand(shape)[rows, columns])
    return is_held


def of_pairs(x: Tensor, y: Tensor, rows: Tensor, columns: Tensor) -> Tensor:  # [N, D], [M, D], [P], [P] -> [P]
    size = max(1, PAIRS // x.shape[1])
    pieces = zip(rows.split(size), columns.split(size), strict=True)
    squares = [_squares(x[i].double().sub_(y[j].double())) for i, j in pieces]
    return torch.cat([x.new_empty(0, dtype=torch.float64), *squares])


class Scratch:
    """Float32 matrices that every block writes over: as many fresh ones would leave the heap in pieces."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.held: dict[str, Tensor] = {}

    def __call__(self, name: str, rows: int, columns: int) -> Tensor:
        if name not in self.held or len(self.held[name]) < rows * columns:
            self.held[name] = torch.empty(rows * columns, dtype=torch.float32, device=self.device)
        return self.held[name][: rows * columns].view(rows, columns)


def _mean(x: Tensor) -> Tensor:  # [N, D] -> float64 [D], without a copy of all rows
    total = torch.zeros(x.shape[1], dtype=torch.float64, device=x.device)
    for rows in x.split(FEW):
        total += rows.sum(dim=0, dtype=torch.float64)
    return total / len(x)


def _largest(x: Tensor, center: Tensor) -> float:  # [N, D], float64 [D], of the magnitudes of the difference
    return max(float((rows - center).abs_().max()) for rows in x.split(FEW))


def _unit(largest: float) -> float:
    """Return the power of two above a magnitude, by which dividing costs no digit."""
    return math.ldexp(1.0, math.frexp(largest)[1])


def _centred(x: Tensor, center: Tensor, unit: float) -> Tensor:  # [N, D], float64 [D] -> float32 [N, D] in -1..1
    narrow = torch.empty(x.shape, dtype=torch.float32, device=x.device)
    for rows, target in zip(x.split(FEW), narrow.split(FEW), strict=True):
        target.copy_((rows - center).div_(unit))
    return narrow


def _squares(x: Tensor) -> Tensor:  # [P, D] -> [P]
    return torch.bmm(x[:, None], x[:, :, None])[:, 0, 0]


def _tiles(x: Tensor, y: Tensor, block: int | None) -> Iterator[tuple[slice, slice]]:
    """Yield the rows of each set in every block; as many as memory allows where no number is asked for."""
    n, m, block = len(x), len(y), block or block_rows(x.shape[1])
    for start in range(0, n, block):
        for other in range(0, m, block):
            yield slice(start, min(start + block, n)), slice(other, min(other + block, m))
