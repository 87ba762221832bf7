r"""Influence functions: how much each row moves a statistic of two samples, to first and to second order.

The influence of a row x on T(F) is the derivative of T((1 - ε) F + ε δ_x) at ε = 0; it has mean 0 over F, and the
variance of T over samples of n rows is var(influence) / n to first order (Hampel 1974). The second-order term has a
kernel h of two rows: T2 = ½ mean h(x, x'). It is what remains where the first order vanishes, as between two samples
of one distribution. Everything is in float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy import linalg

if TYPE_CHECKING:
    from torch import Tensor

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Singular values below this fraction of the largest are rounding: their directions are left out.
NOISE = 1e-10
# Random pairs of rows over which the second-order kernel is averaged; fewer above ``WIDE`` dimensions, where a pair
# costs the square of their number.
PAIRS = 2000
FEW_PAIRS = 500
WIDE = 512
SEED = 2020


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

    def error(self, num_real: int, num_fake: int) -> float:
        """Return the standard error for samples of these sizes, whatever the number of rows that tell it."""
        sides = ((self.real, num_real), (self.fake, num_fake))
        return math.hypot(*(deviation(rows) / num**0.5 for rows, num in sides if rows is not None))

    def freedom(self, num_real: int, num_fake: int) -> float:
        """Return the degrees of freedom of the error's square, from fourth moments of influences (Satterthwaite)."""
        total = self.error(num_real, num_fake)
        if not total > 0:
            return math.inf
        noise = 0.0
        for rows, num in ((self.real, num_real), (self.fake, num_fake)):
            if rows is None:
                continue
            # In units of the error the variances of both sides sum to 1.
            scaled = rows / (total * num**0.5)
            noise += float(scaled.pow(4).mean() - scaled.var() ** 2) / len(rows)
        return 2 / noise if noise > 0 else math.inf


class SecondOrder(NamedTuple):
    """Root mean squares of the second-order kernel over pairs of different rows, in the units of the statistic.

    Attributes
    ----------
    real, fake, cross : float
        The values for two real rows, for two fake rows, and for one row of each.
    """

    real: float
    fake: float
    cross: float

    def error(self, num_real: int, num_fake: int) -> float:
        """Return the standard error that the second-order term adds."""
        both = self.cross / (num_real * num_fake) ** 0.5 if num_real else 0.0
        return math.hypot(self.real / (2**0.5 * max(num_real, 1)), self.fake / (2**0.5 * num_fake), both)


def deviation(rows: Tensor) -> float:  # [N] -> float
    """Return the standard deviation (ddof 1), whose squares neither overflow nor vanish in any unit."""
    unit = float(rows.abs().max())
    return unit * float((rows / unit).std()) if 0 < unit < math.inf and len(rows) > 1 else 0.0


def root_mean_square(values: Array) -> float:
    """Return the root of the mean square, in any unit; 0 for no values."""
    unit = float(np.abs(values).max(initial=0.0))
    return unit * float(np.sqrt(np.mean(np.square(values / unit)))) if unit > 0 else 0.0


class Gaussian(NamedTuple):
    """A mean [D] and a factor [R, D] of a covariance, ``factor.T @ factor``."""

    mean: Array
    factor: Array


