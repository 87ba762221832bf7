"""The squared maximum mean discrepancy of two samples, expanded to second order, by any kernel; in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ganmetrics.numerics.influence import SEED, Influence, SecondOrder, pair_indices, root_mean_square
from ganmetrics.numerics.kernels import polynomial_kernel

if TYPE_CHECKING:
    from torch import Tensor

    # A kernel takes rows [N, D] and [M, D] and gives the matrix [N, M].
    Kernel = Callable[[Tensor, Tensor], Tensor]

# Random pairs whose kernel values are the diagonal of one matrix.
FEW = 50


class KernelExpansion(NamedTuple):
    """The squared maximum mean discrepancy near two samples.

    Attributes
    ----------
    influence : Influence
    second : SecondOrder
    unbiased : float
        The discrepancy of all rows, diagonals left out.
    diagonals : (float, float)
        How much more a row is like itself than like another row of its sample, real and fake: each side of n rows adds
        a n-th of it to the biased discrepancy, which is never negative.
    """

    influence: Influence
    second: SecondOrder
    unbiased: float
    diagonals: tuple[float, float]


def kernel_expansion(
    real: Tensor, fake: Tensor, kernel: Kernel = polynomial_kernel, *, block: int = 1024
) -> KernelExpansion:
    """Expand the discrepancy of two samples, [N, D] and [M, D] of at least two rows each.

    A real row has the influence 2 (E k(x, r') - E k(x, f)), less the mean, and a fake one the same with the roles
    exchanged; the second-order kernel of two rows is twice the doubly centred k, minus twice across the samples.
    """
    # Mean kernels of each row, [N] and [M]: with the other rows of its sample, and with the other sample.
    own = [_of_pairs(x, x, kernel) for x in (real, fake)]
    within = [(_row_sums(x, kernel, block) - k) / (len(x) - 1) for x, k in zip((real, fake), own, strict=True)]
    across_r, across_f = _both_means(real, fake, kernel, block)
    rows = [2 * (inner - outer) for inner, outer in zip(within, (across_r, across_f), strict=True)]
    rng = np.random.RandomState(SEED)
    second = SecondOrder(
        _centred((real, real), (within[0], within[0]), kernel, rng),
        _centred((fake, fake), (within[1], within[1]), kernel, rng),
        _centred((real, fake), (across_r, across_f), kernel, rng),
    )
    # MMD² = E k(r, r') + E k(f, f') - 2 E k(r, f), with the diagonals left out.
    means = [float(x.mean()) for x in within]
    diagonals = float(own[0].mean()) - means[0], float(own[1].mean()) - means[1]
    influence = Influence(*(x - x.mean() for x in rows))
    return KernelExpansion(influence, second, sum(means) - 2 * float(across_r.mean()), diagonals)


def _row_sums(x: Tensor, kernel: Kernel, block: int) -> Tensor:  # [N, D] -> [N]
    return torch.cat([kernel(rows, x).sum(dim=1) for rows in x.split(block)])


def _both_means(x: Tensor, y: Tensor, kernel: Kernel, block: int) -> tuple[Tensor, Tensor]:
    """Return the mean kernel of each row of a sample with the rows of the other: [N, D], [M, D] -> [N], [M]."""
    rows, columns = [], torch.zeros(len(y), dtype=y.dtype, device=y.device)
    for part in x.split(block):
        values = kernel(part, y)
        rows.append(values.mean(dim=1))
        columns += values.sum(dim=0)
    return torch.cat(rows), columns / len(x)


def _of_pairs(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:  # [P, D], [P, D] -> [P]
    return torch.cat([kernel(i, j).diagonal() for i, j in zip(x.split(FEW), y.split(FEW), strict=True)])


def _centred(
    sides: tuple[Tensor, Tensor], means: tuple[Tensor, Tensor], kernel: Kernel, rng: np.random.RandomState
) -> float:
    """Return the root mean square of twice the doubly centred kernel over random pairs."""
    x, y = sides
    places = pair_indices(len(x), len(y), 1, rng, is_within=x is y)
    i, j = (torch.from_numpy(index).to(x.device) for index in places)
    # k(x, x') - E k(x, ·) - E k(·, x') + E k: [P].
    values = _of_pairs(x[i], y[j], kernel)
    return 2 * root_mean_square((values - means[0][i] - means[1][j] + means[0].mean()).cpu().numpy())
