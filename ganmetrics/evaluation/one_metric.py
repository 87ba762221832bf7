"""One metric in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganmetrics._arguments import check_keywords
from ganmetrics.evaluation.evaluate import evaluate
from ganmetrics.scoring.keywords import MeasuringKeywords, shows

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.scoring.result import Score


@shows(MeasuringKeywords)
def fid(real: Any, fake: Any, **settings: Unpack[MeasuringKeywords]) -> Score:
    """Compute the Fréchet inception distance of two sets of images; lower is better.

    ``float(fid(real, fake))`` is the number. Parameters and errors are those of ``evaluate``; the mathematics is
    ``functional.fid``.
    """
    check_keywords(fid, settings)
    return evaluate(real, fake, metrics=["fid"], **settings)["fid"]


@shows(MeasuringKeywords)
def kid(real: Any, fake: Any, **settings: Unpack[MeasuringKeywords]) -> Score:
    """Compute the kernel inception distance of two sets of images, with 100 subsets of 1000; lower is better.

    Parameters and errors are those of ``evaluate``, which also takes other subsets as ``"kid(subset_size=500)"``. The
    mathematics is ``functional.kid``.
    """
    check_keywords(kid, settings)
    return evaluate(real, fake, metrics=["kid"], **settings)["kid"]


@shows(MeasuringKeywords)
def inception_score(fake: Any, **settings: Unpack[MeasuringKeywords]) -> Score:
    """Compute the Inception Score of one set of images, with 10 splits; higher is better.

    Parameters and errors are those of ``evaluate``; the mathematics is ``functional.inception_score``.
    """
    check_keywords(inception_score, settings)
    return evaluate(None, fake, metrics=["is"], **settings)["is"]
