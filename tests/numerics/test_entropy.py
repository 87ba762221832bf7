"""Mutual information of class probabilities, from logarithms."""

from __future__ import annotations

import math

import pytest
import torch

from ganmetrics.numerics.entropy import mean_divergence


def divergence(probabilities):
    return mean_divergence(torch.tensor(probabilities, dtype=torch.float64).log())


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([[0.3, 0.7], [0.3, 0.7]], 0.0),
        ([[1.0, 0.0], [0.0, 1.0]], math.log(2)),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], 0.0),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], math.log(3)),
        ([[1.0, 0.0], [0.5, 0.5]], 0.75 * math.log(1 / 0.75) + 0.25 * math.log(1 / 0.25) - 0.5 * math.log(2)),
    ],
    ids=["equal rows", "two certain classes", "one certain class", "three certain classes", "half certain"],
)
def test_closed_forms(probabilities, expected):
    """It is H(mean of the rows) - mean of H(row); a class of probability zero adds nothing."""
    assert divergence(probabilities) == pytest.approx(expected, abs=1e-15)


def test_equals_entropy_of_the_mean_less_mean_entropy():
    p = torch.softmax(torch.randn(64, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), dim=1)
    marginal = p.mean(dim=0)
    expected = float(-(marginal * marginal.log()).sum() + (p * p.log()).sum(dim=1).mean())
    assert mean_divergence(p.log()) == pytest.approx(expected, rel=1e-12)
