"""Kernel matrices and the squared maximum mean discrepancy (Gretton et al. 2012), in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.memory import block_rows

if TYPE_CHECKING:
    from torch import Tensor


def polynomial_kernel(x: Tensor, y: Tensor, *, degree: int = 3) -> Tensor:  # [N, D], [M, D] -> [N, M]
    """(x·y / D + 1)^degree, the kernel of KID (Bińkowski et al. 2018)."""
    return (x @ y.T).div_(x.shape[1]).add_(1.0).pow_(degree)


def unbiased_mmd2(k_rr: Tensor, k_rf: Tensor, k_ff: Tensor) -> float:
    """The squared discrepancy of two samples of equal size m from their kernel matrices, each [m, m].

    The terms within a sample leave out the diagonal; the cross term keeps it, so the estimate is unbiased for
    independent samples and may be negative.
    """
    m = len(k_rr)
    within = (k_rr.sum() - k_rr.trace() + k_ff.sum() - k_ff.trace()) / (m * (m - 1))
    return float(within - 2 * k_rf.mean())


def subset_sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """The sum of the polynomial kernel over subset pairs: [N, D], [M, D], memberships [N, S], [M, S] -> [S].

    Kernel values are computed once, block by block, however many subsets there are.
    """
    total = torch.zeros(in_x.shape[1], dtype=x.dtype, device=x.device)
    block = block_rows(x.shape[1])
    for rows, members in zip(x.split(block), in_x.split(block), strict=True):
        for columns, others in zip(y.split(block), in_y.split(block), strict=True):
            total += (members * (polynomial_kernel(rows, columns) @ others)).sum(dim=0)
    return total


def mean_gaussian_kernel(x: Tensor, y: Tensor, sigma: float) -> float:
    """The mean of exp(-|x - y|² / 2σ²) over all pairs, block by block: [N, D], [M, D] -> float."""
    block, total = block_rows(x.shape[1]), 0.0
    for rows in x.split(block):
        for columns in y.split(block):
            norms = rows.square().sum(dim=1)[:, None] + columns.square().sum(dim=1)
            squares = torch.addmm(norms, rows, columns.T, alpha=-2).clamp_(min=0)
            total += float(squares.mul_(-1 / (2 * sigma**2)).exp_().sum())
    return total / (len(x) * len(y))
