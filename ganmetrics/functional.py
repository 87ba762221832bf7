"""The metrics as pure functions: features, points, labels or tokens in, numbers out, (real, fake) in this order."""

from __future__ import annotations

from ganmetrics.metrics.fid import fid, frechet_distance
from ganmetrics.metrics.inception_score import inception_score
from ganmetrics.metrics.kid import kid
from ganmetrics.metrics.mixture import MixtureModes, ModeCount, mixture_modes, stacked_modes
from ganmetrics.metrics.ndb import NdbBins, ndb, ndb_bins
from ganmetrics.metrics.record import Estimate
from ganmetrics.metrics.sequences import distinct_n, self_bleu, sequence_nll
from ganmetrics.metrics.style import content_distance, gram_matrix, style_distance, total_variation

__all__ = [
    "Estimate",
    "MixtureModes",
    "ModeCount",
    "NdbBins",
    "content_distance",
    "distinct_n",
    "fid",
    "frechet_distance",
    "gram_matrix",
    "inception_score",
    "kid",
    "mixture_modes",
    "ndb",
    "ndb_bins",
    "self_bleu",
    "sequence_nll",
    "stacked_modes",
    "style_distance",
    "total_variation",
]
