"""Nearest neighbours: scipy's distances, equal rows, ties, blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from ganmetrics.numerics import distances
from ganmetrics.numerics.distances import blocks, squared_distances
from ganmetrics.numerics.neighbors import close_pairs, crossing, held, nearest, nearest_other, neighbor_squares

RNG = np.random.RandomState(0)
X, Y = RNG.randn(50, 7), RNG.randn(33, 7) + 0.3
BLOCKS = [1, 7, 33, 1000]


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array, dtype=np.float64)) for array in arrays]


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_distances_are_scipys(offset: float) -> None:
    x, y = tensors(X + offset, Y + offset)
    assert np.allclose(squared_distances(x, y), cdist(X, Y, "sqeuclidean"), rtol=1e-6 if offset else 1e-12, atol=0)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_equal_rows_are_at_distance_zero(scale: float) -> None:
    (x,) = tensors(scale * (RNG.randn(40, 2048) + 3))
    squares = squared_distances(x, x.clone())
    assert float(squares.diagonal().abs().max()) == 0
    assert float(squares.fill_diagonal_(1).min()) > 0


def test_rows_that_nearly_agree_keep_their_distance() -> None:
    x = torch.ones(1, 100, dtype=torch.float64)
    y = x.clone()
    y[0, 0] += 1e-9
    assert float(squared_distances(x, y)) == pytest.approx(1e-18, rel=1e-6)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("k", [1, 3, 49])
def test_the_kth_neighbour_is_the_kth_smallest_of_the_others(k: int, block: int) -> None:
    expected = np.sort(cdist(X, X, "sqeuclidean"), axis=1)[:, k]
    assert np.allclose(neighbor_squares(*tensors(X), k, block=block), expected, rtol=1e-10)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_crossing_counts_what_the_whole_matrix_holds(is_closed: bool, block: int) -> None:
    x, y = np.round(X), np.round(Y)  # with many ties
    squares = cdist(x, y, "sqeuclidean")
    radii_x, radii_y = RNG.randint(4, 16, len(x)), RNG.randint(4, 16, len(y))
    compare = np.less_equal if is_closed else np.less
    found = crossing(*tensors(x, y, radii_x, radii_y), is_closed=is_closed, block=block)
    assert {counts.dtype for counts in found} == {torch.int64}
    assert found.real_balls.tolist() == compare(squares, radii_x[:, None]).sum(axis=0).tolist()
    assert found.fake_balls.tolist() == compare(squares, radii_y).sum(axis=1).tolist()
    assert found.held_fakes.tolist() == compare(squares, radii_x[:, None]).sum(axis=1).tolist()
    assert not np.array_equal(compare(squares, radii_y), np.less(squares, radii_y)) or not is_closed


@pytest.mark.parametrize("block", BLOCKS)
def test_the_nearest_is_the_first_of_the_smallest(block: int) -> None:
    x, y = np.round(X[:, :2]), np.round(Y[:, :2])
    squares = cdist(x, y, "sqeuclidean")
    places, found = nearest(*tensors(x, y), block=block)
    assert places.tolist() == squares.argmin(axis=1).tolist()
    assert found.tolist() == squares.min(axis=1).tolist()


@pytest.mark.parametrize("block", [7, 1000, None])
def test_the_nearest_other_is_the_first_of_the_smallest(block: int | None) -> None:
    x = np.round(X[:, :2])
    squares = cdist(x, x, "sqeuclidean") + np.diag(np.full(len(x), np.inf))
    places, found = nearest_other(*tensors(x), block=block)
    assert places.tolist() == squares.argmin(axis=1).tolist()
    assert found.tolist() == squares.min(axis=1).tolist()


def test_blocks_that_are_given_are_taken(monkeypatch) -> None:
    monkeypatch.setattr(distances, "block_rows", None)
    x, y = tensors(X, Y)
    assert neighbor_squares(x, 2, block=9).shape == (50,)
    assert nearest(x, y, block=9)[0].shape == nearest_other(x, block=9)[0].shape == (50,)
    assert close_pairs(x, 1e9, block=9) == 50 * 49 // 2
    assert int(crossing(x, y, x[:, 0], y[:, 0], is_closed=True, block=9).real_balls.sum()) >= 0
    assert [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns, _ in blocks(x, y, block=33)] == [
        (33, 33),
        (17, 33),
    ]


def test_every_block_writes_over_the_matrices_of_the_first(monkeypatch) -> None:
    """One of each kind for one pass, however many blocks it has."""
    made: list[distances.Scratch] = []

    class Spy(distances.Scratch):
        def __init__(self, device: torch.device) -> None:
            super().__init__(device)
            self.places: dict[str, set[int]] = {}
            made.append(self)

        def __call__(self, name: str, rows: int, columns: int) -> torch.Tensor:
            found = super().__call__(name, rows, columns)
            self.places.setdefault(name, set()).add(found.data_ptr())
            return found

    grown = distances.Scratch(torch.device("cpu"))
    assert [grown("one", size, size).shape for size in (2, 5, 3)] == [(2, 2), (5, 5), (3, 3)]
    monkeypatch.setattr(distances, "Scratch", Spy)
    x, y = tensors(X, Y)
    nearest_other(x, block=20)
    crossing(x, y, x.square().sum(dim=1), y.square().sum(dim=1), is_closed=True, block=20)
    found = [{name: len(places) for name, places in each.places.items()} for each in made]
    assert found == [{"sums": 1, "squares": 1, "turned": 1}, {"sums": 1, "squares": 1, "gaps": 1, "bounds": 1}]


def test_nothing_leaves_the_device_of_the_rows() -> None:
    """On another default device, of which a matrix that is made without one would be."""
    x, y = tensors(X, Y)
    radii = x.square().sum(dim=1), y.square().sum(dim=1)
    expected = nearest(x, y), nearest_other(x), crossing(x, y, *radii, is_closed=True)
    with torch.device("meta"):
        found = nearest(x, y), nearest_other(x), crossing(x, y, *radii, is_closed=True)
        narrow = nearest(x.float(), y.float())
        again = nearest(torch.ones_like(x), torch.ones_like(y))  # whose candidates leave ties open
    for sides, others in zip(found, expected, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(sides, others, strict=True))
    assert {one.device.type for one in (*narrow, *again)} == {"cpu"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_centred_in_pieces_about_their_mean_in_float64(dtype: torch.dtype, monkeypatch) -> None:
    monkeypatch.setattr(distances, "FEW", 7)
    x = (torch.from_numpy(X) + 1e4).to(dtype)
    center = distances._mean(x)
    torch.testing.assert_close(center, x.double().mean(dim=0), rtol=1e-13, atol=0)
    assert distances._largest(x, center) == float((x.double() - center).abs().max())
    assert torch.equal(distances._centred(x, center, 4.0), ((x.double() - center) / 4).float())


@pytest.mark.parametrize("count", [2, 5, 60])
def test_of_rows_that_are_all_equal_the_first_is_the_nearest(count: int) -> None:
    """Their squares and the bound of their errors are exactly 0."""
    (x,) = tensors(np.full((count, 3), 0.5))
    assert nearest(x, x.clone())[0].tolist() == [0] * count
    assert nearest_other(x)[0].tolist() == [1] + [0] * (count - 1)
    assert neighbor_squares(x, count - 1).tolist() == [0.0] * count


@pytest.mark.parametrize("block", BLOCKS)
def test_pairs_are_counted_once(block: int) -> None:
    x = np.round(X[:, :2])
    squares = cdist(x, x, "sqeuclidean")
    for square in (0.0, 1.0, 2.0):
        found = close_pairs(*tensors(x), square, block=block)
        is_close = (squares < square) | (squares == 0)
        assert (found, type(found)) == (np.triu(is_close, 1).sum(), int)


UNITS = [(unit, torch.float64) for unit in (2.0**-330, 1e-100, 1e-22, 0.1, 1e19, 1e38, 1e100, 2.0**330)]


@pytest.mark.parametrize(("unit", "dtype"), [*UNITS, (1e-22, torch.float32), (1e25, torch.float32)])
def test_the_unit_of_the_features_does_not_matter(unit: float, dtype: torch.dtype) -> None:
    x, y = (side.to(dtype) for side in tensors(X, Y))
    far, away = ((side.double() * unit).to(dtype) for side in (x, y))
    assert torch.equal(nearest(far, away)[0], nearest(x, y)[0])
    assert torch.allclose(neighbor_squares(far, 3) / unit**2, neighbor_squares(x, 3), rtol=1e-5)
    radii = [neighbor_squares(side, 3) for side in (x, y, far, away)]
    expected = crossing(x, y, *radii[:2], is_closed=True)
    assert all(map(torch.equal, crossing(far, away, *radii[2:], is_closed=True), expected))
    assert close_pairs(far, float(radii[2].median())) == close_pairs(x, float(radii[0].median()))


def test_rows_of_very_different_sizes_are_told_apart() -> None:
    """Squares of the small ones vanish beside those of the large ones in float32."""
    small = tensors(X)[0] * 1e-25
    x = torch.cat([small, torch.ones(1, X.shape[1]).double()])
    expected = neighbor_squares(small, 2)
    assert torch.allclose(neighbor_squares(x, 2)[:-1], expected, rtol=1e-9)
    found = crossing(x[:-1], x[:-1], expected, expected, is_closed=True)
    assert found.held_fakes.tolist() == crossing(*tensors(X, X), *[expected * 1e50] * 2, is_closed=True)[2].tolist()


@pytest.mark.parametrize("unit", [1.0, 0.1, 1e-100, 1 / 3, 7e40])
@pytest.mark.parametrize("is_closed", [True, False])
def test_ties_are_ties_in_every_unit(unit: float, is_closed: bool) -> None:
    """Of a grid, whose coordinates times 0.1 no longer are multiples of one number."""
    rng = np.random.RandomState(3)
    grid, other = rng.randint(-4, 5, (80, 3)).astype(float), rng.randint(-4, 5, (60, 3)).astype(float)
    squares, among = cdist(grid, other, "sqeuclidean"), cdist(grid, grid, "sqeuclidean")
    radii = np.sort(among, axis=1)[:, 3]
    compare = np.less_equal if is_closed else np.less
    x, y = tensors(grid * unit, other * unit)
    balls = compare(squares, radii[:, None])
    found = crossing(x, y, neighbor_squares(x, 3), None, is_closed=is_closed)
    assert found.real_balls.tolist() == balls.sum(axis=0).tolist()
    assert found.held_fakes.tolist() == balls.sum(axis=1).tolist()
    [(_, _, is_held)] = held(x, y, neighbor_squares(x, 3), is_closed=is_closed)
    assert is_held.tolist() == balls.tolist()
    assert nearest(x, y)[0].tolist() == squares.argmin(axis=1).tolist()
    assert close_pairs(x, 2.0 * unit**2) == np.triu(among < 2, 1).sum()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_the_order_of_rows_does_not_matter(seed: int, block: int) -> None:
    order = np.random.RandomState(seed).permutation(len(X))
    shuffled = neighbor_squares(*tensors(X[order]), 2, block=block)
    assert np.allclose(shuffled, neighbor_squares(*tensors(X), 2)[order], rtol=1e-12)
