"""Ranks that say no more than the intervals allow."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganmetrics.leaderboard.ranking import public_score, ranked, rounded, shown_interval
from ganmetrics.leaderboard.showing import comma_separated
from ganmetrics.numerics.interval_ends import Interval


def score(value: float | None, half: float = 1.0, higher: bool = False) -> dict[str, Any]:
    around = {"interval": Interval.around(value or 0.0, half, "m").to_dict()}
    return {"value": value, **around, "higher_is_better": higher, "title": "S", "signature": "s", "std": 0.123456}


def facts(entry: str, value: float | None, half: float = 1.0, higher: bool = False) -> dict[str, Any]:
    names = {"entry": entry, "team": entry, "model": entry, "received": entry, "submission": ""}
    return {**names, "scores": {"s": score(value, half, higher)}}


def test_what_cannot_be_told_apart_shares_a_rank() -> None:
    rows = ranked([facts("a", 1.0), facts("b", 2.0), facts("c", 2.8), facts("d", 9.0)], "s")
    assert [(row.entry, row.rank, row.is_tied) for row in rows] == [
        ("a", 1, True), ("b", 1, True), ("c", 2, False), ("d", 4, False),
    ]  # fmt: skip


def test_higher_may_be_better() -> None:
    assert [row.entry for row in ranked([facts("a", 1, higher=True), facts("b", 9, higher=True)], "s")] == ["b", "a"]


def test_what_is_not_finite_comes_last() -> None:
    rows = ranked([facts("a", None), facts("b", 1e6), facts("c", 5)], "s")
    assert [row.entry for row in rows] == ["c", "b", "a"] and [row.rank for row in rows] == [1, 2, 3]


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e3)), min_size=1, max_size=12))
def test_ranks_are_consistent(pairs: list[tuple[float, float]]) -> None:
    entries = [facts(str(i), value, half) for i, (value, half) in enumerate(pairs)]
    rows = ranked(entries, "s")
    assert rows[0].rank == 1
    assert [row.entry for row in ranked(entries[::-1], "s")] == [row.entry for row in rows], "the order decides nothing"
    for row in rows:
        value, half = pairs[int(row.entry)]
        own = value - (value - half)  # as the ends say, which are rounded
        better = [one for one, width in pairs if value - one > math.hypot(own, one + width - one)]
        assert row.rank == 1 + len(better)


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (12.3456, 0.42, "12.3"),
        (12.3456, 42, "12"),
        (0.0012345, 0.0004, "0.0012"),
        (5.0, 0, "5.0000"),
        (1.0, 0.096, "1.0"),
    ],
)
def test_the_public_sees_no_more_digits_than_the_interval_allows(value: float, half: float, text: str) -> None:
    assert rounded(score(value, half)) == text


def test_a_public_score_has_no_spread() -> None:
    assert "std" not in public_score(score(1.23456, 0.1)) and public_score(score(1.23456, 0.1))["value"] == 1.2
    assert public_score(score(None))["value"] is None and rounded(score(None)) == "none"


def lopsided(entry: str, value: float, low: float | None, high: float | None, higher: bool = False) -> dict[str, Any]:
    found = facts(entry, value, higher=higher)
    found["scores"]["s"]["interval"] |= {"low": low, "high": high}
    return found | {"evidence": {}}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_arms_between_two_values_decide(sign: int) -> None:
    """With half-widths of 0.55 and 1.05 in their place, the first two could not be told apart."""

    def entry(name: str, value: float, better: float, worse: float) -> dict[str, Any]:
        low, high = sorted((sign * better, sign * worse))
        return lopsided(name, sign * value, low, high, higher=sign < 0)

    entries = [entry("a", 1.0, 0.0, 1.1), entry("b", 2.0, 1.9, 4.0), entry("c", 3.0, 2.9, 3.1)]
    rows = ranked(entries, "s")
    assert [(row.entry, row.rank) for row in rows] == [("a", 1), ("b", 2), ("c", 2)]


def test_an_entry_without_a_bound_is_surely_better_than_none() -> None:
    rows = ranked([lopsided("a", 1.0, 0.5, None), lopsided("b", 9.0, 8.9, 9.1), lopsided("c", 0.1, 0.05, 0.2)], "s")
    assert [(row.entry, row.rank) for row in rows] == [("c", 1), ("a", 2), ("b", 2)]


def test_old_records_with_half_widths_rank_beside_new_ones() -> None:
    old = facts("old", 1.0)
    old["scores"]["s"]["interval"] = {"level": 0.95, "half_width": 0.5, "method": "influence function"}
    rows = ranked([lopsided("new", 2.0, 1.8, 3.0), old, lopsided("far", 9.0, 8.0, 11.0)], "s")
    assert [(row.entry, row.rank) for row in rows] == [("old", 1), ("new", 2), ("far", 3)]
    assert public_score(old["scores"]["s"])["interval"] == {
        "level": 0.95, "low": 0.5, "high": 1.5, "method": "influence function",
    }  # fmt: skip
    assert shown_interval(old["scores"]["s"]) == "0.5 to 1.5"


def test_public_ends_have_the_digits_of_the_public_value() -> None:
    found = lopsided("a", 1.0812, 0.52345, 2.2345)["scores"]["s"]
    assert (rounded(found), shown_interval(found)) == ("1.1", "0.5 to 2")
    assert {k: public_score(found)["interval"][k] for k in ("low", "high")} == {"low": 0.5, "high": 2.2}
    assert shown_interval(lopsided("a", 820.3, 410.2, None)["scores"]["s"]) == "at least 400"


def test_an_end_without_a_bound_is_an_empty_cell() -> None:
    header, line, _ = comma_separated(ranked([lopsided("a", 820.3, 410.2, None)], "s")).split("\r\n")
    row = dict(zip(header.split(","), line.split(","), strict=True))
    assert (row["s"], row["s_low"], row["s_high"]) == ("820", "410.0", "")
