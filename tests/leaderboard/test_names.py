"""Names that strangers choose."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.errors import UsageError
from ganmetrics.leaderboard.public_names import cell, clean_name


@pytest.mark.parametrize(
    "text", ["a", "Team 7", "ж" * 64, "<img onerror=x>", "'); DROP TABLE records;--", "=1+1", "日本"]
)
def test_printable_names_stay(text: str) -> None:
    assert clean_name(text, "team") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "x" * 65,
        "a\nb",
        "a\x00",
        "\x1b]0;title\x07x",
        "a\u202eb",
        "a\u200bb",
        "\ud800a",
        "...",
        "a\u2028b",
        "\tx",
    ],
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        clean_name(text, "team")
    assert refused.value.code == "E-NAME" and str(refused.value).isprintable()


def test_one_name_has_one_form() -> None:
    assert clean_name("e\u0301 x", "team") == clean_name("\u00e9   x ", "team") == "\u00e9 x"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=100))
def test_whatever_passes_is_short_and_prints(text: str) -> None:
    try:
        name = clean_name(text, "team")
    except UsageError:
        return
    assert 1 <= len(name) <= 64 and unicodedata.is_normalized("NFC", name)
    assert all(not unicodedata.category(c).startswith("C") for c in name)
    assert clean_name(name, "team") == name


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    shown = cell(text)
    assert shown.removeprefix("'") == text or shown == text
    assert shown[:1] not in ("=", "@", "\t", "\r")
    if shown[:1] in ("+", "-"):
        float(shown)


def test_numbers_stay_numbers() -> None:
    assert cell(-1.5) == "-1.5" and cell("-1") == "-1" and cell("-1+1") == "'-1+1"
