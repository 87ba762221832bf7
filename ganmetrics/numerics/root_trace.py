r"""The three traces in the distance of two Gaussians: tr Σr, tr Σf and tr(Σr Σf)^½, exact for singular covariances.

With any factors Σr = FrᵀFr and Σf = FfᵀFf the last trace is the nuclear norm of Fr Ffᵀ, the sum of its singular
values, so no matrix square root is taken. Three routes lead to it, from fast to slow:

1. eigenvalues of Σf in the coordinates of Fr, where both covariances are large and definite: Σf is not factored;
2. eigenvalues of the smaller Gram matrix of Fr Ffᵀ, where their rounding surely does not matter;
3. singular values of Fr Ffᵀ.

References
----------
Dowson, Landau: The Fréchet distance between multivariate normal distributions. J. Multivariate Analysis 12, 1982.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg

from ganmetrics.numerics.cholesky import check_symmetric, pivoted

if TYPE_CHECKING:
    from ganmetrics.numerics.cholesky import Array, Pivoted

EPSILON = float(np.finfo(np.float64).eps)
# Roundings of the largest eigenvalue above which another is surely positive.
CLEAR = 16
# Rank up to which singular values cost no time worth saving.
CHEAP = 512
# Error of the trace, relative to tr Σr + tr Σf, up to which eigenvalues stand in for singular values.
TRUSTED = 2e-10


class Traces(NamedTuple):
    """The traces of two covariances and of the root of their product.

    One route computes all three, so that their rounding cancels in the distance of equal Gaussians.

    Attributes
    ----------
    real, fake : float
        tr Σr and tr Σf.
    root : float
        tr(Σr Σf)^½.
    """

    real: float
    fake: float
    root: float


def traces_of(factor_r: Pivoted, sigma_f: Array) -> Traces:
    """Compute the traces of a covariance that is factored already and of one [D, D] that is not.

    Raises
    ------
    StatisticsError
        ``sigma_f`` is not finite, not symmetric or not positive semidefinite.
    """
    largest = check_symmetric(sigma_f, "fake")
    trace_f = float(np.trace(sigma_f))
    # Both are large and Σr is definite. With Σr = P L Lᵀ Pᵀ, the matrix Lᵀ Pᵀ Σf P L (LAPACK ``dsygst``, a quarter of
    # two products' work) has as many negative and zero eigenvalues as Σf (Sylvester): all of them clearly positive
    # prove that Σf is definite too.
    if factor_r.rank == len(sigma_f) > CHEAP and largest > 0.0:
        # In these units nothing overflows, whatever the unit of the features.
        scale = math.sqrt(factor_r.trace)
        unit = scale * math.sqrt(largest)
        turned = np.asfortranarray(sigma_f[np.ix_(factor_r.pivots, factor_r.pivots)])
        turned /= largest
        product, _ = linalg.lapack.dsygst(turned, factor_r.lower / scale, itype=2, lower=1, overwrite_a=1)
        squares = linalg.eigvalsh(product, lower=True, check_finite=False, overwrite_a=True, driver="ev")
        is_definite = squares[0] > CLEAR * EPSILON * squares[-1]
        if is_definite and _root_error(squares) <= TRUSTED * (factor_r.trace + trace_f) / unit:
            return Traces(factor_r.trace, trace_f, unit * float(np.sqrt(squares).sum()))
    return traces_of_factors(factor_r.rows(), pivoted(sigma_f, "fake").rows())


def traces_of_factors(factor_r: Array, factor_f: Array) -> Traces:
    """Compute the traces from factors [R, D] of the covariances, of any R >= 0."""
    # tr Σ = tr FᵀF is the sum of the factor's squares. Raveled in the order of memory, it is not copied.
    entries = [factor.ravel(order="K") for factor in (factor_r, factor_f)]
    trace_r, trace_f = (float(each @ each) for each in entries)
    return Traces(trace_r, trace_f, root_trace(factor_r, factor_f, trace_r + trace_f))


def root_trace(factor_r: Array, factor_f: Array, traces: float) -> float:
    """Return tr(Σr Σf)^½, the nuclear norm of factor_r @ factor_f.T; ``traces`` is tr Σr + tr Σf.

    The singular values are the roots of the eigenvalues of the smaller Gram matrix, which cost a third of them. That
    root amplifies rounding near zero, so singular values are taken wherever the error bound is not small enough.
    """
    product = factor_r @ factor_f.T
    unit = float(np.abs(product).max(initial=0.0))
    if unit == 0.0:
        return 0.0
    # In this unit squares neither overflow nor vanish, whatever the unit of the features.
    product, traces = product / unit, traces / unit
    if product.shape[0] > product.shape[1]:
        product = product.T
    if len(product) > CHEAP:
        # This driver is the fastest where no vectors are asked for.
        squares = linalg.eigvalsh(product @ product.T, check_finite=False, driver="ev")
        if _root_error(squares) <= TRUSTED * traces:
            return unit * float(np.sqrt(np.maximum(squares, 0.0)).sum())
    return unit * float(linalg.svdvals(product, check_finite=False).sum())


def _root_error(squares: np.ndarray[Any, Any]) -> float:  # ascending eigenvalues [R] -> float
    """The error to expect in the sum of the roots of eigenvalues, each off by one rounding of the largest.

    Errors of eigenvalues well above that noise have either sign and add up as a random walk; one that may be zero
    adds its whole root.
    """
    noise = EPSILON * squares[-1]
    above = squares > CLEAR * noise
    spread = noise / (2 * np.sqrt(squares[above]))
    return float(np.sqrt(np.sum(spread**2)) + np.count_nonzero(~above) * np.sqrt(noise))
