r"""The squared Fréchet (2-Wasserstein) distance of two Gaussians, exact for singular covariances too.

.. math:: d^2 = \|\mu_r - \mu_f\|^2 + \mathrm{tr}(\Sigma_r + \Sigma_f) - 2\,\mathrm{tr}(\Sigma_r\Sigma_f)^{1/2}

With any factors Σr = FrᵀFr and Σf = FfᵀFf the last trace is the nuclear norm of Fr Ffᵀ (the sum of its singular
values), so no matrix square root is taken. A factor comes from centred features, when there are fewer of them than
dimensions, or from a pivoted Cholesky factorisation (LAPACK ``dpstrf``), which stops at the rank.

References
----------
Dowson, Landau: The Fréchet distance between multivariate normal distributions. J. Multivariate Analysis 12, 1982.
Heusel et al.: GANs Trained by a Two Time-Scale Update Rule. NeurIPS 2017, arXiv:1706.08500.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg

from ganmetrics.errors import NumericalError, StatisticsError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

EPSILON = float(np.finfo(np.float64).eps)
ASYMMETRY = 1e-6  # largest relative departure of a covariance from symmetry and from a positive spectrum
PROBES = 16  # vectors that miss a spectrum with negative parts once in 2^16 at most
CLEAR = 16  # roundings of the largest eigenvalue above which another is surely positive
CHEAP = 512  # rank up to which singular values cost no time worth saving
TRUSTED = 2e-10  # error of the trace, relative to tr Σr + tr Σf, up to which eigenvalues stand in for singular values
LARGEST = 1e302  # covariances of larger numbers have traces that overflow in the largest dimensions
NEGATIVE = 1e-6  # a relative result below minus this is a bug, above it rounding


def frechet_distance(mu_r: Array, sigma_r: Array, mu_f: Array, sigma_f: Array) -> float:
    """The squared Fréchet distance of N(mu_r, sigma_r) and N(mu_f, sigma_f).

    Parameters
    ----------
    mu_r, mu_f : float64 [D]
    sigma_r, sigma_f : float64 [D, D], symmetric and positive semidefinite, of any rank

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    StatisticsError
        A covariance that is not symmetric or not positive semidefinite.
    NumericalError
        A clearly negative result, which would be a bug.
    """
    return distance_given(mu_r, pivoted(sigma_r, "real"), mu_f, sigma_f)


def distance_given(mu_r: Array, factor_r: Pivoted, mu_f: Array, sigma_f: Array) -> float:
    """The same where the first covariance has been factored before."""
    _check_symmetric(sigma_f, "fake")
    traces = factor_r.trace + float(np.trace(sigma_f))
    cross = _definite_cross_trace(factor_r, sigma_f, traces)
    if cross is None:
        return distance_of_factors(mu_r, factor_r.rows(), mu_f, psd_factor(sigma_f, "fake"))
    return _distance(mu_r, mu_f, traces, cross)


def distance_of_factors(mu_r: Array, factor_r: Array, mu_f: Array, factor_f: Array) -> float:
    """The same from two factors, sigma = factor.T @ factor with factor [R, D] of any R >= 0."""
    traces = _squared_norm(factor_r) + _squared_norm(factor_f)
    return _distance(mu_r, mu_f, traces, cross_trace(factor_r, factor_f, traces))


def _distance(mu_r: Array, mu_f: Array, traces: float, cross: float) -> float:
    shift = np.asarray(mu_r) - np.asarray(mu_f)
    value = float(shift @ shift) + traces - 2 * cross
    if not value >= -NEGATIVE * traces:
        raise NumericalError(f"the squared Fréchet distance came out as {value:.6g}, with traces of {traces:.6g}")
    return max(value, 0.0)


def _squared_norm(factor: Array) -> float:  # [R, D] -> the trace of its covariance
    entries = factor.ravel(order="K")  # in memory's order, which copies nothing
    return float(entries @ entries)


def centred_factor(features: Array) -> Array:  # [N, D] -> [N, D], F.T @ F = the covariance with N - 1
    return (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)


class Pivoted(NamedTuple):
    """The pivoted Cholesky factor of a positive semidefinite matrix [D, D] of rank R.

    Attributes
    ----------
    lower : float64 [D, D]
        Its first R columns on and below the diagonal; what else is there means nothing.
    pivots : int [D]
        Where its rows stand in the matrix.
    rank : int
    trace : float
        Of the matrix.
    """

    lower: Array
    pivots: np.ndarray[Any, np.dtype[np.int64]]
    rank: int
    trace: float

    def rows(self) -> Array:
        """The factor F [R, D], F.T @ F = the matrix."""
        columns = np.empty((len(self.lower), self.rank))  # the transpose, whose rows lie together
        columns[self.pivots] = np.tril(self.lower[:, : self.rank])
        return columns.T

    def scaled(self, by: float) -> Pivoted:
        """The factor of ``by`` times the matrix."""
        return self if by == 1.0 else self._replace(lower=self.lower * by**0.5, trace=self.trace * by)


def pivoted(sigma: Array, side: str = "") -> Pivoted:
    """The pivoted Cholesky factor of a positive semidefinite matrix (StatisticsError where it is none)."""
    largest = _check_symmetric(sigma, side)
    if largest == 0.0:
        return Pivoted(np.zeros_like(sigma), np.arange(len(sigma)), 0, 0.0)
    lower, pivots, rank, _ = linalg.lapack.dpstrf(sigma, lower=1)
    found = Pivoted(lower, pivots.astype(np.int64) - 1, int(rank), float(np.trace(sigma)))
    if rank < len(sigma) and _leaves(sigma, found.rows()) > ASYMMETRY * largest:
        raise StatisticsError("the covariance is not positive semidefinite", where=side, code="E-NOT-PSD")
    return found


def psd_factor(sigma: Array, side: str = "") -> Array:
    """A factor [R, D] of a positive semidefinite matrix [D, D] of rank R, by pivoted Cholesky."""
    return pivoted(sigma, side).rows()


def _check_symmetric(sigma: Array, side: str) -> float:
    """The largest magnitude in a matrix, which must be finite and symmetric."""
    largest = float(np.abs(sigma).max(initial=0.0))
    if not largest < LARGEST:
        what = "NaN or infinity" if not np.isfinite(largest) else f"numbers beyond {LARGEST:g}, whose sums overflow"
        raise StatisticsError(f"the covariance holds {what}", where=side, code="E-NOT-FINITE")
    if float(np.abs(sigma - sigma.T).max(initial=0.0)) > ASYMMETRY * largest:
        raise StatisticsError("the covariance is not symmetric", where=side, code="E-NOT-PSD")
    return largest


def _definite_cross_trace(factor_r: Pivoted, sigma_f: Array, traces: float) -> float | None:
    """tr(Σr Σf)^½ of two large definite matrices without factoring the second; None where that is not surely exact.

    With Σr = P L Lᵀ Pᵀ of full rank, Lᵀ Pᵀ Σf P L (LAPACK ``dsygst``, a quarter of two products' work) has as many
    negative and zero eigenvalues as Σf (Sylvester): all of them clearly positive prove that Σf is definite too.
    """
    if factor_r.rank < len(sigma_f) or len(sigma_f) <= CHEAP:
        return None
    units = math.sqrt(factor_r.trace), float(np.abs(sigma_f).max())  # so that nothing overflows in any unit
    if units[1] == 0.0:
        return None
    turned = np.asfortranarray(sigma_f[np.ix_(factor_r.pivots, factor_r.pivots)])
    turned /= units[1]
    product, _ = linalg.lapack.dsygst(turned, factor_r.lower / units[0], itype=2, lower=1, overwrite_a=1)
    squares = linalg.eigvalsh(product, lower=True, check_finite=False, overwrite_a=True, driver="ev")
    unit = units[0] * math.sqrt(units[1])
    if squares[0] <= CLEAR * EPSILON * squares[-1] or _root_error(squares) > TRUSTED * traces / unit:
        return None
    return unit * float(np.sqrt(squares).sum())


def _leaves(sigma: Array, factor: Array) -> float:
    """About the largest entry of sigma - factor.T @ factor, seen through a few fixed vectors of signs.

    A factorisation that went through to full rank proves a positive spectrum; one that stopped must have left nothing.
    """
    signs = np.random.RandomState(0).choice([-1.0, 1.0], (len(sigma), PROBES))
    return float(np.abs(sigma @ signs - factor.T @ (factor @ signs)).max())


def cross_trace(factor_r: Array, factor_f: Array, traces: float) -> float:
    """tr(Σr Σf)^½, the nuclear norm of factor_r @ factor_f.T.

    The singular values are the roots of the eigenvalues of the smaller Gram matrix, which cost a third of them; that
    root amplifies rounding near zero, so singular values are taken wherever the error bound is not small enough.
    """
    product = factor_r @ factor_f.T
    unit = float(np.abs(product).max(initial=0.0))
    if unit == 0.0:
        return 0.0
    product, traces = product / unit, traces / unit  # so that squares neither overflow nor vanish in any unit
    if product.shape[0] > product.shape[1]:
        product = product.T
    if len(product) > CHEAP:
        squares = linalg.eigvalsh(product @ product.T, check_finite=False, driver="ev")  # the fastest without vectors
        if _root_error(squares) <= TRUSTED * traces:
            return unit * float(np.sqrt(np.maximum(squares, 0.0)).sum())
    return unit * float(linalg.svdvals(product, check_finite=False).sum())


def _root_error(squares: np.ndarray[Any, Any]) -> float:  # ascending eigenvalues [R] -> float
    """The error to expect in the sum of their roots if each is off by one rounding of the largest.

    Errors of eigenvalues well above that noise have either sign and add up as a random walk; one that may be zero
    adds its whole root.
    """
    noise = EPSILON * squares[-1]
    above = squares > CLEAR * noise
    spread = noise / (2 * np.sqrt(squares[above]))
    return float(np.sqrt(np.sum(spread**2)) + np.count_nonzero(~above) * np.sqrt(noise))
