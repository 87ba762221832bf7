"""One metric in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganmetrics.evaluation.evaluate import evaluate

if TYPE_CHECKING:
    import os

    import torch

    from ganmetrics.extractors import Extractor
    from ganmetrics.scoring.result import Score

    AnyExtractor = str | Extractor | Callable[..., Any] | None
    AnyPath = str | os.PathLike[str] | None


def fid(
    real: Any,
    fake: Any,
    *,
    extractor: AnyExtractor = None,
    weights: AnyPath = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
) -> Score:
    """The Fréchet inception distance of two sets of images; lower is better. ``float(fid(real, fake))`` is the number.

    Parameters and errors are those of ``evaluate``; the mathematics is ``functional.fid``.
    """
    result = evaluate(
        real, fake, metrics=["fid"], extractor=extractor, weights=weights, device=device, batch_size=batch_size
    )
    return result["fid"]


def kid(
    real: Any,
    fake: Any,
    *,
    extractor: AnyExtractor = None,
    weights: AnyPath = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
) -> Score:
    """The kernel inception distance of two sets of images, 100 subsets of 1000; lower is better.

    Parameters and errors are those of ``evaluate``, which also takes other subsets as ``"kid(subset_size=500)"``; the
    mathematics is ``functional.kid``.
    """
    result = evaluate(
        real, fake, metrics=["kid"], extractor=extractor, weights=weights, device=device, batch_size=batch_size
    )
    return result["kid"]


def inception_score(
    fake: Any,
    *,
    extractor: AnyExtractor = None,
    weights: AnyPath = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
) -> Score:
    """The Inception Score of one set of images, 10 splits; higher is better.

    Parameters and errors are those of ``evaluate``; the mathematics is ``functional.inception_score``.
    """
    result = evaluate(
        None, fake, metrics=["is"], extractor=extractor, weights=weights, device=device, batch_size=batch_size
    )
    return result["is"]
