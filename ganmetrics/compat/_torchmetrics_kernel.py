"""KID's distance with the kernel that torchmetrics' arguments describe."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganmetrics.numerics.resampling import paired_subsets, seeded

SEED = 2020
# The degree, gamma (1 / D where it is None) and coef of (gamma x·y + coef)^degree.
Kernel = tuple[int, float | None, float]


def kernel_distance(real: Tensor, fake: Tensor, subsets: int, size: int, kernel: Kernel) -> tuple[float, float]:
    """Return the mean over subsets of the unbiased squared distance, and their standard deviation (ddof 0).

    Subsets are drawn as those of ``gm.functional.kid``. Everything is in float64.
    """
    values = []
    for of_real, of_fake in paired_subsets(len(real), len(fake), size, subsets, seeded(SEED)):
        x, y = real[torch.from_numpy(of_real)].double(), fake[torch.from_numpy(of_fake)].double()
        xx, yy, xy = (_values(a, b, kernel) for a, b in ((x, x), (y, y), (x, y)))
        within = sum(float(each.sum() - each.diagonal().sum()) for each in (xx, yy))
        values.append(within / (size * (size - 1)) - 2 * float(xy.mean()))
    return float(np.mean(values)), float(np.std(values))


def _values(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:  # [n, D], [m, D] -> [n, m]
    degree, gamma, coef = kernel
    return (x @ y.T * (1 / x.shape[1] if gamma is None else gamma) + coef) ** degree
