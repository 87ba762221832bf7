"""How uncertain a metric's values are: one object for each part, which gives intervals and differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.interval_ends import Bounds, Interval

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.counting import CountInfluence
    from ganmetrics.numerics.influence import Influence


class Contrast(NamedTuple):
    """How far two values of one metric are apart.

    Attributes
    ----------
    value : float
        The first less the second; the first over the second where ``is_ratio``.
    interval : Interval
    is_ratio : bool
    doubt : str
        Why the values cannot be told apart although the interval leaves out equality; empty where they can.
    """

    value: float
    interval: Interval
    is_ratio: bool = False
    doubt: str = ""


class Uncertain(Protocol):
    """How uncertain one value is."""

    def interval(self) -> Interval | None:
        """Return the 95 % interval of the value."""

    def contrast(self, other: Uncertain) -> Contrast | None:
        """Compare with another set's value against the same real images; ``None`` where the two cannot be compared."""


@dataclass(frozen=True)
class Estimated:
    """A value whose interval stands by itself and whose difference from another follows from both intervals.

    Attributes
    ----------
    value : float
    bounds : Bounds
    method : str
    shared : Tensor or None
        What the real rows add to the value's error, in units of that error: the products of two such vectors sum to the
        correlation of two values that share the real images.
    apart : Bounds or None
        What stands in for ``bounds`` in differences, where it is not the same.
    """

    value: float
    bounds: Bounds
    method: str
    shared: Tensor | None = None
    apart: Bounds | None = None

    def interval(self) -> Interval | None:
        """Return the 95 % interval; ``None`` for a value that is not finite."""
        return Interval(*self.bounds, self.method) if math.isfinite(self.value) else None

    def contrast(self, other: Uncertain) -> Contrast | None:
        """Return the difference of two values, with the noise of the real images that they share taken off."""
        if not isinstance(other, Estimated) or not math.isfinite(self.value - other.value):
            return None
        # Values that share the real images share their noise, which the correlation takes off.
        ends = [one.apart or one.bounds for one in (self, other)]
        apart = interval_ends.difference(self.value, ends[0], other.value, ends[1], self._correlation(other))
        return Contrast(self.value - other.value, Interval(*apart, self.method))

    def _correlation(self, other: Estimated) -> float:
        one, two = self.shared, other.shared
        if one is None or two is None or one.shape != two.shape:
            return 0.0
        return min(1.0, max(-1.0, float(one @ two)))


class Sizes(NamedTuple):
    """How many real images and how many fakes a value is of."""

    real: int
    fake: int


def expanded(
    value: float,
    sizes: Sizes,
    influence: Influence,
    second: float = 0.0,
    *,
    base: float | None = None,
    noise: float = 0.0,
) -> Estimated:
    """Make a value's interval from the larger of its first-order and its second-order standard error, and other noise.

    With ``base``, a statistic that is never negative and has the same errors, the interval is made on its logarithmic
    scale and moved to the value; without one it is symmetric.
    """
    # Near equal distributions the first-order term vanishes and the second-order term is what remains.
    first = influence.error(*sizes)
    error = max(first, second)
    factor = interval_ends.quantile(influence.freedom(*sizes))
    if base is None:
        ends = interval_ends.plain(value, error, factor)
    else:
        low, high = interval_ends.logarithmic(base, error, factor)
        ends = Bounds(low + (value - base), high + (value - base))
    # Other noise, as that of drawn subsets, is symmetric: near a base of 0 the logarithmic scale would have no room for
    # it below the value.
    ends = interval_ends.widened(ends, value, noise)
    exact = "; real taken as exact" if sizes.real and influence.real is None else ""
    scale = "" if base is None else ", logarithmic scale"
    # What the real rows add, in units of the whole error, so that two such vectors [N] multiply to a correlation.
    rows, total, units = influence.real, math.hypot(error, noise), None
    if rows is not None and total > 0 and len(rows) > 1:
        units = (rows / total).to(torch.float64) / ((len(rows) - 1) * sizes.real) ** 0.5
    return Estimated(value, ends, f"influence function{scale}{exact}", units)


def of_counts(
    value: float, sides: tuple[CountInfluence, CountInfluence], counts: tuple[int, int], second: float
) -> Estimated:
    """Make the interval of a divergence of shares from the influences of its bins, on the logarithmic scale.

    ``second`` is the variance of the second-order term, which the influences count twice; it alone remains near equal
    shares. The reals' bins are those of every set that is compared, so their noise is shared.
    """
    rows = [side.deviations() / count**0.5 for side, count in zip(sides, counts, strict=True)]
    first = sum(float(row @ row) for row in rows)
    ends = interval_ends.logarithmic(value, math.sqrt(max(first - second, second)))
    apart = interval_ends.plain(value, math.sqrt(first))
    units = rows[0] / math.sqrt(first) if first > 0 else None
    return Estimated(value, ends, "influence function of the bins, logarithmic scale", units, apart)
