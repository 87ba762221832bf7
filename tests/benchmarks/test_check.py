"""The comparison with recorded ratios, on made-up ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import check
from benchmarks.__main__ import main
from benchmarks.report import Comparison

RECORDED = {"resize | slow peer": 0.2, "forward | eager": 0.5, "only there": 1.0}


def test_only_ratios_worse_than_twice_the_recorded_ones_are_named() -> None:
    assert check.complaints({"resize | slow peer": 0.4, "forward | eager": 0.1, "new": 9.0}, RECORDED) == []
    (complaint,) = check.complaints({"resize | slow peer": 0.41, "forward | eager": 0.5}, RECORDED)
    assert complaint.startswith("resize | slow peer: ours / peer is 0.41, recorded 0.2;")


def test_ratios_are_saved_to_three_digits(tmp_path: Path) -> None:
    check.save({"b": 0.123456, "a": 12345.0}, tmp_path / "recorded.json")
    assert check.load(tmp_path / "recorded.json") == {"a": 12300.0, "b": 0.123}


def test_the_better_of_two_measurements_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([{"forward | eager": 1.1}, {"forward | eager": 1.2}, {"forward | eager": 0.8}])
    monkeypatch.setattr(check, "measured", lambda folder: next(turns))
    monkeypatch.setattr(check, "load", lambda: RECORDED)
    assert CliRunner().invoke(main, ["check"]).exit_code == 0


def test_a_ratio_is_named_by_its_row_and_peer() -> None:
    assert check.key(Comparison("resize", "s", [1.0], [2.0], "peer", "again")) == "resize | peer"


def test_ratios_were_recorded() -> None:
    assert all(ratio > 0 for ratio in check.load().values()) and any("eager" in name for name in check.load())


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ({"forward | eager": 0.9}, 0, ""),
        ({"forward | eager": 1.1, "resize | slow peer": 0.1}, 1, "forward | eager: ours / peer is 1.1"),
        ({"unknown": 1.0}, 1, "check --record"),
    ],
)
def test_the_command_fails_where_a_ratio_is_worse(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, float], status: int, said: str
) -> None:
    monkeypatch.setattr(check, "measured", lambda folder: found)
    monkeypatch.setattr(check, "load", lambda: RECORDED)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == status
    assert said in result.output and result.output.count("\n") == status
