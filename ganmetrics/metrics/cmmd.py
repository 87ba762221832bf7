"""CLIP maximum mean discrepancy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.errors import UsageError
from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES, SAMPLE
from ganmetrics.numerics.directions import unit_rows
from ganmetrics.numerics.discrepancy import kernel_expansion
from ganmetrics.numerics.kernels import gaussian_kernel, mean_gaussian_kernel

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike

# The factor that the paper prints the discrepancy with.
SCALE = 1000.0
# Rows whose influence is taken, at random among all.
MAX_ROWS = 4096


def cmmd(real_features: ArrayLike, fake_features: ArrayLike, *, sigma: float = 10.0) -> float:
    """Squared maximum mean discrepancy of unit vectors with a Gaussian kernel, times 1000.

    Use it with CLIP's features where sets are small or the images are unlike ImageNet's. Lower is better, 0 is best.
    The V-statistic: biased upward by about 1000 / n of one minus the mean kernel, which for thousands of images is
    little, and equal sets give exactly 0.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The paper takes the image embeddings of CLIP ViT-L/14 at 336 pixels. Rows are brought to unit length.
        Rows that are all zero have no direction; they share one that no other row has.
    sigma : float
        Width σ of the kernel ``exp(-|x - y|² / 2σ²)``, in units of unit vectors.

    Returns
    -------
    float
        At least 0, at most 2000.

    Raises
    ------
    InputError
        A set has fewer than two rows, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``sigma`` is not above 0.

    Notes
    -----
    It is computed in float64 and in bounded memory; the diagonal stays in, as in the authors' code. At σ = 10 the
    kernel of unit vectors is nearly linear, so the score is close to ``1000 |mean difference|² / σ²``.

    References
    ----------
    Jayasumana et al.: Rethinking FID: Towards a Better Evaluation Metric for Image Generation. CVPR 2024,
    arXiv:2401.09603.

    Examples
    --------
    >>> import numpy as np
    >>> real, fake = np.tile([[1.0, 0.0]], (4, 1)), np.tile([[0.0, 1.0]], (4, 1))  # |x - y|² = 2
    >>> round(cmmd(real, fake), 6), round(2000 * (1 - float(np.exp(-0.01))), 6)
    (19.900333, 19.900333)
    """
    if not sigma > 0:
        raise UsageError(f"sigma is {sigma}; it must be above 0", where="cmmd.sigma")
    real, fake = (unit_rows(x) for x in matrix_pair(real_features, fake_features))
    within = mean_gaussian_kernel(real, real, sigma) + mean_gaussian_kernel(fake, fake, sigma)
    return max(0.0, SCALE * (within - 2 * mean_gaussian_kernel(real, fake, sigma)))


def uncertainty(computed: float, given: Given) -> dict[str, Estimated]:
    """Tell how uncertain CMMD is, on the logarithmic scale, from the influence of each row."""
    sigma = float(given.settings["sigma"])
    real, fake = (unit_rows(side.sample[:MAX_ROWS].double()) for side in (given.real, given.fake))
    expansion = kernel_expansion(real, fake, lambda x, y: SCALE * gaussian_kernel(x, y, sigma))
    sizes = Sizes(len(given.real.features), len(given.fake.features))
    return {"cmmd": expanded(computed, sizes, expansion.influence, expansion.second.error(*sizes), base=computed)}


METRIC = Metric(
    name="cmmd",
    function=cmmd,
    parts=(Part("cmmd", "CMMD", higher_is_better=False, best="0"),),
    reads=(FEATURES,),
    paper="Jayasumana et al. 2024, arXiv:2401.09603",
    cost="all pairs",
    uncertainty=uncertainty,
    uncertainty_reads=(SAMPLE,),
)
