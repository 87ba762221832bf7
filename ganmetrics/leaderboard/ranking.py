"""The order of a table in which entries that cannot be told apart share a rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LAST = 1e300  # where a value is not finite


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
        Those of the table that is shown, as ``Score.to_dict`` has them.
    facts : mapping
        All that the record says.
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
    """Records of scores in their order, the best first.

    Parameters
    ----------
    entries : sequence of mapping
        The facts of ``score`` records.
    rank_by : str
        The score that decides.
    table : {"scores", "hidden"}
        Against which reference.

    Notes
    -----
    An entry is surely better than another where the difference of their values is larger than the root of the summed
    squares of both 95 % half-widths, as if each had met reals of its own: errors of the reference, which both share,
    make it more cautious than ``gm.compare``. A rank is one more than the number of entries that are surely better, so
    that of three in a row the first and third may differ while the second is equal to both.

    Examples
    --------
    >>> score = lambda v: {"fid": {"value": v, "interval": {"half_width": 1.0}, "higher_is_better": False}}
    >>> facts = [{"entry": e, "team": e, "model": "", "received": "", "submission": "", "scores": score(v)}
    ...          for e, v in (("c", 9.0), ("a", 1.0), ("b", 2.0))]
    >>> [(row.rank, row.entry) for row in ranked(facts, "fid")]
    [(1, 'a'), (1, 'b'), (3, 'c')]
    """
    found = sorted(entries, key=lambda facts: (_key(facts[table][rank_by]), facts["received"], facts["entry"]))
    keys, halves = (np.array([take(facts[table][rank_by]) for facts in found]) for take in (_key, half_width_of))
    ranks = [1 + int((key - keys > np.hypot(half, halves)).sum()) for key, half in zip(keys, halves, strict=True)]
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
        for rank, facts in zip(ranks, found, strict=True)
    ]


def value_of(score: dict[str, Any]) -> float:
    """A score's value, NaN where it is not finite."""
    return float("nan") if score["value"] is None else float(score["value"])


def half_width_of(score: dict[str, Any]) -> float:
    """Half of its 95 % interval; 0 where it has none."""
    return float(score.get("interval", {}).get("half_width", 0.0))


def rounded(score: dict[str, Any]) -> str:
    """A value as the public may see it: to the first digit of its half-width, so that no probing tells more."""
    value, half = value_of(score), float(f"{half_width_of(score):.1g}")
    if not math.isfinite(value):
        return "none"
    digits = 4 if half <= 0 or not math.isfinite(half) else max(0, min(10, -math.floor(math.log10(half))))
    return f"{value:.{digits}f}"


def public_score(score: dict[str, Any]) -> dict[str, Any]:
    """A score with its value and interval rounded as ``rounded`` does, and without the spread that would tell more."""
    found: dict[str, Any] = {"value": None if score["value"] is None else float(rounded(score))}
    if around := score.get("interval"):
        found["interval"] = {**around, "half_width": float(f"{half_width_of(score):.1g}")}
    names = ("title", "higher_is_better", "signature", "not_finite")
    return found | {name: score[name] for name in names if name in score}


def _key(score: dict[str, Any]) -> float:
    value = value_of(score)
    if math.isnan(value):
        return LAST
    return -value if score["higher_is_better"] else value
