"""Scores of single images, and the files they go to."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from PIL import Image

import ganmetrics as gm
from ganmetrics.metrics.rarity import rarity_scores
from ganmetrics.metrics.realism import realism_scores

PIXELS = ("--extractor", "pixels", "--quiet")


def pixels(seed: int, count: int = 30, top: int = 200) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (count, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """real/ with two classes, and fake/, whose first image is a copy of a real one."""
    monkeypatch.chdir(tmp_path)
    for index, image in enumerate(pixels(0)):
        place = tmp_path / "real" / ("dark" if index % 2 else "light")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index:02}.png")
    (tmp_path / "fake").mkdir()
    for index, image in enumerate([pixels(0)[4], *pixels(1)]):
        Image.fromarray(image).save(tmp_path / "fake" / f"{index:02}.png")
    return tmp_path


def test_each_image_has_the_scores_of_the_library(folders: Path) -> None:
    found = gm.per_image("real", "fake", extractor="pixels").images
    real, fake = (gm.measure(each, reads="features", extractor="pixels").features for each in ("real", "fake"))
    assert [one.image for one in found] == [f"{index:02}.png" for index in range(31)]
    assert [one.realism for one in found] == realism_scores(real, fake).tolist()
    assert [one.rarity for one in found] == rarity_scores(real, fake).tolist()
    copy = found[0]
    assert (copy.nearest_real, copy.distance, copy.label) == ("light/04.png", 0.0, "light")
    shares = gm.attribute("real", "fake", extractor="pixels").shares
    assert [one.fid_share for one in found] == shares.tolist()


def test_files_have_a_row_for_each_image(folders: Path, run: Run) -> None:
    done = run("evaluate", "real", "fake", "--metrics", "fid", "--per-image", "s.csv", *PIXELS)
    assert done.returncode == 0, done.stderr
    assert "single images are in s.csv" in done.stderr and done.stdout.startswith("FID(pixels)")
    with open("s.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 31 and rows[0]["distance"] == "0"
    assert list(rows[0]) == ["image", "realism", "rarity", "nearest_real", "distance", "fid_share", "label"]
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    found = gm.per_image("real", "fake", extractor="pixels")
    found.save_table("s.parquet")
    assert pandas.read_parquet("s.parquet").equals(found.to_pandas())
    again = run("evaluate", "real", "fake", "--per-image", "s.csv", *PIXELS)
    assert (again.returncode, "exists already" in again.stderr, again.stdout) == (2, True, "")
    assert run("evaluate", "real", "fake", "--per-image", "s.txt", *PIXELS).returncode == 2
    assert run("evaluate", "real", "fake", "real", "--per-image", "t.csv", *PIXELS).returncode == 2


def test_it_prints_the_least_real_and_is_saved_as_json(folders: Path) -> None:
    found = gm.per_image("real", "fake", extractor="pixels")
    lines = str(found).splitlines()
    least = min(found.images, key=lambda one: one.realism)
    assert lines[0].startswith("31 images") and lines[3].startswith(least.image)
    data = json.loads(found.to_json())["images"]
    assert [each["rarity"] is None for each in data] == [math.isinf(one.rarity) for one in found.images]


def test_statistics_without_features_are_refused() -> None:
    saved = gm.measure(pixels(0), extractor="pixels")
    with pytest.raises(gm.StatisticsError):
        gm.per_image(saved, pixels(1))
