"""LPIPS diversity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics._validation import vectors
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import SPREAD
from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.influence import deviation
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


def lpips_diversity(fake_embeddings: ArrayLike) -> float:
    """Mean LPIPS over all pairs of images, n(n - 1) / 2 of them.

    Use it to compare the variety of generators whose fidelity is known. Higher is better up to that of unseen reals; 0
    are equal images. Unbiased, whatever the number of images. Noise raises it as variety does, so it says nothing
    without a measure of fidelity.

    Parameters
    ----------
    fake_embeddings : array_like, [N, D]
        Vectors whose squared distance is LPIPS: the layer of the extractor ``lpips``.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InputError
        A set has fewer than two rows, is no matrix of the other's width, or holds NaN or infinity.

    Notes
    -----
    As LPIPS is a squared distance of vectors, its mean over all pairs is twice the trace of their covariance, which one
    pass over the images gives: no pairs are drawn. Peers average over a few hundred random pairs, which this is the
    expectation of.

    References
    ----------
    Zhang et al.: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric. CVPR 2018, arXiv:1801.03924;
    as a measure of diversity Zhu et al.: Toward Multimodal Image-to-Image Translation. NeurIPS 2017, arXiv:1711.11586.

    Examples
    --------
    >>> lpips_diversity([[0.0], [1.0], [3.0]])  # the mean of 1, 9 and 4
    4.666666666666667
    """
    x = vectors(fake_embeddings, "fake_embeddings")
    # The mean squared distance of two rows is twice the trace of their covariance.
    return 2 * float(x.var(dim=0).sum())


def of_spread(fake: Spread) -> float:
    """Compute LPIPS diversity from what one pass over the images leaves."""
    return 2 * fake.variance()


def uncertainty(computed: float, given: Given) -> dict[str, Estimated] | None:
    """Tell how uncertain the diversity is, by leaving out each of ten groups; ``None`` for few images."""
    spread: Spread = given.fake.spread
    num = len(spread.counts)
    if spread.count < 2 * num:
        return None
    without = torch.tensor([2 * spread.variance(leave_out=group) for group in range(num)])
    error = deviation(without) * (num - 1) / num**0.5
    ends = interval_ends.plain(computed, error, interval_ends.quantile(num - 1))
    return {"lpips_diversity": Estimated(computed, ends, f"jackknife of {num} groups")}


METRIC = Metric(
    name="lpips_diversity",
    function=of_spread,
    parts=(Part("lpips_diversity", "LPIPS diversity", higher_is_better=True, best="that of unseen reals"),),
    reads=(SPREAD,),
    paper="Zhang et al. 2018, arXiv:1801.03924",
    needs_real=False,
    uncertainty=uncertainty,
    depends_on_count=False,
)
