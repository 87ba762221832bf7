"""CMMD, Vendi, MiFID, FID-infinity, class FID, modes, C2ST and CT: closed forms, peers, plain loops, roles."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import cdist

import ganmetrics as gm
from ganmetrics import functional as F

RNG = np.random.RandomState(2)
REAL, FAKE = RNG.randn(120, 10) + 1, RNG.randn(90, 10) + 1.3


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_cmmd_is_the_authors_formula() -> None:
    x, y = unit(REAL), unit(FAKE)
    k_xx, k_xy, k_yy = (np.exp(-cdist(a, b, "sqeuclidean") / 200) for a, b in ((x, x), (x, y), (y, y)))
    assert F.cmmd(REAL, FAKE) == pytest.approx(1000 * (k_xx.mean() + k_yy.mean() - 2 * k_xy.mean()), rel=1e-9)
    assert F.cmmd(REAL, 7 * REAL) == pytest.approx(0, abs=1e-9)
    assert F.cmmd(REAL, FAKE) == pytest.approx(F.cmmd(FAKE, REAL))


def test_cmmd_of_gaussian_directions_is_the_closed_form() -> None:
    """In high dimensions x / |x| is nearly N(m, s² I / D) with m the mean direction, whose mean kernel is known:
    E exp(-|x - y|² / 2σ²) = (1 + 2 v / σ²)^(-D/2) exp(-|m_x - m_y|² / (2 σ² + 4 v)), v the variance of an entry."""
    dim, count, sigma = 64, 4000, 0.5
    rng = np.random.RandomState(0)
    means = [np.eye(dim)[i] * 0.6 for i in (0, 1)]
    std = math.sqrt((1 - 0.36) / dim)
    x, y = (mean + std * rng.randn(count, dim) for mean in means)

    def mean_kernel(squared: float) -> float:
        v = std**2
        return (1 + 2 * v / sigma**2) ** (-dim / 2) * math.exp(-squared / (2 * sigma**2 + 4 * v))

    expected = 1000 * 2 * (mean_kernel(0.0) - mean_kernel(2 * 0.36))
    assert F.cmmd(x, y, sigma=sigma) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, math.inf])
def test_vendi_is_the_packages(order: float) -> None:
    kernel = unit(REAL) @ unit(REAL).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of SciPy's old names
        vendi_score = pytest.importorskip("vendi_score.vendi")
        expected = vendi_score.score_K(kernel, q="inf" if math.isinf(order) else order)
    assert F.vendi(REAL, order=order) == pytest.approx(expected, rel=1e-6)
    assert F.vendi_of_kernel(kernel, order=order) == pytest.approx(expected, rel=1e-6)


def test_vendis_published_numbers() -> None:
    """The README of Vendi-Score: 2.9999 for six points, 2.1573 for a kernel of three samples."""
    points = np.array([0, 0, 10, 10, 20, 20])
    assert F.vendi_of_kernel(np.exp(-abs(points[:, None] - points))) == pytest.approx(2.9999, abs=1.1e-4)
    assert F.vendi_of_kernel([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]]) == pytest.approx(2.1573, abs=5e-5)


def test_both_gram_matrices_give_one_vendi() -> None:
    wide, tall = RNG.randn(9, 40), RNG.randn(40, 9)
    for x in (wide, tall):
        expected = F.vendi_of_kernel(unit(x) @ unit(x).T)
        assert F.vendi(x) == pytest.approx(expected, rel=1e-9)
    assert F.vendi(np.ones((5, 3))) == pytest.approx(1)
    assert F.vendi(np.eye(4), order=0.0) == pytest.approx(4)


def test_mifid_divides_by_the_distance_of_each_fake() -> None:
    near = REAL[:60] + 0.01 * RNG.randn(60, 10)
    cosine = unit(near) @ unit(REAL).T
    distance = (1 - np.abs(cosine).max(axis=1)).mean()
    assert distance < 0.1
    assert F.mifid(REAL, near) == pytest.approx(F.fid(REAL, near) / distance, rel=1e-9)
    assert F.mifid(REAL, near, threshold=0.0) == F.fid(REAL, near)
    far = -RNG.rand(60, 10) * np.where(np.arange(10) < 5, 1, -1)
    assert F.mifid(REAL, far) == F.fid(REAL, far)


def test_the_threshold_itself_is_far_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganmetrics.metrics import mifid

    near = REAL[:60] + 0.01 * np.random.RandomState(5).randn(60, 10)
    distance = mifid.memorisation_distance(torch.from_numpy(REAL), torch.from_numpy(near))
    assert F.mifid(REAL, near, threshold=distance) == F.fid(REAL, near)
    assert F.mifid(REAL, near, threshold=1.0001 * distance) == pytest.approx(F.fid(REAL, near) / distance, rel=1e-12)
    assert F.mifid(REAL, near) == F.mifid(REAL, near, threshold=0.1)
    monkeypatch.setattr(mifid, "COPY", distance)
    assert F.mifid(REAL, near) < math.inf
    monkeypatch.setattr(mifid, "COPY", 1.0001 * distance)
    assert F.mifid(REAL, near) == math.inf


def test_features_far_from_zero_are_no_copies() -> None:
    """Their cosines are 1 to the digits of float64; the distance is that of the directions, |y - x|² / 2 |x|²."""
    real, fake = REAL + 1e6, FAKE + 1e6
    distance = (1 - np.abs(unit(fake.astype(np.longdouble)) @ unit(real.astype(np.longdouble)).T).max(axis=1)).mean()
    found = F.mifid(real, fake)
    assert found == pytest.approx(F.fid(real, fake) / float(distance), rel=1e-3)  # long double has 19 digits
    assert F.mifid(real, real[::-1]) == math.inf


def test_rows_of_zeros_are_like_each_other_and_like_nothing_else() -> None:
    """Black images under ``pixels``: no direction is theirs, and the kernel's diagonal is still 1."""
    rows = np.concatenate([np.repeat(np.eye(4)[:1], 2, axis=0), np.zeros((18, 4))])
    shares = np.array([0.1, 0.9])
    for order, expected in [(0.0, 2.0), (1.0, np.exp(-(shares * np.log(shares)).sum())), (math.inf, 1 / 0.9)]:
        assert F.vendi(rows, order=order) == pytest.approx(expected, rel=1e-12)
    assert F.vendi(rows, order=2.0) == pytest.approx(1 / 0.82, rel=1e-12)
    for order in (0.0, 0.5, 1.0, 1.05, 2.0, 1e4, math.inf):
        assert F.vendi(np.zeros((20, 4)), order=order) == 1.0
        assert F.vendi(np.concatenate([np.eye(4), np.zeros((1, 4))]), order=order) == pytest.approx(5.0, rel=1e-9)
    assert F.cmmd(rows, rows) == F.cmmd(np.zeros((5, 4)), np.zeros((9, 4))) == 0.0
    assert F.mifid(np.eye(4), np.zeros((4, 4))) == F.fid(np.eye(4), np.zeros((4, 4)))  # nothing is alike
    assert F.mifid(np.eye(4)[[0, 0, 1]] * 0, np.zeros((4, 4))) == math.inf


