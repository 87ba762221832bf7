"""Improved precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.metrics._manifold import crossed, feature_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


class PrecisionRecall(NamedTuple):
    """Both shares, each in 0..1."""

    precision: float
    recall: float


def precision_recall(
    real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3, inside: str = "<="
) -> PrecisionRecall:
    """Share of fakes on the manifold of real images, and of real images on the manifold of fakes.

    Use it beside FID to tell low fidelity from low diversity. Higher is better, 1 is best, for both. A manifold is the
    union of balls about its images, each reaching to the centre's k-th nearest neighbour; one outlier makes a ball that
    holds much, so both are biased upward by outliers.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The paper takes VGG16's second fully connected layer and 50,000 images a side; equal counts compare best.
    neighbors : int
        The number of neighbours, k in the paper.
    inside : {"<=", "<"}
        Whether a ball holds a point at exactly its radius, as the paper and torch-fidelity have it, or not, as prdc.

    Returns
    -------
    PrecisionRecall
        ``precision`` and ``recall``.

    Raises
    ------
    InputError
        A set has no more rows than ``neighbors``, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``neighbors`` is below 1, or ``inside`` is neither ``"<"`` nor ``"<="``.

    Notes
    -----
    All pairs are compared exactly and in bounded memory: distances are taken block by block and never kept.

    References
    ----------
    Kynkäänniemi et al.: Improved Precision and Recall Metric for Assessing Generative Models. NeurIPS 2019,
    arXiv:1904.06991.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    >>> precision_recall(real, real[:3], neighbors=1)  # every fake is real, half of the reals are missing
    PrecisionRecall(precision=1.0, recall=0.5)
    """
    real, fake = feature_pair(real_features, fake_features, neighbors, "precision_recall")
    held = crossed(real, fake, neighbors, inside, "precision_recall")
    # The share of fakes in some real image's ball, and of real images in some fake's: [M] and [N].
    precision, recall = ((balls > 0).double().mean() for balls in (held.real_balls, held.fake_balls))
    return PrecisionRecall(float(precision), float(recall))


METRIC = Metric(
    name="precision_recall",
    function=precision_recall,
    parts=(
        Part("precision", "Precision", higher_is_better=True, best="1", scale="share"),
        Part("recall", "Recall", higher_is_better=True, best="1", scale="share"),
    ),
    reads=(FEATURES,),
    paper="Kynkäänniemi et al. 2019, arXiv:1904.06991",
    cost="all pairs",
    resampling="parts",
)
