"""The ring and the grid: where their modes are, and draws that are theirs."""

from __future__ import annotations

import math

import pytest
import torch

from ganmetrics.data.mixtures import GRID, RING, Mixture, draw


def drawn(mixture, n, seed=0):
    return draw(mixture, n, torch.Generator().manual_seed(seed))


def test_the_ring_has_eight_modes_on_the_unit_circle():
    """Evenly: with the first angle repeated as the last there would be seven, a known slip."""
    centers = torch.tensor(RING.centers, dtype=torch.float64)
    assert centers.norm(dim=1).tolist() == pytest.approx([1.0] * 8)
    gaps = torch.cdist(centers, centers) + 9 * torch.eye(8)
    assert gaps.min(dim=1).values.tolist() == pytest.approx([2 * math.sin(math.pi / 8)] * 8)
    assert RING.std == 0.01


def test_the_grid_is_five_by_five():
    assert set(GRID.centers) == {(x, y) for x in (-4.0, -2.0, 0.0, 2.0, 4.0) for y in (-4.0, -2.0, 0.0, 2.0, 4.0)}
    assert len(GRID.centers) == 25
    assert GRID.std == 0.05


def test_a_mixture_is_a_value():
    assert Mixture("ring", RING.centers, 0.01) == RING
    assert len({RING, GRID, Mixture("ring", RING.centers, 0.01)}) == 2


@pytest.mark.parametrize("mixture", [RING, GRID], ids=lambda mixture: mixture.name)
def test_draws_have_the_moments_of_the_mixture(mixture):
    n, centers = 100_000, torch.tensor(mixture.centers, dtype=torch.float64)
    points = drawn(mixture, n).double()
    variance = float(centers.var(dim=0, correction=0)[0]) + mixture.std**2
    assert points.mean(dim=0).tolist() == pytest.approx([0.0, 0.0], abs=4 * math.sqrt(variance / n))
    covariance = points.T.cov().flatten().tolist()
    assert covariance == pytest.approx([variance, 0.0, 0.0, variance], abs=6 * variance / math.sqrt(n))
    rest = points - centers[torch.cdist(points, centers).argmin(dim=1)]
    assert rest.std(dim=0).tolist() == pytest.approx([mixture.std] * 2, rel=0.01)


def test_the_generator_decides():
    assert drawn(RING, 7).dtype == torch.float32
    assert torch.equal(drawn(RING, 7), drawn(RING, 7))
    assert not torch.equal(drawn(RING, 7), drawn(RING, 7, seed=1))
    before = torch.get_rng_state()
    drawn(GRID, 7)
    assert torch.equal(torch.get_rng_state(), before)
    assert drawn(GRID, 0).shape == (0, 2)