@pytest.mark.parametrize("order", [0.999, 1.0 - 1e-9, 1.0 + 1e-12, 1.09, 1.11, 300.0])
def test_vendi_of_any_order_is_that_of_the_formula(order: float) -> None:
    from ganmetrics.metrics.vendi import _effective_number

    shares = np.array([0.5, 0.3, 0.15, 0.05])
    expected = (shares**order).sum() ** (1 / (1 - order))
    if abs(order - 1) < 1e-8:
        expected = np.exp(-(shares * np.log(shares)).sum())
    assert _effective_number(torch.from_numpy(shares), order) == pytest.approx(expected, rel=1e-8)


def test_a_distance_beyond_a_tenth_is_no_memory() -> None:
    far = REAL[:60] + 0.9 * np.random.RandomState(5).randn(60, 10)
    cosine = np.abs(unit(far) @ unit(REAL).T).max(axis=1)
    assert 0.1 < (1 - cosine).mean() < 1
    assert F.mifid(REAL, far) == F.fid(REAL, far)


def test_copies_are_disqualified() -> None:
    copies = REAL[RNG.randint(0, len(REAL), 300)]
    assert F.mifid(REAL, copies) == math.inf
    assert F.mifid(REAL, copies) > F.mifid(REAL, FAKE)
    assert F.fid(REAL, copies) < F.fid(REAL, FAKE)  # which alone would reward them


