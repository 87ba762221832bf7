"""Fréchet inception distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.metrics._frechet import factor_of, fid_uncertainty, mean_of
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES, MOMENTS, SAMPLE
from ganmetrics.numerics import frechet
from ganmetrics.numerics.influence import Gaussian
from ganmetrics.numerics.leave_one_out import frechet_losses
from ganmetrics.numerics.moments import Moments

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.metrics._uncertainty import Estimated
    from ganmetrics.types import ArrayLike


def fid(real_features: ArrayLike, fake_features: ArrayLike, *, denominator: str = "n-1") -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features.

    Lower is better, 0 is best (equal means and covariances); in squared units of the features. Biased upward: by
    about (d + d(d + 1) / 4)(1 / n + 1 / N) for unit covariance, so only values at equal n and N compare.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Features of one extractor; the literature's FID takes the 2048 of the FID Inception network.
    denominator : {"n-1", "n"}
        Of the covariances: N - 1, as in nearly every package, or N, as in StyleGAN3's.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InputError
        Other shapes, fewer than two rows, NaN or infinity.
    UsageError
        Another denominator.

    Notes
    -----
    Everything is computed in float64. The trace of the matrix square root is a nuclear norm (see ``numerics.frechet``):
    exact where there are fewer rows than dimensions, where ``scipy.linalg.sqrtm`` of the product is not.

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
    factors = [_scale(denominator, len(side)) ** 0.5 * factor_of(side) for side in (real, fake)]
    return frechet.distance_of_factors(mean_of(real), factors[0], mean_of(fake), factors[1])


def frechet_distance(mu_r: ArrayLike, sigma_r: ArrayLike, mu_f: ArrayLike, sigma_f: ArrayLike) -> float:
    """Squared Fréchet distance of two Gaussians given by their means and covariances, real before fake.

    Lower is better, 0 is best (equal Gaussians); in squared units of the features. Exact, whatever the ranks.

    Parameters
    ----------
    mu_r, mu_f : array_like, [D]
        Lists, arrays or tensors of real numbers, on any device.
    sigma_r, sigma_f : array_like, [D, D]
        Symmetric and positive semidefinite.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    StatisticsError
        Other shapes, two dimensions, NaN or infinity, or a covariance that is none, with the side (real, fake).

    Notes
    -----
    Computed in float64 without a matrix square root; see ``numerics.frechet``.

    References
    ----------
    Dowson, Landau: The Fréchet distance between multivariate normal distributions. J. Multivariate Analysis 12, 1982.

    Examples
    --------
    >>> frechet_distance([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]], [3.0, 0.0], [[4.0, 0.0], [0.0, 1.0]])
    10.0
    """
    real, fake = _gaussian(mu_r, sigma_r, "real"), _gaussian(mu_f, sigma_f, "fake")
    if len(real[0]) != len(fake[0]):
        what = f"the real Gaussian has {len(real[0])} dimensions and the fake one {len(fake[0])}"
        raise StatisticsError(what, where="real, fake", hint="Both must come from one extractor", code="E-SHAPE")
    return frechet.frechet_distance(*real, *fake)


def fid_of_moments(real: Moments, fake: Moments, *, denominator: str = "n-1") -> float:
    """The same from the moments that one pass over each set leaves."""
    factor_r = real.factor.scaled(_scale(denominator, real.count))
    sigma_f = _scale(denominator, fake.count) * fake.covariance().numpy()
    return frechet.distance_given(real.mean.numpy(), factor_r, fake.mean.numpy(), sigma_f)


def fid_losses(real: Moments, fake: Tensor, denominator: str = "n-1") -> Tensor:  # fake: [N, D] -> [N]
    """How much lower FID is without each of the fakes, of which there must be three."""
    if len(fake) < 3:
        what = f"FID without one of {len(fake)} fakes has no covariance; an attribution needs at least 3"
        raise InputError(what, where="fake", code="E-TOO-FEW")
    factor = real.factor.scaled(_scale(denominator, real.count)).rows()
    before, after = (_scale(denominator, len(fake) - out) for out in (0, 1))
    scales = before, after * (len(fake) - 1) / (len(fake) - 2)
    gaussian = Gaussian(real.mean.cpu().numpy(), factor)
    return torch.from_numpy(frechet_losses(gaussian, fake.double().cpu().numpy(), scales))


def _scale(denominator: str, count: int) -> float:
    """What turns a covariance with the denominator n - 1 into the one that is asked for."""
    if denominator not in ("n-1", "n"):
        raise UsageError(f"denominator is {denominator!r}; it must be 'n-1' or 'n'", where="fid.denominator")
    return 1.0 if denominator == "n-1" else (count - 1) / count


def _gaussian(mu: Any, sigma: Any, side: str) -> tuple[frechet.Array, frechet.Array]:
    """The mean [D] and the covariance [D, D]."""
    mean, covariance = _float64(mu, "mu", side), _float64(sigma, "sigma", side)
    if mean.ndim != 1 or not mean.size or covariance.shape != (len(mean), len(mean)):
        what = f"mu is of shape {list(mean.shape)} and sigma {list(covariance.shape)}; expected [D] and [D, D]"
        raise StatisticsError(what, where=side, code="E-SHAPE")
    if not np.isfinite(mean).all():
        raise StatisticsError("mu holds NaN or infinity", where=side, code="E-NOT-FINITE")
    return mean, covariance


def _float64(values: Any, name: str, side: str) -> frechet.Array:
    try:
        if isinstance(values, torch.Tensor):
            values = values.detach().cpu()
            values = values if values.is_complex() else values.double()
        array = np.asarray(values)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
        found = str(array.dtype)
    except (TypeError, ValueError, ArithmeticError, RuntimeError):
        found = type(values).__name__
    raise StatisticsError(f"{name} is {found}; expected real numbers", where=side, code="E-DTYPE")


def uncertainty(found: float, given: Given) -> dict[str, Estimated] | None:
    """Of FID, from the influence of each image."""
    one = fid_uncertainty(found, *((side.moments, side.sample) for side in (given.real, given.fake)))
    return None if one is None else {"fid": one}


METRIC = Metric(
    name="fid",
    function=fid_of_moments,
    parts=(Part("fid", "FID", higher_is_better=False, best="0", scale="positive"),),
    reads=(MOMENTS,),
    silent=("denominator",),
    losses=fid_losses,
    losses_reads=(FEATURES,),
    uncertainty=uncertainty,
    uncertainty_reads=(SAMPLE,),
    resampling="bootstrap",
    paper="Heusel et al. 2017, arXiv:1706.08500",
)
