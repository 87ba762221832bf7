"""Memorisation-informed Fréchet inception distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import UsageError
from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.fid import fid, fid_uncertainty
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES, SAMPLE
from ganmetrics.numerics.directions import unit_rows
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.neighbors import nearest

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

# A mean distance below it is rounding of unit vectors: the fakes are copies.
COPY = 1e-30


class Memorised(NamedTuple):
    """The score, and the mean distance of the fakes from their nearest reals."""

    mifid: float
    distance: float


def mifid(real_features: ArrayLike, fake_features: ArrayLike, *, threshold: float = 0.1) -> float:
    """FID, divided by how far the fakes are from the reals where that is suspiciously little.

    Use it where copies of training images must not win, as in competitions. Lower is better, 0 is best. A set of copies
    of reals, whose FID may be 0, has an infinite score: it is disqualified, never best.

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
        A set has fewer than two rows, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``threshold`` is not between 0 and 1.

    Notes
    -----
    The distance is ``1 - |cos|`` from each fake to its nearest real, averaged over the fakes, and is taken from the
    difference of the unit vectors, which rounding leaves exact however small it is. Cosines depend on the origin: of
    features that lie far from zero, all directions are alike, so the distance is small and the score large for any
    generator. torchmetrics averages over the reals instead, which a generator that copies a few of them hardly moves.

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
    return memorised(real_features, fake_features, threshold=threshold).mifid


def memorised(real_features: ArrayLike, fake_features: ArrayLike, *, threshold: float = 0.1) -> Memorised:
    """Compute the score with the mean distance that it follows from."""
    if not 0 <= threshold <= 1:
        raise UsageError(f"threshold is {threshold}; it must be between 0 and 1", where="mifid.threshold")
    real, fake = matrix_pair(real_features, fake_features)
    distance = memorisation_distance(real, fake)
    if distance < COPY:
        # FID of copies may be 0: divided by nothing they would win.
        return Memorised(math.inf, distance)
    return Memorised(fid(real, fake) / (distance if distance < threshold else 1.0), distance)


def memorisation_distance(real: Tensor, fake: Tensor) -> float:  # [N, D], [M, D] -> 0..1
    """The mean over the fakes of 1 - |cos| to the nearest real."""
    x, y = unit_rows(real), unit_rows(fake)
    # For unit vectors 1 - |cos| = |y ∓ x|² / 2.
    squares = torch.minimum(nearest(y, x)[1], nearest(y, -x)[1])
    return float((squares / 2).mean())


def uncertainty(computed: Memorised, given: Given) -> dict[str, Estimated] | None:
    """FID's, which the score is where nothing seems memorised; else there is none."""
    # Below the threshold the distance is random too, and nobody has told its variance.
    if computed.distance < float(given.settings["threshold"]):
        return None
    one = fid_uncertainty(
        computed.mifid, *((Moments.of(side.features), side.sample) for side in (given.real, given.fake))
    )
    return None if one is None else {"mifid": one}


METRIC = Metric(
    name="mifid",
    function=memorised,
    parts=(Part("mifid", "MiFID", higher_is_better=False, best="0"),),
    reads=(FEATURES,),
    paper="Bai et al. 2021, arXiv:2106.03062",
    cost="all pairs",
    uncertainty=uncertainty,
    uncertainty_reads=(SAMPLE,),
)
