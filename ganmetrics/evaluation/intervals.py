"""How uncertain a score is, and the difference of two scores against one real set.

Where a metric has an influence function, from that; the rest by the jackknife over random subsets: with subsets of m of
n images, the variance over them times m / (n - m) (Shao and Wu 1989). Subsets are drawn without replacement, as copies
of an image would be its nearest neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special  # and not scipy.stats, whose import costs a second

from ganmetrics.evaluation.result import LEVEL, Interval
from ganmetrics.numerics.moments import Moments
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.metrics import Estimate, Metric
    from ganmetrics.numerics.influence import Influence
    from ganmetrics.numerics.resampling import Indices

    Values = np.ndarray[Any, np.dtype[np.float64]]

MODES = ("off", "fast", "bootstrap")
REPLICATES = {"fast": 30, "bootstrap": 200}
MOST = 1000  # images of a subset, which bounds the cost of a replicate
SEED = 2020
ROWS = ("features", "logits", "labels")  # what can be cut into subsets


class Replicates(NamedTuple):
    """Every part's values over drawn sets, and the factor from their standard deviation to the standard error."""

    values: Mapping[str, Values]
    factor: float
    method: str
    found: Mapping[str, Estimate]

    def interval(self, part: str, other: Replicates | None = None) -> Interval:
        """Of a value, or of its difference from another's over the same draws of the real set."""
        values = self.values[part] if other is None else self.values[part] - other.values[part]
        factor = self.factor if other is None else max(self.factor, other.factor)
        error = factor * float(np.std(values, ddof=1))
        return _around(self, part, other, float(special.stdtrit(len(values) - 1, (1 + LEVEL) / 2)) * error)


class Influences(NamedTuple):
    """The influence of every row, the sizes of the sets that rows stand for, and the variance of what else is drawn."""

    influence: Influence
    num_real: int
    num_fake: int
    noise: float
    method: str
    found: Mapping[str, Estimate]

    def interval(self, part: str, other: Influences | None = None) -> Interval:
        """As for ``Replicates``."""
        if other is None:
            variance = self.influence.variance(self.num_real, self.num_fake) + self.noise
        else:
            nums = (self.num_fake, other.num_fake)
            variance = self.influence.variance_of_difference(other.influence, self.num_real, nums)
            variance += self.noise + other.noise
        return _around(self, part, other, float(special.ndtri((1 + LEVEL) / 2)) * math.sqrt(variance))


class Errors(NamedTuple):
    """Standard errors that the values came with, being means of independent draws."""

    errors: Mapping[str, float]
    method: str
    found: Mapping[str, Estimate]

    def interval(self, part: str, other: Errors | None = None) -> Interval:
        """As for ``Replicates``."""
        error = math.hypot(self.errors[part], 0.0 if other is None else other.errors[part])
        return _around(self, part, other, float(special.ndtri((1 + LEVEL) / 2)) * error)


Uncertainty = Replicates | Influences | Errors


def _around(one: Uncertainty, part: str, other: Uncertainty | None, half_width: float) -> Interval:
    value = one.found[part].value - (0.0 if other is None else other.found[part].value)
    return Interval.around(value, half_width, one.method)


def check_mode(mode: str) -> None:
    """Refuse an unknown way to make intervals (UsageError)."""
    if mode not in MODES:
        raise unknown("kind of interval", mode, list(MODES))


def uncertainty(
    each: Metric, real: Any, fake: Any, test: Any, found: Mapping[str, Estimate], mode: str
) -> Uncertainty | None:
    """How uncertain a metric's values are; ``None`` where the rows are not at hand or the sets are too small."""
    if mode == "off":
        return None
    errors = {name: one.error for name, one in found.items() if one.error is not None}
    if len(errors) == len(found):
        return Errors(errors, f"standard error over {each.spread}", found)
    influence = each.influences(real, fake) if mode == "fast" or "spread" in each.reads else None
    if influence is not None:
        return _from_influence(each, influence, real, fake, found)
    if any(_is_missing(fake, name) for name in each.reads):
        return None
    return _replicated(each, each.sides(real, fake, test), found, mode)


def _from_influence(
    each: Metric, influence: Influence, real: Any, fake: Any, found: Mapping[str, Estimate]
) -> Influences:
    std, num_subsets = found[each.name].std, each.settings.get("num_subsets")
    noise = std**2 / int(num_subsets) if std is not None and num_subsets else 0.0  # of subsets drawn at random
    exact = "; real taken as exact" if each.needs_real and influence.real is None else ""
    return Influences(influence, getattr(real, "count", 0), fake.count, noise, f"influence function{exact}", found)


def _replicated(each: Metric, sides: list[Any], found: Mapping[str, Estimate], mode: str) -> Replicates | None:
    """From the metric of drawn sets: with replacement for the bootstrap, subsets without for the jackknife."""
    is_bootstrap = mode == "bootstrap" and each.influence is not None
    sizes = [min(side.count // 2, MOST) for side in sides]
    if not is_bootstrap and min(sizes) < each.least_count:
        return None
    draw = _with_replacement if is_bootstrap else _subset
    num = REPLICATES[mode]
    rows = [each.estimates(*_arranged(each, _cut(sides, draw, index))) for index in range(num)]
    values = {part.name: np.array([row[part.name].value for row in rows]) for part in each.parts}
    if is_bootstrap:
        return Replicates(values, 1.0, f"bootstrap, {num} replicates", found)
    shares = [size / (side.count - size) for side, size in zip(sides, sizes, strict=True)]
    factor = math.sqrt(max(shares))  # too wide where the sets' sizes differ
    return Replicates(values, factor, f"jackknife, {num} subsets of {min(sizes)}", found)


def _cut(sides: list[Any], draw: Callable[[int, np.random.RandomState], Indices], index: int) -> list[Any]:
    """Drawn rows of every set; the seed knows the set's place only, so that two fakes meet the same draws of a real."""
    return [_rows_of(side, draw, np.random.RandomState([SEED, index, i])) for i, side in enumerate(sides)]


def _rows_of(side: Any, draw: Callable[[int, np.random.RandomState], Indices], rng: np.random.RandomState) -> Any:
    """Drawn rows with their moments; a set of which only the moments are at hand stays whole."""
    rows = {name: getattr(side, name) for name in ROWS if getattr(side, name, None) is not None}
    if not rows:
        return side
    index = draw(side.count, rng)
    drawn = {name: value[index] for name, value in rows.items()}
    moments = Moments.of(drawn["features"]) if "features" in drawn else None
    return SimpleNamespace(count=len(index), moments=moments, **drawn)


def _with_replacement(count: int, rng: np.random.RandomState) -> Indices:
    return rng.randint(count, size=count)


def _subset(count: int, rng: np.random.RandomState) -> Indices:
    return rng.permutation(count)[: min(count // 2, MOST)]


def _arranged(each: Metric, sides: list[Any]) -> tuple[Any, Any, Any]:
    """(real, fake, test) with ``None`` for those that the metric does not need."""
    rest = list(sides)
    real = rest.pop(0) if each.needs_real else None
    return real, rest.pop(0), rest.pop(0) if each.needs_test else None


def _is_missing(side: Any, name: str) -> bool:
    rows = {"moments": "features", "spatial_moments": "", "spread": ""}.get(name, name)  # "": none are kept
    return getattr(side, rows, None) is None
