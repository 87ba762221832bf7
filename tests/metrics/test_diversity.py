"""MS-SSIM diversity and the feature likelihood divergence: beside a package, an optimiser, and what they must tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize, special

import ganmetrics as gm
from ganmetrics import functional as F
from ganmetrics.numerics.mixture import MixtureOfCenters
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
        expected = package.ms_ssim(x, other, data_range=255, size_average=False)
        assert torch.allclose(ms_ssim(x, other, 5), expected, atol=1e-5)


@pytest.mark.parametrize("scales", [1, 2, 3, 4])
def test_fewer_scales_have_weights_that_sum_to_one(scales: int) -> None:
    package = pytest.importorskip("pytorch_msssim")
    x, y = (torch.from_numpy(photos(3, 181, seed)).float() for seed in (0, 1))
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    other = 0.5 * x + 0.5 * y
    expected = package.ms_ssim(x, other, data_range=255, size_average=False, weights=list(weights / weights.sum()))
    assert torch.allclose(ms_ssim(x, other, scales), expected, atol=1e-5)


def test_small_images_have_fewer_scales() -> None:
    assert [most_scales(side) for side in (10, 11, 21, 22, 28, 44, 88, 175, 176, 500)] == [0, 1, 1, 2, 2, 3, 4, 4, 5, 5]
    with pytest.raises(gm.InputError, match=r"Set ms_ssim_diversity.scales=2"):
        F.ms_ssim_diversity(photos(6, 28))
    assert F.ms_ssim_diversity(photos(6, 28), scales=2).value < 1
    with pytest.raises(gm.InputError, match="Enlarge the images"):
        F.ms_ssim_diversity(photos(6, 8), scales=1)


def test_every_image_is_in_one_pair_only() -> None:
    x = photos(40, 24)
    found = F.ms_ssim_diversity(x, scales=2)
    assert found.std is not None and found.error == pytest.approx(found.std / math.sqrt(20))
    assert F.ms_ssim_diversity(x, scales=2, num_pairs=5).error != found.error


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
    from ganmetrics.evaluation.sampling import Sample

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
    found = F.fld(real, fake, test, num_rows=10_000)
    x, z, y = ((side - real.mean()) / real.std() for side in (real, fake, test))
    variance = float(((x - z[0]) ** 2).mean())

    def loss(rows: np.ndarray) -> float:
        return float(50 * np.log(2 * np.pi * variance) + 50 * ((rows - z[0]) ** 2).mean() / variance)

    assert found.fld_gap == pytest.approx(loss(x) - loss(y), rel=1e-4)


def test_fld_tells_good_from_poor_and_memorised() -> None:
    rng = np.random.RandomState(0)
    real, fake, test = (rng.randn(600, 12) for _ in range(3))
    good = F.fld(real, fake, test)
    assert abs(good.fld) < 6
    assert good.fld < F.fld(real, fake + 1, test).fld  # fidelity
    assert good.fld < F.fld(real, np.abs(fake), test).fld  # modes
    memorised = np.concatenate([real[:300], fake[:300]])
    copied = F.fld(real, memorised, test)
    assert good.fld < copied.fld
    assert copied.fld_gap < 10 * good.fld_gap < 0


def test_fld_takes_at_most_so_many_rows() -> None:
    rng = np.random.RandomState(0)
    real, fake, test = (rng.randn(300, 4) for _ in range(3))
    assert F.fld(real, fake, test, num_rows=300) == F.fld(real, fake, test)
    assert F.fld(real, fake, test, num_rows=100) != F.fld(real, fake, test)
    with pytest.raises(gm.UsageError, match="at least 4"):
        F.fld(real, fake, test, num_rows=3)
