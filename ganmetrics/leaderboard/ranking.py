"""The ranking of a table, in which entries that cannot be told apart share a rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganmetrics.numerics.interval_ends import Interval

# Stands in the order for a value that is not finite.
LAST = 1e300


@dataclass(frozen=True)
class Row:
    """One entry of a table.

    Attributes
    ----------
    rank : int
        One more than the number of entries that are surely better.
    is_tied : bool
        Whether others have the same rank.
    entry, team, model, received : str
    submission : str
        SHA-256 of the submitted file.
    scores : mapping
        The scores of the shown table, in the form of ``Score.to_dict``.
    facts : mapping
        Everything that the record says.
    """

    rank: int
    is_tied: bool
    entry: str
    team: str
    model: str
    received: str
    submission: str
    scores: dict[str, Any]
    facts: dict[str, Any]


def ranked(entries: Sequence[dict[str, Any]], rank_by: str, *, table: str = "scores") -> list[Row]:
    """Rank records of scores, the best first.

    Parameters
    ----------
    entries : sequence of mapping
        The facts of ``score`` records.
    rank_by : str
        The score that decides.
    table : {"scores", "hidden"}
        The reference that the scores are against.

    Notes
    -----
    An entry is surely better than another where the difference of their values is larger than the root of the summed
    squares of the two arms of their 95 % intervals that face each other, as if each had met reals of its own: errors
    of the reference, which both share, make it more cautious than ``gm.compare``. A rank is one more than the number
    of entries that are surely better, so that of three in a row the first and third may differ while the second is
    equal to both.

    Examples
    --------
    >>> score = lambda v: {"fid": {"value": v, "interval": {"low": v - 1, "high": v + 1}, "higher_is_better": False}}
    >>> facts = [{"entry": e, "team": e, "model": "", "received": "", "submission": "", "scores": score(v)}
    ...          for e, v in (("c", 9.0), ("a", 1.0), ("b", 2.0))]
    >>> [(row.rank, row.entry) for row in ranked(facts, "fid")]
    [(1, 'a'), (1, 'b'), (3, 'c')]
    """
    ordered = sorted(entries, key=lambda facts: (_key(facts[table][rank_by]), facts["received"], facts["entry"]))
    keys = np.array([_key(facts[table][rank_by]) for facts in ordered])
    # [N] each: the arms toward the better and the worse side.
    better, worse = np.array([_arms(facts[table][rank_by]) for facts in ordered]).reshape(-1, 2).T
    ranks = [1 + int((key - keys > np.hypot(arm, worse)).sum()) for key, arm in zip(keys, better, strict=True)]
    return [
        Row(
            rank,
            ranks.count(rank) > 1,
            facts["entry"],
            facts["team"],
            facts["model"],
            facts["received"],
            facts["submission"],
            facts[table],
            facts,
        )
        for rank, facts in zip(ranks, ordered, strict=True)
    ]


def value_of(score: dict[str, Any]) -> float:
    """Return a score's value, NaN where it is not finite."""
    return float("nan") if score["value"] is None else float(score["value"])


def interval_of(score: dict[str, Any]) -> Interval | None:
    """Return a score's 95 % interval; ``None`` where the score has none or is not finite."""
    around, value = score.get("interval"), value_of(score)
    return None if around is None or math.isnan(value) else Interval.from_dict(around, value)


def rounded(score: dict[str, Any]) -> str:
    """Round a value for the public, so that no probing tells more than its interval does."""
    value = value_of(score)
    return f"{value:.{_decimals(score)}f}" if math.isfinite(value) else "none"


def shown_interval(score: dict[str, Any]) -> str:
    """Return a score's interval as the public may see it; empty where it has none."""
    shown = public_score(score)
    around = interval_of(shown)
    return "" if around is None else around.words(value_of(shown), digits=1)


def _decimals(score: dict[str, Any]) -> int:
    """Return the decimals that reach the first digit of half an interval's width, or of its only arm."""
    arms = [arm for arm in _arms(score) if math.isfinite(arm)]
    # One significant digit of half an interval's width.
    half = float(f"{sum(arms) / max(1, len(arms)):.1g}")
    return 4 if half <= 0 else max(0, min(10, -math.floor(math.log10(half))))


def _arms(score: dict[str, Any]) -> tuple[float, float]:
    """Return how far an interval reaches from its value to the better and to the worse side; 0 where there is none."""
    around, value = interval_of(score), value_of(score)
    if around is None:
        return 0.0, 0.0
    arms = value - around.low, around.high - value
    return arms[::-1] if score["higher_is_better"] else arms


def public_score(score: dict[str, Any]) -> dict[str, Any]:
    """Return a score as the public may see it: value and interval rounded, and no spread, which would tell more."""
    public: dict[str, Any] = {"value": None if score["value"] is None else float(rounded(score))}
    if around := interval_of(score):
        low, high = (round(end, _decimals(score)) if math.isfinite(end) else end for end in around[:2])
        public["interval"] = Interval(low, high, around.method).to_dict()
    names = ("title", "higher_is_better", "signature", "not_finite")
    return public | {name: score[name] for name in names if name in score}


def _key(score: dict[str, Any]) -> float:
    value = value_of(score)
    if math.isnan(value):
        return LAST
    return -value if score["higher_is_better"] else value
