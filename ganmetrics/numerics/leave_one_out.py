r"""What a Fréchet distance would lose without each row of a set, exactly and for all rows at once, in float64.

Without the row x = μ + δ, the mean of n rows moves by -δ / (n - 1), and their covariance is

.. math:: \Sigma' = \frac{n - 1}{n - 2} \left(\Sigma - \frac{n}{(n - 1)^2}\, \delta \delta^T\right)

With a positive semidefinite M and its eigenvalues s, and the coordinates z of y along its eigenvectors,

.. math:: \mathrm{tr}(M - y y^T)^{1/2} - \mathrm{tr}\, M^{1/2} = \frac{1}{\pi} \int_0^\infty
    \log\left(1 - \sum_k \frac{z_k^2}{s_k + t^2}\right) dt

which follows from √λ = ∫ log(1 + λ / t²) dt / π and the determinant of M + t² - y yᵀ. On t = eᵘ the trapezoidal rule
converges exponentially, because the integrand is analytic for \|Im u\| < π / 2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    from ganmetrics.numerics.influence import Gaussian

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Step of the trapezoidal rule, whose relative error is exp(-π² / STEP).
STEP = 0.4
# The range of t around the root of the largest eigenvalue, in decades; what lies beyond adds 1e-11 of it.
DECADES = (-11.0, 13.0)
# Rows whose coordinates are held at a time.
BLOCK = 4096


def frechet_losses(real: Gaussian, rows: Array, scales: tuple[float, float]) -> Array:  # [N, D] -> [N]
    """Compute how much lower the squared Fréchet distance of a Gaussian and some rows is without each row.

    Parameters
    ----------
    real : Gaussian
    rows : float64 [N, D], N >= 3
    scales : (float, float)
        The factors of the unbiased covariance of all rows, and of Σ - n / (n - 1)² δ δᵀ.
    """
    n, mean = len(rows), rows.mean(axis=0)
    centred, gap = rows - mean, mean - real.mean
    unit = max(float(np.abs(each).max(initial=0.0)) for each in (centred, gap, real.factor))
    if unit == 0.0:
        return np.zeros(n)
    # In this unit no square overflows or vanishes.
    centred, gap, factor = centred / unit, gap / unit, real.factor / unit
    norms = np.square(centred).sum(axis=1)
    shift = 2 * centred @ gap / (n - 1) - norms / (n - 1) ** 2
    rho = n / (n - 1) ** 2
    trace, (before, after) = norms.sum() / (n - 1), scales
    total, falls = _root_falls(centred @ factor.T, rho)
    cross = math.sqrt(before) * total - math.sqrt(after) * (total - falls)
    return (shift + before * trace - after * (trace - rho * norms) - 2 * cross) * unit * unit


def _root_falls(turned: Array, rho: float) -> tuple[float, Array]:  # [N, R] -> tr M^½ and [N]
    """Return tr M^½ with M = YᵀY / (n - 1) of the rows y, and how much lower it is for each M - ρ y yᵀ."""
    n, width = turned.shape
    if n <= width:
        _, values, vectors = linalg.svd(turned, full_matrices=False, check_finite=False)
        squares, vectors = np.square(values) / (n - 1), vectors.T
    else:
        squares, vectors = linalg.eigh(turned.T @ turned / (n - 1), check_finite=False)
        squares = np.maximum(squares, 0.0)
    largest = squares.max(initial=0.0)
    if not largest > 0:
        return 0.0, np.zeros(n)
    low, high = (decade * math.log(10) for decade in DECADES)
    t = np.exp(np.arange(low, high, STEP))
    # The integrand on a grid of t, in units of the largest eigenvalue: [R, T].
    weights = 1 / (squares[:, None] / largest + np.square(t))
    falls = np.empty(n)
    for start in range(0, n, BLOCK):
        z = np.square(turned[start : start + BLOCK] @ vectors) * (rho / largest)
        # log(1 - ρ Σ z² / (s + t²)), whose argument is above 0 but for rounding: [n, T].
        inside = np.log1p(-np.minimum(z @ weights, 1 - 1e-16))
        # The trapezoidal rule on t = eᵘ, where dt = t du.
        falls[start : start + BLOCK] = -(inside @ t) * (STEP / math.pi)
    return float(np.sqrt(squares).sum()), falls * math.sqrt(largest)