def test_a_few_copied_reals_show_only_where_the_roles_are_right() -> None:
    """Fakes that all copy five reals: torchmetrics averages over the reals, most of which nobody copied."""
    copies = np.repeat(REAL[:5], 20, axis=0) * (1 + 1e-5 * RNG.randn(100, 1))
    over_reals = (1 - np.abs(unit(REAL) @ unit(copies).T).max(axis=1)).mean()
    assert over_reals > 0.05
    assert F.mifid(REAL, copies, threshold=0.05) > F.fid(REAL, copies) * 1e3


def test_fid_infinity_takes_the_bias_away() -> None:
    """Equal distributions and many reals: FID of 400 fakes is far above its limit, the line's end is near 0."""
    rng = np.random.RandomState(0)
    real = rng.randn(20_000, 16)
    pairs = [(F.fid(real, fake), F.fid_infinity(real, fake)) for fake in (rng.randn(400, 16) for _ in range(10))]
    plain, extrapolated = np.mean(pairs, axis=0)
    assert plain > 0.15
    assert abs(extrapolated) < 0.2 * plain


def test_fid_infinity_is_a_line_through_fids() -> None:
    rng, fake = np.random.RandomState(7), FAKE[:85]  # a tenth of which is rounded down
    sizes = np.linspace(8, 85, 4).astype(int)
    values = [F.fid(REAL, fake[rng.permutation(85)[:size]]) for size in sizes]
    intercept = np.polyfit(1 / sizes, values, 1)[1]
    assert F.fid_infinity(REAL, fake, num_points=4, seed=7) == pytest.approx(intercept, rel=1e-6)


def test_class_fid_is_the_mean_of_the_classes() -> None:
    labels = [np.arange(len(x)) % 3 for x in (REAL, FAKE)]
    expected = {c: F.fid(REAL[labels[0] == c], FAKE[labels[1] == c]) for c in range(3)}
    assert F.class_fids(REAL, labels[0], FAKE, labels[1]) == expected
    assert F.class_fid(REAL, labels[0], FAKE, labels[1]) == pytest.approx(np.mean(list(expected.values())))
    mixed = F.class_fid(REAL, labels[0], REAL, np.roll(labels[0], 1))
    assert F.class_fid(REAL, labels[0], REAL, labels[0]) == pytest.approx(0, abs=1e-12)
    assert mixed > 1
    halves = [np.arange(len(x)) % 2 == 1 for x in (REAL, FAKE)]
    assert [type(each) for each in F.class_fids(REAL, halves[0], FAKE, halves[1])] == [int, int]


@pytest.mark.parametrize(
    ("real_labels", "said"),
    [(np.zeros(120, int), "the classes 1 have"), (np.zeros(5, int), "shape"), (np.zeros(120), "float")],
)
def test_classes_that_cannot_be_scored_are_refused(real_labels: np.ndarray, said: str) -> None:
    with pytest.raises(gm.InputError, match=said):
        F.class_fid(REAL, real_labels, FAKE, np.arange(90) % 2)


def test_modes_are_counted_and_their_divergence_is_scipys() -> None:
    real = np.eye(10)[np.arange(1000) % 10]
    fake = np.eye(10)[np.where(np.arange(1000) < 900, 3, np.arange(1000) % 5)]
    found = F.modes(real, fake)
    assert found.modes == 5
    assert F.modes(real, fake, least=100).modes == 1
    q, p = np.bincount(fake.argmax(axis=1), minlength=10), np.bincount(real.argmax(axis=1), minlength=10) + 0.5
    assert found.modes_kl == pytest.approx(stats.entropy(q, p))
    assert F.modes(fake, real).modes == 10
    assert math.isfinite(F.modes(fake, real).modes_kl)
    with pytest.raises(gm.InputError, match="one classifier"):
        F.modes(real, fake[:, :5])


