"""Fréchet inception distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganmetrics.metrics.record import Metric
from ganmetrics.metrics.validation import matrix_pair
from ganmetrics.numerics import frechet
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    import torch

    from ganmetrics.types import ArrayLike


def fid(real_features: ArrayLike, fake_features: ArrayLike) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features.

    Lower is better, 0 is best (equal means and covariances); in squared units of the features. Biased upward: by
    about (d + d(d + 1) / 4)(1 / n + 1 / N) for unit covariance, so only values at equal n and N compare.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Features of one extractor; the literature's FID takes the 2048 of the FID Inception network.

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
    Covariances have the N - 1 denominator, as in every peer but stylegan3; everything is computed in float64. The
    trace of the matrix square root is a nuclear norm (see ``numerics.frechet``): exact where there are fewer rows than
    dimensions, where ``scipy.linalg.sqrtm`` of the product is not.

    References
    ----------
    Heusel et al.: GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium. NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> round(fid(real, real + 3.0), 12)
    18.0
    """
    real, fake = matrix_pair(real_features, fake_features)
    return frechet.distance_of_factors(_mean(real), _factor(real), _mean(fake), _factor(fake))


def fid_of_moments(real: Moments, fake: Moments) -> float:
    """The same from the moments that one pass over each set leaves."""
    mu_r, mu_f = real.mean.numpy(), fake.mean.numpy()
    return frechet.frechet_distance(mu_r, real.covariance().numpy(), mu_f, fake.covariance().numpy())


def _mean(x: torch.Tensor) -> frechet.Array:  # [N, D] -> [D]
    return x.mean(dim=0).cpu().numpy()


def _factor(x: torch.Tensor) -> frechet.Array:  # [N, D] -> [R, D]
    if len(x) <= x.shape[1]:
        return frechet.centred_factor(x.cpu().numpy())
    return frechet.psd_factor(Moments.of(x).covariance().cpu().numpy())


METRIC = Metric(
    name="fid",
    title="FID",
    function=fid_of_moments,
    reads="moments",
    needs_real=True,
    higher_is_better=False,
    best="0",
    spread="",
    paper="Heusel et al. 2017, arXiv:1706.08500",
)
