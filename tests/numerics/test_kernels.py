"""The polynomial kernel and its discrepancy, against loops over single vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.numerics import kernels
from ganmetrics.numerics.kernels import mean_gaussian_kernel, polynomial_kernel, subset_sums, unbiased_mmd2


def drawn(count, dim=6, seed=0):
    return torch.from_numpy(np.random.RandomState(seed).randn(count, dim))


def test_kernel_of_single_vectors():
    x, y = drawn(4, seed=1), drawn(5, seed=2)
    expected = [[(float(a @ b) / 6 + 1) ** 3 - 1 for b in y] for a in x]
    np.testing.assert_allclose(polynomial_kernel(x, y), expected, rtol=1e-13)


def test_kernel_keeps_the_digits_of_small_features():
    """(1 + t)³ - 1 of t = 1e-200 / 6 is 3 t to all its digits, where 1 + t is 1."""
    x = drawn(3) * 1e-100
    np.testing.assert_allclose(polynomial_kernel(x, x), 3 * (x @ x.T) / 6, rtol=1e-15)


def test_kernel_equals_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics.pairwise")
    x, y = drawn(20, 16, seed=1), drawn(30, 16, seed=2)
    expected = sklearn.polynomial_kernel(x.numpy(), y.numpy(), degree=3, gamma=None, coef0=1)
    np.testing.assert_allclose(polynomial_kernel(x, y), expected - 1, rtol=1e-12)


def test_discrepancy_of_single_pairs():
    x, y = drawn(7, seed=1), drawn(7, seed=2) + 0.3
    kernel = lambda a, b: (float(a @ b) / 6 + 1) ** 3  # noqa: E731
    pairs = [(i, j) for i in range(7) for j in range(7) if i != j]
    within = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in pairs) / 42
    across = sum(kernel(a, b) for a in x for b in y) / 49
    found = unbiased_mmd2(x, y)
    assert found == pytest.approx(within - 2 * across, rel=1e-12)


@pytest.mark.parametrize("block", [1, 3, 10, 1024])
def test_subset_sums_do_not_depend_on_the_block(block, monkeypatch):
    monkeypatch.setattr(kernels, "block_rows", lambda dim: block)
    x, y = drawn(10, seed=1), drawn(8, seed=2)
    members = np.random.RandomState(3)
    in_x, in_y = (torch.from_numpy(members.randint(0, 2, (len(z), 4)).astype(float)) for z in (x, y))
    expected = [float(polynomial_kernel(x[a.bool()], y[b.bool()]).sum()) for a, b in zip(in_x.T, in_y.T, strict=True)]
    np.testing.assert_allclose(subset_sums(x, y, in_x, in_y), expected, rtol=1e-12)


@pytest.mark.parametrize("block", [1, 3, 10, 1024])
def test_subset_sums_of_a_set_with_itself_count_both_halves(block, monkeypatch):
    monkeypatch.setattr(kernels, "block_rows", lambda dim: block)
    x = drawn(10)
    members = torch.from_numpy(np.random.RandomState(3).randint(0, 2, (10, 4)).astype(float))
    expected = [float(polynomial_kernel(x[a.bool()], x[a.bool()]).sum()) for a in members.T]
    np.testing.assert_allclose(subset_sums(x, x, members, members), expected, rtol=1e-12)
    narrow = subset_sums(x.float(), x.float(), members, members)
    np.testing.assert_allclose(narrow, subset_sums(x.float().double(), x.float(), members, members), rtol=1e-14)


@pytest.mark.parametrize("stripe", [1, 3, 7, 250])
def test_the_discrepancy_does_not_depend_on_the_stripe(stripe, monkeypatch):
    x, y = drawn(7, seed=1), drawn(7, seed=2)
    expected = unbiased_mmd2(x, y)
    monkeypatch.setattr(kernels, "STRIPE", stripe)
    assert unbiased_mmd2(x, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_the_mean_gaussian_kernel_is_that_of_the_loop(block, monkeypatch):
    monkeypatch.setattr(kernels, "block_rows", lambda dim: block)
    x, y = drawn(5, seed=1), drawn(8, seed=2)
    expected = np.mean([[np.exp(-float((a - b) @ (a - b)) / (2 * 1.7**2)) for b in y] for a in x])
    assert mean_gaussian_kernel(x, y, 1.7) == pytest.approx(expected, rel=1e-12)
    far = 1e6 + torch.zeros(3, 2, dtype=torch.float64)
    assert mean_gaussian_kernel(far, far + 1e-9, 1.0) <= 1.0  # rounding of squares stays at 0 or above
