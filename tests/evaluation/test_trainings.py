"""Methods compared by several trainings: Student's t over trainings, the reals' shared noise, and single trainings."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import Run

import ganmetrics as gm
from ganmetrics.scoring.trainings import Trained, difference_of_means, spread_of

PIXELS = ("--extractor", "pixels", "--quiet")


def images(seed: int, top: int = 200, count: int = 60) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (count, 8, 8, 3), dtype=np.uint8)


def trained(*values: float) -> list[Trained]:
    return [Trained(value) for value in values]


def test_intervals_are_those_of_students_t() -> None:
    """Quantiles of a table: 12.706 of one degree of freedom, 4.303 of two."""
    interval = spread_of(trained(1.0, 3.0)).interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-3)
    # Equal spreads and numbers: Welch's degrees of freedom are those of equal spreads, 2.
    apart = difference_of_means(trained(1.0, 3.0), trained(5.0, 7.0))
    assert apart is not None
    assert (apart.low, apart.high) == pytest.approx((-4 - 4.30265 * 2**0.5, -4 + 4.30265 * 2**0.5), abs=1e-3)
    # One side without spread: Welch has 1 degree of freedom, and a third of the way to 2 lies 4/3.
    apart = difference_of_means(trained(1.0, 3.0), trained(5.0, 5.0))
    assert apart is not None and "1.33 degrees of freedom" in apart.method


def test_noise_of_the_real_images_is_added_and_cancels() -> None:
    shared = torch.tensor([3.0, 4.0], dtype=torch.float64)
    side = [Trained(value, 6.0, shared) for value in (1.0, 2.0, 3.0)]
    alone = spread_of(side)
    plain = spread_of(trained(1.0, 2.0, 3.0))
    assert alone.interval is not None and plain.interval is not None
    assert alone.interval.high > plain.interval.high
    # Both half-widths add up by their squares: 4.303 times 1 / √3 over trainings, and 1.96 times 5.
    assert alone.interval.high - 2 == pytest.approx(math.hypot(4.30265 / 3**0.5, 1.95996 * 5), rel=1e-5)
    assert alone.sampling_std == pytest.approx((36 - 25) ** 0.5)
    other = [Trained(value, 6.0, shared) for value in (2.0, 3.0, 4.0)]
    assert difference_of_means(side, other) == difference_of_means(trained(1.0, 2.0, 3.0), trained(2.0, 3.0, 4.0))


def test_the_spread_is_split_into_training_and_images() -> None:
    found = spread_of([Trained(value, 0.6) for value in (1.0, 3.0)])
    assert found.std**2 == pytest.approx(found.training_std**2 + found.sampling_std**2)
    assert spread_of([Trained(value, 9.0) for value in (1.0, 3.0)]).training_std == 0.0
    one = spread_of(trained(1.0))
    assert one.interval is None and math.isnan(one.std)


@pytest.fixture(scope="module")
def found() -> gm.TrainingComparison:
    """Three trainings of each method, of which the second's images are brighter."""
    runs, against = ([images(10 * k + i, 200 + 40 * k + 2 * i) for i in range(3)] for k in (0, 1))
    return gm.compare_trainings(images(99), runs, against, metrics=["fid", "vendi"], extractor="pixels")


def test_methods_are_compared_by_their_means(found: gm.TrainingComparison) -> None:
    scores = found.by_set()
    assert list(scores) == ["A1", "A2", "A3", "B1", "B2", "B3"]
    assert scores["A2"]["fid"] == gm.fid(images(99), images(1, 202), extractor="pixels")
    fid = found.differences[0]
    means = [np.mean([scores[f"{m}{i}"]["fid"].value for i in (1, 2, 3)]) for m in "AB"]
    assert fid.value == pytest.approx(means[0] - means[1])
    assert (fid.first, fid.second, fid.verdict) == ("A*", "B*", "better")
    assert fid.interval is not None and "3 and 3 trainings" in fid.interval.method
    assert str(found).splitlines()[-2].endswith("A* is better")
    assert found.table().heads[:3] == ("Method", "Trainings", "FID(pixels) ↓")
    data = json.loads(found.to_json())
    assert data["methods"]["A*"]["fid"]["count"] == 3 and len(data["trainings"]) == 6


def test_one_training_is_no_method() -> None:
    found = gm.compare_trainings(images(99), [images(0)], [images(1, 250)], extractor="pixels")
    assert found.differences[0].verdict == "cannot tell"
    assert "about these checkpoints, not about these methods" in str(found)
    assert "nan" not in found.to_json() and "NaN" not in found.to_json()
    mixed = gm.compare_trainings(images(99), [images(0), images(2)], [images(1, 250)], extractor="pixels")
    assert "these checkpoints" in mixed.differences[0].why


def test_sets_of_different_sizes_do_not_compare() -> None:
    sets = [images(0), images(1, count=50)]
    found = gm.compare_trainings(images(99), sets, [images(2), images(3)], extractor="pixels")
    assert "50 and 60 images" in found.differences[0].why


def test_what_is_no_list_of_sets_is_refused() -> None:
    for runs in ("a/", [], images(0)):
        with pytest.raises(gm.UsageError, match="it must be a list with a set of images for each training"):
            gm.compare_trainings(images(99), runs, [images(1)], extractor="pixels")
    with pytest.raises(gm.UsageError, match="made of intervals"):
        gm.compare_trainings(images(99), [images(0)], [images(1)], extractor="pixels", ci="off")


def test_the_command_takes_what_a_shell_makes_of_a_pattern(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("real.npy", images(99))
    names = {k: [f"{k}{i}.npy" for i in range(3)] for k in "ab"}
    for k, each in names.items():
        for i, name in enumerate(each):
            np.save(name, images(10 * "ab".index(k) + i, 200 + 40 * "ab".index(k) + 2 * i))
    words = ("compare", "real.npy", "--runs", *names["a"], "--against", *names["b"])
    done = run(*words, *PIXELS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Method  Trainings  FID(pixels)")
    assert done.stdout.strip().endswith("a* is better")
    assert run(*words, "--format", "csv", *PIXELS).stdout.startswith("method,trainings,fid,fid_low")
    for each in (*names["a"], *names["b"]):
        run("fid", "real.npy", each, "--json", each.replace("npy", "json"), *PIXELS)
    saved = [[name.replace("npy", "json") for name in each] for each in names.values()]
    done = run("compare", "real.npy", "--runs", *saved[0], "--against", *saved[1])
    assert (done.returncode, "noise of the real images is not in" in done.stderr) == (0, True), done.stderr
    assert done.stdout.strip().endswith("a* is better")
    both = run(*words, "--baseline", "a0.npy", *PIXELS)
    assert (both.returncode, "stand for all generated sets" in both.stderr) == (2, True)
    nothing = run("compare", "real.npy")
    assert (nothing.returncode, "Missing argument 'FAKE FAKE...'" in nothing.stderr) == (2, True)
