"""Real images that no generated one is like, in groups: what is missing where no labels name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.resampling import seeded
from ganmetrics.numerics.ridge import left_out_scores

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Features

# Rows of each side that are compared.
ROWS = 2_000
# The share of the real images that is shown, and in how many groups.
SHARE, GROUPS = 0.15, 6


def unlike_reals(real: Features, fake: Features, seed: int) -> list[Tensor]:
    """Return the real images that a linear classifier tells most surely from generated ones, in groups of like ones.

    Parameters
    ----------
    real, fake : Tensor, float32 [N, D], [M, D]
        Of larger sets, rows that are evenly spaced are compared.
    seed : int
        Seed of the groups.

    Returns
    -------
    list of Tensor
        Indices of real images, the surest first; the largest group first.
    """
    places = torch.arange(len(real))[:: -(-len(real) // ROWS)]
    rows, others = real[places], fake[:: -(-len(fake) // ROWS)]
    is_real = torch.arange(len(rows) + len(others)) < len(rows)
    scores, _ = left_out_scores(torch.cat([rows, others]), rows[:1], is_real.double()[:, None])
    chosen = scores[: len(rows), 0].argsort(descending=True)[: max(GROUPS, int(SHARE * len(rows)))]
    few = rows[chosen].double()
    few = (few - few.mean(dim=0)) / few.std(dim=0).clamp(min=1e-12)
    members = nearest_center(few, kmeans(few, min(GROUPS, len(few)), seeded(seed)))[0]
    groups = [places[chosen[members == group]] for group in members.unique().tolist()]
    return sorted(groups, key=len, reverse=True)
