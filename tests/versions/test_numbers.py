"""The numbers of seeded inputs are those that were recorded, whatever the versions beside this package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from versions.golden import RECORD, Number, numbers

RECORDED = json.loads(RECORD.read_text())["numbers"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Number]:
    return {each.name: each for each in numbers(tmp_path_factory.mktemp("golden"))}


@pytest.mark.parametrize("name", RECORDED)
def test_a_number_is_as_recorded(name: str, found: dict[str, Number]) -> None:
    assert found[name].is_as(RECORDED[name]), (found[name], RECORDED[name])


def test_every_number_is_recorded(found: dict[str, Number]) -> None:
    """A new metric is not left out: it is in ``numbers`` by itself, and here until it is recorded."""
    assert list(found) == list(RECORDED)


@pytest.mark.parametrize(("factor", "is_as"), [(1.0, True), (1 + 5e-10, True), (1 - 5e-9, False)])
def test_a_number_may_differ_by_its_tolerance_only(factor: float, is_as: bool) -> None:
    assert Number("fid", 2.0 * factor, "float64").is_as(2.0) == is_as


def test_the_record_says_what_made_it() -> None:
    made_by = json.loads(Path(RECORD).read_text())["recorded with"]
    assert list(made_by) == ["python", "torch", "torchvision", "numpy", "scipy", "pillow"]
