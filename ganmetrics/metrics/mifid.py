"""Memorisation-informed Fréchet inception distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

from ganmetrics.errors import UsageError
from ganmetrics.metrics.fid import fid
from ganmetrics.metrics.record import Metric, Part
from ganmetrics.metrics.validation import matrix_pair
from ganmetrics.numerics.memory import block_rows

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

COPY = 1e-9  # a mean distance below it is rounding: the fakes are copies


def mifid(real_features: ArrayLike, fake_features: ArrayLike, *, threshold: float = 0.1) -> float:
    """FID, divided by how far the fakes are from the reals where that is suspiciously little.

    Lower is better, 0 is best. A set of copies of reals, whose FID may be 0, has an infinite score: it is disqualified,
    never best.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The reals are those that the generator was trained on.
    threshold : float
        A mean distance below it counts as memory; others leave FID as it is.

    Returns
    -------
    float
        At least FID.

    Raises
    ------
    InputError
        Fewer than two rows, other shapes, NaN.
    UsageError
        ``threshold`` not between 0 and 1.

    Notes
    -----
    The distance is ``1 - |cos|`` from each fake to its nearest real, averaged over the fakes. torchmetrics averages
    over the reals instead, which a generator that copies a few of them hardly moves.

    References
    ----------
    Bai, Lin, Raffel, Kan: On Training Sample Memorization: Lessons from Benchmarking Generative Modeling with a
    Large-scale Competition. KDD 2021, arXiv:2106.03062.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.random.RandomState(0).randn(50, 4)
    >>> mifid(real, real), mifid(real, real[::-1])
    (inf, inf)
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"threshold is {threshold}; it must be between 0 and 1", where="mifid.threshold")
    real, fake = matrix_pair(real_features, fake_features)
    distance = memorisation_distance(real, fake)
    if distance < COPY:
        return math.inf
    return fid(real, fake) / (distance if distance < threshold else 1.0)


def memorisation_distance(real: Tensor, fake: Tensor) -> float:  # [N, D], [M, D] -> 0..1
    """The mean over the fakes of 1 - |cos| to the nearest real."""
    x, y = normalize(real, dim=1), normalize(fake, dim=1)
    nearest = torch.cat([_largest_cosine(x, rows) for rows in y.split(block_rows(y.shape[1]))])
    return float((1 - nearest).clamp(min=0).mean())


def _largest_cosine(x: Tensor, rows: Tensor) -> Tensor:
    return torch.stack([(rows @ part.T).abs_().amax(dim=1) for part in x.split(block_rows(x.shape[1]))]).amax(dim=0)


METRIC = Metric(
    name="mifid",
    function=mifid,
    parts=(Part("mifid", "MiFID", higher_is_better=False, best="0"),),
    reads=("features",),
    paper="Bai et al. 2021, arXiv:2106.03062",
    cost="all pairs",
)
