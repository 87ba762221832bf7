"""Rarity score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.metrics.manifold import feature_pair
from ganmetrics.metrics.record import Metric, Part
from ganmetrics.numerics.neighbors import blocks, neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def rarity(real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3) -> float:
    """Mean over the fakes on the manifold of the reals of how sparse the reals are about them.

    Higher is better, in the sense that unusual images are made too; in the units of the features, so it compares only
    under one extractor and one real set. Fakes off the manifold do not count: read it beside precision.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
    neighbors : int
        k in the paper.

    Returns
    -------
    float
        At least 0; 0 where no fake is on the manifold.

    Raises
    ------
    InputError
        No more rows than neighbours, other shapes, NaN.
    UsageError
        ``neighbors`` below 1.

    Notes
    -----
    The paper scores single images (``rarity_scores``); a summary of a set is their mean.

    References
    ----------
    Han et al.: Rarity Score: A New Metric to Evaluate the Uncommonness of Synthesized Images. ICLR 2023,
    arXiv:2206.08549.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0], [1.0], [2.0], [10.0], [14.0]])
    >>> rarity(real, np.array([[0.5], [12.0], [50.0]]), neighbors=1)
    2.5
    """
    scores = rarity_scores(real_features, fake_features, neighbors=neighbors)
    is_on = torch.isfinite(scores)
    return float(scores[is_on].mean()) if bool(is_on.any()) else 0.0


def rarity_scores(real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3) -> Tensor:
    """Of each fake, the radius of the smallest ball about a real that holds it.

    Higher is rarer, in units of the features.

    Parameters
    ----------
    real_features, fake_features, neighbors
        As for ``rarity``.

    Returns
    -------
    Tensor, float64 [M]
        Infinite for a fake off the manifold, of which the paper says nothing.

    Raises
    ------
    InputError, UsageError
        As ``rarity``.

    Notes
    -----
    A ball reaches to its centre's k-th nearest neighbour and holds the points at exactly its radius.

    References
    ----------
    As for ``rarity``.

    Examples
    --------
    >>> import numpy as np
    >>> rarity_scores(np.array([[0.0], [1.0], [3.0]]), np.array([[2.0], [9.0]]), neighbors=1).tolist()
    [1.0, inf]
    """
    real, fake = feature_pair(real_features, fake_features, neighbors, "rarity")
    radii = neighbor_squares(real, neighbors)
    best = torch.full((len(fake),), torch.inf, dtype=torch.float64, device=fake.device)
    for rows, columns, squares in blocks(real, fake):
        held = torch.where(squares <= radii[rows, None], radii[rows, None], torch.inf)
        best[columns] = torch.minimum(best[columns], held.amin(dim=0))
    return best.sqrt()


METRIC = Metric(
    name="rarity",
    function=rarity,
    parts=(Part("rarity", "Rarity", higher_is_better=True, best="that of unseen reals"),),
    reads=("features",),
    paper="Han et al. 2023, arXiv:2206.08549",
    cost="all pairs",
)
