"""How far the frequencies of the real images' kinds differ among generated images, where no labels tell the kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.limits import Number
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

# Few clusters have many images each, so that small shifts of many of them show. No single clustering follows the kinds.
CLUSTERS, CLUSTERINGS = 10, 5
RESAMPLES = 100


def frequency_gap(real: Tensor, fake: Tensor, seed: int) -> Number:
    """Return the chi-square distance between the frequencies of clusters of the real images, beyond that by chance.

    Parameters
    ----------
    real, fake : Tensor, float64 [N, D] and [M, D]
    seed : int
        Seed of the clusterings and of the resamples.

    Returns
    -------
    Number
        The mean of several clusterings of sum (p - q)² / (p + q) over the shares p and q of both sets in each cluster,
        less what two draws of one distribution have on average, with its error by the bootstrap. 0 is best, 2 most.
    """
    rng = seeded(seed)
    # Members of several clusterings are counted at once: those of the next have numbers of their own.
    members: tuple[list[Tensor], list[Tensor]] = ([], [])
    for number in range(CLUSTERINGS):
        centers = kmeans(real, CLUSTERS, rng)
        for side, rows in zip(members, (real, fake), strict=True):
            side.append(nearest_center(rows, centers)[0] + CLUSTERS * number)
    sides = [torch.stack(side, dim=1) for side in members]
    draws = [_gap(*(side[_resampled(len(side), rng)] for side in sides)) for _ in range(RESAMPLES)]
    return Number(_gap(*sides) - _by_chance(*sides), float(torch.tensor(draws, dtype=torch.float64).std()), most=2.0)


def _resampled(count: int, rng: np.random.RandomState) -> Tensor:
    return torch.from_numpy(rng.randint(count, size=count))


def _gap(real: Tensor, fake: Tensor) -> float:  # int64 [N, C], [M, C]
    p, q = (_shares(side) for side in (real, fake))
    return float(((p - q).square() / (p + q).clamp(min=1e-12)).sum()) / CLUSTERINGS


def _shares(members: Tensor) -> Tensor:  # int64 [N, C] -> float64 [C * CLUSTERS]
    return torch.bincount(members.flatten(), minlength=CLUSTERS * CLUSTERINGS).double() / len(members)


def _by_chance(real: Tensor, fake: Tensor) -> float:
    """Return the mean distance of two draws of one distribution: (K - 1) / 2 · (1 / N + 1 / M) for K clusters."""
    filled = int((_shares(real) + _shares(fake) > 0).sum()) / CLUSTERINGS
    return (filled - 1) / 2 * (1 / len(real) + 1 / len(fake))
