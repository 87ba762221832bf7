"""k-means: against scikit-learn from the same seeding, the law of the seeding, empty clusters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganmetrics.numerics import clusters
from ganmetrics.numerics.clusters import kmeans, nearest_center, seeded_centers


def rng(seed=0):
    return np.random.RandomState(seed)


def blobs(count=600, dim=5, num_blobs=4, seed=0):
    random = rng(seed)
    centers = 6.0 * random.randn(num_blobs, dim)
    return torch.from_numpy(centers[np.arange(count) % num_blobs] + random.randn(count, dim))


@pytest.mark.parametrize(("k", "seed"), [(2, 0), (4, 1), (12, 2), (40, 3)])
def test_equals_scikit_learn_from_the_same_seeding(k, seed):
    peer = pytest.importorskip("sklearn.cluster").KMeans
    x = blobs(seed=seed)
    start = seeded_centers(x, k, rng(seed)).numpy()
    expected = peer(k, init=start, n_init=1, tol=0, max_iter=300, algorithm="lloyd").fit(x.numpy())
    found = kmeans(x, k, rng(seed), tolerance=0.0, max_iterations=300)
    np.testing.assert_allclose(found.numpy(), expected.cluster_centers_, rtol=1e-9, atol=1e-9)
    labels, squares = nearest_center(x, found)
    np.testing.assert_array_equal(labels.numpy(), expected.labels_)
    assert float(squares.sum()) == pytest.approx(expected.inertia_, rel=1e-9)


def test_the_tolerance_ends_the_iteration_near_the_end():
    x = blobs(2000)
    early, late = (kmeans(x, 30, rng(), tolerance=tolerance) for tolerance in (1e-2, 0.0))
    sums = [float(nearest_center(x, centers)[1].sum()) for centers in (early, late)]
    assert not torch.equal(early, late)
    assert sums[1] < sums[0] < 1.1 * sums[1]


def test_the_seeding_is_drawn_by_squared_distance():
    """From 0, 1 and 3: the first evenly, the second with weights 1 : 9, 1 : 4 or 9 : 4."""
    x, random, draws = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64), rng(), 6000
    found = [tuple(seeded_centers(x, 2, random)[:, 0].tolist()) for _ in range(draws)]
    exact = {(0, 1): 0.1, (0, 3): 0.9, (1, 0): 0.2, (1, 3): 0.8, (3, 0): 9 / 13, (3, 1): 4 / 13}
    for pair, share in exact.items():
        p = share / 3
        assert found.count(pair) / draws == pytest.approx(p, abs=4 * (p * (1 - p) / draws) ** 0.5)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_the_nearest_centre_whatever_the_block(block):
    x, centers = blobs(50), blobs(9, seed=1)
    labels, squares = nearest_center(x, centers, block=block)
    distances = torch.cdist(x, centers, compute_mode="donot_use_mm_for_euclid_dist")
    assert torch.equal(labels, distances.argmin(dim=1))
    torch.testing.assert_close(squares, distances.min(dim=1).values.square())


def test_more_clusters_than_distinct_rows_leave_the_rest_empty():
    x = torch.tensor([[1.0, 1.0]] * 5 + [[2.0, 2.0]] * 3, dtype=torch.float64)
    centers = kmeans(x, 6, rng())
    labels, squares = nearest_center(x, centers)
    assert {tuple(center) for center in centers.tolist()} == {(1.0, 1.0), (2.0, 2.0)}
    assert sorted(torch.bincount(labels, minlength=6).tolist()) == [0, 0, 0, 0, 3, 5]
    assert squares.tolist() == [0.0] * 8


def test_the_seed_decides():
    x = blobs()
    assert torch.equal(kmeans(x, 12, rng(3)), kmeans(x, 12, rng(3)))
    assert not torch.equal(kmeans(x, 12, rng(3)), kmeans(x, 12, rng(4)))


class Fixed:
    """Draws that are known: the first row, and one place in what is left."""

    def __init__(self, place=0.0):
        self.place = place

    def randint(self, count):
        return 0

    def random_sample(self):
        return self.place


def test_a_row_at_distance_zero_is_never_drawn_while_others_are_left():
    x = torch.tensor([[1.0], [1.0], [4.0], [1.0], [9.0]], dtype=torch.float64)
    assert seeded_centers(x, 3, Fixed())[:, 0].tolist() == [1.0, 4.0, 9.0]


def test_the_last_row_is_drawn_by_its_share_too():
    x = torch.tensor([[0.0], [1.0], [10.0]], dtype=torch.float64)  # shares of 1 : 100
    assert [seeded_centers(x, 2, Fixed(place))[1].item() for place in (0.0, 0.0099, 0.01, 0.99)] == [
        1.0,
        1.0,
        10.0,
        10.0,
    ]


def test_a_mean_may_be_of_one_row_and_none_is_kept():
    x, before = torch.tensor([[0.0], [2.0], [7.0]]), torch.tensor([[5.0], [6.0], [8.0]])
    assert clusters._means(x, torch.tensor([0, 0, 1]), before).tolist() == [[1.0], [7.0], [8.0]]


def test_distances_of_the_seeding_keep_their_digits_far_from_the_origin():
    x = 1e8 + torch.arange(40.0, dtype=torch.float64)[:, None] % 2  # twice twenty equal rows
    assert seeded_centers(x, 2, Fixed())[:, 0].tolist() == [1e8, 1e8 + 1]
    assert clusters._squared_distances(x, 1).tolist() == [1.0, 0.0] * 20


@pytest.mark.parametrize(("options", "steps"), [({"tolerance": -1.0}, 100), ({"tolerance": 0.0}, 2), ({}, 2)])
def test_the_iteration_ends_where_nothing_falls_any_more(options, steps, monkeypatch):
    """Two far groups: the first step finds their means and the second confirms them; below 0 no step confirms."""
    calls, inner = [], nearest_center
    monkeypatch.setattr(clusters, "nearest_center", lambda *sides: calls.append(0) or inner(*sides))
    x = torch.tensor([[0.0], [1.0], [100.0], [101.0]], dtype=torch.float64)
    assert sorted(kmeans(x, 2, rng(), **options)[:, 0].tolist()) == [0.5, 100.5]
    assert len(calls) == 1 + steps


def test_the_tolerance_is_a_ten_thousandth_unless_told_otherwise():
    x = blobs(2000)
    assert torch.equal(kmeans(x, 30, rng()), kmeans(x, 30, rng(), tolerance=1e-4, max_iterations=100))
