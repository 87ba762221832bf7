"""Spatial Fréchet inception distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.metrics.fid import fid, fid_of_moments, fid_uncertainty
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import SPATIAL_MOMENTS, SPATIAL_SAMPLE

if TYPE_CHECKING:
    from ganmetrics.metrics._uncertainty import Estimated
    from ganmetrics.numerics.moments import Moments
    from ganmetrics.types import ArrayLike


def sfid(real_features: ArrayLike, fake_features: ArrayLike) -> float:
    """Fréchet distance of features that keep their places in the image, which pooled ones have lost.

    Use it beside FID where the arrangement of an image's parts matters. Lower is better, 0 is best; in squared units of
    the features. Biased upward as FID is.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The 7 x 17 x 17 numbers of the layer ``spatial`` of the FID Inception.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InputError
        Other shapes, fewer than two rows, NaN or infinity.

    Notes
    -----
    The layer is the one that guided diffusion's evaluator reads as ``mixed_6/conv``: the first 7 channels of the 1 x 1
    branch of the third 17 x 17 block, after rectification.

    References
    ----------
    Nash et al.: Generating Images with Sparse Representations. ICML 2021, arXiv:2103.03841. Dhariwal, Nichol: Diffusion
    Models Beat GANs on Image Synthesis. NeurIPS 2021, arXiv:2105.05233.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> round(sfid(real, real + 3.0), 12)
    18.0
    """
    return fid(real_features, fake_features)


def sfid_of_moments(real: Moments, fake: Moments) -> float:
    """Compute sFID from the moments that one pass over each set leaves."""
    return fid_of_moments(real, fake)


def uncertainty(computed: float, given: Given) -> dict[str, Estimated] | None:
    """Tell how uncertain sFID is, from the influence of each image; ``None`` without rows of the fakes."""
    sides = ((side.spatial_moments, side.spatial_sample) for side in (given.real, given.fake))
    one = fid_uncertainty(computed, *sides)
    return None if one is None else {"sfid": one}


METRIC = Metric(
    name="sfid",
    function=sfid_of_moments,
    parts=(Part("sfid", "sFID", higher_is_better=False, best="0"),),
    reads=(SPATIAL_MOMENTS,),
    uncertainty=uncertainty,
    uncertainty_reads=(SPATIAL_SAMPLE,),
    paper="Nash et al. 2021, arXiv:2103.03841",
)
