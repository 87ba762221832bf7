"""Metrics of manifolds: the peers' own code, closed forms, and collapsed fakes that must look collapsed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

import ganmetrics as gm
from ganmetrics import functional as F
from ganmetrics.metrics import metric

RNG = np.random.RandomState(1)
REAL, FAKE = RNG.randn(300, 16), 0.9 * RNG.randn(250, 16) + 0.1


def peer(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    from prdc import compute_prdc

    return compute_prdc(real_features=real, fake_features=fake, nearest_k=k)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_prdc_gives_the_same_four_numbers(k: int) -> None:
    expected = peer(REAL, FAKE, k)
    precision = F.precision_recall(REAL, FAKE, neighbors=k, inside="<")
    density = F.density_coverage(REAL, FAKE, neighbors=k)
    found = {**precision._asdict(), **density._asdict()}
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, abs=1e-12)
    together = F.prdc(REAL, FAKE, neighbors=k)._asdict()
    assert {name.removeprefix("prdc_"): value for name, value in together.items()} == found
    narrow = [x.astype(np.float32) for x in (REAL, FAKE)]
    assert F.prdc(*narrow, neighbors=k) == F.prdc(*(x.astype(np.float64) for x in narrow), neighbors=k)


@pytest.mark.slow
def test_prdcs_published_gaussians() -> None:
    """Its README draws 10,000 + 10,000 rows of N(0, 1) in 1,000 dimensions, k = 5, without a seed, and prints these;
    the bands are those of other seeds."""
    rng = np.random.RandomState(0)
    real, fake = rng.randn(10_000, 1000), rng.randn(10_000, 1000)
    density = F.density_coverage(real, fake)
    assert density.density == pytest.approx(1.0555, abs=0.25)  # seeds give 0.86 to 1.15
    assert density.coverage == pytest.approx(0.9735, abs=0.025)
    precision = F.precision_recall(real, fake, neighbors=5, inside="<")
    assert precision.precision == pytest.approx(0.4772, abs=0.03)
    assert precision.recall == pytest.approx(0.4705, abs=0.03)


def test_torch_fidelity_gives_the_same_precision_and_recall() -> None:
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = (torch.from_numpy(x.astype(np.float32)) for x in (REAL, FAKE))
    theirs = prc_features_to_metric(
        fake, real, prc_neighborhood=3, prc_batch_size=100, save_cpu_ram=False, verbose=False
    )
    ours = F.precision_recall(real, fake)
    assert theirs["precision"] == pytest.approx(ours.precision, abs=1e-7)
    assert theirs["recall"] == pytest.approx(ours.recall, abs=1e-7)


def test_a_plain_loop_gives_the_same_realism_and_rarity() -> None:
    radii, distances = np.sort(cdist(REAL, REAL), axis=1)[:, 3], cdist(REAL, FAKE)
    is_dense = radii <= np.sort(radii)[149]
    realism = [max(radii[is_dense] / distances[is_dense, j]) for j in range(len(FAKE))]
    assert np.allclose(F.realism_scores(REAL, FAKE), realism, rtol=1e-9)
    rarity = [min(radii[distances[:, j] <= radii], default=math.inf) for j in range(len(FAKE))]
    assert np.allclose(F.rarity_scores(REAL, FAKE), rarity, rtol=1e-9)
    is_on = np.isfinite(rarity)
    assert is_on.mean() == pytest.approx(F.precision_recall(REAL, FAKE).precision)
    assert F.rarity(REAL, FAKE) == pytest.approx(np.array(rarity)[is_on].mean())


def test_a_ball_holds_the_points_at_exactly_its_radius() -> None:
    real, fake = np.array([[0.0], [1.0], [3.0]]), np.array([[2.0], [5.0], [9.0]])
    assert F.rarity_scores(real, fake, neighbors=1, inside="<=").tolist() == [1.0, 2.0, math.inf]
    assert F.rarity_scores(real, fake, neighbors=1).tolist() == [2.0, math.inf, math.inf]
    assert F.rarity(real, fake[2:].repeat(2, axis=0), neighbors=1) == 0.0
    assert F.realism_scores(real, fake, neighbors=1).tolist() == [1.0, 0.25, 0.125]  # the ball of radius 2 is left out
    assert F.precision_recall(real, fake, neighbors=1).precision == pytest.approx(2 / 3)
    assert F.precision_recall(real, fake, neighbors=1, inside="<").precision == pytest.approx(1 / 3)


@pytest.mark.parametrize(("n", "m", "k"), [(200, 200, 5), (400, 100, 3), (100, 400, 1)])
def test_coverage_of_equal_distributions_is_the_papers_expectation(n: int, m: int, k: int) -> None:
    """Naeem et al. 2020, Lemma 2; the mean over 60 draws."""
    rng = np.random.RandomState(n)
    found = [F.density_coverage(rng.randn(n, 8), rng.randn(m, 8), neighbors=k) for _ in range(60)]
    expected = 1 - math.prod(n - i for i in range(1, k + 1)) / math.prod(n + m - i for i in range(1, k + 1))
    assert np.mean([one.coverage for one in found]) == pytest.approx(expected, abs=0.01)
    assert np.mean([one.density for one in found]) == pytest.approx(1, abs=0.03)


def test_alpha_and_beta_follow_the_authors_code_in_a_plain_loop() -> None:
    levels = np.linspace(0, 1, 30)
    center = REAL.mean(axis=0)
    from_real, from_fake = np.linalg.norm(REAL - center, axis=1), np.linalg.norm(FAKE - center, axis=1)
    precision = [np.mean(from_fake <= np.quantile(from_real, level)) for level in levels]
    to_fake, among = cdist(REAL, FAKE), cdist(REAL, REAL) + np.diag(np.full(len(REAL), np.inf))
    closest = FAKE[to_fake.argmin(axis=1)]
    from_own = np.linalg.norm(closest - FAKE.mean(axis=0), axis=1)
    is_near = to_fake.min(axis=1) <= among.min(axis=1)
    recall = [np.mean(is_near & (from_own <= np.quantile(from_own, level))) for level in levels]
    authentic = [to_fake[:, j].min() > among[to_fake[:, j].argmin()].min() for j in range(len(FAKE))]
    found = F.alpha_precision_beta_recall_authenticity(REAL, FAKE)
    assert found.alpha_precision == pytest.approx(1 - np.abs(levels - precision).sum() / levels.sum(), abs=1e-9)
    assert found.beta_recall == pytest.approx(1 - np.abs(levels - recall).sum() / levels.sum(), abs=1e-9)
    assert found.authenticity == pytest.approx(np.mean(authentic))


def test_beta_recall_follows_the_paper_in_a_plain_loop() -> None:
    """Level by level, the nearest fake of the fakes' beta-support against the real's nearest other real."""
    levels = np.linspace(0, 1, 30)
    from_center = np.linalg.norm(FAKE - FAKE.mean(axis=0), axis=1)
    own = (cdist(REAL, REAL) + np.diag(np.full(len(REAL), np.inf))).min(axis=1)
    recall = []
    for level in levels:
        support = FAKE[from_center <= np.quantile(from_center, level)]
        recall.append(np.mean(cdist(REAL, support).min(axis=1) <= own))
    found = F.alpha_precision_beta_recall_authenticity(REAL, FAKE, recall="paper")
    code = F.alpha_precision_beta_recall_authenticity(REAL, FAKE)
    assert found.beta_recall == pytest.approx(1 - np.abs(levels - recall).sum() / levels.sum(), abs=1e-9)
    assert (found.alpha_precision, found.authenticity) == (code.alpha_precision, code.authenticity)
    assert abs(found.beta_recall - code.beta_recall) > 0.01
    assert "recall=code" in str(metric("beta_recall"))


def test_the_two_definitions_of_beta_recall_by_hand() -> None:
    """Fakes at 0, 1 and 9 lie 10 / 3, 7 / 3 and 17 / 3 from their mean; each real's nearest other real is at 2.

    The balls about the reals at 0 and 2 hold the fakes at 0 and 1, the others none. By the paper both are recalled at
    every level, as the smallest support holds the fake at 1. By the code the real at 0 is recalled by its nearest fake
    alone, that at 0, from the level on at which the quantile over the nearest fakes, 0, 1, 1 and 9, reaches it.
    """
    real, fake = np.array([[0.0], [2.0], [4.0], [6.0]]), np.array([[0.0], [1.0], [9.0]])
    levels = np.linspace(0, 1, 30)
    reached = np.quantile([10 / 3, 7 / 3, 7 / 3, 17 / 3], levels) >= 10 / 3 - 1e-9
    for name, shares in {"paper": np.full(30, 0.5), "code": np.where(reached, 0.5, 0.25)}.items():
        found = F.alpha_precision_beta_recall_authenticity(real, fake, recall=name).beta_recall
        assert found == pytest.approx(1 - np.abs(levels - shares).sum() / levels.sum(), abs=1e-9)


def test_realism_keeps_the_balls_up_to_the_median_of_their_radii() -> None:
    """Radii 1, 1, 1, 1, 1 and 9: the median is 1, and all five that equal it stay, whatever the order of the rows."""
    real = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [13.0]])
    fake = np.array([[0.5], [-2.0], [6.0], [12.0]])
    expected = [2.0, 0.5, 0.5, 0.125]
    for order in (np.arange(6), np.arange(6)[::-1], np.array([3, 5, 0, 2, 4, 1])):
        for unit in (1.0, 0.1, 1e-100):
            found = F.realism_scores(real[order] * unit, fake * unit, neighbors=1)
            assert found.tolist() == pytest.approx(expected, rel=1e-9)


def test_equal_distributions_have_the_expected_alpha_and_authenticity() -> None:
    rng = np.random.RandomState(5)
    found = F.alpha_precision_beta_recall_authenticity(rng.randn(2000, 6), rng.randn(2000, 6))
    assert found.alpha_precision == pytest.approx(1, abs=0.05)
    assert found.authenticity == pytest.approx(0.5, abs=0.05)


def test_the_prd_curve_of_known_shares_is_the_closed_form() -> None:
    """Two clusters, shares (1/2, 1/2) and (3/4, 1/4): the curve's ends are 1, and it meets the diagonal at 3/4."""
    real, fake = np.repeat([[0.0], [100.0]], [40, 40], axis=0), np.repeat([[0.0], [100.0]], [60, 20], axis=0)
    curve = F.prd_curve(real, fake, num_clusters=2, num_runs=2)
    assert float(curve.precision.max()) == pytest.approx(1)
    assert float(curve.recall.max()) == pytest.approx(1)
    middle = len(curve.recall) // 2
    assert float(curve.precision[middle]) == pytest.approx(0.75, abs=1e-9)
    assert float(curve.recall[middle]) == pytest.approx(0.75, abs=1e-9)
    swapped = F.prd_curve(fake, real, num_clusters=2, num_runs=2)
    assert torch.allclose(swapped.precision.flip(0), curve.recall, atol=1e-9)
    scores, exchanged = F.prd(real, fake, num_clusters=2), F.prd(fake, real, num_clusters=2)
    assert scores.prd_f8 == pytest.approx(exchanged.prd_f1_8)


