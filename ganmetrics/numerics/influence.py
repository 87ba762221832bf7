r"""Influence functions: how much each row moves a statistic of two samples, to first order.

The influence of a row x on T(F) is the derivative of T((1 - ε) F + ε δ_x) at ε = 0; it has mean 0 over F, and the
variance of T over samples of n rows is var(influence) / n (Hampel 1974). Everything is in float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy import linalg

from ganmetrics.numerics.kernels import cubic_kernel, polynomial_kernel

if TYPE_CHECKING:
    from torch import Tensor

    Array = np.ndarray[Any, np.dtype[np.float64]]

NOISE = 1e-10  # singular values below this fraction of the largest are rounding: their directions are left out


class Influence(NamedTuple):
    """The influence of each row of both samples, in the units of the statistic.

    Attributes
    ----------
    real : Tensor, [N], or None
        ``None`` where the real side counts as exact.
    fake : Tensor, [M]
    """

    real: Tensor | None
    fake: Tensor

    def variance(self, num_real: int, num_fake: int) -> float:
        """Of the statistic from samples of these sizes, whatever the number of rows that tell it."""
        real = 0.0 if self.real is None else float(self.real.var()) / num_real
        return real + float(self.fake.var()) / num_fake

    def variance_of_difference(self, other: Influence, num_real: int, nums_fake: tuple[int, int]) -> float:
        """Of the difference of two such statistics against one real sample, whose own noise they share."""
        shared = 0.0
        if self.real is not None and other.real is not None:
            shared = float((self.real - other.real).var()) / num_real
        return shared + float(self.fake.var()) / nums_fake[0] + float(other.fake.var()) / nums_fake[1]


class Gaussian(NamedTuple):
    """A mean [D] and a factor [R, D] of a covariance, ``factor.T @ factor``."""

    mean: Array
    factor: Array


def frechet_influence(real: Gaussian, fake: Gaussian, rows_r: Array | None, rows_f: Array) -> Influence:
    r"""Of the squared Fréchet distance.

    With T = Σr^½ (Σr^½ Σf Σr^½)^-½ Σr^½, the optimal map from the fake Gaussian to the real one, a fake row x has

    .. math:: 2 (x - \mu_f)^T (\mu_f - \mu_r) + (x - \mu_f)^T (I - T) (x - \mu_f) - \mathrm{tr}((I - T) \Sigma_f)

    and a real row the same with the roles exchanged. From Fr Ffᵀ = U s Vᵀ follow T = (s^-½ Uᵀ Fr)ᵀ (s^-½ Uᵀ Fr), and
    the inverse map from V and Ff, so one decomposition serves both sides.
    """
    product = real.factor @ fake.factor.T
    if 0 in product.shape:  # a side of equal rows
        squares, left = np.empty(0), np.empty((len(product), 0))
    else:
        squares, left = linalg.eigh(product @ product.T, check_finite=False)  # a third of singular vectors' cost
    kept = squares > NOISE * squares.max(initial=0.0)
    left, values = left[:, kept], np.sqrt(squares[kept])
    to_real = (left / np.sqrt(values)).T @ real.factor
    on_fake = _gaussian_influence(rows_f, fake, real.mean, to_real)
    if rows_r is None:
        return Influence(None, on_fake)
    to_fake = (product.T @ left / values**1.5).T @ fake.factor
    return Influence(_gaussian_influence(rows_r, real, fake.mean, to_fake), on_fake)


def _gaussian_influence(rows: Array, own: Gaussian, other_mean: Array, root: Array) -> Tensor:
    """[N, D], a root [R, D] of the map to the other Gaussian, ``root.T @ root`` -> [N]."""
    centred = rows - own.mean
    linear = 2 * centred @ (own.mean - other_mean)
    quadratic = np.square(centred).sum(axis=1) - np.square(centred @ root.T).sum(axis=1)
    found = torch.from_numpy(linear + quadratic)
    return found - found.mean()


def kernel_influence(real: Tensor, fake: Tensor, *, block: int = 1024) -> Influence:
    """Of the squared maximum mean discrepancy with the cubic kernel: [N, D], [M, D], at least two rows each.

    A real row has 2 (E k(x, r') - E k(x, f)), less the mean, and a fake one the same with the roles exchanged.
    """
    within_r, within_f = (_mean_kernel(x, x, block, is_within=True) for x in (real, fake))
    across_r, across_f = _mean_kernel(real, fake, block), _mean_kernel(fake, real, block)
    on_real, on_fake = 2 * (within_r - across_r), 2 * (within_f - across_f)
    return Influence(on_real - on_real.mean(), on_fake - on_fake.mean())


def _mean_kernel(x: Tensor, y: Tensor, block: int, *, is_within: bool = False) -> Tensor:
    """The mean kernel of each row of x with the rows of y, itself left out: [N, D], [M, D] -> [N]."""
    sums = torch.cat([polynomial_kernel(rows, y).sum(dim=1) for rows in x.split(block)])
    if not is_within:
        return sums / len(y)
    own = cubic_kernel(x.square().sum(dim=1).div(x.shape[1]))
    return (sums - own) / (len(y) - 1)


def divergence_influence(log_p: Tensor) -> Influence:
    """Of the Inception Score of a whole set: its value times (KL(p(y | x) || p(y)) less the mean); [N, K]."""
    log_marginal = torch.logsumexp(log_p, dim=0) - torch.log(torch.tensor(len(log_p), dtype=log_p.dtype))
    divergence = torch.where(torch.isneginf(log_p), 0.0, log_p.exp() * (log_p - log_marginal)).sum(dim=1)
    mean = divergence.mean()
    return Influence(None, mean.exp() * (divergence - mean))
