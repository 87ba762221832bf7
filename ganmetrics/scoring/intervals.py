"""Intervals of scores, by a metric's own method, a bootstrap, or the spread over disjoint parts of the sets.

``uncertainty_of`` chooses. A metric's own method is the ``uncertainty`` of its file in ``metrics``.

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

from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics.metric import Given
from ganmetrics.metrics.needs import Kind, of_kind
from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    from ganmetrics.metrics import Estimate, Metric, Part
    from ganmetrics.metrics._uncertainty import Uncertain
    from ganmetrics.numerics.resampling import Indices

    Values = np.ndarray[Any, np.dtype[np.float64]]
    Uncertainty = Mapping[str, Uncertain]

MODES = ("off", "fast", "bootstrap")
# Sets drawn by the bootstrap.
REPLICATES = 200
# Parts of the sets that are scored, in all rounds together.
EVALUATIONS = {"fast": 40, "bootstrap": 200}
# Images of a part, which bounds the cost of an evaluation.
MOST = 1000
# The share that is taken of the noise that two sets seem to share through the real images.
SHARED = 0.75
SEED = 2020


def uncertainty_of(metric: Metric, sides: tuple[Any, Any, Any], computed: Any, mode: str) -> Uncertainty | None:
    """Tell how uncertain each part of a metric is, whose function gave ``computed`` for (real, fake, test).

    Returns
    -------
    mapping of str to Uncertain, or None
        ``None`` where the metric has no method, the rows are not at hand, or the sets are too small.
    """
    if mode == "off":
        return None
    values = metric.estimates_of(computed)
    if all(one.error is not None for one in values.values()):
        return {name: _from_error(one, f"standard error over {metric.spread}") for name, one in values.items()}
    is_replicated = metric.resampling == "bootstrap"
    if metric.uncertainty is not None and not (mode == "bootstrap" and is_replicated):
        return metric.uncertainty(computed, Given(*sides, metric.settings))
    # The rows that parts and replicates are drawn from.
    sources = [need.also_as(Kind.ROWS) for need in metric.reads]
    if not metric.resampling or any(rows is None or rows.of(sides[1]) is None for rows in sources):
        return None
    needed = [side for side in sides if side is not None]
    return _replicated(metric, needed, values) if is_replicated else _parted(metric, needed, values, mode)


def _from_error(estimate: Estimate, method: str) -> Estimated:
    """The interval of a mean of independent draws, whose number follows from its spread and its standard error."""
    error, std = estimate.error or 0.0, estimate.std or 0.0
    draws = (std / error) ** 2 if error > 0 else math.inf
    return Estimated(
        estimate.value, interval_ends.plain(estimate.value, error, interval_ends.quantile(draws - 1)), method
    )


def _replicated(metric: Metric, sides: list[Any], values: Mapping[str, Estimate]) -> Uncertainty:
    """Intervals from the values of sets that are drawn with replacement."""
    drawn = np.array([_values(metric, _with_replacement(sides, index)) for index in range(REPLICATES)])
    deviations = (drawn - drawn.mean(axis=0)) / (REPLICATES - 1) ** 0.5
    freedom, method = REPLICATES - 1, f"bootstrap, {REPLICATES} replicates"
    return {name: one.estimated(method, freedom) for name, one in _drawn(metric, values, deviations, sides).items()}


def _parted(metric: Metric, sides: list[Any], values: Mapping[str, Estimate], mode: str) -> Uncertainty | None:
    """Intervals from the values of disjoint parts of the sets, the same share of each."""
    num = max(2, math.ceil(max(_count(side) for side in sides) / MOST))
    size = min(_count(side) for side in sides) // num
    if size < metric.least_count:
        return None
    rounds = max(1, EVALUATIONS[mode] // num)
    rows = []
    for index in range(rounds):
        parts = np.array([_values(metric, part) for part in _cut(sides, num, index)])
        rows.append(parts - parts.mean(axis=0))
    freedom = rounds * (num - 1)
    method = f"{rounds} times {num} disjoint parts of {size} images"
    # The variance over parts is that of sets of their size; that of the whole sets is less by the share of a part.
    deviations = np.concatenate(rows) / (freedom * num) ** 0.5
    return {name: one.estimated(method, freedom) for name, one in _drawn(metric, values, deviations, sides).items()}


class _Drawn(NamedTuple):
    """A value with deviations [S] of drawn sets' values, whose squares sum to its variance."""

    part: Part
    value: float
    deviations: Values
    num_rows: int

    def estimated(self, method: str, freedom: int) -> Estimated:
        """Make the interval on the scale of the part, from so many degrees of freedom."""
        error, factor = float(np.linalg.norm(self.deviations)), interval_ends.quantile(freedom)
        if self.part.scale == "share":
            ends = interval_ends.share(self.value, error, self.num_rows, factor)
        elif self.part.scale == "positive":
            ends = interval_ends.logarithmic(self.value, error, factor)
        else:
            ends = interval_ends.plain(self.value, error, factor)
        # Which part of the noise two sets share through the real images is told by few draws, so it is taken lower.
        units = torch.from_numpy(self.deviations * (SHARED**0.5 / error)) if error > 0 else None
        return Estimated(self.value, ends, method, units)


