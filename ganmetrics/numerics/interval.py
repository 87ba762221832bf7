"""Confidence intervals: their two ends, how they are printed, written and read, and when two of them differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

LEVEL = 0.95
# Ends beyond are printed with an exponent.
LARGE, SMALL = 1e7, 1e-4


class Interval(NamedTuple):
    """A confidence interval of level 95 %, which need not be symmetric about the value.

    It covers what the same protocol would give on other samples of the same sizes, bias included.

    Attributes
    ----------
    low, high : float
        The two ends; ``low`` may be minus infinity and ``high`` infinity.
    method : str
        How the interval was found.
    """

    low: float
    high: float
    method: str

    @staticmethod
    def around(value: float, half_width: float, method: str) -> Interval:
        """Return the symmetric interval about a value."""
        return Interval(value - half_width, value + half_width, method)

    def ends(self) -> dict[str, float]:
        """Return the ends by their names, ``low`` and ``high``, those without a bound left out."""
        return {name: end for name, end in (("low", self.low), ("high", self.high)) if math.isfinite(end)}

    def words(self, value: float, digits: int = 2) -> str:
        """Return the ends as text, such as ``"0.52 to 2.2"``, ``"at least 410"`` or ``"at most 3.1"``.

        Each end is rounded at the second significant digit (or that of ``digits``) of its distance from the value.
        """
        low, high = _end(self.low, self.high, value, digits), _end(self.high, self.low, value, digits)
        if math.isinf(self.low) and math.isinf(self.high):
            return "no bound"
        if math.isinf(self.high):
            return f"at least {low}"
        return f"at most {high}" if math.isinf(self.low) else f"{low} to {high}"

    def to_dict(self) -> dict[str, Any]:
        """Return the interval as plain data; an end without a bound is ``None``."""
        low, high = (end if math.isfinite(end) else None for end in self[:2])
        return {"level": LEVEL, "low": low, "high": high, "method": self.method}

    @staticmethod
    def from_dict(data: Mapping[str, Any], value: float) -> Interval:
        """Return the interval of plain data (an error of ``MALFORMED`` for what is no interval about the value).

        Records that are older than lopsided intervals have ``half_width`` in place of ``low`` and ``high``.
        """
        ends = data.keys() - {"level", "method"}
        if ends not in ({"low", "high"}, {"half_width"}) or data.get("level", LEVEL) != LEVEL:
            raise ValueError(f"an interval is of level {LEVEL} and has a low and a high end")
        if "half_width" in ends:
            low, high = value - float(data["half_width"]), value + float(data["half_width"])
        else:
            low = -math.inf if data["low"] is None else float(data["low"])
            high = math.inf if data["high"] is None else float(data["high"])
        if not low <= value <= high:
            raise ValueError(f"the interval from {low:.6g} to {high:.6g} does not hold the value {value:.6g}")
        return Interval(low, high, str(data.get("method", "unknown")))


def _end(end: float, other: float, value: float, digits: int) -> str:
    """Round one end by its distance from the value; where that is 0, by the other end's distance."""
    if not math.isfinite(end):
        return str(end)
    distances = [one for one in (abs(end - value), abs(other - value)) if 0 < one < math.inf]
    # An end that lies upon the value but for rounding has no more digits than a thousandth of the other's distance.
    distance = max(distances[0], max(distances) / 1000) if distances else abs(end) / 10 or 0.1
    decimals = digits - 1 - math.floor(math.log10(distance))
    # Adding 0 leaves no minus before a 0.
    rounded = round(end, decimals) + 0.0
    if rounded and not SMALL <= abs(rounded) < LARGE:
        return f"{rounded:.{max(0, decimals + math.floor(math.log10(abs(rounded))))}e}"
    return f"{rounded:.{max(0, decimals)}f}"
