"""How many images and trainings it takes to tell two generators apart."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import Run

import ganmetrics as gm
from ganmetrics.scoring.power import POWER, Variances
from ganmetrics.scoring.trainings import Trained

PIXELS = ("--extractor", "pixels", "--quiet")


def images(seed: int, top: int = 200, count: int = 200) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (count, 4, 4, 3), dtype=np.uint8)


def test_the_formula_is_that_of_a_normal_test() -> None:
    """Textbook: n = (1.960 + 0.8416)² (σ₁² + σ₂²) / δ² for a power of 80 %."""
    n, sigma, delta = 100, 3.0, 0.5
    side = [Trained(0.0, sigma / n**0.5)]
    share = Variances.of(side, side).images(delta)
    assert share * n == pytest.approx((1.959964 + 0.841621) ** 2 * 2 * sigma**2 / delta**2, rel=1e-5)
    assert Variances.of(side, side).detectable(share) == pytest.approx(delta)
    assert POWER == 0.8


def test_noise_of_the_real_images_bounds_what_can_be_told() -> None:
    one = [Trained(0.0, 1.0, torch.tensor([0.6, 0.0], dtype=torch.float64))]
    other = [Trained(0.0, 1.0, torch.tensor([0.0, 0.6], dtype=torch.float64))]
    variances = Variances.of(one, other)
    assert variances.real == pytest.approx(0.72) and variances.fake == pytest.approx(2 - 0.72)
    assert math.isinf(variances.images(2.0))
    same = Variances.of(one, one)
    assert same.real == 0 and math.isfinite(same.images(0.01))


def test_more_trainings_tell_smaller_differences() -> None:
    side = [Trained(value, 0.1) for value in (1.0, 2.0, 3.0)]
    variances = Variances.of(side, side)
    told = [variances.detectable_by(count) for count in (2, 3, 5, 10, 100)]
    assert told == sorted(told, reverse=True)
    needed = variances.trainings(1.0)
    assert needed is not None and variances.detectable_by(needed) <= 1.0 < variances.detectable_by(needed - 1)
    assert variances.trainings(1e-6) is None


@pytest.mark.slow
def test_the_number_of_images_tells_the_difference() -> None:
    """A pilot of 200 images says how many tell A from B; of so many, about 80 % of the comparisons do."""
    real = images(1000, count=2000)
    pilot = gm.required_images(real, [images(1, 200)], [images(2, 207)], detect="12%", extractor="pixels")
    size = pilot.images
    assert size is not None and 50 < size < 5000
    found = [
        gm.compare(real, images(10 + 2 * i, 200, size), images(11 + 2 * i, 207, size), extractor="pixels")
        for i in range(20)
    ]
    true = float(np.mean([abs(one.differences[0].value) for one in found]))
    told = np.mean([one.differences[0].verdict != "cannot tell" for one in found])
    # The true difference is not the wanted one, so the rate is that of their ratio.
    ratio = true / pilot.difference
    expected = 0.5 * (1 + math.erf((ratio * 2.8016 - 1.96) / 2**0.5))
    # The variance of a pilot is on the safe side, so more may be told than promised, but not fewer.
    assert told > expected - 0.3


def test_a_plan_says_what_it_takes() -> None:
    plan = gm.required_images(images(0), [images(1, 205)], [images(2, 215)], detect="50%", extractor="pixels")
    assert plan.images is not None and plan.trainings is None
    assert "not known from one training" in str(plan)
    assert [number for number, _ in plan.image_curve()][2] == 200
    data = json.loads(plan.to_json())
    assert data["needed"]["images"] == plan.images and data["curves"]["trainings"] == []
    assert len(plan.plot().axes) == 1
    runs, against = ([images(10 * k + i, 205 + 10 * k + i) for i in range(3)] for k in (0, 1))
    both = gm.required_images(images(0), runs, against, detect=0.5, extractor="pixels")
    assert both.difference == 0.5 and both.trainings is not None
    assert len(both.plot().axes) == 2


@pytest.mark.parametrize("detect", ["x", "0%", "-1", "nan", "%"])
def test_a_difference_that_is_none_is_refused(detect: str) -> None:
    with pytest.raises(gm.UsageError, match="no difference that could be told"):
        gm.required_images(images(0), [images(1)], [images(2)], detect=detect, extractor="pixels")


def test_the_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, (name, top) in enumerate({"real": 200, "a": 205, "b": 215}.items()):
        np.save(f"{name}.npy", images(seed, top))
    done = run("plan", "real.npy", "a.npy", "b.npy", "--detect", "50%", "--html", "plan.html", *PIXELS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("To tell a difference of ")
    assert 'id="figure-plan-images"' in Path("plan.html").read_text()
    several = run("plan", "real.npy", "--runs", "a.npy", "--against", "b.npy", "--detect", "50%", *PIXELS)
    assert several.stdout == done.stdout
    for words in (["real.npy"], ["real.npy", "a.npy"], ["real.npy", "a.npy", "b.npy", "--runs", "a.npy"]):
        assert run("plan", *words, *PIXELS).returncode == 2
    prdc = run("plan", "real.npy", "a.npy", "b.npy", "--metric", "prdc", *PIXELS)
    assert (prdc.returncode, "gives several scores" in prdc.stderr) == (2, True)
