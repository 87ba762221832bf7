"""What the diagnosis measures: modes that are left out, images that are copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

import ganmetrics as gm
from ganmetrics.diagnosis.missing_modes import clusters, mode_shares
from ganmetrics.diagnosis.near_copies import NearCopies
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.diagnosis.unlike_reals import unlike_reals
from ganmetrics.measurement.recipe import Recipe

CENTERS = 8.0 * np.eye(10)


def blobs(seed: int, count: int, kept: tuple[int, ...] = tuple(range(10))) -> tuple[np.ndarray, np.ndarray]:
    """Rows about some of ten centres, and which."""
    rng = np.random.RandomState(seed)
    which = rng.choice(kept, count)
    return CENTERS[which] + rng.randn(count, 10), which


def test_left_out_modes_are_found_with_their_share() -> None:
    real, which = blobs(0, 2000)
    fake, _ = blobs(1, 1500, kept=(0, 1, 2, 3, 4, 5, 6))
    found = clusters(real, fake)
    lost = set(found.shares.is_low.nonzero()[:, 0].tolist())
    members = found.real_members.numpy()
    share_of_lost = np.mean([np.isin(which[members == cluster], (7, 8, 9)).mean() for cluster in lost])
    assert share_of_lost > 0.98
    assert found.shares.lost_share == pytest.approx(0.3, abs=0.04)
    assert set(found.shares.missing) == lost
    assert bool(found.shares.is_high.any())


def test_sets_of_one_distribution_lose_nothing() -> None:
    alarms = 0
    for seed in range(40):
        (real, _), (fake, _) = blobs(2 * seed, 500), blobs(2 * seed + 1, 500)
        alarms += clusters(real, fake).shares.lost_share > 0
    assert alarms <= 7  # 5 % for either direction, and clusters that were fitted to the reals


def test_exchanged_sets_turn_low_into_high() -> None:
    counts = torch.tensor([100, 100, 100]), torch.tensor([180, 110, 10])
    one, other = mode_shares(*counts), mode_shares(*counts[::-1])
    assert torch.equal(one.is_low, other.is_high)
    assert one.is_low.tolist() == [False, False, True]
    assert one.lost_share == pytest.approx(1 / 3 - 1 / 30)
    assert one.missing == [] and mode_shares(torch.tensor([100, 100]), torch.tensor([200, 0])).missing == [1]


def copies(real: np.ndarray, fake: np.ndarray) -> NearCopies:
    """Of sets with these features, kept as they are."""
    return Pair(*(_side(rows) for rows in (real, fake))).copies


def _side(rows: np.ndarray) -> gm.Statistics:
    recipe = Recipe("pixels", "none", "none")
    return gm.Statistics(recipe, len(rows), "unknown", features=torch.from_numpy(np.asarray(rows, np.float64)))


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Fakes of which 0..4 copy reals, and of which 10..14 are one image."""
    rng = np.random.RandomState(seed)
    real, fake = rng.randn(300, 16), rng.randn(200, 16)
    fake[:5] = real[20:25] + 1e-3 * rng.randn(5, 16)
    fake[10:15] = fake[10] + 1e-3 * rng.randn(5, 16)
    return real, fake


def test_planted_copies_are_listed() -> None:
    real, fake = planted()
    found = copies(real, fake)
    assert {(i, j) for i, j, _ in found.pairs} == {(i, 20 + i) for i in range(5)}
    assert [d for _, _, d in found.pairs] == sorted(d for _, _, d in found.pairs)
    assert all(d == pytest.approx(np.linalg.norm(fake[i] - real[j]), rel=1e-9) for i, j, d in found.pairs)
    assert found.groups == ((10, 11, 12, 13, 14),)
    assert (found.copied_share, found.repeated_share) == (5 / 200, 4 / 200)


def test_the_distance_is_that_of_the_reals() -> None:
    real, fake = planted()
    own = cdist(real, real)
    np.fill_diagonal(own, np.inf)
    assert copies(real, fake).distance == pytest.approx(0.5 * np.quantile(own.min(axis=1), 0.01), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_unit_of_features_does_not_matter(scale: float) -> None:
    real, fake = planted()
    one, other = copies(real, fake), copies(scale * real, scale * fake)
    assert (one.groups, [p[:2] for p in one.pairs]) == (other.groups, [p[:2] for p in other.pairs])


def test_different_images_are_no_copies() -> None:
    rng = np.random.RandomState(0)
    found = copies(rng.randn(500, 32), rng.randn(500, 32))
    assert (found.groups, found.pairs) == ((), ())


def test_reals_that_repeat_change_nothing() -> None:
    real, fake = planted()
    once, twice = copies(real, fake), copies(np.repeat(real, 2, axis=0), fake)
    assert twice.distance == pytest.approx(once.distance)
    assert [(i, j // 2) for i, j, _ in twice.pairs] == [(i, j) for i, j, _ in once.pairs]
    assert twice.groups == once.groups


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(gm.InputError, match="dimensions"):
        clusters(np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(gm.InputError, match="at least 2"):
        clusters(np.zeros((4, 3)), np.zeros((1, 3)))


def test_reals_that_no_fake_is_like_are_shown() -> None:
    """Three of ten kinds are left out; groups of those that are shown hold hardly any other kind."""
    real, which = blobs(0, 1000)
    fake, _ = blobs(1, 500, kept=(0, 1, 2, 3, 4, 5, 6))
    groups = unlike_reals(Pair(_side(real), _side(fake)))
    kinds = [set(which[group.numpy()].tolist()) for group in groups]
    assert set().union(*kinds) == {7, 8, 9}
    assert [len(group) for group in groups] == sorted(map(len, groups), reverse=True)
    assert torch.cat(groups).unique().numel() == 150
