"""MS-SSIM diversity and the feature likelihood divergence: beside a package, an optimiser, and what they must tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize, special

import ganmetrics as gm
from ganmetrics import functional as F
from ganmetrics.metrics import c2st, prd
from ganmetrics.numerics import gaussian_mixture as mixture
from ganmetrics.numerics import kernels
from ganmetrics.numerics.gaussian_mixture import MixtureOfCenters
from ganmetrics.numerics.ssim import most_scales, ms_ssim


def photos(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Smooth coloured noise, uint8 [N, 3, H, W]."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 12, 12, generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return (smooth * 50 + 128).clamp(0, 255).to(torch.uint8).numpy()


def test_ms_ssim_is_the_packages() -> None:
    package = pytest.importorskip("pytorch_msssim")
    x, y = (torch.from_numpy(photos(4, 181, seed)).float() for seed in (0, 1))
    for other in (y, (0.8 * x + 0.2 * y), x):
        for width in (181, 178):  # odd and even beside an odd height
            sides = x[..., :width], other[..., :width]
            expected = package.ms_ssim(*sides, data_range=255, size_average=False)
            assert torch.allclose(ms_ssim(*sides, 5), expected, atol=1e-5)


@pytest.mark.parametrize("scales", [1, 2, 3, 4])
def test_fewer_scales_have_weights_that_sum_to_one(scales: int) -> None:
    package = pytest.importorskip("pytorch_msssim")
    x, y = (torch.from_numpy(photos(1, 181, seed)).float() for seed in (0, 1))
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    other = 0.5 * x + 0.5 * y
    expected = package.ms_ssim(x, other, data_range=255, size_average=False, weights=list(weights / weights.sum()))
    assert torch.allclose(ms_ssim(x, other, scales), expected, atol=1e-5)


def test_small_images_have_fewer_scales() -> None:
    assert [most_scales(side) for side in (10, 11, 21, 22, 28, 44, 88, 175, 176, 500)] == [0, 1, 1, 2, 2, 3, 4, 4, 5, 5]
    with pytest.raises(gm.InputError, match=r"Ask for `ms_ssim_diversity\(scales=2\)`"):
        F.ms_ssim_diversity(photos(6, 28))
    assert F.ms_ssim_diversity(photos(6, 28), scales=2).value < 1
    with pytest.raises(gm.InputError, match="Enlarge the images"):
        F.ms_ssim_diversity(photos(6, 8), scales=1)


def test_every_image_is_in_one_pair_only() -> None:
    x = photos(40, 24)
    found = F.ms_ssim_diversity(x, scales=2)
    assert found.std is not None and found.error == pytest.approx(found.std / math.sqrt(20))
    assert F.ms_ssim_diversity(x, scales=2, num_pairs=5).error != found.error


def test_pairs_are_drawn_by_the_seed_and_compared_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganmetrics.metrics.ms_ssim_diversity.BATCH", 3)
    x = torch.from_numpy(photos(17, 24))
    order = np.random.RandomState(7).permutation(17)
    for asked, num in ((1000, 8), (8, 8), (5, 5)):
        values = ms_ssim(x[order[:num]].float(), x[order[num : 2 * num]].float(), 2).double().numpy()
        found = F.ms_ssim_diversity(x, num_pairs=asked, scales=2, seed=7)
        expected = values.mean(), values.std(ddof=1), values.std(ddof=1) / math.sqrt(num)
        assert found == pytest.approx(expected, rel=1e-5)
    assert F.ms_ssim_diversity(x, scales=2) == F.ms_ssim_diversity(x, num_pairs=1000, scales=2, seed=2020)
    with pytest.raises(gm.InputError, match="5 scales do not fit into 24 pixels"):
        F.ms_ssim_diversity(x)


def test_a_thousand_pairs_are_compared_unless_told_otherwise() -> None:
    x = np.random.RandomState(0).randint(0, 256, (2003, 3, 11, 11), dtype=np.uint8)
    default, more = F.ms_ssim_diversity(x, scales=1), F.ms_ssim_diversity(x, scales=1, num_pairs=1001)
    assert default == F.ms_ssim_diversity(x, scales=1, num_pairs=1000) != more


def test_lists_have_no_dtype_of_images() -> None:
    with pytest.raises(gm.InputError, match="fake_images are int64 of shape"):
        F.ms_ssim_diversity(photos(4, 24).tolist(), scales=2)


def test_ms_ssim_of_a_folder_needs_no_network(tmp_path) -> None:
    from PIL import Image

    for i, image in enumerate(photos(30, 28)):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / f"{i}.png")
    found = gm.evaluate(None, tmp_path, metrics="ms_ssim_diversity(scales=2)")["ms_ssim_diversity"]
    assert found.title == "MS-SSIM diversity"
    assert str(found.signature).startswith("ms_ssim_diversity(num_pairs=1000,scales=2,seed=2020)|none|none|fake:#30:")
    assert found.interval is not None and found.interval.method == "standard error over pairs"
    Image.fromarray(photos(1, 40)[0].transpose(1, 2, 0)).save(tmp_path / "z.png")
    with pytest.raises(gm.InputError, match="several sizes"):
        gm.evaluate(None, tmp_path, metrics="ms_ssim_diversity(scales=2)")
    everything = gm.evaluate(None, tmp_path, metrics=["all", "ms_ssim_diversity(scales=2)"], extractor="pixels")
    assert "several sizes" in everything.left_out["ms_ssim_diversity"]
    assert "vendi" in everything


def test_the_sample_is_the_same_however_it_is_cut() -> None:
    from ganmetrics.measurement.gathering import Sample

    rows = torch.arange(5000)[:, None]
    whole, parts = Sample(100), Sample(100)
    whole.add(rows, torch.arange(5000))
    for part in rows.split(7):
        parts.add(part, part[:, 0])
    assert torch.equal(whole.rows, parts.rows)
    assert len(set(whole.rows[:, 0].tolist())) == 100


# --- feature likelihood divergence ------------------------------------------------------------------------------------


def test_the_fitted_variances_are_the_most_likely() -> None:
    """Beside a quasi-Newton optimiser of the same likelihood."""
    rng = np.random.RandomState(0)
    centers, rows = rng.randn(4, 3), rng.randn(60, 3)
    squares = ((rows[:, None] - centers) ** 2).sum(axis=2)

    def loss(log_variances: np.ndarray) -> float:
        logs = -1.5 * (np.log(2 * np.pi) + log_variances) - squares / (2 * np.exp(log_variances))
        return -float(special.logsumexp(logs, axis=1).mean() - np.log(4))

    best = optimize.minimize(loss, np.zeros(4), method="L-BFGS-B", options={"ftol": 1e-14})
    mixture = MixtureOfCenters.fitted(torch.from_numpy(centers), torch.from_numpy(rows))
    assert -mixture.mean_log_likelihood(torch.from_numpy(rows)) == pytest.approx(best.fun, abs=1e-3)
    assert mixture.variances.tolist() == pytest.approx(np.exp(best.x).tolist(), rel=0.05)


def test_fld_is_the_papers_formula_in_one_dimension() -> None:
    """One fake: its variance is the mean squared distance of the standardised reals, and the rest is arithmetic."""
    rng = np.random.RandomState(0)
    real, test = rng.randn(40, 1) * 3 + 1, rng.randn(30, 1) * 3 + 1
    fake = np.full((2, 1), 2.0)
    found = F.fld(real, fake, test, num_rows=10_000, fit="em")
    x, z, y = ((side - real.mean()) / real.std() for side in (real, fake, test))
    variance = float(((x - z[0]) ** 2).mean())

    def loss(rows: np.ndarray) -> float:
        return float(50 * np.log(2 * np.pi * variance) + 50 * ((rows - z[0]) ** 2).mean() / variance)

    assert found.fld_gap == pytest.approx(loss(x) - loss(y), rel=1e-4)


def logs(rows: np.ndarray, centers: np.ndarray, variances: np.ndarray) -> np.ndarray:
    squares = ((rows[:, None] - centers) ** 2).sum(axis=2)
    return -rows.shape[1] / 2 * np.log(2 * np.pi * variances) - squares / (2 * variances)


def test_a_step_of_the_fit_is_that_of_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixture, "BLOCK", 4)
    rng = np.random.RandomState(1)
    centers, rows, variances = rng.randn(3, 2), rng.randn(11, 2), np.array([0.5, 1.0, 2.0])
    of_rows = logs(rows, centers, variances)
    shares = special.softmax(of_rows, axis=1)
    squares = ((rows[:, None] - centers) ** 2).sum(axis=2)
    x, c = torch.from_numpy(rows), torch.from_numpy(centers)
    narrow = mixture._squares(x, c)
    assert narrow.dtype == mixture._logs(narrow, torch.from_numpy(variances), 2).dtype == torch.float32
    likelihood, found = mixture._step(narrow.split(mixture.BLOCK), torch.from_numpy(variances), 2)
    assert likelihood == pytest.approx(special.logsumexp(of_rows, axis=1).mean() - math.log(3), rel=1e-5)
    assert found.dtype == torch.float64
    expected = (shares * squares).sum(axis=0) / (2 * shares.sum(axis=0))
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    fitted = MixtureOfCenters(c, torch.from_numpy(variances))
    assert fitted.mean_log_likelihood(x) == pytest.approx(likelihood, rel=1e-6)


def test_centres_that_explain_nothing_keep_their_variance_and_none_vanishes() -> None:
    centers, rows = torch.tensor([[0.0], [1e4]]).double(), torch.zeros(5, 1).double()
    found = MixtureOfCenters.fitted(centers, rows).variances
    assert (found.tolist(), found.dtype) == ([pytest.approx(mixture.FLOOR), 1.0], torch.float64)


def test_the_fit_ends_where_the_likelihood_grows_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one centre each step gives the same variance: the third only confirms it, unless no growth at all goes on."""
    calls, inner = [], mixture._step
    monkeypatch.setattr(mixture, "_step", lambda *given: calls.append(0) or inner(*given))
    center, rows = torch.zeros(1, 2).double(), torch.from_numpy(np.random.RandomState(0).randn(30, 2))
    variance = float(rows.square().sum()) / 60
    assert float(MixtureOfCenters.fitted(center, rows).variances) == pytest.approx(variance, rel=1e-6)
    assert len(calls) == 3
    growth = MixtureOfCenters(center, torch.tensor([variance])).mean_log_likelihood(rows)
    growth -= MixtureOfCenters(center, torch.ones(1)).mean_log_likelihood(rows)
    for tolerance, steps in ((0.0, mixture.STEPS), (growth / 1.5, 2)):  # of each of two dimensions
        calls.clear()
        monkeypatch.setattr(mixture, "TOLERANCE", tolerance)
        MixtureOfCenters.fitted(center, rows)
        assert len(calls) == steps


