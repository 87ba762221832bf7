"""From two sets of images to a result: open, measure in one pass each, score."""

from __future__ import annotations

from ganmetrics.evaluation import archive
from ganmetrics.evaluation.attribution import Attribution, attribute
from ganmetrics.evaluation.comparison import Comparison, compare
from ganmetrics.evaluation.latent import LatentPath, PathLength, ppl
from ganmetrics.evaluation.recipe import Recipe, Signature
from ganmetrics.evaluation.result import Result, Score
from ganmetrics.evaluation.rosetta import Rosetta, every_protocol
from ganmetrics.evaluation.run import evaluate, measure, score
from ganmetrics.evaluation.shortcuts import fid, inception_score, kid
from ganmetrics.evaluation.statistics import Statistics
from ganmetrics.evaluation.streaming import Evaluation

__all__ = [
    "Attribution",
    "Comparison",
    "Evaluation",
    "LatentPath",
    "PathLength",
    "Recipe",
    "Result",
    "Rosetta",
    "Score",
    "Signature",
    "Statistics",
    "archive",
    "attribute",
    "compare",
    "evaluate",
    "every_protocol",
    "fid",
    "inception_score",
    "kid",
    "measure",
    "ppl",
    "score",
]
