"""Spread: ten groups in turn, against NumPy's variances; any cut of the rows is the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.numerics import spread
from ganmetrics.numerics.spread import GROUPS, Spread


def drawn(count: int, dim: int = 4, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(count).randn(count, dim) + 2.0).to(dtype)


def trace(rows: torch.Tensor) -> float:
    return float(rows.numpy().var(axis=0, ddof=1).sum())


@pytest.mark.parametrize("count", [1, 7, 10, 23, 200])
def test_groups_take_rows_in_turn(count: int) -> None:
    rows = drawn(count)
    found = Spread.of(rows)
    assert (found.counts.dtype, found.scatters.dtype) == (torch.float64, torch.float64)
    assert found.means.shape == (GROUPS, 4)
    assert found.count == count
    for group in range(GROUPS):
        part = rows[group::GROUPS].numpy()
        mean = part.mean(axis=0) if len(part) else np.zeros(4)
        assert int(found.counts[group]) == len(part)
        np.testing.assert_allclose(found.means[group], mean, rtol=1e-14)
        assert float(found.scatters[group]) == pytest.approx(((part - mean) ** 2).sum(), rel=1e-12)


def test_places_say_which_group_a_row_is_of() -> None:
    rows, places = drawn(30), torch.arange(30) + 3
    found, plain = Spread.of(rows, places), Spread.of(rows)
    assert torch.equal(found.counts.roll(-3), plain.counts)
    assert torch.equal(found.means.roll(-3, dims=0), plain.means)
    assert torch.equal(found.scatters.roll(-3), plain.scatters)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_parts_that_merge_are_the_whole(size: int) -> None:
    rows = drawn(151)
    whole, merged = Spread.of(rows), Spread.of(rows[:0])
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        merged = merged.merge(Spread.of(part, torch.arange(start, start + len(part))))
    assert torch.equal(merged.counts, whole.counts)
    torch.testing.assert_close(merged.means, whole.means, rtol=1e-6, atol=0)
    torch.testing.assert_close(merged.scatters, whole.scatters, rtol=1e-6, atol=0)
    assert not torch.isnan(merged.means).any()
    assert merged.variance() == pytest.approx(trace(rows), rel=1e-6)


@pytest.mark.parametrize("count", [2, 9, 10, 25, 300])
def test_the_variance_is_the_trace_of_the_covariance(count: int) -> None:
    rows = drawn(count)
    found = Spread.of(rows)
    assert found.variance() == pytest.approx(trace(rows), rel=1e-6)
    for group in (0, 9):
        others = rows[torch.arange(count) % GROUPS != group]
        if len(others) > 1:
            assert found.variance(leave_out=group) == pytest.approx(trace(others), rel=1e-6)


def test_squares_of_narrow_rows_are_summed_in_float64() -> None:
    rows = drawn(4000, 64, torch.float32)
    found = Spread.of(rows)
    assert found.means.dtype == torch.float32
    assert found.variance() == pytest.approx(trace(rows.double()), rel=1e-6)
    assert found.merge(found).means.dtype == torch.float32
    assert spread._norms(rows).dtype == torch.float64
