"""Density and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.metrics._manifold import crossed, feature_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


class DensityCoverage(NamedTuple):
    """Density, at least 0, and coverage, in 0..1."""

    density: float
    coverage: float


def density_coverage(
    real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 5, inside: str = "<"
) -> DensityCoverage:
    """How densely real images surround the fakes, and the share of real images with a fake among their neighbours.

    Use it beside FID to tell low fidelity (density) from missing modes (coverage). Higher is better for both. Density
    has mean 1 for equal distributions and may exceed it; coverage is at most 1, and 1 - (N - 1)…(N - k) / ((N + M -
    1)…(N + M - k)) in the mean for equal distributions, near 1 - 2^-k for equal counts.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    neighbors : int
        k in the paper, which takes 5.
    inside : {"<", "<="}
        Whether a ball about a real leaves out a point at exactly its radius, as prdc has it, or holds it.

    Returns
    -------
    DensityCoverage
        ``density`` and ``coverage``.

    Raises
    ------
    InputError
        A set has no more rows than ``neighbors``, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``neighbors`` is below 1, or ``inside`` is neither ``"<"`` nor ``"<="``.

    Notes
    -----
    Only real images have balls, so outliers among the fakes gain nothing. All pairs are compared exactly, in bounded
    memory.

    References
    ----------
    Naeem et al.: Reliable Fidelity and Diversity Metrics for Generative Models. ICML 2020, arXiv:2002.09797.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    >>> density_coverage(real, real[:3], neighbors=1)
    DensityCoverage(density=1.0, coverage=0.5)
    """
    real, fake = feature_pair(real_features, fake_features, neighbors, "density_coverage")
    held = crossed(real, fake, neighbors, inside, "density_coverage", of_fakes=False)
    # Of equal distributions a fake lies in ``neighbors`` balls in the mean.
    density = float(held.real_balls.double().mean()) / neighbors
    return DensityCoverage(density, float((held.held_fakes > 0).double().mean()))


METRIC = Metric(
    name="density_coverage",
    function=density_coverage,
    parts=(
        Part("density", "Density", higher_is_better=True, best="1 or more", scale="positive"),
        Part("coverage", "Coverage", higher_is_better=True, best="1", scale="share"),
    ),
    reads=(FEATURES,),
    paper="Naeem et al. 2020, arXiv:2002.09797",
    cost="all pairs",
    resampling="parts",
)
