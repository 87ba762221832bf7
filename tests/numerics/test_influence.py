"""Influence functions against finite differences of the statistics themselves, and what follows from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganmetrics.metrics.fid import frechet_distance
from ganmetrics.numerics.cholesky import pivoted
from ganmetrics.numerics.discrepancy import kernel_expansion
from ganmetrics.numerics.entropy import exponential_error, mean_divergence
from ganmetrics.numerics.influence import FrechetExpansion, Gaussian, Influence
from ganmetrics.numerics.kernels import polynomial_kernel

STEP = 1e-6
RNG = np.random.RandomState(0)
X, Y = RNG.randn(40, 5) @ RNG.randn(5, 5), RNG.randn(30, 5) @ RNG.randn(5, 5) + 0.5


def weighted_moments(rows, weights):
    weights = weights / weights.sum()
    mean = weights @ rows
    return mean, (rows - mean).T * weights @ (rows - mean)


def derivative(statistic, count, row):
    """Of a statistic of weights along (1 - ε) F + ε δ_row."""
    uniform = np.full(count, 1 / count)
    ends = []
    for step in (STEP, -STEP):
        weights = (1 - step) * uniform
        weights[row] += step
        ends.append(statistic(weights))
    return (ends[0] - ends[1]) / (2 * STEP)


def frechet_influence(real, fake, rows_r, rows_f):
    expansion = FrechetExpansion(real, fake)
    return Influence(None if rows_r is None else expansion.of(rows_r, "real")[0], expansion.of(rows_f, "fake")[0])


def gaussian(rows):
    mean, sigma = weighted_moments(rows, np.ones(len(rows)))
    return Gaussian(mean, pivoted(sigma).rows())


@pytest.mark.parametrize("dim", [1, 5])
@pytest.mark.parametrize("row", [0, 7, 29])
def test_the_frechet_influence_is_the_derivative(row, dim):
    x, y = X[:, :dim], Y[:, :dim]
    found = frechet_influence(gaussian(x), gaussian(y), x, y)
    even_x, even_y = np.ones(len(x)), np.ones(len(y))

    def of_fakes(weights):
        return frechet_distance(*weighted_moments(x, even_x), *weighted_moments(y, weights))

    def of_reals(weights):
        return frechet_distance(*weighted_moments(x, weights), *weighted_moments(y, even_y))

    assert float(found.fake[row]) == pytest.approx(derivative(of_fakes, len(y), row), rel=1e-6)
    assert float(found.real[row]) == pytest.approx(derivative(of_reals, len(x), row), rel=1e-6)
    assert float(found.fake.mean()) == pytest.approx(0, abs=1e-9)


def test_equal_gaussians_have_no_influence():
    found = frechet_influence(gaussian(X), gaussian(X), X, X)
    assert float(found.fake.abs().max()) < 1e-8


def test_directions_without_variance_are_left_out():
    """Features of which one is always 0, on both sides: its column changes nothing."""
    wide_x, wide_y = (np.hstack([rows, np.zeros((len(rows), 1))]) for rows in (X, Y))
    narrow = frechet_influence(gaussian(X), gaussian(Y), X, Y)
    wide = frechet_influence(gaussian(wide_x), gaussian(wide_y), wide_x, wide_y)
    assert torch.allclose(wide.fake, narrow.fake, rtol=1e-7)
    assert torch.allclose(wide.real, narrow.real, rtol=1e-7)


def test_gaussians_without_a_common_direction_leave_the_square_part():
    """The map between them is 0, so a row has |x - c|² less its mean, c the other's mean."""
    x, y = np.zeros((40, 5)), np.zeros((30, 5))
    x[:, :2], y[:, 2:] = X[:, :2], Y[:, 2:]
    found = frechet_influence(gaussian(x), gaussian(y), x, y)
    for rows, other, influence in ((x, y, found.real), (y, x, found.fake)):
        squares = torch.from_numpy(((rows - other.mean(axis=0)) ** 2).sum(axis=1))
        assert torch.allclose(influence, squares - squares.mean(), rtol=1e-9)


