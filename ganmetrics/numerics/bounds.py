"""The two ends of 95 % confidence intervals, from values, standard errors and counts, in float64.

A score that cannot be negative, such as a squared distance, has errors that grow with it: its interval is made on the
logarithmic scale and is longer above than below. Counts have exact intervals, from the distributions of counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# Not scipy.stats, whose import costs a second.
from scipy import special

from ganmetrics.numerics.interval import LEVEL

TAIL = (1 - LEVEL) / 2
NORMAL = float(special.ndtri(1 - TAIL))  # 1.96
# Beyond so many logarithmic units the upper end grows linearly.
BEND = 2.0
# Degrees of freedom: with fewer, estimated from few rows, intervals would be needlessly long.
LEAST_FREEDOM = 3.0


class Bounds(NamedTuple):
    """The ends of an interval about a value; an end may be infinite."""

    low: float
    high: float

    def moved(self, by: float) -> Bounds:
        """Return the interval of the value plus a constant."""
        return Bounds(self.low + by, self.high + by)


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
