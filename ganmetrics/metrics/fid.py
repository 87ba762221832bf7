"""Fréchet inception distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganmetrics.errors import InputError, NumericalError, StatisticsError, UsageError
from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES, MOMENTS, SAMPLE
from ganmetrics.numerics.cholesky import centred_factor, pivoted
from ganmetrics.numerics.influence import FrechetExpansion, Gaussian, Influence
from ganmetrics.numerics.leave_one_out import frechet_losses
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.root_trace import Traces, traces_of, traces_of_factors

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.numerics.cholesky import Array
    from ganmetrics.types import ArrayLike

    # The moments of a set, and rows of it where any are at hand.
    Side = tuple[Moments, Tensor | None]

# A distance below minus this share of the traces is a bug, above it rounding.
NEGATIVE = 1e-6


def fid(real_features: ArrayLike, fake_features: ArrayLike, *, denominator: str = "n-1") -> float:
    r"""Fréchet inception distance: the squared Fréchet distance of the Gaussians fitted to two sets of features.

    Use it to compare generators at one number of images of one data set. Lower is better, 0 is best (equal means and
    covariances), in squared units of the features. FID is biased upward: by about (D + D(D + 1) / 4)(1 / N + 1 / M)
    for unit covariance, so only values at equal N and M compare.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of one extractor. The literature's FID takes the 2048 features of the FID
        Inception network.
    denominator : {"n-1", "n"}
        The denominator of the covariances: N - 1, as in nearly every package, or N, as in StyleGAN3's.

    Returns
    -------
    float
        The squared distance, at least 0.

    Raises
    ------
    InputError
        The sets are no matrices of one width, have fewer than two rows, or hold NaN or infinity.
    UsageError
        The denominator is neither ``"n-1"`` nor ``"n"``.

    Notes
    -----
    With the means μ and covariances Σ of both sets,

    .. math:: d^2 = \|\mu_r - \mu_f\|^2 + \mathrm{tr}\,\Sigma_r + \mathrm{tr}\,\Sigma_f
        - 2\,\mathrm{tr}(\Sigma_r\Sigma_f)^{1/2}.

    Everything is computed in float64. The last trace is a nuclear norm (``numerics.root_trace``), which is exact where
    there are fewer rows than dimensions. The authors' code takes ``scipy.linalg.sqrtm`` of the product, which is not.

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
    return frechet_from_traces(mean_of(real), mean_of(fake), traces_of_factors(*factors))


def frechet_from_traces(mu_r: Array, mu_f: Array, traces: Traces) -> float:
    """‖μr − μf‖² + tr Σr + tr Σf − 2 tr(Σr Σf)^½: the squared Fréchet distance of two Gaussians.

    Raises
    ------
    NumericalError
        The distance is clearly negative, which would be a bug.
    """
    gap, spread = mu_r - mu_f, traces.real + traces.fake
    distance = float(gap @ gap) + spread - 2 * traces.root
    if not distance >= -NEGATIVE * spread:
        raise NumericalError(f"the squared Fréchet distance came out as {distance:.6g}, with traces of {spread:.6g}")
    return max(distance, 0.0)


