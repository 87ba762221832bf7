"""The metrics as pure functions: features, points, labels or tokens in, numbers out, (real, fake) in this order."""

from __future__ import annotations

from ganmetrics.metrics.alpha_precision import AlphaBeta as AlphaBeta
from ganmetrics.metrics.alpha_precision import (
    alpha_precision_beta_recall_authenticity as alpha_precision_beta_recall_authenticity,
)
from ganmetrics.metrics.birthday import birthday as birthday
from ganmetrics.metrics.c2st import TwoSampleTest as TwoSampleTest
from ganmetrics.metrics.c2st import c2st as c2st
from ganmetrics.metrics.c2st import c2st_test as c2st_test
from ganmetrics.metrics.class_fid import class_fid as class_fid
from ganmetrics.metrics.class_fid import class_fids as class_fids
from ganmetrics.metrics.cmmd import cmmd as cmmd
from ganmetrics.metrics.ct import ct as ct
from ganmetrics.metrics.density_coverage import DensityCoverage as DensityCoverage
from ganmetrics.metrics.density_coverage import density_coverage as density_coverage
from ganmetrics.metrics.feature_maps import content_distance as content_distance
from ganmetrics.metrics.feature_maps import gram_matrix as gram_matrix
from ganmetrics.metrics.feature_maps import style_distance as style_distance
from ganmetrics.metrics.feature_maps import total_variation as total_variation
from ganmetrics.metrics.fid import fid as fid
from ganmetrics.metrics.fid import frechet_distance as frechet_distance
from ganmetrics.metrics.fid_infinity import fid_infinity as fid_infinity
from ganmetrics.metrics.fld import Fld as Fld
from ganmetrics.metrics.fld import fld as fld
from ganmetrics.metrics.inception_score import inception_score as inception_score
from ganmetrics.metrics.kid import kid as kid
from ganmetrics.metrics.lpips_diversity import lpips_diversity as lpips_diversity
from ganmetrics.metrics.metric import Estimate as Estimate
from ganmetrics.metrics.mifid import mifid as mifid
from ganmetrics.metrics.mixture_modes import MixtureModes as MixtureModes
from ganmetrics.metrics.mixture_modes import ModeCount as ModeCount
from ganmetrics.metrics.mixture_modes import mixture_modes as mixture_modes
from ganmetrics.metrics.mixture_modes import stacked_modes as stacked_modes
from ganmetrics.metrics.modes import Modes as Modes
from ganmetrics.metrics.modes import modes as modes
from ganmetrics.metrics.ms_ssim_diversity import ms_ssim_diversity as ms_ssim_diversity
from ganmetrics.metrics.ndb import NdbBins as NdbBins
from ganmetrics.metrics.ndb import ndb as ndb
from ganmetrics.metrics.nearest import Neighbors as Neighbors
from ganmetrics.metrics.nearest import nearest_neighbors as nearest_neighbors
from ganmetrics.metrics.ppl import path_length as path_length
from ganmetrics.metrics.prd import PrdCurve as PrdCurve
from ganmetrics.metrics.prd import PrdScores as PrdScores
from ganmetrics.metrics.prd import prd as prd
from ganmetrics.metrics.prd import prd_curve as prd_curve
from ganmetrics.metrics.prdc import Prdc as Prdc
from ganmetrics.metrics.prdc import prdc as prdc
from ganmetrics.metrics.precision_recall import PrecisionRecall as PrecisionRecall
from ganmetrics.metrics.precision_recall import precision_recall as precision_recall
from ganmetrics.metrics.rarity import rarity as rarity
from ganmetrics.metrics.rarity import rarity_scores as rarity_scores
from ganmetrics.metrics.realism import realism as realism
from ganmetrics.metrics.realism import realism_scores as realism_scores
from ganmetrics.metrics.sequences import distinct_n as distinct_n
from ganmetrics.metrics.sequences import self_bleu as self_bleu
from ganmetrics.metrics.sequences import sequence_nll as sequence_nll
from ganmetrics.metrics.sfid import sfid as sfid
from ganmetrics.metrics.vendi import vendi as vendi
from ganmetrics.metrics.vendi import vendi_of_kernel as vendi_of_kernel

_HERE = "ganmetrics."
__all__ = sorted(name for name, value in globals().items() if getattr(value, "__module__", "").startswith(_HERE))