def test_the_largest_f_of_a_curve_by_hand() -> None:
    from ganmetrics.metrics.prd import PrdCurve, _largest_f

    curve = PrdCurve(torch.tensor([1.0, 0.5, 0.0]).double(), torch.tensor([0.25, 1.0, 0.0]).double())
    assert _largest_f(curve, 8.0) == pytest.approx(65 * 0.5 / (64 * 0.5 + 1), rel=1e-12)
    assert _largest_f(curve, 0.125) == pytest.approx((1 + 1 / 64) * 0.25 / (1 / 64 + 0.25), rel=1e-12)
    assert _largest_f(PrdCurve(torch.zeros(2).double(), torch.zeros(2).double()), 8.0) == 0.0


def test_the_prd_curve_is_the_mean_over_the_runs() -> None:
    """Every run goes on with the same stream; the ends of the angles keep 1e-10 from the axes."""
    from ganmetrics.metrics.prd import _curve, _largest_f
    from ganmetrics.numerics.clusters import kmeans

    both, rng, curves = np.concatenate([REAL, FAKE]), np.random.RandomState(9), []
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 1001))[:, None]
    for _ in range(3):
        centers = kmeans(torch.from_numpy(both), 7, rng).numpy()
        p, q = (np.bincount(cdist(x, centers).argmin(axis=1), minlength=7) / len(x) for x in (REAL, FAKE))
        curves.append([np.minimum(slopes * p, q).sum(axis=1), np.minimum(p, q / slopes).sum(axis=1)])
        found = _curve(torch.from_numpy(p), torch.from_numpy(q))
        np.testing.assert_allclose(found, curves[-1], rtol=1e-9)
    found = F.prd_curve(REAL, FAKE, num_clusters=7, num_runs=3, seed=9)
    np.testing.assert_allclose(torch.stack(list(found)), np.mean(curves, axis=0), rtol=1e-9)
    assert float(_curve(torch.ones(7), torch.ones(7)).max()) == 1.0
    scores = F.prd(REAL, FAKE, num_clusters=7, num_runs=3, seed=9)
    assert scores == (_largest_f(found, 8.0), _largest_f(found, 1 / 8))
    assert torch.equal(F.prd_curve(REAL, FAKE)[0], F.prd_curve(REAL, FAKE, num_clusters=20, num_runs=10, seed=2020)[0])


