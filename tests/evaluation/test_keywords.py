"""The keywords that verbs share: shown with their defaults, typed, and refused where a verb does not take them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import ganmetrics as gm
from ganmetrics.evaluation.style_and_content import style_and_content
from ganmetrics.scoring import keywords
from ganmetrics.training.outputs import Outputs

SHARED = {"extractor": None, "device": "auto", "batch_size": None, "weights": None, "reading": None}
SCORING = {**SHARED, "seed": 2020, "ci": "fast"}
IMAGES = {"device": "auto", "batch_size": None, "weights": None, "reading": None}
DRAWING = {"value_range": None, "num_images": None, "latents": None, "seed": 0}
TAKEN = {
    gm.evaluate: {"metrics": ("fid",), "protocol": None, "num_images": None, **SCORING},
    gm.compare: {"test": None, "metrics": ("fid",), "protocol": None, "baseline": "", **SCORING},
    gm.attribute: {"metric": "fid", "num_images": 10, **SHARED},
    gm.diagnose: {"labels": None, "seed": 2020, **SHARED},
    gm.measure: {"reads": ("moments",), **SHARED, "extractor": "inception"},
    gm.every_protocol: {"ci": "fast", **IMAGES},
    gm.fid: SHARED,
    gm.kid: SHARED,
    gm.inception_score: SHARED,
    style_and_content: {"network": "auto", "paired": False, "device": "auto", "weights": None, "reading": None},
    gm.source: {"reading": gm.Reading(), "name": None, "labels": None, **DRAWING},
    gm.training.Monitor: {
        **{"every": 1000, "extractor": None, "folder": None, "outputs": Outputs()},
        **{"num_images": 10_000, "latents": None, "value_range": (-1, 1), "seed": 0},
    },
    gm.Evaluation: {
        **{"extractor": None, "device": "auto", "batch_size": None, "seed": 2020, "ci": "fast"},
        **{"value_range": None, "max_rows": 50_000},
    },
}


@pytest.mark.parametrize("verb", TAKEN, ids=lambda verb: verb.__name__)
def test_the_signature_shows_each_keyword_with_its_default(verb: Callable[..., Any]) -> None:
    parameters = inspect.signature(verb).parameters.values()
    assert all(each.kind is not each.VAR_KEYWORD for each in parameters)
    assert {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY} == TAKEN[verb]


@pytest.mark.parametrize("verb", TAKEN, ids=lambda verb: verb.__name__)
def test_a_keyword_that_a_verb_does_not_take_is_refused(verb: Callable[..., Any]) -> None:
    sides = [None] * sum(each.default is each.empty for each in inspect.signature(verb).parameters.values())
    with pytest.raises(gm.UsageError, match=r"unknown argument of .*'devise'\. ") as caught:
        verb(*sides, devise="cpu")
    assert ("Did you mean 'device'?" in caught.value.hint) == ("device" in TAKEN[verb])
    assert isinstance(caught.value, TypeError), "as Python's own refusal is"
    assert caught.value.exit_code == 2


def test_a_keyword_of_another_verb_is_refused_too() -> None:
    with pytest.raises(gm.UsageError, match="unknown argument of attribute 'seed'"):
        gm.attribute(None, None, seed=1)  # type: ignore[call-arg]


def test_types_defaults_and_values_name_the_same_keywords() -> None:
    names = set(keywords.DEFAULTS)
    assert (
        names
        == set(keywords.ScoringKeywords.__annotations__)
        == {each.name for each in dataclasses.fields(keywords.Settings)}
    )