def test_a_class_that_only_fakes_have_counts_as_half_a_real() -> None:
    real, fake = np.eye(2)[[0, 0, 0, 1]], np.eye(2)[np.arange(10) % 2]
    found = F.modes(real, fake)
    assert found.modes_kl == pytest.approx(math.log(0.5) - (math.log(0.75) + math.log(0.25)) / 2, rel=1e-12)
    few, many = np.eye(3)[[0, 0, 0, 1]], np.eye(3)[[0, 1, 2, 2]]
    expected = [0.25 * math.log(0.25 * 4.5 / 3), 0.25 * math.log(0.25 * 4.5), 0.5 * math.log(0.5 * 4.5 / 0.5)]
    assert F.modes(few, many).modes_kl == pytest.approx(sum(expected), rel=1e-12)
    assert F.modes(few, np.repeat(few, 3, axis=0)).modes_kl == 0
    for label in range(3):  # one class, whatever its number and the counts
        assert F.modes(np.eye(3)[[label] * 10], np.eye(3)[[label] * 7]).modes_kl == 0
    assert (found.real_counts.tolist(), found.fake_counts.tolist()) == ([3, 1], [5, 5])
    assert F.modes(fake, fake).modes_kl == 0
    assert F.modes(fake, real).modes == F.modes(fake, real, least=1).modes == 2
    assert F.modes(fake, real, least=3).modes == 1


def test_eigenvalues_up_to_rounding_do_not_count() -> None:
    from ganmetrics.metrics.vendi import _effective_number

    least = 2 * np.finfo(np.float64).eps
    assert _effective_number(torch.tensor([1.0, least]).double(), 0.0) == 1.0
    assert _effective_number(torch.tensor([1.0, 1.01 * least]).double(), 0.0) == 2.0


def test_a_kernel_may_be_off_by_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganmetrics.metrics.vendi.ASYMMETRY", 2**-20)
    for entry in ((0, 1), (1, 1)):
        kernel = np.eye(2)
        kernel[entry] += 2**-20
        assert F.vendi_of_kernel(kernel) == pytest.approx(2, abs=1e-5)
        kernel[entry] += 2**-40
        with pytest.raises(gm.InputError, match="symmetric"):
            F.vendi_of_kernel(kernel)


def test_c2st_is_scikit_learns_logistic_regression() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    real, fake = REAL[:90], FAKE
    from ganmetrics.metrics.c2st import _logistic

    x = np.concatenate([real, fake])
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    signs = np.repeat([-1.0, 1.0], 90)
    weights, bias = _logistic(torch.from_numpy(x), torch.from_numpy(signs), 1.0)
    theirs = linear.LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(x, signs)
    assert np.allclose(weights.numpy(), theirs.coef_[0], atol=2e-3)
    assert bias == pytest.approx(theirs.intercept_[0], abs=2e-3)