def test_exact_reals_add_no_variance():
    fixed = frechet_influence(gaussian(X), gaussian(Y), None, Y)
    both = frechet_influence(gaussian(X), gaussian(Y), X, Y)
    assert fixed.real is None
    assert fixed.error(40, 30) ** 2 == pytest.approx(float(both.fake.var()) / 30)
    assert both.error(50, 30) ** 2 == pytest.approx(float(both.real.var()) / 50 + fixed.error(40, 30) ** 2)


def test_the_freedom_of_normal_influences_is_that_of_their_variance():
    """2 V² over the variance of V: n - 1 or so for one normal sample, fewer for one of heavy tails."""
    rows = torch.from_numpy(np.random.RandomState(0).randn(20_000))
    assert Influence(None, rows).freedom(0, 20_000) == pytest.approx(20_000, rel=0.05)
    assert Influence(None, rows**3).freedom(0, 20_000) < 3_000
    assert Influence(None, torch.zeros(5)).freedom(0, 5) == math.inf


EVEN = np.full(40, 1 / 40), np.full(30, 1 / 30)


def weighted_distance(x, weights_x, y, weights_y):
    return frechet_distance(*weighted_moments(x, weights_x), *weighted_moments(y, weights_y))


def towards(count, row):
    """What a weight of 1 on one row adds to even weights, the others shrinking alike."""
    return np.eye(count)[row] - np.full(count, 1 / count)


def second_difference(score, first, second, step=1e-3):
    """The mixed second derivative of a score of two numbers at 0."""
    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    return sum(a * b * score(a * step * first, b * step * second) for a, b in signs) / (4 * step**2)


@pytest.mark.parametrize(("row", "other"), [(0, 1), (7, 3)])
def test_the_second_order_of_the_frechet_distance_is_its_second_derivative(row, other):
    x, y = X[:, :3], Y[:, :3]
    expansion = FrechetExpansion(gaussian(x), gaussian(y))
    a, b = expansion.of(y, "fake")[1], expansion.of(x, "real")[1]
    even_x, even_y = EVEN
    scores = [
        (lambda s, t: weighted_distance(x, even_x, y, even_y + s + t), 30, 30),
        (lambda s, t: weighted_distance(x, even_x + s + t, y, even_y), 40, 40),
        (lambda s, t: weighted_distance(x, even_x + s, y, even_y + t), 40, 30),
    ]
    expected = [second_difference(score, towards(n, row), towards(m, other)) for score, n, m in scores]
    pairs = [(a[[row]], a[[other]]), (b[[row]], b[[other]]), (b[[row]], a[[other]])]
    assert [expansion._kernel(*pair) for pair in pairs] == pytest.approx(np.abs(expected), rel=1e-3)


def test_the_second_order_of_equal_samples_is_all_there_is():
    """Between two draws of one distribution FID's variance is V2, and the influences count it twice (V1 = 2 V2)."""
    values, seconds, firsts = [], [], []
    for seed in range(60):
        x, y = np.random.RandomState(seed).randn(2, 300, 4)
        expansion = FrechetExpansion(gaussian(x), gaussian(y))
        (on_real, a), (on_fake, b) = expansion.of(x, "real"), expansion.of(y, "fake")
        seconds.append(expansion.second_order(a, b).error(300, 300))
        firsts.append(Influence(on_real, on_fake).error(300, 300))
        values.append(weighted_distance(x, np.ones(300), y, np.ones(300)))
    assert np.mean(seconds) == pytest.approx(np.std(values), rel=0.25)
    assert np.mean(np.square(firsts)) == pytest.approx(2 * np.mean(np.square(seconds)), rel=0.25)


def test_the_kernel_expansion_is_of_the_biased_discrepancy():
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    found = kernel_expansion(x, y)
    means = [float(polynomial_kernel(a, b).mean()) for a, b in ((x, x), (y, y), (x, y))]
    biased = means[0] + means[1] - 2 * means[2]
    bias = found.diagonals[0] / 40 + found.diagonals[1] / 30
    assert found.unbiased + bias == pytest.approx(biased, rel=1e-9)
    assert min(found.diagonals) > 0


