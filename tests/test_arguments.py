"""Values of another kind, wherever a function takes a path, a number or a name: one sentence, an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.compat import cleanfid, pytorch_fid

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)


class Unusual:
    def __repr__(self) -> str:
        return "x" * 10_000


ODD = [IMAGES, torch.zeros(3), 3.5, ["a", "b"], {"a": 1}, object(), Unusual(), b"\xff"]
WHERE: dict[str, Callable[[Any], object]] = {
    "load_statistics": gm.load_statistics,
    "compare_saved": lambda odd: gm.compare_saved(odd, odd),
    "weights": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="digits", weights=odd),
    "paths": lambda odd: pytorch_fid.calculate_fid_given_paths([odd, odd], 50, "cpu", 2048, 0),
    "all paths": lambda odd: pytorch_fid.calculate_fid_given_paths(odd, 50, "cpu", 2048, 0),
    "name": lambda odd: cleanfid.test_stats_exists(odd, "clean"),
    "folder": lambda odd: gm.training.Monitor(IMAGES, folder=odd, extractor="pixels"),
    "generator": gm.generators.load,
    "device": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="pixels", device=odd),
    "batch_size": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="pixels", batch_size=odd),
    "metrics": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="pixels", metrics=odd),
    "a metric": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="pixels", metrics=[odd]),
    "ci": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="pixels", ci=odd),
    "protocol": lambda odd: gm.evaluate(IMAGES, IMAGES, protocol=odd),
    "num_images": lambda odd: gm.evaluate(IMAGES, lambda n: IMAGES[:n], extractor="pixels", num_images=odd),
    "reading": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor="pixels", reading=odd),
    "Reading.workers": lambda odd: gm.Reading(workers=odd),
    "Reading.max_pixels": lambda odd: gm.Reading(max_pixels=odd),
    "Reading.alpha": lambda odd: gm.Reading(alpha=odd),
    "extractor": lambda odd: gm.evaluate(IMAGES, IMAGES, extractor=odd),
    "value_range": lambda odd: gm.source(IMAGES, value_range=odd),
    "reads": lambda odd: gm.measure(IMAGES, reads=odd, extractor="pixels"),
    "attributed images": lambda odd: gm.attribute(IMAGES, IMAGES, num_images=odd, extractor="pixels"),
    "attributed metric": lambda odd: gm.attribute(IMAGES, IMAGES, metric=odd, extractor="pixels"),
    "max_memory": lambda odd: gm.memory_limit(odd).__enter__(),
    "max_rows": lambda odd: gm.Evaluation(max_rows=odd, extractor="pixels"),
    "every": lambda odd: gm.training.Monitor(IMAGES, every=odd, extractor="pixels"),
}


@pytest.mark.parametrize("where", WHERE)
def test_an_odd_value_is_refused_in_one_sentence(where: str) -> None:
    for odd in ODD:
        with pytest.raises(gm.GanMetricsError) as caught:
            WHERE[where](odd)
        assert caught.value.exit_code in (2, 3)
        assert len(caught.value.what) < 500
        assert "\n" not in str(caught.value)


def test_arrays_where_paths_belong_are_told_what_scores_arrays() -> None:
    with pytest.raises(gm.UsageError, match="paths is of type ndarray; it must be a path") as caught:
        pytorch_fid.calculate_fid_given_paths([IMAGES, IMAGES], 50, "cpu", 2048, 0)
    assert caught.value.hint == "Arrays of images are scored by gm.evaluate and gm.fid"


@pytest.mark.parametrize("odd", [3, None, IMAGES, ["a"]])
def test_results_are_saved_under_paths_alone(odd: Any, tmp_path: Path) -> None:
    statistics = gm.measure(IMAGES, extractor="pixels")
    result = gm.evaluate(statistics, statistics)
    for save in (result.save, result.save_html, lambda path: gm.save_statistics(statistics, path)):
        with pytest.raises(gm.UsageError, match="it must be a path"):
            save(odd)


def test_a_whole_number_may_stand_for_a_number() -> None:
    metric = "mifid(threshold=1)"
    found = gm.evaluate(IMAGES, 255 - IMAGES, metrics=[metric], extractor="pixels")
    assert "threshold=1.0" in str(found["mifid"].signature)
