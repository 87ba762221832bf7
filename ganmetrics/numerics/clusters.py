"""k-means in float64: seeding by squared distance (Arthur and Vassilvitskii 2007), then Lloyd's iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


# Squared distances to centres that differ by less than this share of |x|² + |c|², about the centres' median, are equal.
ROUNDING = 1e-13


def kmeans(
    x: Tensor, k: int, rng: np.random.RandomState, *, tolerance: float = 1e-4, max_iterations: int = 100
) -> Tensor:  # [N, D] -> [K, D]
    """Find the centres of ``k`` clusters, from k-means++ by Lloyd's iteration.

    The iteration ends when the sum of squared distances falls by no more than ``tolerance`` of itself. A cluster that
    loses every row keeps its centre. Fewer distinct rows than ``k`` leave equal centres; all but the first of them stay
    empty.
    """
    centers = seeded_centers(x, k, rng)
    labels, squares = nearest_center(x, centers)
    for _ in range(max_iterations):
        before = squares.sum()
        centers = _means(x, labels, centers)
        labels, squares = nearest_center(x, centers)
        if before - squares.sum() <= tolerance * before:
            break
    return centers


def seeded_centers(x: Tensor, k: int, rng: np.random.RandomState) -> Tensor:  # [N, D] -> [K, D]
    """Draw rows of ``x``: the first evenly, each next in proportion to its squared distance from those before it."""
    chosen = [int(rng.randint(len(x)))]
    squares = _squared_distances(x, chosen[-1])
    while len(chosen) < k:
        total = torch.cumsum(squares, dim=0)
        place = torch.searchsorted(total, total[-1] * float(rng.random_sample()), right=True)
        # Where every distance is 0 the search ends past the last row.
        chosen.append(min(int(place), len(x) - 1))
        squares = torch.minimum(squares, _squared_distances(x, chosen[-1]))
    return x[chosen]


def nearest_center(x: Tensor, centers: Tensor, *, block: int = 4096) -> tuple[Tensor, Tensor]:
    """Find the index of the nearest centre, the first of equals, and its squared distance: [N, D], [K, D] -> [N], [N].

    Memory is block * K.
    """
    # Distances do not depend on the origin, and rounding does: far from it squares would swallow every difference. The
    # median, unlike the mean, stays near the others where a centre is a single row far away.
    origin = centers.median(dim=0).values
    moved = centers - origin
    parts = [_nearest(rows - origin, moved, moved.square().sum(dim=1)) for rows in x.split(block)]
    indices, squares = zip(*parts, strict=True)
    return torch.cat(indices), torch.cat(squares)


def _nearest(x: Tensor, centers: Tensor, norms: Tensor) -> tuple[Tensor, Tensor]:  # [N, D], [K, D], [K] -> [N], [N]
    # |x - c|² = |x|² - 2 x·c + |c|²: one matrix product.
    values, own = norms - 2 * x @ centers.T, x.square().sum(dim=1)
    least = values.amin(dim=1)
    is_least = values - ROUNDING * norms <= (least + ROUNDING * own)[:, None]
    return is_least.to(torch.int8).argmax(dim=1), (own + least).clamp_(min=0)


def _squared_distances(x: Tensor, row: int) -> Tensor:  # [N, D] -> [N]
    return torch.cdist(x, x[row : row + 1], compute_mode="donot_use_mm_for_euclid_dist")[:, 0].square()


def _means(x: Tensor, labels: Tensor, centers: Tensor) -> Tensor:  # [N, D], [N], [K, D] -> [K, D]
    counts = torch.bincount(labels, minlength=len(centers))[:, None]
    sums = torch.zeros_like(centers).index_add_(0, labels, x)
    return torch.where(counts > 0, sums / counts.clamp(min=1), centers)