def frechet_distance(mu_r: ArrayLike, sigma_r: ArrayLike, mu_f: ArrayLike, sigma_f: ArrayLike) -> float:
    """Squared Fréchet distance of two Gaussians given by their means and covariances, real before fake.

    Use it where means and covariances are at hand, such as those of another package's files. Lower is better, 0 is best
    (equal Gaussians), in squared units of the features. It is exact, whatever the ranks of the covariances.

    Parameters
    ----------
    mu_r, mu_f : array_like, [D]
        Lists, arrays or tensors of real numbers, on any device.
    sigma_r, sigma_f : array_like, [D, D]
        Symmetric and positive semidefinite matrices.

    Returns
    -------
    float
        The squared distance, at least 0.

    Raises
    ------
    StatisticsError
        The shapes do not fit, the numbers of dimensions differ, a value is NaN or infinite, or a matrix is no
        covariance. The error names the side (real, fake).

    Notes
    -----
    The distance is computed in float64 without a matrix square root (``numerics.root_trace``), whereas pytorch-fid and
    its descendants take ``scipy.linalg.sqrtm`` and add to the diagonals where it fails.

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
    (mean_r, covariance_r), (mean_f, covariance_f) = real, fake
    return frechet_from_traces(mean_r, mean_f, traces_of(pivoted(covariance_r, "real"), covariance_f))


def fid_of_moments(real: Moments, fake: Moments, *, denominator: str = "n-1") -> float:
    """Compute FID from the moments that one pass over each set leaves."""
    factor_r = real.factor.scaled(_scale(denominator, real.count))
    sigma_f = _scale(denominator, fake.count) * fake.covariance().numpy()
    return frechet_from_traces(real.mean.numpy(), fake.mean.numpy(), traces_of(factor_r, sigma_f))


def fid_losses(real: Moments, fake: Tensor, denominator: str = "n-1") -> Tensor:  # fake: [N, D] -> [N]
    """How much lower FID is without each of the fakes, of which there must be at least three (InputError)."""
    if len(fake) < 3:
        what = f"FID without one of {len(fake)} fakes has no covariance; an attribution needs at least 3"
        raise InputError(what, where="fake", code="E-TOO-FEW")
    factor = real.factor.scaled(_scale(denominator, real.count)).rows()
    before, after = (_scale(denominator, len(fake) - out) for out in (0, 1))
    scales = before, after * (len(fake) - 1) / (len(fake) - 2)
    gaussian = Gaussian(real.mean.cpu().numpy(), factor)
    return torch.from_numpy(frechet_losses(gaussian, fake.double().cpu().numpy(), scales))


def _scale(denominator: str, count: int) -> float:
    """The factor that turns a covariance with the denominator n - 1 into the one that is asked for."""
    if denominator not in ("n-1", "n"):
        raise UsageError(f"denominator is {denominator!r}; it must be 'n-1' or 'n'", where="fid.denominator")
    return 1.0 if denominator == "n-1" else (count - 1) / count


def _gaussian(mu: Any, sigma: Any, side: str) -> tuple[Array, Array]:
    """Check a mean [D] and a covariance [D, D], and return both in float64 (StatisticsError)."""
    mean, covariance = _float64(mu, "mu", side), _float64(sigma, "sigma", side)
    if mean.ndim != 1 or not mean.size or covariance.shape != (len(mean), len(mean)):
        what = f"mu is of shape {list(mean.shape)} and sigma {list(covariance.shape)}; expected [D] and [D, D]"
        raise StatisticsError(what, where=side, code="E-SHAPE")
    if not np.isfinite(mean).all():
        raise StatisticsError("mu holds NaN or infinity", where=side, code="E-NOT-FINITE")
    return mean, covariance


def _float64(values: Any, name: str, side: str) -> Array:
    try:
        if isinstance(values, torch.Tensor):
            values = values.detach().cpu()
            values = values if values.is_complex() else values.double()
        array = np.asarray(values)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
        kind = str(array.dtype)
    except (TypeError, ValueError, ArithmeticError, RuntimeError):
        kind = type(values).__name__
    raise StatisticsError(f"{name} is {kind}; expected real numbers", where=side, code="E-DTYPE")


def mean_of(x: Tensor) -> Array:  # [N, D] -> [D]
    """Return the mean of rows."""
    return x.mean(dim=0).cpu().numpy()


def factor_of(x: Tensor) -> Array:  # [N, D] -> [R, D]
    """Return a factor of the covariance of rows: the centred rows themselves where they are fewer than dimensions."""
    if len(x) <= x.shape[1]:
        return centred_factor(x.cpu().numpy())
    return Moments.of(x).factor.rows()


def fid_uncertainty(value: float, real: Side, fake: Side) -> Estimated | None:
    """Tell how uncertain a Fréchet distance is, on the logarithmic scale; ``None`` without rows of the fakes.

    Below full rank the interval is taken within the span of the features, where it is a quarter too wide.
    """
    (real_moments, real_rows), (fake_moments, fake_rows) = real, fake
    if fake_rows is None:
        return None
    sides = (Gaussian(each.mean.numpy(), each.factor.rows()) for each in (real_moments, fake_moments))
    expansion = FrechetExpansion(*sides)
    # Saved statistics may hold no rows of the real images: their noise is then left out, which the method says.
    on_fake, of_fakes = expansion.of(fake_rows.double().numpy(), "fake")
    on_real, of_reals = (None, None) if real_rows is None else expansion.of(real_rows.double().numpy(), "real")
    sizes = Sizes(real_moments.count, fake_moments.count)
    second = expansion.second_order(of_reals, of_fakes).error(*sizes)
    return expanded(value, sizes, Influence(on_real, on_fake), second, base=value)


def uncertainty(computed: float, given: Given) -> dict[str, Estimated] | None:
    """How uncertain FID is, from the influence of each image; ``None`` without rows of the fakes."""
    one = fid_uncertainty(computed, *((side.moments, side.sample) for side in (given.real, given.fake)))
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