@pytest.mark.parametrize("block", [1, 7, 1024])
@pytest.mark.parametrize("row", [0, 29])
def test_the_kernel_influence_is_the_derivative(row, block):
    """Of the discrepancy without the diagonal, scaled to the pairs that are left."""
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    k_xx, k_xy, k_yy = polynomial_kernel(x, x), polynomial_kernel(x, y), polynomial_kernel(y, y)
    found = kernel_expansion(x, y, block=block).influence
    k_yy.fill_diagonal_(0)
    k_xx.fill_diagonal_(0)
    raw = 2 * (k_yy.sum(dim=1) / (len(y) - 1) - k_xy.mean(dim=0))
    assert float(found.fake[row]) == pytest.approx(float((raw - raw.mean())[row]), rel=1e-9)

    def of_fakes(weights):
        w = torch.from_numpy(weights)
        return float(w @ k_yy @ w * len(y) / (len(y) - 1) - 2 * k_xy.mean(dim=0) @ w)

    assert float(found.fake[row]) == pytest.approx(derivative(of_fakes, len(y), row), rel=1e-5)
    of_reals = 2 * (k_xx.sum(dim=1) / (len(x) - 1) - k_xy.mean(dim=1))
    assert torch.allclose(found.real, of_reals - of_reals.mean(), rtol=1e-9)
    assert torch.allclose(found.fake, kernel_expansion(y, x, block=block).influence.real, rtol=1e-9)


def test_the_errors_of_the_inception_score_are_by_influence_and_by_leaving_out():
    logits = RNG.randn(30, 4) * 3
    log_p = torch.log_softmax(torch.from_numpy(logits), dim=1)
    score = math.exp(mean_divergence(log_p))
    p, marginal = log_p.exp().numpy(), log_p.exp().numpy().mean(axis=0)
    divergences = (p * (log_p.numpy() - np.log(marginal))).sum(axis=1)
    without = [math.exp(mean_divergence(log_p[np.arange(30) != row])) for row in range(30)]
    first, second = exponential_error(log_p)
    assert first == pytest.approx(score * divergences.std(ddof=1) / 30**0.5)
    assert second == pytest.approx(np.std(without, ddof=1) * 29 / 30**0.5)


def test_a_class_of_probability_zero_adds_nothing_to_the_errors():
    log_p = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]], dtype=torch.float64).log()
    padded = torch.cat([log_p, torch.full((3, 1), -torch.inf, dtype=torch.float64)], dim=1)
    assert exponential_error(padded) == pytest.approx(exponential_error(log_p))
    assert exponential_error(torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64).log()) == (0.0, 0.0)


@pytest.mark.parametrize("scale", [1e-100, 1e-3, 1.0, 1e3, 1e100])
def test_units_carry_over(scale):
    one = frechet_influence(gaussian(X), gaussian(Y), X, Y)
    other = frechet_influence(gaussian(scale * X), gaussian(scale * Y), scale * X, scale * Y)
    assert torch.allclose(other.fake / scale / scale, one.fake, rtol=1e-8)
    assert other.error(40, 30) / scale / scale == pytest.approx(one.error(40, 30), rel=1e-8)
    assert other.freedom(40, 30) == pytest.approx(one.freedom(40, 30), rel=1e-6)


@pytest.mark.parametrize("side", ["real", "fake"])
def test_a_side_of_equal_rows_leaves_the_linear_and_the_square_part(side):
    """Of a distance to one point, |μ - c|² + tr Σ, a row has |x - c|² less its mean."""
    point = Gaussian(np.full(5, 2.0), np.empty((0, 5)))
    ones = np.full((30, 5), 2.0)
    if side == "real":
        found = frechet_influence(point, gaussian(Y), ones, Y).fake
    else:
        found = frechet_influence(gaussian(Y), point, Y, ones).real
    squares = torch.from_numpy(((Y - 2.0) ** 2).sum(axis=1))
    assert torch.allclose(found, squares - squares.mean(), rtol=1e-9)
