"""Verdicts of many comparisons: Holm's correction, so that all verdicts on one score are wrong together in 5 %."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

# Not scipy.stats, whose import costs a second.
from scipy import special

from ganmetrics.numerics.interval_ends import LEVEL, NORMAL

if TYPE_CHECKING:
    from ganmetrics.scoring.difference import Difference


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """Correct the verdicts on each score for the number of comparisons (Holm 1979).

    Parameters
    ----------
    differences : sequence of Difference
        All comparisons of a run. Those of one score are one family.

    Returns
    -------
    list of Difference
        The same differences in their order. A verdict that does not hold becomes "cannot tell", with the reason.
    """
    families: dict[str, list[Difference]] = {}
    for one in differences:
        families.setdefault(one.name, []).append(one)
    kept = {name: _kept(family) for name, family in families.items()}
    return [_under(one, len(families[one.name]), is_kept=id(one) in kept[one.name]) for one in differences]


def p_value(one: Difference) -> float:
    """Return the two-sided p-value of a difference from its interval; 1 where there is no verdict.

    The distance to equality is taken in units of the arm of the interval on that side, which is 1.96 standard errors.
    """
    if one.verdict == "cannot tell" or one.interval is None:
        return 1.0
    value, low, high, even = one.value, one.interval.low, one.interval.high, 0.0
    if one.is_ratio:
        # Sizes have errors that grow with them.
        value, low, high = (math.log(each) if each > 0 else -math.inf for each in (value, low, high))
    arm = value - low if value > even else high - value
    distance = abs(value - even)
    # A value without noise is certain; one that is infinite is as certain as its bound.
    units = NORMAL * distance / arm if 0 < arm < math.inf and math.isfinite(distance) else math.inf
    return float(2 * special.ndtr(-units)) if math.isfinite(units) else 0.0


def _kept(family: Sequence[Difference]) -> set[int]:
    """Return the identities of the differences whose verdicts hold together."""
    kept: set[int] = set()
    ordered = sorted(family, key=p_value)
    for rank, one in enumerate(ordered):
        if p_value(one) > (1 - LEVEL) / (len(ordered) - rank):
            break
        kept.add(id(one))
    return kept


def _under(one: Difference, family: int, *, is_kept: bool) -> Difference:
    if is_kept or one.verdict == "cannot tell":
        return replace(one, family=family)
    reason = f"the difference does not hold among {family} comparisons (Holm's correction)"
    return replace(one, family=family, reason=reason)
