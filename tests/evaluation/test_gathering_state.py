"""A damaged state is refused in a sentence, and nothing of it stays behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ganmetrics.errors import StatisticsError
from ganmetrics.evaluation.batchwise import Evaluation
from ganmetrics.measurement.checkpoint import signed

IMAGES = np.random.RandomState(0).randint(0, 256, (6, 4, 4, 3)).astype(np.uint8)

NOISE = np.random.RandomState(1).randint(0, 256, (600, 4, 4, 3)).astype(np.uint8)


def evaluation() -> Evaluation:
    return Evaluation(["fid", "kid(subset_size=4,num_subsets=2)"], IMAGES, extractor="pixels")


def replaced(*keys: str, by: Any) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        for key in keys[:-1]:
            state = state[key]
        assert keys[-1] in state
        state[keys[-1]] = by

    return change


ROWS = ("fake", "samples", "features", "kept")
MOMENTS = ("fake", "moments", "moments")


@pytest.mark.parametrize(
    "change",
    [
        replaced("fake", by=None),
        lambda state: state["fake"].pop("has_indices"),
        replaced("fake", "places", by=["0"]),
        replaced("fake", "places", by=torch.arange(7)),
        replaced("fake", "places", by=torch.zeros(6)),
        replaced("fake", "digests", by=torch.zeros(6, 16)),
        replaced("fake", "values", by=torch.zeros(4, 256)),
        replaced("fake", "values", by=torch.zeros(4, 256, dtype=torch.int64)),
        replaced("fake", "values", by=torch.full((4, 256), -1)),
        replaced("fake", "kinds", by={"flat": "many"}),
        replaced("fake", "sizes", by=[["4", "x", 6]]),
        replaced("fake", "count", by="six"),
        replaced(*MOMENTS, "waiting", by=["rows"]),
        replaced(*MOMENTS, "waiting", by=[torch.zeros(2, dtype=torch.float64)]),
        replaced(*MOMENTS, "moments", by={"count": 2, "mean": torch.zeros(3), "scatter": torch.zeros(3, 3)}),
        replaced(*MOMENTS, "moments", by={"count": 2, "mean": torch.zeros(3).double(), "scatter": torch.zeros(3, 2)}),
        lambda state: state["fake"]["moments"]["moments"].update(waiting=[torch.zeros(3, 192)]),
        replaced("fake", "count", by=7),
        replaced("fake", "count", by=0),
        replaced(*ROWS, by=None),
        replaced(*ROWS, by=[1]),
        replaced(*ROWS, "keys", by=torch.zeros(5).double()),
        replaced(*ROWS, "places", by=torch.zeros(6)),
        replaced(*ROWS, "rows", by=torch.zeros(6, 3, dtype=torch.int64)),
    ],
)
def test_a_damaged_part_is_refused_and_nothing_stays(change: Callable[[dict[str, Any]], None]) -> None:
    whole = evaluation()
    whole.update(IMAGES)
    state = whole.state_dict()
    change(state)
    del state["content"]
    with contextlib.suppress(TypeError):  # signed again, as whoever forges a state would do
        state = signed(state)
    with pytest.raises(StatisticsError, match="the state is damaged") as caught:
        whole.load_state_dict(state)
    assert caught.value.code == "E-DAMAGED" and str(caught.value).isprintable()
    whole.update(IMAGES)
    assert whole.compute()["fid"].signature.fake.startswith("#6:")


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["fake"]["moments"]["moments"]["waiting"][0].mul_(2),
        lambda state: state["fake"]["digests"].add_(1),
        lambda state: state.update(identity=state["identity"] + " "),
        lambda state: state.pop("content"),
    ],
)
def test_a_state_that_was_changed_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    whole = evaluation()
    whole.update(IMAGES)
    state = whole.state_dict()
    change(state)
    with pytest.raises(StatisticsError, match="it does not have the digest that it names"):
        evaluation().load_state_dict(state)


def test_moments_of_fewer_images_than_were_counted_are_refused() -> None:
    many = Evaluation(["fid"], NOISE, extractor="pixels")
    many.update(NOISE)
    state = many.state_dict()
    del state["content"]
    state["fake"]["moments"]["moments"]["moments"]["count"] -= 2
    with pytest.raises(StatisticsError, match="moments is of 598 images, and 600 were seen"):
        many.load_state_dict(signed(state))


def test_the_state_as_it_was_is_taken() -> None:
    whole, other = evaluation(), evaluation()
    whole.update(IMAGES)
    other.load_state_dict(whole.state_dict())
    assert str(other.compute()) == str(whole.compute())


@pytest.mark.parametrize("state", [[], None, {}, {"version": 1}, {"version": "\x1b[2J" * 100}])
def test_what_is_no_state_is_refused(state: Any) -> None:
    with pytest.raises(StatisticsError, match="the state has version") as caught:
        evaluation().load_state_dict(state)
    assert caught.value.code == "E-SCHEMA" and str(caught.value).isprintable() and len(str(caught.value)) < 200
