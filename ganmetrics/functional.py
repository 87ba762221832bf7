"""The metrics as pure functions: features, points, labels or tokens in, numbers out, (real, fake) in this order."""

from __future__ import annotations

from ganmetrics.metrics.alpha_precision import AlphaBeta, alpha_precision_beta_recall_authenticity
from ganmetrics.metrics.birthday import birthday
from ganmetrics.metrics.density_coverage import DensityCoverage, density_coverage
from ganmetrics.metrics.fid import fid, frechet_distance
from ganmetrics.metrics.inception_score import inception_score
from ganmetrics.metrics.kid import kid
from ganmetrics.metrics.mixture import MixtureModes, ModeCount, mixture_modes, stacked_modes
from ganmetrics.metrics.ndb import NdbBins, ndb, ndb_bins
from ganmetrics.metrics.nearest import Neighbors, nearest_neighbors
from ganmetrics.metrics.prd import PrdCurve, PrdScores, prd, prd_curve
from ganmetrics.metrics.prdc import Prdc, prdc
from ganmetrics.metrics.precision_recall import PrecisionRecall, precision_recall
from ganmetrics.metrics.rarity import rarity, rarity_scores
from ganmetrics.metrics.realism import realism, realism_scores
from ganmetrics.metrics.record import Estimate
from ganmetrics.metrics.sequences import distinct_n, self_bleu, sequence_nll
from ganmetrics.metrics.style import content_distance, gram_matrix, style_distance, total_variation

__all__ = [
    "AlphaBeta",
    "DensityCoverage",
    "Estimate",
    "MixtureModes",
    "ModeCount",
    "NdbBins",
    "Neighbors",
    "PrdCurve",
    "PrdScores",
    "Prdc",
    "PrecisionRecall",
    "alpha_precision_beta_recall_authenticity",
    "birthday",
    "content_distance",
    "density_coverage",
    "distinct_n",
    "fid",
    "frechet_distance",
    "gram_matrix",
    "inception_score",
    "kid",
    "mixture_modes",
    "ndb",
    "ndb_bins",
    "nearest_neighbors",
    "prd",
    "prd_curve",
    "prdc",
    "precision_recall",
    "rarity",
    "rarity_scores",
    "realism",
    "realism_scores",
    "self_bleu",
    "sequence_nll",
    "stacked_modes",
    "style_distance",
    "total_variation",
]
