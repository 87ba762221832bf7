"""Intervals: their width against the spread over draws, their methods, and what they refuse."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from feature_sets import features, statistics

import ganmetrics as gm
from ganmetrics.evaluation.compare import compared
from ganmetrics.evaluation.evaluate import score
from ganmetrics.measurement import archive
from ganmetrics.measurement.gathering import Sample, sampled
from ganmetrics.metrics import metric
from ganmetrics.scoring.score import Sides


def half_width(interval: gm.Interval) -> float:
    return (interval.high - interval.low) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "fid",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("kid(subset_size=100,num_subsets=20)", "ndb(num_bins=20)")
        ),
    ],
)
def test_the_interval_is_as_wide_as_draws_differ(name: str) -> None:
    """The standard deviation over 40 draws, itself known to 11 %, against the mean half-width / 1.96."""
    found = [
        next(
            iter(
                score(statistics(features(2 * i, 400)), statistics(features(2 * i + 1, 400, 0.4)), name).scores.values()
            )
        )
        for i in range(40)
    ]
    spread = np.std([one.value for one in found], ddof=1)
    errors = np.mean([half_width(one.interval) for one in found]) / 1.96
    assert 0.7 * spread < errors < 1.6 * spread


def test_the_bootstrap_agrees_and_is_named() -> None:
    real, fake = statistics(features(0, 600)), statistics(features(1, 600, 0.5))
    fast, bootstrap = (score(real, fake, "fid", ci=ci)["fid"].interval for ci in ("fast", "bootstrap"))
    assert fast.method == "influence function, logarithmic scale"
    assert bootstrap.method == "bootstrap, 200 replicates"
    assert half_width(bootstrap) == pytest.approx(half_width(fast), rel=0.4)
    assert score(real, fake, "fid", ci="bootstrap")["fid"].interval == bootstrap


def test_off_means_none() -> None:
    real, fake = statistics(features(0, 50)), statistics(features(1, 50))
    found = score(real, fake, "fid", ci="off")["fid"]
    assert found.interval is None
    assert "95%" not in str(found)
    with pytest.raises(gm.UsageError, match="Did you mean 'fast'"):
        score(real, fake, "fid", ci="fats")


def test_reals_without_rows_count_as_exact() -> None:
    real, fake = statistics(features(0, 300)), statistics(features(1, 300, 0.5))
    fixed = dataclasses.replace(real, features=None, sample=None)
    found = score(fixed, fake, "fid")["fid"].interval
    assert found.method == "influence function, logarithmic scale; real taken as exact"
    assert half_width(found) < half_width(score(real, fake, "fid")["fid"].interval)
    without = dataclasses.replace(fake, features=None, sample=None)
    assert score(real, without, "fid")["fid"].interval is None


def test_sets_too_small_for_parts_get_no_interval() -> None:
    real, fake = (statistics(features(i, 6)) for i in (0, 1))
    assert score(real, fake, "c2st")["c2st"].interval is None  # five folds of three images
    assert score(real, fake, "precision_recall(neighbors=1)")["precision"].interval is not None


def test_a_metric_without_a_method_has_no_interval() -> None:
    real, fake = (statistics(features(i, 60)) for i in (0, 1))
    bare = dataclasses.replace(metric("cmmd"), uncertainty=None)
    found = compared({"A": Sides(real, fake), "B": Sides(real, real)}, [bare], "fast")
    assert found.results["A"]["cmmd"].interval is None
    assert found.differences[0].verdict == "cannot tell"
    assert str(found.differences[0]).endswith("cannot tell: this score has no interval")


@pytest.mark.parametrize("name", ["ndb(num_bins=20)", "birthday", "vendi", "precision_recall", "fid_infinity"])
def test_an_interval_holds_its_value_and_names_its_method(name: str) -> None:
    real, fake = (statistics(features(i, 120, 0.3 * i, dim=4)) for i in (0, 1))
    for one in score(real, fake, name).scores.values():
        assert one.interval is not None
        assert one.interval.low <= one.value <= one.interval.high
        assert one.interval.method


def test_an_interval_is_printed_and_written() -> None:
    result = gm.evaluate(
        *(np.random.RandomState(i).randint(0, 200 + 50 * i, (60, 8, 8, 3), dtype=np.uint8) for i in (0, 1)),
        extractor="pixels",
    )
    found = result["fid"]
    assert f"({found.interval.words(found.value)}, 95%)" in str(result)
    assert json.loads(result.to_json())["scores"]["fid"]["interval"] == {
        "level": 0.95,
        "low": found.interval.low,
        "high": found.interval.high,
        "method": "influence function, logarithmic scale",
    }


def test_images_and_their_saved_features_give_one_interval(tmp_path) -> None:
    images = [np.random.RandomState(i).randint(0, 200 + 50 * i, (60, 8, 8, 3), dtype=np.uint8) for i in (0, 1)]
    saved = []
    for name, value in zip(("real", "fake"), images, strict=True):
        archive.save_statistics(
            gm.measure(value, reads=("moments", "features"), extractor="pixels"), tmp_path / f"{name}.npz"
        )
        saved.append(archive.load_statistics(tmp_path / f"{name}.npz"))
    direct = gm.evaluate(*images, extractor="pixels")["fid"]
    assert score(*saved, "fid")["fid"].interval[:2] == pytest.approx(direct.interval[:2], rel=1e-9)


@pytest.mark.parametrize("cuts", [[100], [1] * 100, [33, 0, 67]])
def test_a_sample_does_not_depend_on_batches(cuts: list[int]) -> None:
    rows, sample = torch.arange(100.0)[:, None], Sample(10)
    for part, places in zip(rows.split(cuts), torch.arange(100).split(cuts), strict=True):
        sample.add(part, places)
    whole = Sample(10)
    whole.add(rows, torch.arange(100))
    assert torch.equal(sample.rows, whole.rows)
    assert len(set(sample.rows[:, 0].tolist())) == 10


def test_a_sample_is_uniform_and_in_random_order() -> None:
    rows = torch.arange(10_000.0)[:, None]
    sample = Sample(2_000)
    sample.add(rows, torch.arange(10_000))
    assert float(sample.rows.mean()) == pytest.approx(5_000, abs=4 * 2_887 / 2_000**0.5)
    assert float(sample.rows[:200].mean()) == pytest.approx(5_000, abs=4 * 2_887 / 200**0.5)
    assert sorted(sampled(rows)[:, 0].tolist()) == rows[:, 0].tolist()