@pytest.mark.parametrize(("folds", "penalty", "seed"), [(5, 1.0, 2020), (3, 30.0, 1)])
def test_c2st_is_the_count_over_the_folds(folds: int, penalty: float, seed: int) -> None:
    """With scikit-learn's classifier; the larger set is cut, and a feature that never varies has no part."""
    linear = pytest.importorskip("sklearn.linear_model")
    units = np.logspace(-2, 2, 10)  # and places, which standardising takes away
    constant = [np.hstack([units * np.exp(x), np.full((len(x), 1), 0.25)]) for x in (REAL[:50], FAKE[:43])]
    rng = np.random.RandomState(seed)
    sides = [x[rng.permutation(len(x))[:43], :10] for x in constant]
    counts = []
    for start, stop in [(i * 43 // folds, (i + 1) * 43 // folds) for i in range(folds)] + [(21, 43)]:
        train = np.concatenate([np.delete(x, np.s_[start:stop], axis=0) for x in sides])
        signs = np.repeat([-1, 1], len(train) // 2)
        mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
        model = linear.LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit((train - mean) / std, signs)
        answers = zip(sides, (-1, 1), strict=True)
        counts.append(sum(int((model.predict((x[start:stop] - mean) / std) == sign).sum()) for x, sign in answers))
    found = F.c2st_test(*constant, folds=folds, penalty=penalty, seed=seed)
    *of_folds, of_half = counts
    assert found.accuracy == pytest.approx(sum(of_folds) / 86, rel=1e-12)
    assert found.p_value == pytest.approx(stats.binomtest(of_half, 44, alternative="greater").pvalue, rel=1e-9)
    assert F.c2st(*constant, folds=folds, penalty=penalty, seed=seed) == found.accuracy
    assert F.c2st_test(REAL, FAKE) == F.c2st_test(REAL, FAKE, folds=5, penalty=1.0, seed=2020)


def test_five_folds_and_a_penalty_of_one_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("ganmetrics.metrics.c2st._right_answers", lambda sides, *given: asked.append(given) or 0)
    F.c2st(REAL[:10], FAKE[:10])
    F.c2st_test(REAL[:10], FAKE[:10])
    of_folds = [(2 * i, 2 * i + 2, 1.0) for i in range(5)]
    assert asked == [*of_folds, (5, 10, 1.0), *of_folds]


def test_a_classifier_that_sees_no_difference_is_right_in_half_of_cases() -> None:
    found = F.c2st_test(np.ones((20, 2)), np.ones((20, 2)))
    assert found.accuracy == 0.5
    assert found.p_value == pytest.approx(stats.binomtest(10, 20, alternative="greater").pvalue)


def test_the_logistic_loss_is_at_its_least() -> None:
    """Its slope is x' pull + penalty w, which the default penalty and a large one both bring to 0."""
    from ganmetrics.metrics.c2st import _logistic

    even, signs = torch.from_numpy(unit(REAL)), torch.from_numpy(np.repeat([-1.0, 1.0], 60))
    uneven = torch.from_numpy(np.concatenate([REAL[:60], FAKE[:60] + 2]) * np.logspace(0, 1, 10))  # some fifty steps
    for x, penalty in ((even, 0.01), (even, 1.0), (even, 10.0), (uneven, 0.01)):
        weights, bias = _logistic(x, signs, penalty)
        pull = -signs * torch.sigmoid(-signs * (x @ weights + bias))
        assert float((x.T @ pull + penalty * weights).abs().max()) < 1e-3
        assert abs(float(pull.sum())) < 1e-3


def test_c2st_of_known_distributions() -> None:
    """N(0, 1) against N(2, 1) in one dimension: the best classifier is right in Φ(1) = 84.1 % of cases."""
    rng = np.random.RandomState(0)
    real, fake = rng.randn(4000, 1), rng.randn(4000, 1) + 2
    found = F.c2st_test(real, fake)
    assert found.accuracy == pytest.approx(stats.norm.cdf(1), abs=0.012)
    assert found.p_value < 1e-9


@pytest.mark.slow
def test_c2st_of_one_distribution_has_even_p_values() -> None:
    rng = np.random.RandomState(1)
    p_values = [F.c2st_test(rng.randn(60, 8), rng.randn(60, 8)).p_value for _ in range(200)]
    assert 0.3 < np.mean(np.array(p_values) < 0.5) < 0.62
    assert np.mean(np.array(p_values) <= 0.05) <= 0.08  # 5 % and two errors of 200 draws


def test_ct_is_mann_and_whitneys_z() -> None:
    rng = np.random.RandomState(3)
    real, fake, test = rng.randn(150, 4), 0.8 * rng.randn(100, 4), rng.randn(130, 4)
    to_fake, to_test = cdist(fake, real).min(axis=1), cdist(test, real).min(axis=1)
    u = sum((f > t) + 0.5 * (f == t) for f in to_fake for t in to_test)
    expected = (u + 0.5 - 100 * 130 / 2) / math.sqrt(100 * 130 * 231 / 12)
    assert F.ct(real, fake, test, num_cells=1) == pytest.approx(expected, rel=1e-9)
    theirs = stats.mannwhitneyu(to_fake, to_test, method="asymptotic", alternative="less")
    assert stats.norm.cdf(expected) == pytest.approx(theirs.pvalue, rel=1e-6)


def test_ct_is_the_mean_over_cells_by_their_unseen_reals() -> None:
    from ganmetrics.numerics.clusters import kmeans

    rng = np.random.RandomState(3)
    real, fake, test = rng.randn(150, 2), 0.8 * rng.randn(170, 2), rng.randn(130, 2)
    centers = kmeans(torch.from_numpy(real), 6, np.random.RandomState(5)).numpy()
    cells = [cdist(x, centers).argmin(axis=1) for x in (fake, test)]
    distances = [cdist(x, real).min(axis=1) for x in (fake, test)]
    values, weights = [], []
    for cell in range(6):
        f, t = (d[c == cell] for d, c in zip(distances, cells, strict=True))
        if len(f) > 20 and len(t):
            u = sum((a > b) + 0.5 * (a == b) for a in f for b in t)
            n, p = len(f), len(t)
            values.append((u + 0.5 - n * p / 2) / math.sqrt(n * p * (n + p + 1) / 12))
            weights.append(len(t))
    assert 1 < len(values) < 6
    assert F.ct(real, fake, test, num_cells=6, seed=5) == pytest.approx(np.average(values, weights=weights), rel=1e-9)
    assert F.ct(real, fake, test) == F.ct(real, fake, test, num_cells=3, seed=2020)


def test_a_cell_of_twenty_fakes_is_left_out_and_ties_are_of_any_unit() -> None:
    """Reals at 0 and 100; fakes in numbers of 20 and 21."""
    real, test = np.repeat([[0.0], [100.0]], 30, axis=0), np.array([[1.0], [3.0], [101.0]])
    fake = np.concatenate([np.full((20, 1), 2.0), np.full((21, 1), 100.5)])
    alone = (0.5 - 21 / 2) / math.sqrt(21 * 1 * 23 / 12)
    assert F.ct(real, fake, test, num_cells=2) == pytest.approx(alone, rel=1e-12)
    grid = np.random.RandomState(0).randint(-3, 4, (90, 3)).astype(float)
    sides = grid[:30], grid[30:60], grid[60:]
    for unit in (0.1, 1 / 3, 1e-100, 7e99):
        assert F.ct(*(side * unit for side in sides), num_cells=1) == F.ct(*sides, num_cells=1)


def test_ct_leaves_cells_without_unseen_reals_out() -> None:
    real = np.repeat([[0.0], [100.0]], 10, axis=0) + np.tile(np.arange(10.0), 2)[:, None] / 10
    fake = np.repeat(real, 3, axis=0) + 0.05
    near = real[:10] + 0.02
    assert F.ct(real, fake, near, num_cells=2) == F.ct(real[:10], fake[:30], near, num_cells=1)


def test_ct_tells_copies_from_underfitting() -> None:
    rng = np.random.RandomState(4)
    real, fake, test = rng.randn(300, 4), rng.randn(300, 4), rng.randn(300, 4)
    assert abs(F.ct(real, fake, test)) < 3
    assert F.ct(real, real + 0.01 * rng.randn(300, 4), test) < -10
    assert F.ct(real, 3 * fake, test) > 5
    assert F.ct(real, real[:3].repeat(100, axis=0), test) < -3  # a few images by heart
    with pytest.raises(gm.InputError, match="no cell holds more than 20 fakes"):
        F.ct(real, fake[:15], test)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("cmmd", {"sigma": 0.0}, "above 0"),
    ("mifid", {"threshold": 1.5}, "between 0 and 1"),
    ("fid_infinity", {"num_points": 1}, "at least 2"),
    ("c2st", {"folds": 1}, "at least 2"),
    ("c2st", {"folds": 100}, "folds need as many"),
    ("c2st", {"penalty": 0.0}, "above 0"),
    ("modes", {"least": 0}, "at least 1"),
]


@pytest.mark.parametrize(("name", "options", "said"), BAD)
def test_options_that_cannot_be_are_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises((gm.UsageError, gm.InputError), match=said):
        getattr(F, name)(REAL, FAKE, **options)


def test_vendi_refuses_what_is_no_kernel() -> None:
    with pytest.raises(gm.UsageError, match="at least 0"):
        F.vendi(REAL, order=-1.0)
    for kernel in (np.ones((2, 3)), np.array([[1.0, 0.2], [0.3, 1.0]]), 2 * np.eye(3)):
        with pytest.raises(gm.InputError, match="symmetric"):
            F.vendi_of_kernel(kernel)
