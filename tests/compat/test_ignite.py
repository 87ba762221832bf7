"""The metric of Ignite in a real engine."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine

import ganmetrics as gm
from ganmetrics.compat.ignite import GanMetric

FAKE = torch.randint(200, (90, 3, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
REAL = torch.randint(256, (100, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_an_engine_gives_the_score_of_each_epoch() -> None:
    metric = GanMetric(gm.Evaluation(["fid", "kid(subset_size=40)"], REAL, extractor="pixels"))
    engine = Engine(lambda _, batch: batch)
    metric.attach(engine, "fid")
    alone = gm.evaluate(REAL, FAKE, metrics=["fid", "kid(subset_size=40)"], extractor="pixels")
    state = engine.run(FAKE.split(20), max_epochs=2)
    assert state.metrics["fid"] == alone["fid"].value
    assert metric.result is not None
    assert metric.result["kid"].value == alone["kid"].value


def test_reals_may_come_with_the_fakes() -> None:
    metric = GanMetric(gm.Evaluation(["fid"], extractor="pixels"), output_transform=lambda out: out["images"])
    engine = Engine(lambda _, batch: {"images": batch})
    metric.attach(engine, "score")
    state = engine.run(list(zip(REAL[:90].split(30), FAKE.split(30), strict=True)))
    assert state.metrics["score"] == gm.evaluate(REAL[:90], FAKE, extractor="pixels")["fid"].value


def test_another_score_by_its_name() -> None:
    metric = GanMetric(gm.Evaluation(["fid", "kid(subset_size=40)"], REAL, extractor="pixels"), "kid")
    metric.update(FAKE)
    assert metric.compute() == metric.result["kid"].value
    with pytest.raises(gm.UsageError, match="the reference's"):
        metric.evaluation.update(REAL, real=True)
