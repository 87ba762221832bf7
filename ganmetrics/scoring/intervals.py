"""Which method makes a score's interval: the metric's own, a bootstrap, or the spread over disjoint parts of the sets.

Parts are disjoint, so that the variance over them is that of sets of their size, whatever the order of the statistic;
the variance of the whole sets is less by the share of a part, as the spread falls with the root of the number of
images. Parts are drawn without replacement, as copies of an image would be its nearest neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ganmetrics._arguments import one_of
from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics.metric import Given
from ganmetrics.metrics.needs import Kind, Need, of_kind
from ganmetrics.numerics import bounds
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    from ganmetrics.metrics import Estimate, Metric, Part
    from ganmetrics.metrics._uncertainty import Uncertain
    from ganmetrics.numerics.resampling import Indices

    Values = np.ndarray[Any, np.dtype[np.float64]]
    Uncertainty = Mapping[str, Uncertain]

MODES = ("off", "fast", "bootstrap")
REPLICATES = 200  # of the bootstrap
EVALUATIONS = {"fast": 40, "bootstrap": 200}  # of parts of the sets
MOST = 1000  # images of a part, which bounds the cost of an evaluation
SHARED = 0.75  # of the noise that two sets seem to share through the reals, as few draws tell it roughly
SEED = 2020


def check_mode(mode: str) -> None:
    """Refuse an unknown way to make intervals (UsageError)."""
    one_of(mode, "kind of interval", MODES)


def uncertainty(each: Metric, sides: tuple[Any, Any, Any], found: Any, mode: str) -> Uncertainty | None:
    """How uncertain each part of a metric is, whose function gave ``found`` for (real, fake, test).

    ``None`` where the metric has no method, the rows are not at hand, or the sets are too small.
    """
    if mode == "off":
        return None
    values = each.estimates_of(found)
    if all(one.error is not None for one in values.values()):
        return {name: _from_error(one, f"standard error over {each.spread}") for name, one in values.items()}
    needed = [side for side in sides if side is not None]
    if each.uncertainty is not None and not (mode == "bootstrap" and each.resampling == "bootstrap"):
        return each.uncertainty(found, Given(*sides, each.settings))
    if not each.resampling or not all(_is_drawable(sides[1], need) for need in each.reads):
        return None
    return _replicated(each, needed, values) if each.resampling == "bootstrap" else _parted(each, needed, values, mode)


def _from_error(found: Estimate, method: str) -> Estimated:
    """Of a mean of independent draws."""
    error, std = found.error or 0.0, found.std or 0.0
    draws = (std / error) ** 2 if error > 0 else math.inf
    return Estimated(found.value, bounds.plain(found.value, error, bounds.quantile(draws - 1)), method)


def _replicated(each: Metric, sides: list[Any], values: Mapping[str, Estimate]) -> Uncertainty:
    """From sets drawn with replacement."""
    drawn = np.array([_values(each, _with_replacement(sides, index)) for index in range(REPLICATES)])
    deviations = (drawn - drawn.mean(axis=0)) / (REPLICATES - 1) ** 0.5
    freedom, method = REPLICATES - 1, f"bootstrap, {REPLICATES} replicates"
    return {name: one.estimated(method, freedom) for name, one in _drawn(each, values, deviations, sides).items()}


def _parted(each: Metric, sides: list[Any], values: Mapping[str, Estimate], mode: str) -> Uncertainty | None:
    """From disjoint parts of the sets, the same share of each."""
    num = max(2, math.ceil(max(_count(side) for side in sides) / MOST))
    if min(_count(side) for side in sides) // num < each.least_count:
        return None
    rounds = max(1, EVALUATIONS[mode] // num)
    found = []
    for index in range(rounds):
        parts = np.array([_values(each, part) for part in _cut(sides, num, index)])
        found.append(parts - parts.mean(axis=0))
    freedom = rounds * (num - 1)
    size = min(_count(side) for side in sides) // num
    method = f"{rounds} times {num} disjoint parts of {size} images"
    deviations = np.concatenate(found) / (freedom * num) ** 0.5
    return {name: one.estimated(method, freedom) for name, one in _drawn(each, values, deviations, sides).items()}


class _Drawn(NamedTuple):
    """A value with deviations [S] of drawn sets' values, whose squares sum to its variance."""

    part: Part
    value: float
    deviations: Values
    num_rows: int

    def estimated(self, method: str, freedom: int) -> Estimated:
        error, factor = float(np.linalg.norm(self.deviations)), bounds.quantile(freedom)
        if self.part.scale == "share":
            ends = bounds.share(self.value, error, self.num_rows, factor)
        elif self.part.scale == "positive":
            ends = bounds.logarithmic(self.value, error, factor)
        else:
            ends = bounds.plain(self.value, error, factor)
        units = torch.from_numpy(self.deviations * (SHARED**0.5 / error)) if error > 0 else None
        return Estimated(self.value, ends, method, units)