def _drawn(metric: Metric, values: Mapping[str, Estimate], deviations: Values, sides: list[Any]) -> dict[str, _Drawn]:
    """Give each part that has a scale and is finite its deviations: a column of [S, parts]."""
    count = min(_count(side) for side in sides)
    columns = zip(metric.parts, deviations.T, strict=True)
    drawn = {part.name: _Drawn(part, values[part.name].value, own, count) for part, own in columns if part.scale}
    return {name: one for name, one in drawn.items() if math.isfinite(one.value) and np.isfinite(one.deviations).all()}


def _values(metric: Metric, sides: list[Any]) -> list[float]:
    """Score drawn sets, which are in the order (real, fake, test) without those that the metric ignores."""
    rest = list(sides)
    real = rest.pop(0) if metric.needs_real else None
    estimates = metric.estimates(real, rest.pop(0), rest.pop(0) if metric.needs_test else None)
    return [estimates[part.name].value for part in metric.parts]


def _draws(index: int, place: int) -> np.random.RandomState:
    """Seed a draw by its index and the set's place only, so that two sets of fakes meet the same draws of real ones."""
    return np.random.RandomState([SEED, index, place])


def _with_replacement(sides: list[Any], index: int) -> list[Any]:
    rngs = [_draws(index, i) for i in range(len(sides))]
    return [_rows_of(side, rng.randint(_count(side), size=_count(side))) for side, rng in zip(sides, rngs, strict=True)]


def _cut(sides: list[Any], num: int, index: int) -> Iterator[list[Any]]:
    """Cut every set into ``num`` disjoint parts of one size, drawn at random."""
    orders = [_draws(index, i).permutation(_count(side)) for i, side in enumerate(sides)]
    for part in range(num):
        yield [
            _rows_of(side, order[part::num][: _count(side) // num]) for side, order in zip(sides, orders, strict=True)
        ]


def _count(side: Any) -> int:
    """Count the rows at hand, which of a long stream are a sample; the images where there are no rows."""
    return next((len(rows) for need in of_kind(Kind.ROWS) if (rows := need.of(side)) is not None), side.count)


def _rows_of(side: Any, index: Indices) -> Any:
    """Draw rows of a set and take their moments; a set of which only moments are at hand stays whole."""
    drawn = {need: rows[index] for need in of_kind(Kind.ROWS) if (rows := need.of(side)) is not None}
    if not drawn:
        return side
    pairs = [(need, need.also_as(Kind.ROWS)) for need in of_kind(Kind.MOMENTS)]
    moments = {need.name: Moments.of(drawn[rows]) for need, rows in pairs if rows in drawn}
    return SimpleNamespace(count=len(index), **moments, **{need.name: rows for need, rows in drawn.items()})
