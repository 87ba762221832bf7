"""Real images that no generated one is like, in groups: what is missing where no labels name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.resampling import seeded
from ganmetrics.numerics.ridge import left_out_scores

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair

# Rows of each side that are compared.
ROWS = 2_000
# The share of the real images that is shown, and in how many groups.
SHARE, GROUPS = 0.15, 6


def unlike_reals(pair: Pair) -> list[Tensor]:
    """Return the real images that a linear classifier tells most surely from generated ones, in groups of like ones.

    Of large sets, images that are evenly spaced are compared. Each group holds indices of real images, the surest
    first, and the largest group comes first.
    """
    real, fake = pair.real.features, pair.fake.features
    assert real is not None and fake is not None
    places = torch.arange(len(real))[:: -(-len(real) // ROWS)]
    rows, others = real[places], fake[:: -(-len(fake) // ROWS)]
    is_real = torch.arange(len(rows) + len(others)) < len(rows)
    scores, _ = left_out_scores(torch.cat([rows, others]), rows[:1], is_real.double()[:, None])
    chosen = scores[: len(rows), 0].argsort(descending=True)[: max(GROUPS, int(SHARE * len(rows)))]
    few = rows[chosen].double()
    few = (few - few.mean(dim=0)) / few.std(dim=0).clamp(min=1e-12)
    members = nearest_center(few, kmeans(few, min(GROUPS, len(few)), seeded(pair.seed)))[0]
    groups = [places[chosen[members == group]] for group in members.unique().tolist()]
    return sorted(groups, key=len, reverse=True)
