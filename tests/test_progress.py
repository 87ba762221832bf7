"""The bar: it counts what the network has finished, with a rate and a time left that can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics import _progress
from ganmetrics.measurement import reader

IMAGES = torch.from_numpy(np.random.RandomState(0).randint(0, 256, (40, 3, 8, 8), np.uint8))


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How far the bars moved, one number for each move."""
    seen: list[int] = []

    @contextmanager
    def bar(*_: Any) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(update=seen.append)

    monkeypatch.setattr(reader, "progress_bar", bar)
    return seen


def test_the_bar_moves_with_each_batch_that_the_network_has_finished(moves: list[int]) -> None:
    done_before_call = []

    def network(batch: torch.Tensor) -> torch.Tensor:
        done_before_call.append(sum(moves))
        return batch.float().flatten(1)

    gm.measure(IMAGES, extractor=network, device="cpu", batch_size=10)
    assert done_before_call == [0, 10, 20, 30]
    assert moves == [10, 10, 10, 10]


def test_beside_each_other_steps_count_the_same(moves: list[int]) -> None:
    gm.measure(IMAGES, extractor="digits", device="cpu", batch_size=16)
    assert moves == [16, 16, 8]


def test_without_a_network_it_counts_what_was_gathered(moves: list[int]) -> None:
    gm.evaluate(None, IMAGES.repeat(1, 1, 4, 4), metrics=["ms_ssim_diversity(scales=1)"], device="cpu")
    assert sum(moves) == 40


@pytest.mark.parametrize("first", [0.1, 30.0])
def test_rate_and_time_left_are_true_after_three_batches(first: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the first batch takes, which waits for processes and weights."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(_progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    with _progress.progress_bar("set", 1000, True) as bar:
        for seconds in (first, 2.0, 2.0):
            clock.now += seconds
            bar.update(32)
        rate = bar.format_dict["rate"]
    assert rate == pytest.approx(16)