@pytest.mark.parametrize("support", [20, 80])
def test_the_birthday_estimate_finds_the_support(support: int) -> None:
    """Fakes drawn evenly from few images; the number of pairs is binomial."""
    rng = np.random.RandomState(support)
    images = rng.randn(support, 8)
    found = [F.birthday(REAL[:, :8], images[rng.randint(support, size=200)]) for _ in range(20)]
    assert np.median(found) == pytest.approx(support, rel=0.1)
    assert F.birthday(REAL[:, :8], rng.randn(200, 8)) > 20 * support


def test_the_birthday_estimate_by_hand() -> None:
    """Reals with squared distances of 1, 1, 4, 16 and 16 to their neighbours: half of them are up to 4."""
    real = np.array([[0.0], [1.0], [3.0], [7.0], [11.0]])
    three_pairs = np.array([[0.0], [1.9], [3.8], [5.7], [50.0]])
    assert F.birthday(real, three_pairs, share=0.5) == 10 / 3
    assert F.birthday(real, three_pairs, share=0.74) == 10 / 3  # and so is all below three quarters
    assert F.birthday(real, three_pairs, share=0.75) < 10 / 3
    assert F.birthday(real, 2 * np.arange(5.0)[:, None], share=0.5) == 20.0  # at exactly that distance there is no pair
    assert F.birthday(real, three_pairs) == F.birthday(real, three_pairs, share=0.01)


