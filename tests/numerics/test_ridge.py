"""Ridge regression without each row in turn, against as many regressions."""

from __future__ import annotations

import pytest
import torch

from ganmetrics.numerics.ridge import PENALTY, left_out_scores


def regressed(rows: torch.Tensor, targets: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """The scores of some rows by a regression with an intercept of its own: [Q, K]."""
    columns = torch.cat([rows, torch.ones(len(rows), 1, dtype=torch.float64)], dim=1)
    # Standardised columns have one penalty in all; the intercept has none.
    penalty = PENALTY * rows.shape[1] * torch.eye(columns.shape[1], dtype=torch.float64)
    penalty[-1, -1] = 0.0
    weights = torch.linalg.solve(columns.T @ columns + penalty, columns.T @ targets)
    return torch.cat([asked, torch.ones(len(asked), 1, dtype=torch.float64)], dim=1) @ weights


def test_scores_are_those_of_regressions_without_the_row() -> None:
    rng = torch.Generator().manual_seed(0)
    rows, others = (torch.randn(count, 4, generator=rng, dtype=torch.float64) * 0.3 + 1 for count in (30, 5))
    rows[:, 3] = others[:, 3] = 7.0
    targets = torch.nn.functional.one_hot(torch.arange(30) % 3, 3).double()
    own, further = left_out_scores(rows, others, targets)
    mean, scale = rows.mean(dim=0), torch.where(rows.std(dim=0) > 0, rows.std(dim=0), 1.0)
    alike, asked = (rows - mean) / scale, (others - mean) / scale
    expected = regressed(alike, targets, asked) - targets.mean(dim=0)
    assert torch.allclose(further, expected)
    for place in range(30):
        is_kept = torch.arange(30) != place
        without = regressed(alike[is_kept], targets[is_kept], alike[~is_kept])[0]
        assert own[place].tolist() == pytest.approx((without - targets.mean(dim=0)).tolist(), abs=1e-12)