def _drawn(each: Metric, values: Mapping[str, Estimate], deviations: Values, sides: list[Any]) -> Mapping[str, _Drawn]:
    """Of the parts of a metric that have a scale and are finite: [S, parts]."""
    count = min(_count(side) for side in sides)
    rows = zip(each.parts, deviations.T, strict=True)
    found = {part.name: _Drawn(part, values[part.name].value, own, count) for part, own in rows if part.scale}
    return {name: one for name, one in found.items() if math.isfinite(one.value) and np.isfinite(one.deviations).all()}


def _values(each: Metric, sides: list[Any]) -> list[float]:
    found = each.estimates(*_arranged(each, sides))
    return [found[part.name].value for part in each.parts]


def _draws(index: int, place: int) -> np.random.RandomState:
    """The seed knows the set's place only, so that two sets of fakes meet the same draws of the real images."""
    return np.random.RandomState([SEED, index, place])


def _with_replacement(sides: list[Any], index: int) -> list[Any]:
    rngs = [_draws(index, i) for i in range(len(sides))]
    return [_rows_of(side, rng.randint(_count(side), size=_count(side))) for side, rng in zip(sides, rngs, strict=True)]


def _cut(sides: list[Any], num: int, index: int) -> Iterator[list[Any]]:
    """Every set in ``num`` disjoint parts of one size, drawn at random."""
    orders = [_draws(index, i).permutation(_count(side)) for i, side in enumerate(sides)]
    for part in range(num):
        yield [
            _rows_of(side, order[part::num][: _count(side) // num]) for side, order in zip(sides, orders, strict=True)
        ]


def _count(side: Any) -> int:
    """The rows at hand, which of a long stream are a sample; the images where there are none."""
    return next((len(rows) for need in of_kind(Kind.ROWS) if (rows := need.of(side)) is not None), side.count)


def _rows_of(side: Any, index: Indices) -> Any:
    """Drawn rows with their moments; a set of which only the moments are at hand stays whole."""
    drawn = {need: rows[index] for need in of_kind(Kind.ROWS) if (rows := need.of(side)) is not None}
    if not drawn:
        return side
    pairs = [(need, need.also_as(Kind.ROWS)) for need in of_kind(Kind.MOMENTS)]
    moments = {need.name: Moments.of(drawn[rows]) for need, rows in pairs if rows in drawn}
    return SimpleNamespace(count=len(index), **moments, **{need.name: rows for need, rows in drawn.items()})


def _arranged(each: Metric, sides: list[Any]) -> tuple[Any, Any, Any]:
    """(real, fake, test) with ``None`` for those that the metric does not need."""
    rest = list(sides)
    real = rest.pop(0) if each.needs_real else None
    return real, rest.pop(0), rest.pop(0) if each.needs_test else None


def _is_drawable(side: Any, need: Need) -> bool:
    """Whether a set has the rows that parts of it are drawn from."""
    rows = need.also_as(Kind.ROWS)
    return rows is not None and rows.of(side) is not None
