"""The metrics as pure functions: features, points, labels or tokens in, numbers out, (real, fake) in this order."""

from __future__ import annotations

from ganmetrics.metrics.alpha_precision import AlphaBeta, alpha_precision_beta_recall_authenticity
from ganmetrics.metrics.birthday import birthday
from ganmetrics.metrics.c2st import TwoSampleTest, c2st, c2st_test
from ganmetrics.metrics.class_fid import class_fid, class_fids
from ganmetrics.metrics.cmmd import cmmd
from ganmetrics.metrics.ct import ct
from ganmetrics.metrics.density_coverage import DensityCoverage, density_coverage
from ganmetrics.metrics.fid import fid, frechet_distance
from ganmetrics.metrics.fid_infinity import fid_infinity
from ganmetrics.metrics.fld import Fld, fld
from ganmetrics.metrics.inception_score import inception_score
from ganmetrics.metrics.kid import kid
from ganmetrics.metrics.lpips_diversity import lpips_diversity
from ganmetrics.metrics.mifid import mifid
from ganmetrics.metrics.mixture import MixtureModes, ModeCount, mixture_modes, stacked_modes
from ganmetrics.metrics.modes import Modes, modes
from ganmetrics.metrics.ms_ssim_diversity import ms_ssim_diversity
from ganmetrics.metrics.ndb import NdbBins, ndb
from ganmetrics.metrics.nearest import Neighbors, nearest_neighbors
from ganmetrics.metrics.ppl import path_length
from ganmetrics.metrics.prd import PrdCurve, PrdScores, prd, prd_curve
from ganmetrics.metrics.prdc import Prdc, prdc
from ganmetrics.metrics.precision_recall import PrecisionRecall, precision_recall
from ganmetrics.metrics.rarity import rarity, rarity_scores
from ganmetrics.metrics.realism import realism, realism_scores
from ganmetrics.metrics.record import Estimate
from ganmetrics.metrics.sequences import distinct_n, self_bleu, sequence_nll
from ganmetrics.metrics.sfid import sfid
from ganmetrics.metrics.style import content_distance, gram_matrix, style_distance, total_variation
from ganmetrics.metrics.vendi import vendi, vendi_of_kernel

__all__ = [
    "AlphaBeta",
    "DensityCoverage",
    "Estimate",
    "Fld",
    "MixtureModes",
    "ModeCount",
    "Modes",
    "NdbBins",
    "Neighbors",
    "PrdCurve",
    "PrdScores",
    "Prdc",
    "PrecisionRecall",
    "TwoSampleTest",
    "alpha_precision_beta_recall_authenticity",
    "birthday",
    "c2st",
    "c2st_test",
    "class_fid",
    "class_fids",
    "cmmd",
    "content_distance",
    "ct",
    "density_coverage",
    "distinct_n",
    "fid",
    "fid_infinity",
    "fld",
    "frechet_distance",
    "gram_matrix",
    "inception_score",
    "kid",
    "lpips_diversity",
    "mifid",
    "mixture_modes",
    "modes",
    "ms_ssim_diversity",
    "ndb",
    "nearest_neighbors",
    "path_length",
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
    "sfid",
    "stacked_modes",
    "style_distance",
    "total_variation",
    "vendi",
    "vendi_of_kernel",
]
