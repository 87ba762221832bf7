"""Confidence intervals of level 95 %: their two ends from values, errors and counts, and how they are printed.

A score that cannot be negative, such as a squared distance, has errors that grow with it: its interval is made on the
logarithmic scale and is longer above than below. Counts have exact intervals, from the distributions of counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

# Not scipy.stats, whose import costs a second.
from scipy import special

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
NORMAL = float(special.ndtri(1 - TAIL))  # 1.96
# Beyond so many logarithmic units the upper end grows linearly.
BEND = 2.0
# Ends beyond are printed with an exponent.
LARGE, SMALL = 1e7, 1e-4
# Degrees of freedom: with fewer, estimated from few rows, intervals would be needlessly long.
LEAST_FREEDOM = 3.0


class Bounds(NamedTuple):
    """The ends of an interval about a value; an end may be infinite."""

    low: float
    high: float


def quantile(freedom: float) -> float:
    """Return Student's quantile of 97.5 % with so many degrees of freedom, 3 at least."""
    return float(special.stdtrit(max(freedom, LEAST_FREEDOM), 1 - TAIL)) if math.isfinite(freedom) else NORMAL


def plain(value: float, error: float, factor: float = NORMAL) -> Bounds:
    """Return the value less and plus ``factor`` standard errors."""
    return Bounds(value - factor * error, value + factor * error)


def logarithmic(value: float, error: float, factor: float = NORMAL) -> Bounds:
    """Return the ends for a positive value on the logarithmic scale, the upper one bent where it would run away.

    With x = factor · error / value they are value e^-x and value e^x up to x = 2, then value e² (x - 1): the tangent.
    """
    if not error > 0:
        return Bounds(value, value)
    if not value > 0:
        return Bounds(0.0, math.exp(BEND) * factor * error)
    x = factor * error / value
    high = value * math.exp(x) if x <= BEND else math.exp(BEND) * (factor * error - value)
    return Bounds(value * math.exp(-x), high)


def widened(ends: Bounds, value: float, error: float, factor: float = NORMAL) -> Bounds:
    """Widen an interval for another, independent and symmetric error: each arm grows in quadrature."""
    arms = (math.hypot(arm, factor * error) for arm in (value - ends.low, ends.high - value))
    return Bounds(value - next(arms), value + next(arms))


def wilson(share: float, count: float, factor: float = NORMAL) -> Bounds:
    """Return Wilson's score interval of a share among ``count`` independent draws, which may be an effective number."""
    square = factor**2 / count
    center = (share + square / 2) / (1 + square)
    reach = math.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return Bounds(max(0.0, center - reach), min(1.0, center + reach))


def share(value: float, error: float, count: int, factor: float = NORMAL) -> Bounds:
    """Return Wilson's interval of a share in 0..1, for the number of independent draws that has its standard error.

    Where all of ``count`` rows are alike, the interval is that of as many draws.
    """
    spread = value * (1 - value)
    ends = wilson(value, spread / error**2 if error > 0 < spread else count, factor)
    reach = factor * error if spread <= 0 else 0.0
    return Bounds(max(0.0, min(ends.low, value - reach)), min(1.0, max(ends.high, value + reach)))


def poisson(events: float) -> Bounds:
    """Return Garwood's exact interval of a Poisson mean from the events seen, which need not be whole."""
    low = float(special.gammaincinv(events, TAIL)) if events > 0 else 0.0
    return Bounds(low, float(special.gammaincinv(events + 1, 1 - TAIL)))


def clopper_pearson(hits: float, misses: float) -> Bounds:
    """Return the exact interval of a share from hits and misses, which need not be whole."""
    low = float(special.betaincinv(hits, misses + 1, TAIL)) if hits > 0 else 0.0
    high = float(special.betaincinv(hits + 1, misses, 1 - TAIL)) if misses > 0 else 1.0
    return Bounds(low, high)


def sign_test(first: int, second: int) -> float:
    """Return the two-sided p-value of an exact binomial test: so many against so many, each equally likely."""
    total, fewer = first + second, min(first, second)
    return min(1.0, 2 * float(special.bdtr(fewer, total, 0.5))) if total else 1.0


def difference(first: float, of_first: Bounds, second: float, of_second: Bounds, correlation: float) -> Bounds:
    """Return the interval of ``first - second`` from both values' intervals (MOVER, Zou and Donner 2008).

    Each end of the difference adds the distances of the two ends that lie on its side, as errors with that correlation.
    """
    below = (first - of_first.low, of_second.high - second)
    above = (of_first.high - first, second - of_second.low)
    low, high = (_joined(*reach, correlation) for reach in (below, above))
    return Bounds(first - second - low, first - second + high)


def _joined(one: float, other: float, correlation: float) -> float:
    """Return √(a² + b² - 2 ρ a b), whose squares neither overflow nor vanish in any unit."""
    unit = max(one, other)
    if not 0 < unit < math.inf:
        return unit
    a, b = one / unit, other / unit
    return unit * math.sqrt(max(0.0, a * a + b * b - 2 * correlation * a * b))


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

    def rounded(self, value: float) -> str:
        """Return the value as text, rounded at the second significant digit of its distance from the nearer end.

        The farther end decides where it is more than ten times as far. Without an end the value has four digits.
        """
        decimals = self._decimals(value)
        return readable(value) if decimals is None else _at(value, decimals)

    def cell(self, value: float) -> str:
        """Return value and interval as a cell of a table.

        An interval that is symmetric at the printed digits reads ``"6.36 ± 0.13"``, another ``"9.7 [8.5, 11.1]"``.
        """
        decimals, arms = self._decimals(value), (value - self.low, self.high - value)
        if decimals is None:
            return f"{readable(value)} [{self.words(value)}]"
        if all(map(math.isfinite, arms)) and len({_at(arm, decimals) for arm in arms}) == 1:
            return f"{_at(value, decimals)} ± {_at(arms[0], decimals)}"
        low, high = (_at(end, decimals) if math.isfinite(end) else str(end).replace("inf", "∞") for end in self[:2])
        return f"{_at(value, decimals)} [{low}, {high}]"

    def _decimals(self, value: float) -> int | None:
        """Return how many decimals a value deserves; ``None`` where no end tells."""
        arms = [arm for arm in (value - self.low, self.high - value) if 0 < arm < math.inf]
        if not arms:
            return None
        return _decimals(max(min(arms), max(arms) / 10), 2)

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
    return _at(end, _decimals(distance, digits))


def _decimals(distance: float, digits: int) -> int:
    """Return the decimal of the second significant digit (or that of ``digits``) of a distance."""
    return digits - 1 - math.floor(math.log10(distance))


def _at(number: float, decimals: int) -> str:
    """Write a number rounded at a decimal, which may stand before the point."""
    # Adding 0 leaves no minus before a 0.
    rounded = round(number, decimals) + 0.0
    if rounded and not SMALL <= abs(rounded) < LARGE:
        return f"{rounded:.{max(0, decimals + math.floor(math.log10(abs(rounded))))}e}"
    return f"{rounded:.{max(0, decimals)}f}"


def readable(value: float) -> str:
    """Write a value that no interval rounds: with at least four decimals and at least four significant digits."""
    return f"{value:.4f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4g}"
