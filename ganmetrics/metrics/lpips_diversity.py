"""LPIPS diversity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from scipy import special

from ganmetrics.metrics.record import Metric, Part
from ganmetrics.metrics.validation import vectors
from ganmetrics.numerics.influence import Influence
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


def lpips_diversity(fake_embeddings: ArrayLike) -> float:
    """Mean LPIPS over all pairs of images, n(n - 1) / 2 of them.

    Higher is better up to that of unseen reals; 0 are equal images. Unbiased, whatever the number of images. Noise
    raises it as variety does, so it says nothing without a measure of fidelity.

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
        Fewer than two rows, other shapes, NaN.

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
    return 2 * float(x.var(dim=0).sum())


def of_spread(fake: Spread) -> float:
    """The same from what one pass over the images leaves."""
    return 2 * fake.variance()


def influence(fake: Spread) -> Influence | None:
    """What leaving out each group changes, one row for each, scaled to stand for one image; ``None`` of few images."""
    num = len(fake.counts)
    if fake.count < 2 * num:
        return None
    without = torch.tensor([2 * fake.variance(leave_out=group) for group in range(num)])
    rows = (num - 1) * (2 * fake.variance() - without)
    widened = special.stdtrit(num - 1, 0.975) / special.ndtri(0.975)  # so few groups tell their own variance poorly
    return Influence(None, rows * float(widened) * (fake.count / num) ** 0.5)


METRIC = Metric(
    name="lpips_diversity",
    function=of_spread,
    parts=(Part("lpips_diversity", "LPIPS diversity", higher_is_better=True, best="that of unseen reals"),),
    reads=("spread",),
    paper="Zhang et al. 2018, arXiv:1801.03924",
    needs_real=False,
    influence=influence,
    influence_reads=("spread",),
)
