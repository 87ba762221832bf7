"""Reading, preparing, network and gathering beside each other: what fails in one ends all, and no thread stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.data import Source
from ganmetrics.data.reading.batches import Batches
from ganmetrics.extractors.pixels import Pixels
from ganmetrics.measurement import pipeline_threads
from ganmetrics.measurement.pipeline_threads import InTurn, SideBySide

IMAGES = torch.from_numpy(np.random.RandomState(0).randint(0, 256, (70, 3, 8, 8), np.uint8))


class Bundled(Pixels):
    """A network that counts as one of the package's, and so runs beside the reading."""

    runs_callers_code = False


class Stops(Source):
    """Images whose reading is interrupted after the first."""

    runs_callers_code = False
    count = 200

    def batches(self) -> Iterator[torch.Tensor]:
        yield IMAGES
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before  # those of earlier tests may end meanwhile


@pytest.mark.parametrize("step", ["prepare", "forward"])
def test_what_fails_in_a_step_is_raised_in_the_callers_thread(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        assert threading.current_thread() is not threading.main_thread()
        raise ArithmeticError("of a step")

    monkeypatch.setattr(Bundled, step, fails)
    with pytest.raises(ArithmeticError, match="of a step"):
        gm.measure(IMAGES, extractor=Bundled(), device="cpu", batch_size=8)


def test_an_interrupt_ends_every_step() -> None:
    with pytest.raises(KeyboardInterrupt):
        gm.measure(Stops(), extractor=Bundled(), device="cpu", batch_size=8)


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_a_thread_that_the_system_refuses_ends_those_that_run(allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(thread: threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        begin(thread)

    begin = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="new thread"):
        gm.measure(IMAGES, extractor=Bundled(), device="cpu", batch_size=8)
    assert len(started) == allowed


def test_a_thread_that_dies_as_it_begins_ends_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where memory ends at that moment: the interpreter says so on stderr, and tells nobody else."""
    begun = []

    def begin(thread: threading.Thread) -> None:
        begun.append(thread)
        if len(begun) < 2:
            bootstrap(thread)

    bootstrap = threading.Thread._bootstrap  # type: ignore[attr-defined]
    monkeypatch.setattr(threading.Thread, "_bootstrap", begin)
    monkeypatch.setattr(pipeline_threads, "PATIENCE", 0.2)
    with pytest.raises(MemoryError, match="another thread"):
        gm.measure(IMAGES, extractor=Bundled(), device="cpu", batch_size=8)
    assert len(begun) == 2
    threading._limbo.pop(begun[1])  # type: ignore[attr-defined]  # where the interpreter still counts it


def test_code_of_the_callers_runs_in_the_callers_thread_alone() -> None:
    threads = []

    def network(batch: torch.Tensor) -> torch.Tensor:
        threads.append(threading.current_thread())
        return batch.float().flatten(1)

    gm.measure(IMAGES, extractor=network, device="cpu", batch_size=8)
    assert set(threads) == {threading.current_thread()}


def test_steps_hand_items_on_in_order_and_flush_at_the_end() -> None:
    def pairs() -> Any:
        kept: list[int] = []

        def step(item: int | None) -> Iterator[list[int]]:
            if item is not None:
                kept.append(item)
            if len(kept) == 2 or (item is None and kept):
                yield list(kept)
                kept.clear()

        return step

    for kind in ("in turn", "side by side"):
        found: list[list[int]] = []

        def last(item: list[int] | None, found: list[list[int]] = found) -> Iterator[None]:
            found += [] if item is None else [item]
            yield from ()

        steps = [pairs(), last]
        road: Any = InTurn(steps) if kind == "in turn" else SideBySide(steps, lambda: None)
        for number in range(5):
            road.put(number)
        road.finish()
        assert found == [[0, 1], [2, 3], [4]], kind


@pytest.mark.parametrize("lengths", [[70], [1] * 70, [33, 30, 7]])
def test_pieces_end_with_their_batch_and_copy_nothing(lengths: list[int]) -> None:
    cutter, first, pieces = Batches(16), 0, []
    for images in IMAGES.split(lengths):
        pieces += cutter.cut(images, torch.arange(first, first + len(images)))
        first += len(images)
    assert torch.cat([piece.images for piece in pieces]).equal(IMAGES)
    assert torch.cat([piece.indices for piece in pieces]).tolist() == list(range(70))
    assert [int(piece.indices[-1]) for piece in pieces if piece.ends_batch] == [15, 31, 47, 63]
    storage = IMAGES.untyped_storage().data_ptr()
    assert all(piece.images.untyped_storage().data_ptr() == storage for piece in pieces)
