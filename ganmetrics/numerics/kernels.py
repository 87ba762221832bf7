"""Kernel matrices and the squared maximum mean discrepancy (Gretton et al. 2012), in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.memory import block_rows

if TYPE_CHECKING:
    from torch import Tensor


# Rows of a stripe of a symmetric matrix: fewer would waste less of it, and more of the product's speed.
STRIPE = 250


def cubic_kernel(products: Tensor) -> Tensor:
    """Return (t + 1)³ - 1 of t = x·y / D: KID's kernel (Bińkowski et al. 2018) less its constant.

    The constant cancels in every discrepancy. With it, the digits of features much smaller than 1 would be lost.
    """
    # (t + 1)³ - 1 = ((t + 3) t + 3) t, by Horner's rule.
    return (products + 3).mul_(products).add_(3).mul_(products)


def polynomial_kernel(x: Tensor, y: Tensor) -> Tensor:  # [N, D], [M, D] -> [N, M]
    """Return the cubic kernel of all pairs, less its constant."""
    return cubic_kernel((x @ y.T).div_(x.shape[1]))


def unbiased_mmd2(x: Tensor, y: Tensor) -> float:
    """Estimate the squared discrepancy of two samples of equal size by the polynomial kernel: [m, D], [m, D].

    The terms within a sample leave out the diagonal; the cross term keeps it, so the estimate is unbiased for
    independent samples and may be negative.
    """
    m = len(x)
    # The means of k(x, x') and of k(y, y') over pairs of different rows, m (m - 1) each.
    within = (_off_diagonal_sum(x) + _off_diagonal_sum(y)) / (m * (m - 1))
    return within - 2 * float(polynomial_kernel(x, y).mean())


def _off_diagonal_sum(x: Tensor) -> float:
    """Sum the kernel over all pairs of different rows; only stripes on and above the diagonal are computed."""
    total = 0.0
    for start in range(0, len(x), STRIPE):
        values = polynomial_kernel(x[start : start + STRIPE], x[start:])
        own = values[:, : len(values)]
        # Beside the square on the diagonal, which holds both orders of its pairs, each pair stands for two.
        total += 2 * float(values.sum()) - float(own.sum()) - float(own.trace())
    return total


def subset_sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """Sum the polynomial kernel over pairs of subsets: [N, D], [M, D], memberships [N, S], [M, S] -> float64 [S].

    Kernel values are computed once, in float64, block by block, however many subsets there are. For a set with itself
    each pair of blocks is computed once.
    """
    total = torch.zeros(in_x.shape[1], dtype=in_x.dtype, device=x.device)
    block = block_rows(x.shape[1])
    for start in range(0, len(x), block):
        rows, members = x[start : start + block].double(), in_x[start : start + block]
        for other in range(start if x is y else 0, len(y), block):
            columns, others = y[other : other + block].double(), in_y[other : other + block]
            # A block beside the diagonal stands for its mirror image too.
            weight = 2 if x is y and other > start else 1
            total += weight * (members * (polynomial_kernel(rows, columns) @ others)).sum(dim=0)
    return total


def gaussian_kernel(x: Tensor, y: Tensor, sigma: float) -> Tensor:  # [N, D], [M, D] -> [N, M]
    """Return ``exp(-|x - y|² / 2σ²)`` of all pairs."""
    # |x - y|² = |x|² + |y|² - 2 x·y, which rounding may leave below 0: [N, M].
    norms = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    squares = torch.addmm(norms, x, y.T, alpha=-2).clamp_(min=0)
    return squares.mul_(-1 / (2 * sigma**2)).exp_()


def mean_gaussian_kernel(x: Tensor, y: Tensor, sigma: float) -> float:
    """Average ``exp(-|x - y|² / 2σ²)`` over all pairs, block by block: [N, D], [M, D] -> float."""
    block, total = block_rows(x.shape[1]), 0.0
    for rows in x.split(block):
        for columns in y.split(block):
            total += float(gaussian_kernel(rows, columns, sigma).sum())
    return total / (len(x) * len(y))