@pytest.mark.parametrize("num_rows", [25, 10_000])
def test_fld_is_drawn_standardised_and_compared_with_halves(num_rows: int) -> None:
    rng = np.random.RandomState(3)
    sides = [rng.randn(count, 4) * 0.5 + 1 for count in (41, 30, 35)]
    sides[0][:, 3] = 1.0  # a feature that varies among the others only
    mean, std, draw = sides[0].mean(axis=0), sides[0].std(axis=0), np.random.RandomState(2020)
    std[3] = 1.0
    real, fake, test = (
        torch.from_numpy(((side - mean) / std)[draw.permutation(len(side))[:num_rows]]) for side in sides
    )
    half = len(real) // 2
    fakes, reals = MixtureOfCenters.fitted(fake, real), MixtureOfCenters.fitted(real[:half], real[half:])
    unseen, seen, floor = (
        -25 * each.mean_log_likelihood(rows) for each, rows in ((fakes, test), (fakes, real), (reals, test))
    )
    found = F.fld(*sides, num_rows=num_rows, fit="em")
    assert found == pytest.approx((unseen - floor, seen - unseen), rel=1e-6)


def test_nothing_leaves_the_device_of_its_arguments() -> None:
    """On another default device, of which a tensor that is made without one would be."""
    rng = np.random.RandomState(0)
    centers, rows = torch.from_numpy(rng.randn(4, 3)), torch.from_numpy(rng.randn(60, 3))
    x, y = (torch.from_numpy(photos(2, 28, seed)).float() for seed in (0, 1))
    members = torch.ones(4, 2).double()
    with torch.device("meta"):
        fitted = MixtureOfCenters.fitted(centers, rows)
        scores = ms_ssim(x, y, 2), kernels.subset_sums(centers, centers, members, members)
        curve = prd._curve(torch.full((3,), 1 / 3, device="cpu"), torch.full((3,), 1 / 3, device="cpu"))
        singles = F.rarity_scores(rows, centers), F.realism_scores(rows, centers)
        alpha = F.alpha_precision_beta_recall_authenticity(rows, centers)
        right = c2st._right_answers([rows[:30], rows[30:]], 0, 6, 1.0)
    assert {each.device.type for each in (fitted.variances, *scores, curve, *singles)} == {"cpu"}
    assert math.isfinite(alpha.alpha_precision)
    assert 0 <= right <= 12


