"""Where verdicts begin: set by ``scripts/calibrate_diagnosis.py``, whose table is in ``docs/diagnosis.md``."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.finding import Evidence
from ganmetrics.numerics.interval_ends import Interval, clopper_pearson

if TYPE_CHECKING:
    from torch import Tensor

# Standard errors on either side of a value in a 95 % interval.
Z = 1.959964
# Of fewer groups a clustered standard error tells little.
FEW_GROUPS = 20


class Number(NamedTuple):
    """A value with its standard error, and the least and the most that it can be."""

    value: float
    error: float
    least: float = -math.inf
    most: float = math.inf

    def over(self, other: Number) -> Number:
        """Return the ratio to another number, its error to first order; NaN over 0."""
        if other.value == 0:
            return Number(math.nan, math.nan)
        value = self.value / other.value
        error = math.hypot(self.error, value * other.error) / abs(other.value)
        return Number(value, error, 0.0 if min(self.least, other.least) >= 0 else -math.inf)

    def less(self, other: Number) -> Number:
        """Return the difference from another number."""
        return Number(self.value - other.value, math.hypot(self.error, other.error))


def mean_of(values: Tensor) -> Number:  # [N]
    """Return the mean of independent values with its standard error."""
    rows = values.double()
    return Number(float(rows.mean()), float(rows.std()) / math.sqrt(len(rows)))


def share_of(hits: Tensor) -> Number:  # bool [N]
    """Return a share; its error stays above 0 where all or none are hits (Agresti and Coull 1998)."""
    count = len(hits)
    softened = (int(hits.sum()) + 2) / (count + 4)
    return Number(int(hits.sum()) / count, math.sqrt(softened * (1 - softened) / (count + 4)), 0.0, 1.0)


def share_of_groups(hits: Tensor, groups: Tensor) -> Number:  # bool [N], int64 [N]
    """Return a share where hits of one group come together, such as the fakes about one real (Liang and Zeger 1986).

    The error is at least that of as many independent draws as there are groups of equal size: where all fakes have one
    neighbour, clustered errors vanish although a single draw was seen.
    """
    share = share_of(hits)
    _, places, sizes = groups.unique(return_inverse=True, return_counts=True)
    sums = torch.zeros(len(hits), dtype=torch.float64).index_add_(0, places, hits.double() - share.value)
    draws = len(hits) ** 2 / float(sizes.double().square().sum())
    low = clopper_pearson(share.value * draws, (1 - share.value) * draws).low
    clustered = float(sums.square().sum().sqrt()) / len(hits)
    return share._replace(error=max(share.error, clustered, (share.value - low) / Z if draws < FEW_GROUPS else 0.0))


def evidence(key: str, name: str, number: Number | float) -> Evidence:
    """Return a number as evidence, under the limits of its key; one without limits only informs."""
    value, error, least, most = number if isinstance(number, Number) else Number(number, math.nan)
    ends = max(least, value - Z * error), min(most, value + Z * error)
    around = None if math.isnan(error) else Interval(*ends, "standard error")
    limits = _limits().get(key, {"some": None, "severe": None})
    return Evidence(name, value, **limits, interval=around, key=key)


@cache
def _limits() -> dict[str, dict[str, float | None]]:
    limits: dict[str, dict[str, float | None]] = json.loads(
        resources.files("ganmetrics.diagnosis").joinpath("limits.json").read_text()
    )
    return limits


def quantile(values: Tensor, q: float) -> float:  # [N], any N
    """Return a quantile of any number of values, of at most a million of them evenly spaced."""
    return float(torch.quantile(values[:: max(1, len(values) // 1_000_000)], q))