def test_copies_of_copied_reals_are_infinitely_real() -> None:
    real = np.array([[0.0], [0.0], [1.0], [5.0]])
    assert F.realism_scores(real, np.array([[0.0], [2.0]]), neighbors=1).tolist() == [math.inf, 0.0]
    assert F.realism(real, np.array([[0.0], [0.0], [2.0]]), neighbors=1) == math.inf


def test_a_share_within_a_quantile_counts_the_points_on_it() -> None:
    from ganmetrics.metrics.alpha_precision import _agreement, _shares_within

    distances, levels = torch.arange(4.0).double(), torch.tensor([0.0, 1 / 3, 2 / 3, 1.0]).double()
    assert _shares_within(distances, distances + 1e-12, levels).tolist() == [0.25, 0.5, 0.75, 1.0]
    assert _shares_within(distances[[3, 3]], distances, levels).tolist() == [0.0, 0.0, 0.0, 1.0]
    assert _agreement(torch.tensor([0.25, 0.5, 0.75, 1.0]).double(), levels) == pytest.approx(1 - 0.5 / 2)


def test_points_at_equal_distances_are_recalled_and_are_no_news() -> None:
    """Each real has a fake as near as its own neighbour or nearer, so all are recalled; none is farther."""
    found = F.alpha_precision_beta_recall_authenticity(np.array([[0.0], [1.0], [3.0]]), np.array([[2.0], [-1.0]]))
    assert found.beta_recall == pytest.approx(0.0, abs=1e-12)
    assert found.authenticity == 0.0


