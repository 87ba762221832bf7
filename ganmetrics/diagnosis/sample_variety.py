"""The variety of a few samples: how far their thumbnails lie apart, and how many different ones there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

# Pixels of a thumbnail's side.
SIDE = 8
# Two samples are near each other within this share of the samples' variance (squared distances).
NEAR = (0.2, 0.5)
# Samples of which all pairs are compared.
MOST_COMPARED = 256
# Different samples that are counted at most.
MOST = 64


class Variety(NamedTuple):
    """The variety of some samples.

    Attributes
    ----------
    spread : float
        The variance of the thumbnails, summed over their pixels.
    fine, coarse : float
        How many different samples there are, at two sizes of what counts as different: the order 2 Vendi score of pairs
        of different samples under a Gaussian kernel, at most 64.
    """

    spread: float
    fine: float
    coarse: float


def variety(samples: Any) -> Variety:
    """Measure images [N, C, H, W] of any range (InputError for another shape)."""
    import torch

    small = _thumbnails(samples)  # [N, C * 8 * 8]
    spread = float(small.var(dim=0).sum())
    if not math.isfinite(spread) or spread <= 0:
        return Variety(spread, *([1.0, 1.0] if spread == 0 else [math.nan, math.nan]))
    few = small[:MOST_COMPARED]
    squares = torch.cdist(few, few).square()
    off = len(few) * (len(few) - 1)
    counts = []
    for share in NEAR:
        # The Gaussian kernel, squared.
        similarity = (-squares / (share * spread)).exp()
        counts.append(1 / (float(similarity.sum() - len(few)) / off + 1 / MOST))
    return Variety(spread, *counts)


def _thumbnails(samples: Any) -> Tensor:
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    images = samples.detach().cpu() if isinstance(samples, torch.Tensor) else torch.as_tensor(np.asarray(samples))
    if images.ndim != 4 or len(images) < 2 or 0 in images.shape:
        what = f"samples are of shape {list(images.shape)}; expected [N, C, H, W] with N at least 2"
        raise InputError(what, where="samples", code="E-SHAPE")
    return adaptive_avg_pool2d(images.double(), min(SIDE, *images.shape[2:])).flatten(1)
