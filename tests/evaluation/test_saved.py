"""Saved results that are compared without their images: intervals of their differences, and files that were altered."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feature_sets import features, statistics

import ganmetrics as gm
from ganmetrics._content import content_digest

CHANGES = {
    "the low end is above the value": ({"low": 1e6}, "does not hold the value"),
    "the high end is below the value": ({"high": -1.0}, "does not hold the value"),
    "the ends are exchanged": ({"low": 1e6, "high": -1e6}, "does not hold the value"),
    "an end is not a number": ({"low": math.nan}, "does not hold the value"),
    "an end is text": ({"high": "x"}, "no interval that could be"),
    "a half-width of minus one beside the ends": ({"half_width": -1.0}, "low and a high end"),
    "another level": ({"level": 0.5}, "level 0.95"),
}
SCORES = {
    "the value is NaN": ({"value": math.nan}, "nan where a finite number belongs"),
    "the value is infinite": ({"value": math.inf}, "inf where a finite number belongs"),
    "the value is text": ({"value": "1.0"}, "'1.0' where a finite number belongs"),
    "the value is outside its interval": ({"value": 1e9}, "does not hold the value"),
    "the value is null": ({"value": None, "not_finite": "1"}, "not_finite is none of"),
    "a direction that is text": ({"higher_is_better": "false"}, "where true or false belongs"),
    "an old half-width below zero": (
        {"interval": {"level": 0.95, "half_width": -1.0, "method": "m"}},
        "does not hold the value",
    ),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results of FID against one real set, the second clearly worse."""
    folder = tmp_path_factory.mktemp("saved")
    real = statistics(features(0, 300))
    for seed, (name, shift) in enumerate({"a": 0.2, "b": 0.5}.items(), 1):
        gm.score(real, statistics(features(seed, 300, shift)), "fid").save(folder / f"{name}.json")
    return folder


def altered(saved: Path, folder: Path, change: Any, *, is_signed: bool = True) -> Path:
    """A copy of a result whose FID a function changed, with a digest that fits where ``is_signed``."""
    data = json.loads((saved / "a.json").read_text())
    change(data["scores"]["fid"])
    if is_signed:
        data["content"] = content_digest(data["scores"])
    path = folder / "altered.json"
    path.write_text(json.dumps(data))
    return path


def test_each_end_of_a_difference_adds_the_arms_that_face_it(saved: Path) -> None:
    """For lopsided intervals as for symmetric ones (MOVER of independent values)."""
    first, second = (json.loads((saved / f"{name}.json").read_text())["scores"]["fid"] for name in "ab")
    found = gm.compare_saved(saved / "a.json", saved / "b.json").differences[0]
    a, b = first["interval"], second["interval"]
    assert found.value == first["value"] - second["value"]
    low = found.value - math.hypot(first["value"] - a["low"], b["high"] - second["value"])
    high = found.value + math.hypot(a["high"] - first["value"], second["value"] - b["low"])
    assert found.interval[:2] == pytest.approx((low, high))
    assert found.verdict == "better"


def test_an_end_without_a_bound_stays_without(saved: Path, tmp_path: Path) -> None:
    open_above = altered(saved, tmp_path, lambda score: score["interval"].update(high=None))
    found = gm.compare_saved(open_above, saved / "b.json").differences[0]
    assert found.interval.high == math.inf and found.verdict == "cannot tell"
    assert gm.compare_saved(saved / "b.json", open_above).differences[0].interval.low == -math.inf


@pytest.mark.parametrize("name", CHANGES)
def test_an_altered_interval_is_refused(name: str, saved: Path, tmp_path: Path) -> None:
    change, said = CHANGES[name]
    path = altered(saved, tmp_path, lambda score: score["interval"].update(change))
    with pytest.raises(gm.InputError, match=said) as caught:
        gm.compare_saved(saved / "b.json", path)
    assert "not as it was written: fid" in str(caught.value) and "altered.json" in str(caught.value)


