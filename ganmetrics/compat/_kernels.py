"""KID's distance with other kernels than its own, as torchmetrics' and torch-fidelity's arguments describe them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganmetrics.errors import UsageError
from ganmetrics.numerics.resampling import paired_subsets, seeded
from ganmetrics.registry import unknown


class Polynomial(NamedTuple):
    """The kernel (gamma x·y + coef)^degree; gamma is 1 / D where it is ``None``."""

    degree: int = 3
    gamma: float | None = None
    coef: float = 1.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The values of all pairs, [n, D], [m, D] -> [n, m]."""
        return (x @ y.T * (1 / x.shape[1] if self.gamma is None else self.gamma) + self.coef) ** self.degree


class Gaussian(NamedTuple):
    """The kernel exp(-|x - y|² / 2 sigma²)."""

    sigma: float = 10.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The values of all pairs, [n, D], [m, D] -> [n, m]."""
        squares = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()
        return torch.exp(squares / (-2 * self.sigma**2))


def kernel_distance(
    real: Tensor, fake: Tensor, subsets: int, size: int, kernel: Polynomial | Gaussian, seed: int = 2020
) -> tuple[float, float]:
    """Return the mean over subsets of the unbiased squared distance, and their standard deviation (ddof 0).

    Subsets are drawn as those of ``gm.functional.kid``. Everything is in float64.
    """
    values = []
    for of_real, of_fake in paired_subsets(len(real), len(fake), size, subsets, seeded(seed)):
        x, y = real[torch.from_numpy(of_real)].double(), fake[torch.from_numpy(of_fake)].double()
        within = sum(float(each.sum() - each.diagonal().sum()) for each in (kernel(x, x), kernel(y, y)))
        values.append(within / (size * (size - 1)) - 2 * float(kernel(x, y).mean()))
    return float(np.mean(values)), float(np.std(values))


def chosen_kernel(kind: str, polynomial: tuple[int, float | None, float], sigma: float) -> Polynomial | Gaussian | None:
    """Return another kernel than KID's own, which is ``None`` (UsageError)."""
    if kind not in ("poly", "rbf"):
        raise unknown("kid_kernel", str(kind), ["poly", "rbf"])
    if kind == "rbf":
        if not sigma > 0:
            raise UsageError(f"kid_kernel_rbf_sigma is {sigma}; it must be above 0", where="kid_kernel_rbf_sigma")
        return Gaussian(sigma)
    found = Polynomial(*polynomial)
    return None if found == Polynomial() else found