@pytest.mark.parametrize(("fit", "expected"), [("adam", [8, 10_000]), ("em", [10_000] * 3)])
def test_fld_takes_ten_thousand_rows_unless_told_otherwise(
    fit: str, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("ganmetrics.metrics.fld._drawn", lambda rows, num, rng: asked.append(num) or rows)
    F.fld(*np.random.RandomState(0).randn(3, 8, 2), fit=fit)
    assert asked == expected


@pytest.mark.parametrize("fit", ["adam", "em"])
def test_fld_tells_good_from_poor_and_memorised(fit: str) -> None:
    rng = np.random.RandomState(0)
    real, fake, test = (rng.randn(600, 12) for _ in range(3))
    good = F.fld(real, fake, test, fit=fit)
    assert abs(good.fld) < 6
    assert good.fld < F.fld(real, fake + 1, test, fit=fit).fld  # fidelity
    assert good.fld < F.fld(real, np.abs(fake), test, fit=fit).fld  # modes
    memorised = np.concatenate([real[:300], fake[:300]])
    copied = F.fld(real, memorised, test, fit=fit)
    assert good.fld < copied.fld
    assert copied.fld_gap < 10 * good.fld_gap < 0


def test_fld_takes_at_most_so_many_rows() -> None:
    rng = np.random.RandomState(0)
    real, fake, test = (rng.randn(300, 4) for _ in range(3))
    assert F.fld(real, fake, test, num_rows=300) == F.fld(real, fake, test)
    assert F.fld(real, fake, test, num_rows=100) != F.fld(real, fake, test)
    with pytest.raises(gm.UsageError, match="at least 4"):
        F.fld(real, fake, test, num_rows=3)
    with pytest.raises(gm.UsageError, match="must be 'adam' or 'em'"):
        F.fld(real, fake, test, fit="paper")
    with pytest.raises(gm.InputError, match="test_features hold 1 row; at least 2 are needed"):
        F.fld(real, fake, test[:1])


def fld_sets(kind: str) -> list[np.ndarray]:
    rng = np.random.RandomState(7)
    real, fake, test = (rng.randn(200, 8) for _ in range(3))
    if kind == "missing mode":
        real[::2] += 6
        test[::2] += 6
    if kind == "another unit":
        return [3 * real + 5, 3.3 * fake + 5, 3 * test + 5]
    changed = {"few fakes": fake[:60], "shifted": fake + 0.5, "near copies": real + 0.1 * fake}
    return [real, changed.get(kind, fake), test]


# Of the authors' code (marcojira/fld at ffbbf20, run in float32): the gap, and FLD as mean and deviation of 20 seeds.
PUBLISHED = {
    "equal": (-5.3409, -1.4843, 0.9302),
    "few fakes": (-5.3361, 2.1657, 1.1067),
    "shifted": (-5.2516, 7.3738, 0.9302),
    "missing mode": (-8.3601, 405.9879, 0.8017),
    "near copies": (-1501.7941, 1320.5280, 0.9302),
    "another unit": (-4.7398, 1.1454, 0.9302),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_fld_is_that_of_its_authors_code(kind: str) -> None:
    """The gap has nothing random; FLD has the draw of the reals that its baseline is made of."""
    gap, mean, std = PUBLISHED[kind]
    found = F.fld(*fld_sets(kind))
    assert found.fld_gap == pytest.approx(gap, rel=1e-3)
    assert found.fld == pytest.approx(mean, abs=4 * std)


def test_differences_of_fld_on_one_baseline_are_those_of_its_authors_code() -> None:
    equal, shifted, copied = (F.fld(*fld_sets(kind)).fld for kind in ("equal", "shifted", "near copies"))
    assert shifted - equal == pytest.approx(8.8581, rel=1e-3)
    assert copied - equal == pytest.approx(1322.0123, rel=1e-4)


def test_the_exact_fit_has_values_of_its_own() -> None:
    assert F.fld(*fld_sets("equal"), fit="em") == pytest.approx((-0.30529832, -4.83713517), rel=1e-4)
    assert F.fld(*fld_sets("missing mode"), fit="em") == pytest.approx((83.8555629, -4.3570505), rel=1e-4)


def test_the_descent_follows_the_gradient_of_the_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Automatic differentiation of the formula in float64, with the component about the mean."""
    monkeypatch.setattr(mixture, "BLOCK", 4)
    rng = np.random.RandomState(1)
    centers, rows = torch.from_numpy(rng.randn(3, 2)), torch.from_numpy(rng.randn(11, 2) + 1)
    logs = torch.from_numpy(rng.randn(4)).requires_grad_()
    squares = torch.cdist(rows, centers).square()
    around = 0.81 * (rows - rows.mean(dim=0)).square().sum(dim=1, keepdim=True)
    pieces = torch.cat([squares, around], dim=1)
    each = -pieces / (2 * logs.exp()) - torch.log(2 * math.pi * logs.exp())  # of two dimensions
    loss = -torch.logsumexp(each - torch.tensor([math.log(3)] * 3 + [0.0]), dim=1)[2:9].mean() / 2
    loss.backward()
    for kept in (2**31, 0):
        monkeypatch.setattr(mixture, "KEPT", kept)
        found, gradient = mixture._Batches(rows, centers).gradient(logs.detach(), 2, 9)
        assert found == pytest.approx(loss.item(), rel=1e-5)
        assert gradient.tolist() == pytest.approx(logs.grad.tolist(), rel=1e-4, abs=1e-6)


def test_the_descent_ends_early_keeps_its_bounds_and_takes_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, inner = [], mixture._Batches.gradient
    monkeypatch.setattr(mixture._Batches, "gradient", lambda *given: calls.append(given[2:]) or inner(*given))
    rng = np.random.RandomState(0)
    rows, centers = torch.from_numpy(rng.randn(60, 4)), torch.from_numpy(rng.randn(30, 4))
    MixtureOfCenters.descended(centers, rows, np.random.RandomState(0))
    assert calls == [(0, 60)] * len(calls)
    assert mixture.FEWEST <= len(calls) < mixture.EPOCHS
    calls.clear()
    monkeypatch.setattr(mixture, "SETTLED", math.inf)
    monkeypatch.setattr(mixture, "BATCH", 25)
    MixtureOfCenters.descended(centers, rows, np.random.RandomState(0))
    assert calls == [(0, 25), (25, 50), (50, 60)] * mixture.FEWEST
    calls.clear()
    monkeypatch.setattr(mixture, "SETTLED", 0.0)
    copied = MixtureOfCenters.descended(rows, rows, np.random.RandomState(0))
    assert len(calls) == 3 * mixture.EPOCHS
    assert float(copied.variances.min()) >= math.exp(-mixture.BOUND)
    monkeypatch.setattr(mixture, "BOUND", 1.0)
    bound = MixtureOfCenters.descended(rows, rows, np.random.RandomState(0)).variances.log()
    assert (float(bound.min()), float(bound.max()) <= 1.0) == (-1.0, True)
