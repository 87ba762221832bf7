"""The metrics as pure functions of features and logits: arrays in, numbers out, (real, fake) in this order."""

from __future__ import annotations

from ganmetrics.metrics.fid import fid, frechet_distance
from ganmetrics.metrics.inception_score import inception_score
from ganmetrics.metrics.kid import kid
from ganmetrics.metrics.record import Estimate

__all__ = ["Estimate", "fid", "frechet_distance", "inception_score", "kid"]
