"""The metrics: one file each, a pure function and a ``METRIC`` record."""

from __future__ import annotations

from ganmetrics.metrics.record import Estimate, Metric, Part, parse_call
from ganmetrics.registry import Registry

METRICS: Registry[Metric] = Registry("ganmetrics.metrics", "METRIC", "metric")
ALIASES = {
    "isc": "is",
    "inception_score": "is",
    "frechet_inception_distance": "fid",
    "kernel_inception_distance": "kid",
}


def metric(text: str | Metric) -> Metric:
    """The metric that a text such as ``"fid"`` or ``"kid(subset_size=500)"`` names.

    Raises
    ------
    UsageError
        An unknown metric or option, with the nearest known one.
    """
    if isinstance(text, Metric):
        return text
    name, options = parse_call(text)
    return METRICS[ALIASES.get(name, name)].configured(options)


__all__ = ["METRICS", "Estimate", "Metric", "Part", "metric"]
