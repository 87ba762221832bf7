"""The metrics: one file each, a pure function and a ``METRIC`` record."""

from __future__ import annotations

from ganmetrics.metrics.metric import Estimate, Metric, Part, parse_call
from ganmetrics.registry import Registry

METRICS: Registry[Metric] = Registry("ganmetrics.metrics", "METRIC", "metric")
ALIASES = {
    "isc": "is",
    "inception_score": "is",
    "frechet_inception_distance": "fid",
    "kernel_inception_distance": "kid",
    "fid_inf": "fid_infinity",
    "intra_fid": "class_fid",
    "jsd": "ndb",
    "pr": "precision_recall",
    "prc": "precision_recall",
    "precision": "precision_recall",
    "recall": "precision_recall",
    "density": "density_coverage",
    "coverage": "density_coverage",
    "authenticity": "alpha_precision_beta_recall_authenticity",
    "alpha_precision": "alpha_precision_beta_recall_authenticity",
    "beta_recall": "alpha_precision_beta_recall_authenticity",
}


def metric(text: str | Metric) -> Metric:
    """Return the metric that a text such as ``"fid"``, ``"FID"`` or ``"kid(subset_size=500)"`` names.

    Raises
    ------
    UsageError
        An unknown metric or option, with the nearest known one.
    """
    if isinstance(text, Metric):
        return text
    name, options = parse_call(text)
    # Papers write FID where the table of metrics has fid.
    record = METRICS.get(ALIASES.get(name.lower(), name.lower()))
    return (METRICS[name] if record is None else record).configured(options)


__all__ = ["METRICS", "Estimate", "Metric", "Part", "metric"]
