"""What a metric may read is one table: a new entry and its metric are all that a new kind of need takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.extractors.extractor import Extractor
from ganmetrics.metrics import METRICS, Metric, Part
from ganmetrics.metrics.needs import NEEDS, Kind, Layer, Need
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread

RNG = np.random.RandomState(0)
REAL, FAKE = (RNG.randint(low, 256, (40, 8, 8, 3)).astype(np.uint8) for low in (0, 60))
EARLY = Layer("early")
SAMPLED = Need("early_sample", Kind.SAMPLE, EARLY)
KEPT = Need("early_rows", Kind.ROWS, EARLY, is_saved=True)
LENGTHS = Need("early_spread", Kind.SPREAD, EARLY)
ENTRIES = [SAMPLED, KEPT, Need("early_moments", Kind.MOMENTS, EARLY), LENGTHS]


class TwoLayers(Extractor):
    """Mean colours in one layer, all pixel values in the other."""

    name, identity, resize, feature_layer = "two-layers", "two-layers:0", "none", "features"
    layers: Mapping[str, int] = MappingProxyType({"features": 192, "early": 3})

    def to(self, device: torch.device) -> None:
        pass

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        return images.float() / 255

    def forward(self, inputs: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        return {name: inputs.mean(dim=(2, 3)) if name == "early" else inputs.flatten(1) for name in layers}


def centre(held: Any) -> torch.Tensor:
    """The mean of what a set holds for any of the new needs."""
    if isinstance(held, Spread):
        return (held.counts[:, None] * held.means).sum(dim=0) / held.counts.sum()
    return held.mean if isinstance(held, Moments) else held.double().mean(dim=0)


def gap(real: Any, fake: Any) -> float:
    return float((centre(real) - centre(fake)).norm())


def metric_of(need: Need) -> Metric:
    parts = (Part("gap", "Gap", higher_is_better=False, best="0", scale="positive"),)
    return Metric("gap", gap, parts, (need,), "Nobody 2026", resampling="bootstrap")


EXPECTED = float(np.linalg.norm((REAL.mean(axis=(0, 1, 2)) - FAKE.mean(axis=(0, 1, 2))) / 255))


@pytest.fixture(params=ENTRIES, ids=[need.name for need in ENTRIES])
def need(request: Any, monkeypatch: pytest.MonkeyPatch) -> Need:
    """One more entry of the table."""
    monkeypatch.setitem(NEEDS, request.param.name, request.param)
    return request.param


def test_a_new_entry_and_its_metric_are_scored(need: Need) -> None:
    score = gm.evaluate(REAL, FAKE, metrics=["fid", metric_of(need)], extractor=TwoLayers())["gap"]
    assert score.value == pytest.approx(EXPECTED, rel=1e-5)
    assert "two-layers:0" in str(score.signature)


def test_a_stream_checkpoints_and_merges_it(need: Need) -> None:
    def evaluation() -> gm.Evaluation:
        return gm.Evaluation([metric_of(need)], REAL, extractor=TwoLayers())

    first, second, resumed = evaluation(), evaluation(), evaluation()
    first.update(FAKE[:25])
    second.update(FAKE[25:])
    resumed.load_state_dict(first.state_dict())
    resumed.merge(second)
    assert resumed.compute()["gap"].value == pytest.approx(EXPECTED, rel=1e-5)


def test_a_network_without_the_layer_is_refused_in_a_sentence(need: Need) -> None:
    with pytest.raises(gm.UsageError) as caught:
        gm.evaluate(REAL, FAKE, metrics=[metric_of(need)], extractor="pixels")
    assert caught.value.what == "the extractor 'pixels' has no layer 'early', which a metric reads"


def test_a_statistics_file_holds_it_where_the_entry_says_so(need: Need, tmp_path: Any) -> None:
    path = tmp_path / "real.npz"
    if not need.is_saved:
        with pytest.raises(gm.UsageError, match=f"unknown kind of statistics '{need.name}'"):
            gm.measure(REAL, reads=need.name, extractor=TwoLayers())
        return
    gm.save_statistics(gm.measure(REAL, reads=need.name, extractor=TwoLayers()), path)
    fake = gm.measure(FAKE, reads=need.name, extractor=TwoLayers())
    found = gm.score(gm.load_statistics(path), fake, [metric_of(need)], ci="bootstrap")["gap"]
    assert found.value == pytest.approx(EXPECTED, rel=1e-5)
    assert found.interval is not None and found.interval.low < EXPECTED < found.interval.high


def test_sets_of_two_sizes_are_compared_at_one_where_rows_can_be_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for need in ENTRIES:
        monkeypatch.setitem(NEEDS, need.name, need)
    for need, num_images in ((KEPT, 30), (LENGTHS, None)):
        found = gm.compare(REAL, FAKE, FAKE[:30], metrics=[metric_of(need)], extractor=TwoLayers())
        assert [one.num_images for one in found.differences] == [num_images]


def test_the_table_is_in_order() -> None:
    assert all(name == need.name for name, need in NEEDS.items())
    pairs = [(need.layer, need.kind) for need in NEEDS.values()]
    assert len(set(pairs)) == len(pairs)
    used = {need for record in METRICS.records().values() for need in (*record.reads, *record.uncertainty_reads)}
    assert used | {NEEDS["names"]} == set(NEEDS.values())
