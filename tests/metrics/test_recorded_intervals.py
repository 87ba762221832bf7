"""Intervals and differences of seeded features are those that were recorded: ends, methods and doubts."""

from __future__ import annotations

import json

import pytest
from recorded_intervals import RECORD, names, numbers

RECORDED = json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RECORDED)
def test_an_interval_is_as_recorded(name: str) -> None:
    found, expected = numbers(name), RECORDED[name]
    assert list(found) == list(expected)
    for title, values in found.items():
        words = [value for value in values if isinstance(value, str)]
        assert words == [value for value in expected[title] if isinstance(value, str)], title
        ends = [value for value in values if not isinstance(value, str)]
        wanted = [value for value in expected[title] if not isinstance(value, str)]
        assert ends == pytest.approx(wanted, rel=1e-6, abs=1e-9), title


def test_every_metric_is_recorded() -> None:
    """A new one is recorded by ``python tests/recorded_intervals.py``."""
    assert names() == list(RECORDED)