def test_two_images_a_side_are_enough_for_their_nearest() -> None:
    real, fake = np.array([[0.0], [4.0]]), np.array([[1.0], [4.0]])
    assert F.alpha_precision_beta_recall_authenticity(real, fake).authenticity == 0.0
    assert F.nearest_neighbors(real, fake).distances.tolist() == [1.0, 0.0]


def test_copies_are_at_distance_zero_from_what_they_copy() -> None:
    found = F.nearest_neighbors(REAL, REAL[[5, 17]])
    assert (found.places.tolist(), found.distances.tolist()) == ([5, 17], [0.0, 0.0])
    assert np.allclose(F.nearest_neighbors(REAL, FAKE).distances, cdist(REAL, FAKE).min(axis=0))
    assert float(F.realism_scores(REAL, REAL).max()) == math.inf


ANGLES = np.arange(10) * 2 * np.pi / 10
MODES = 50.0 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)  # far apart


def modes(which: list[int], seed: int, count: int = 1000) -> np.ndarray:
    rng = np.random.RandomState(seed)
    return MODES[np.array(which)[rng.randint(len(which), size=count)]] + rng.randn(count, 2)


# What each number is for fakes of one mode of ten: near 1 for fidelity, near 0 (or one mode's share) for diversity.
COLLAPSED: dict[str, dict[str, tuple[float, float]]] = {
    "precision_recall": {"precision": (0.85, 1.0), "recall": (0.0, 0.14)},
    "density_coverage": {"density": (0.7, 1.3), "coverage": (0.05, 0.15)},
    "prd": {"prd_f1_8": (0.85, 1.0), "prd_f8": (0.0, 0.2)},
}


@pytest.mark.parametrize("name", COLLAPSED)
def test_one_mode_of_ten_is_precise_and_recalls_nothing(name: str) -> None:
    """Exchanging real and fake turns each pair about, so this fails where a metric has them swapped."""
    real, fake = modes(list(range(10)), 0), modes([3], 1)
    found, swapped = getattr(F, name)(real, fake)._asdict(), getattr(F, name)(fake, real)._asdict()
    for part, (low, high) in COLLAPSED[name].items():
        assert low <= found[part] <= high, part
        assert not low <= swapped[part] <= high, part


def test_beta_recall_of_one_mode_is_that_modes_share() -> None:
    real, fake = modes(list(range(10)), 0), modes([3], 1)
    assert F.alpha_precision_beta_recall_authenticity(real, fake).beta_recall < 0.25
    assert F.alpha_precision_beta_recall_authenticity(real, modes(list(range(10)), 2)).beta_recall > 0.4


def test_single_image_scores_see_the_collapse_too() -> None:
    real, fake = modes(list(range(10)), 0), modes([3], 1)
    assert F.realism(real, fake) > 0.7  # every fake is like some real
    assert F.realism(fake, real) < 0.3
    assert F.rarity(fake, real) != F.rarity(real, fake)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("precision_recall", {"neighbors": 0}, "at least 1"),
    ("precision_recall", {"inside": ">"}, "'<' or '<='"),
    ("density_coverage", {"neighbors": 250}, "have no 250 neighbours"),
    ("realism", {"neighbors": 300}, "have no 300 neighbours"),
    ("prd", {"num_clusters": 1}, "at least 2"),
    ("prd", {"num_runs": 0}, "at least 2 and 1"),
    ("prd", {"num_clusters": 1000}, "clusters need as many images"),
    ("birthday", {"share": 1.0}, "between 0 and 1"),
]


@pytest.mark.parametrize(("name", "options", "said"), BAD)
def test_options_that_cannot_be_are_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises((gm.UsageError, gm.InputError), match=said):
        getattr(F, name)(REAL, FAKE, **options)


@pytest.mark.parametrize("name", ["precision_recall", "density_coverage", "realism", "rarity", "birthday"])
def test_a_common_shift_and_rotation_change_nothing(name: str) -> None:
    rotation = np.linalg.qr(RNG.randn(16, 16))[0]
    moved = getattr(F, name)(REAL @ rotation + 1e3, FAKE @ rotation + 1e3)
    assert moved == pytest.approx(getattr(F, name)(REAL, FAKE), rel=1e-6)
