"""Default metrics that do not fit are left out with their reason; those that were named end the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Run

import ganmetrics as gm

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
TOO_FEW = "kid needs at least 1000 images in each set; found 60 real and 60 fake"


@pytest.fixture
def sides(tmp_path: Path) -> list[str]:
    np.save(tmp_path / "real.npy", IMAGES)
    np.save(tmp_path / "fake.npy", 255 - IMAGES)
    return [str(tmp_path / "real.npy"), str(tmp_path / "fake.npy")]


def test_the_command_leaves_out_what_does_not_fit(sides: list[str], run: Run) -> None:
    done = run("evaluate", *sides, "--extractor", "digits", "-q", "--json", "-")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert list(found["scores"]) == ["fid", "is"]
    assert found["left_out"] == {"kid": TOO_FEW}
    shown = run("evaluate", *sides, "--extractor", "digits", "-q").stdout
    assert f"left out: kid ({TOO_FEW})" in shown


def test_the_command_takes_an_option_of_a_default_metric(sides: list[str], run: Run) -> None:
    done = run("evaluate", *sides, "--extractor", "digits", "-q", "--set", "kid.subset_size=50", "--json", "-")
    assert list(json.loads(done.stdout)["scores"]) == ["fid", "is", "kid"]


def test_named_metrics_end_the_run(sides: list[str], run: Run) -> None:
    done = run("evaluate", *sides, "--extractor", "digits", "-q", "--metrics", "fid,is,kid")
    assert (done.returncode, done.stdout) == (3, "")
    assert TOO_FEW in done.stderr


def test_in_python_the_word_default_means_the_same() -> None:
    found = gm.evaluate(IMAGES, 255 - IMAGES, metrics="default", extractor="pixels")
    assert list(found.scores) == ["fid"]
    assert set(found.left_out) == {"is", "kid"}
    assert "no classifier" in found.left_out["is"]
    with pytest.raises(gm.InputError, match="kid needs at least 1000"):
        gm.evaluate(IMAGES, 255 - IMAGES, metrics=["fid", "kid"], extractor="pixels")
