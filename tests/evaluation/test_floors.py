"""The floor of a score: what held-out real images score, the ratio to it, and what it means to be below."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import ganmetrics as gm

METRICS = ["fid", "kid(subset_size=30)", "prdc"]


def images(seed: int, count: int = 60, top: int = 200) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (count, 8, 8, 3), dtype=np.uint8)


def test_the_floor_is_the_score_of_the_held_out_images() -> None:
    found = gm.evaluate(images(0), images(1, top=250), test=images(2), metrics=METRICS, extractor="pixels")
    plain = gm.evaluate(images(0), images(1, top=250), metrics=METRICS, extractor="pixels")
    other = gm.evaluate(images(0), images(2), metrics=METRICS, extractor="pixels")
    for name in found:
        floor = found[name].floor
        assert floor is not None
        assert (found[name].value, found[name].interval) == (plain[name].value, plain[name].interval)
        assert (floor.value, floor.interval, floor.num_images) == (other[name].value, other[name].interval, 60)
        assert plain[name].floor is None
    assert found["fid"].floor.ratio == found["fid"].value / other["fid"].value > 1.1
    # KID of real images may be 0 or less, so nothing is so many times as large.
    assert math.isnan(found["kid"].floor.ratio) and "nan" not in str(found)
    assert not found["fid"].floor.is_below
    data = json.loads(found.to_json())["scores"]
    assert data["kid"]["floor"]["ratio"] is None and data["fid"]["floor"]["num_images"] == 60
    assert "floor" not in json.loads(plain.to_json())["scores"]["fid"]


def test_both_are_taken_at_one_number_of_images() -> None:
    found = gm.evaluate(images(0), images(1, 90), test=images(2, 40), metrics=METRICS[:1], extractor="pixels")["fid"]
    assert found.floor.num_images == 40
    assert found.floor.value == gm.fid(images(0), images(2, 40), extractor="pixels").value
    # 40 images have a larger FID than 90, so the ratio is not that of the printed values.
    assert found.floor.ratio > 1.1 * found.value / found.floor.value
    assert found.floor.ratio == pytest.approx(1, abs=0.1)


def test_copies_of_the_training_set_are_below_the_floor() -> None:
    copies = np.concatenate([images(0)[:50], images(3, 10)])
    found = gm.evaluate(images(0), copies, test=images(2), metrics="fid", extractor="pixels")
    assert found["fid"].floor.is_below
    assert any("below that of held-out real images" in warning for warning in found.warnings)
    assert found["fid"].warnings == found.warnings
    honest = gm.evaluate(images(0), images(1), test=images(2), metrics="fid", extractor="pixels")
    assert not honest["fid"].floor.is_below
    assert not any("held-out" in warning for warning in honest.warnings)


def test_a_table_has_a_row_of_floors() -> None:
    sets = [images(1), images(3, top=250)]
    found = gm.compare(images(0), *sets, test=images(2), metrics=[*METRICS[:2], "ct(num_cells=1)"], extractor="pixels")
    lines = found.table().text().splitlines()
    assert lines[0].split("  ")[0] == "Set" and lines[0].count("/ floor") == 2
    assert lines[3].startswith("held-out real images")
    assert found.results["A"]["ct"].floor is None, "ct reads the held-out images itself"
    row = found.to_pandas().iloc[1]
    assert row["fid_over_floor"] == found.results["B"]["fid"].floor.ratio
    assert "ct_floor" not in row and "held-out" not in found.to_csv()


def test_a_saved_floor_comes_back(tmp_path: Path) -> None:
    found = gm.evaluate(images(0), images(1), test=images(2), metrics=METRICS[:2], extractor="pixels")
    found.save(tmp_path / "r.json")
    [again] = gm.load_results(tmp_path / "r.json").runs
    assert again.scores["fid"].floor == found["fid"].floor
    assert again.scores["kid"].floor is not None and math.isnan(again.scores["kid"].floor.ratio)
    assert "held-out real images" in str(gm.load_results(tmp_path / "r.json"))


def test_a_floor_that_cannot_be_is_said() -> None:
    """Saved moments have no rows, so precision and recall have no floor."""
    real, fake = (gm.measure(images(i), reads=["moments", "features"], extractor="pixels") for i in (0, 1))
    test = gm.measure(images(2), extractor="pixels")
    found = gm.score(real, fake, ["fid", "prdc"], test=test)
    assert found["fid"].floor is not None and found["prdc_recall"].floor is None
    assert any("no prdc to compare with" in warning for warning in found.warnings)