@pytest.mark.parametrize("name", SCORES)
def test_an_altered_score_is_refused(name: str, saved: Path, tmp_path: Path) -> None:
    change, said = SCORES[name]
    path = altered(saved, tmp_path, lambda score: score.update(change))
    with pytest.raises(gm.InputError, match=said):
        gm.compare_saved(saved / "b.json", path)


@pytest.mark.parametrize("change", [{"value": 1e-3}, {"title": "KID"}, {"signature": "kid"}, {"std": 1.0}, {}])
def test_any_change_of_a_score_is_seen(change: dict[str, Any], saved: Path, tmp_path: Path) -> None:
    """The digest of all scores is beside them."""
    path = altered(saved, tmp_path, lambda score: score.update(change), is_signed=False)
    if not change:
        assert gm.compare_saved(path, saved / "b.json").differences
        return
    with pytest.raises(gm.InputError, match="its scores do not have the digest that it names"):
        gm.compare_saved(saved / "b.json", path)


def test_a_direction_that_is_not_the_metrics_is_refused(saved: Path, tmp_path: Path) -> None:
    path = altered(saved, tmp_path, lambda score: score.update(higher_is_better=True))
    with pytest.raises(gm.InputError, match="higher_is_better of fid is true, which is not its direction"):
        gm.compare_saved(saved / "b.json", path)


def test_results_with_opposite_directions_are_refused(saved: Path, tmp_path: Path) -> None:
    """Of a score that the catalogue does not know."""
    paths = []
    for name, is_higher in (("a.json", False), ("b.json", True)):
        data = json.loads((saved / name).read_text())
        data["scores"] = {"own": {**data["scores"]["fid"], "higher_is_better": is_higher}}
        paths.append(tmp_path / name)
        paths[-1].write_text(json.dumps({**data, "content": content_digest(data["scores"])}))
    with pytest.raises(gm.UsageError, match="higher_is_better of own: False / True"):
        gm.compare_saved(*paths)


def test_a_result_of_the_first_schema_is_refused(saved: Path, tmp_path: Path) -> None:
    data = {**json.loads((saved / "a.json").read_text()), "schema": 1}
    (tmp_path / "old.json").write_text(json.dumps(data))
    with pytest.raises(gm.InputError, match=r"schema 1; this version reads 2 .*Score the images again"):
        gm.compare_saved(saved / "b.json", tmp_path / "old.json")


def test_scores_of_a_saved_diagnosis_are_compared(saved: Path, tmp_path: Path) -> None:
    expected = gm.compare_saved(saved / "a.json", saved / "b.json").differences[0]
    data = json.loads((saved / "a.json").read_text())
    for schema in (2, 3):
        (tmp_path / "a.json").write_text(json.dumps({**data, "verdict": "ok", "findings": [], "schema": schema}))
        found = gm.compare_saved(tmp_path / "a.json", saved / "b.json").differences[0]
        assert (found.value, found.interval, found.verdict) == (expected.value, expected.interval, expected.verdict)


def test_a_saved_interval_comes_back_whole(saved: Path) -> None:
    rows = json.loads((saved / "a.json").read_text())["scores"]["fid"]
    assert rows["interval"].keys() == {"level", "low", "high", "method"}
    assert np.isfinite([rows["interval"]["low"], rows["interval"]["high"]]).all()


def test_a_value_that_is_not_finite_is_not_compared(saved: Path, tmp_path: Path) -> None:
    change = {"value": None, "not_finite": "inf", "interval": {"level": 0.95, "low": 2.0, "high": None, "method": "m"}}
    path = altered(saved, tmp_path, lambda score: score.update(change))
    found = gm.compare_saved(path, saved / "b.json").differences[0]
    assert (found.verdict, found.interval, found.why) == ("cannot tell", None, "a value is not finite")


def test_sets_of_two_sizes_are_not_compared_where_the_score_depends_on_it(saved: Path, tmp_path: Path) -> None:
    def fewer(score: dict[str, Any]) -> None:
        score["signature"] = score["signature"].replace("fake:#300", "fake:#100")

    found = gm.compare_saved(altered(saved, tmp_path, fewer), saved / "b.json").differences[0]
    assert found.verdict == "cannot tell"
    assert found.why == "the sets have 100 and 300 images and this score depends on the number"