class FrechetExpansion:
    r"""The squared Fréchet distance near two Gaussians, to second order.

    With T = Σr^½ (Σr^½ Σf Σr^½)^-½ Σr^½, the optimal map from the fake Gaussian to the real one, a fake row x has the
    influence

    .. math:: 2 (x - \mu_f)^T (\mu_f - \mu_r) + (x - \mu_f)^T (I - T) (x - \mu_f) - \mathrm{tr}((I - T) \Sigma_f)

    and a real row the same with the roles exchanged. From Fr Ffᵀ = U ν Vᵀ follow coordinates, a = ν^-½ Uᵀ Fr (x - μf)
    of a fake row and b = ν^-½ Vᵀ Ff (y - μr) of a real one, in which both covariances are diag ν and the quadratic form
    of T is :math:`|a|^2`. With c = a ∘ a' and L_jk = 1 / (ν_j + ν_k) two fake rows have the second-order kernel

    .. math:: 2 \sum c + c^T L c - |a|^2 / 2 - |a'|^2 / 2 + \sum \nu / 2,

    two real ones the same with b, and one of each minus the same with a and b.
    """

    def __init__(self, real: Gaussian, fake: Gaussian) -> None:
        # In a power of two near the size of the features nothing overflows, vanishes or is rounded.
        sizes = [float(np.abs(part).max(initial=0.0)) for part in (real.factor, fake.factor, real.mean - fake.mean)]
        self.scale = 2.0 ** math.frexp(max(sizes))[1] if 0 < max(sizes) < math.inf else 1.0
        self.real, self.fake = (Gaussian(g.mean / self.scale, g.factor / self.scale) for g in (real, fake))
        product = self.real.factor @ self.fake.factor.T
        # One side has equal rows only, and so no variance.
        if 0 in product.shape:
            squares, left = np.empty(0), np.empty((len(product), 0))
        else:
            # Eigenvectors of the Gram matrix cost a third of singular vectors.
            squares, left = linalg.eigh(product @ product.T, check_finite=False)
        kept = squares > NOISE * squares.max(initial=0.0)
        left, self.nu = left[:, kept], np.sqrt(squares[kept])
        self._to_real = (left / np.sqrt(self.nu)).T @ self.real.factor
        self._product, self._left = product, left

    def of(self, rows: Array, side: str) -> tuple[Tensor, Array]:
        """Compute the influence of each row of ``"real"`` or ``"fake"`` and its coordinates: [n, D] -> [n], [n, R]."""
        own, other, root = self.fake, self.real, self._to_real
        if side == "real":
            own, other = other, own
            root = (self._product.T @ self._left / self.nu**1.5).T @ self.fake.factor
        centred = rows / self.scale - own.mean
        linear = 2 * centred @ (own.mean - other.mean)
        coordinates = centred @ root.T
        # The quadratic form of I - T is |x - μ|² less that of T, which is the squared length of the coordinates.
        quadratic = np.square(centred).sum(axis=1) - np.square(coordinates).sum(axis=1)
        influence = torch.from_numpy(linear + quadratic)
        return (influence - influence.mean()) * self.scale**2, coordinates

    def second_order(self, of_reals: Array | None, of_fakes: Array) -> SecondOrder:
        """Average the kernel over seeded random pairs of rows, given by coordinates; over fake rows alone for None."""
        rng = np.random.RandomState(SEED)
        sides = [(of_fakes, of_fakes)]
        sides += [] if of_reals is None else [(of_reals, of_reals), (of_reals, of_fakes)]
        found = []
        for x, y in sides:
            first, second = pair_indices(len(x), len(y), x.shape[1], rng, is_within=x is y)
            found.append(self._kernel(x[first], y[second]))
        fake, real, cross = found if len(found) == 3 else (*found, 0.0, 0.0)
        return SecondOrder(real, fake, cross)

    def _kernel(self, x: Array, y: Array) -> float:  # [P, R], [P, R] -> float
        c = x * y
        # cᵀ L c with L_jk = 1 / (ν_j + ν_k).
        curved = (c @ (1 / np.add.outer(self.nu, self.nu)) * c).sum(axis=1)
        norms = np.square(x).sum(axis=1) + np.square(y).sum(axis=1)
        return self.scale**2 * root_mean_square(2 * c.sum(axis=1) + curved - norms / 2 + self.nu.sum() / 2)


def pair_indices(
    count: int, others: int, dim: int, rng: np.random.RandomState, *, is_within: bool
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Draw the indices of as many random pairs as tell a mean square, in one sample or in two."""
    num = PAIRS if dim <= WIDE else FEW_PAIRS
    first = rng.randint(count, size=num)
    if not is_within:
        return first, rng.randint(others, size=num)
    return first, (first + rng.randint(1, count, size=num)) % count
