"""Precision, recall, density and coverage under one protocol, that of the package prdc."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.metrics._manifold import crossed, feature_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


class Prdc(NamedTuple):
    """The four numbers; all but density in 0..1."""

    prdc_precision: float
    prdc_recall: float
    prdc_density: float
    prdc_coverage: float


def prdc(real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 5, inside: str = "<") -> Prdc:
    """Precision, recall, density and coverage of one pass over all pairs, as the package prdc has them.

    Use it to reproduce the numbers of the package prdc. Higher is better, 1 is best, for all four; density may exceed
    1.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    neighbors : int
        The number k of neighbours, for all four numbers.
    inside : {"<", "<="}
        Whether a ball leaves out a point at exactly its radius, or holds it.

    Returns
    -------
    Prdc
        ``prdc_precision``, ``prdc_recall``, ``prdc_density`` and ``prdc_coverage``.

    Raises
    ------
    InputError
        A set has no more rows than ``neighbors``, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``neighbors`` is below 1, or ``inside`` is neither ``"<"`` nor ``"<="``.

    Notes
    -----
    ``precision_recall`` is the protocol of the first paper (k = 3, ``<=``); these precision and recall differ from it.

    References
    ----------
    Naeem et al.: Reliable Fidelity and Diversity Metrics for Generative Models. ICML 2020, arXiv:2002.09797.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0], [1.0], [2.5], [10.0], [11.0], [12.5]])
    >>> prdc(real, real[:3], neighbors=1)
    Prdc(prdc_precision=1.0, prdc_recall=0.5, prdc_density=1.0, prdc_coverage=0.5)
    """
    real, fake = feature_pair(real_features, fake_features, neighbors, "prdc")
    held = crossed(real, fake, neighbors, inside, "prdc")
    # The shares of fakes in a real ball, of real images in a fake ball, and of real balls that hold a fake.
    shares = [float((x > 0).double().mean()) for x in (held.real_balls, held.fake_balls, held.held_fakes)]
    density = float(held.real_balls.double().mean()) / neighbors
    return Prdc(shares[0], shares[1], density, shares[2])


METRIC = Metric(
    name="prdc",
    function=prdc,
    parts=(
        Part("prdc_precision", "PRDC precision", higher_is_better=True, best="1", scale="share"),
        Part("prdc_recall", "PRDC recall", higher_is_better=True, best="1", scale="share"),
        Part("prdc_density", "PRDC density", higher_is_better=True, best="1 or more", scale="positive"),
        Part("prdc_coverage", "PRDC coverage", higher_is_better=True, best="1", scale="share"),
    ),
    reads=(FEATURES,),
    paper="Naeem et al. 2020, arXiv:2002.09797",
    cost="all pairs",
    resampling="parts",
)
