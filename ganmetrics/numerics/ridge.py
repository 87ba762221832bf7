"""Ridge regression on standardised rows, whose own rows are scored without themselves; in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

# The penalty on squared weights, for each column, in units of one row.
PENALTY = 0.3


def left_out_scores(x: Tensor, others: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Regress targets on rows: [N, D], [M, D], [N, K] -> [N, K], [M, K].

    The first are the scores of each row by the regression without it, in closed form, the second those of other rows
    by the regression on all. Both are less the mean of the targets.
    """
    rows = x.double()
    mean, scale = rows.mean(dim=0), rows.std(dim=0)
    rows, further = ((side - mean) / torch.where(scale > 0, scale, 1.0) for side in (rows, others))
    centred = targets - targets.mean(dim=0)
    gram = rows.T @ rows + PENALTY * rows.shape[1] * torch.eye(rows.shape[1], dtype=torch.float64)
    factor = torch.linalg.cholesky(gram)
    weights = torch.cholesky_solve(rows.T @ centred, factor)
    leverage = torch.linalg.solve_triangular(factor, rows.T, upper=False).square().sum(dim=0)[:, None] + 1 / len(x)
    return (rows @ weights - leverage * centred) / (1 - leverage), further @ weights
