"""Factors of covariances: F with FᵀF = Σ, exact for singular covariances too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg

from ganmetrics.errors import StatisticsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Largest relative departure of a covariance from symmetry and from a positive spectrum.
ASYMMETRY = 1e-6
# Vectors that miss a spectrum with negative parts once in 2^16 at most.
PROBES = 16
# Rows and columns of a block that fits into a processor's cache.
BLOCK = 128
# Covariances of larger numbers have traces that overflow in the largest dimensions.
LARGEST = 1e302


def centred_factor(features: Array) -> Array:  # [N, D] -> [N, D]
    """Return a factor of the covariance of rows (denominator N - 1): the rows themselves, centred and scaled."""
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
        The trace of the matrix.
    """

    lower: Array
    pivots: np.ndarray[Any, np.dtype[np.int64]]
    rank: int
    trace: float

    def rows(self) -> Array:
        """Return the factor F as an array [R, D]: F.T @ F is the matrix."""
        # The transpose is filled, so that its rows lie together in memory.
        columns = np.empty((len(self.lower), self.rank))
        columns[self.pivots] = np.tril(self.lower[:, : self.rank])
        return columns.T

    def scaled(self, by: float) -> Pivoted:
        """Return the factor of ``by`` times the matrix."""
        return self if by == 1.0 else self._replace(lower=self.lower * by**0.5, trace=self.trace * by)


def pivoted(sigma: Array, side: str = "") -> Pivoted:
    """Factor a covariance by pivoted Cholesky, which stops at the rank of the matrix (LAPACK ``dpstrf``).

    Parameters
    ----------
    sigma : float64 [D, D]
    side : str
        What an error calls the matrix: ``real`` or ``fake``.

    Raises
    ------
    StatisticsError
        The matrix is not finite, not symmetric or not positive semidefinite.
    """
    largest = check_symmetric(sigma, side)
    if largest == 0.0:
        return Pivoted(np.zeros_like(sigma), np.arange(len(sigma)), 0, 0.0)
    lower, pivots, rank, _ = linalg.lapack.dpstrf(sigma, lower=1)
    factor = Pivoted(lower, pivots.astype(np.int64) - 1, int(rank), float(np.trace(sigma)))
    # A factorisation that reached full rank proves a positive spectrum; one that stopped must have left nothing.
    if rank < len(sigma) and _leaves(sigma, factor.rows()) > ASYMMETRY * largest:
        raise StatisticsError("the covariance is not positive semidefinite", where=side, code="E-NOT-PSD")
    return factor


def check_symmetric(sigma: Array, side: str) -> float:
    """Return the largest magnitude in a matrix; refuse one that is not finite or not symmetric (StatisticsError)."""
    # NaN is the largest and the smallest of numbers that hold one.
    largest = max(float(sigma.max(initial=0.0)), -float(sigma.min(initial=0.0)))
    if not largest < LARGEST:
        what = "NaN or infinity" if not np.isfinite(largest) else f"numbers beyond {LARGEST:g}, whose sums overflow"
        raise StatisticsError(f"the covariance holds {what}", where=side, code="E-NOT-FINITE")
    asymmetry = max((float(np.abs(above - below.T).max()) for above, below in _mirror_images(sigma)), default=0.0)
    if asymmetry > ASYMMETRY * largest:
        raise StatisticsError("the covariance is not symmetric", where=side, code="E-NOT-PSD")
    return largest


def mirrored(lower: Array) -> Array:
    """Return the symmetric matrix [D, D], in C order, whose lower half is that of a matrix in Fortran order."""
    whole = np.array(lower.T, order="C")
    for above, below in _mirror_images(whole):
        if above is below:
            above[:] = np.triu(above) + np.triu(above, 1).T
        else:
            below[:] = above.T
    return whole


def _mirror_images(matrix: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the blocks on and above the diagonal, each with its mirror image, which is the same block on it.

    In a processor's cache a transpose costs no more than a copy, which for 2048 dimensions is a tenth of the time.
    """
    for row in range(0, len(matrix), BLOCK):
        rows = slice(row, row + BLOCK)
        for column in range(row, len(matrix), BLOCK):
            columns = slice(column, column + BLOCK)
            above = matrix[rows, columns]
            yield above, above if row == column else matrix[columns, rows]


def _leaves(sigma: Array, factor: Array) -> float:
    """About the largest entry of sigma - factor.T @ factor, seen through a few fixed vectors of signs."""
    signs = np.random.RandomState(0).choice([-1.0, 1.0], (len(sigma), PROBES))
    return float(np.abs(sigma @ signs - factor.T @ (factor @ signs)).max())
