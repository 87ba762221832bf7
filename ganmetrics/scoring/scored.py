"""The scores of a run: every metric that fits the sets, with floors where held-out real images are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from ganmetrics.errors import InputError, NumericalError, StatisticsError, UsageError
from ganmetrics.scoring.floors import floors_of
from ganmetrics.scoring.score import MetricValues, Sides, result_of, score_metric

if TYPE_CHECKING:
    from ganmetrics.metrics import Metric
    from ganmetrics.scoring.result import Result

NOTHING: Mapping[str, str] = MappingProxyType({})


def scored(
    sides: Sides,
    chosen: Sequence[Metric],
    ci: str,
    left_out: Mapping[str, str] = NOTHING,
    *,
    is_lenient: bool = False,
    protocol: str | None = None,
) -> Result:
    """Score measured sets by every metric.

    Parameters
    ----------
    sides : Sides
    chosen : sequence of Metric
    ci : {"off", "fast", "bootstrap"}
        How intervals are made.
    left_out : mapping of str to str
        The metrics that did not fit the sets, and why.
    is_lenient : bool
        Whether a metric that the sets' values do not allow is left out too, unless it is the last.
    protocol : str, optional
        The protocol whose numbers the scores are.
    """
    values: dict[Metric, MetricValues] = {}
    left_out = dict(left_out)
    for metric in chosen:
        try:
            values[metric] = score_metric(metric, sides, ci)
        except (UsageError, InputError, StatisticsError, NumericalError) as error:
            if not is_lenient or (metric is chosen[-1] and not values):
                raise
            left_out[metric.name] = error.what
    result = floors_of(sides, values, ci).beside(result_of(sides, values, protocol))
    return dataclasses.replace(result, left_out=left_out) if left_out else result
