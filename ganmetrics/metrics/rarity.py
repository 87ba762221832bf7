"""Rarity score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.metrics._manifold import INSIDE, check_inside, feature_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.neighbors import held, neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def rarity(real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3, inside: str = "<") -> float:
    """Mean sparsity of real images around the fakes, over the fakes on the manifold of real images.

    Use it to see whether a generator makes unusual images too. Higher is better, in the sense that unusual images are
    made too; in the units of the features, so it compares only under one extractor and one real set. Fakes off the
    manifold do not count: read it beside precision.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    neighbors : int
        The number of neighbours, k in the paper.
    inside : {"<", "<="}
        Whether a ball leaves out a point at its radius, as the authors' code has it, or holds it.

    Returns
    -------
    float
        At least 0; 0 where no fake is on the manifold.

    Raises
    ------
    InputError
        A set has no more rows than ``neighbors``, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``neighbors`` is below 1, or ``inside`` is neither ``"<"`` nor ``"<="``.

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
    # Fakes off the manifold have no rarity; where all are off it, the mean of none counts as 0.
    scores = rarity_scores(real_features, fake_features, neighbors=neighbors, inside=inside)
    is_on = torch.isfinite(scores)
    return float(scores[is_on].mean()) if bool(is_on.any()) else 0.0


def rarity_scores(
    real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3, inside: str = "<"
) -> Tensor:
    """Radius of the smallest ball about a real image that holds a fake, for each fake.

    Use it to find unusual images. Higher is rarer, in units of the features.

    Parameters
    ----------
    real_features, fake_features, neighbors, inside
        The arguments of ``rarity``, whose docstring describes them.

    Returns
    -------
    Tensor, float64 [M]
        Infinite for a fake off the manifold, of which the paper says nothing.

    Raises
    ------
    InputError, UsageError
        A set or an option is refused for a reason that ``rarity`` names.

    Notes
    -----
    A ball reaches to its centre's k-th nearest neighbour. Squared distances that differ by less than 1e-9 of themselves
    count as equal, so that rounding decides no tie.

    References
    ----------
    Han et al.: Rarity Score: A New Metric to Evaluate the Uncommonness of Synthesized Images. ICLR 2023,
    arXiv:2206.08549.

    Examples
    --------
    >>> import numpy as np
    >>> rarity_scores(np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [9.0]]), neighbors=1).tolist()
    [1.0, inf]
    """
    real, fake = feature_pair(real_features, fake_features, neighbors, "rarity")
    check_inside(inside, "rarity")
    radii = neighbor_squares(real, neighbors)
    best = torch.full((len(fake),), torch.inf, dtype=torch.float64, device=fake.device)
    for rows, columns, is_held in held(real, fake, radii, is_closed=INSIDE[inside]):
        # The smallest ball that holds a fake, over all blocks of real images.
        smallest = torch.where(is_held, radii[rows, None], torch.inf).amin(dim=0)
        best[columns] = torch.minimum(best[columns], smallest)
    return best.sqrt()


METRIC = Metric(
    name="rarity",
    function=rarity,
    parts=(Part("rarity", "Rarity", higher_is_better=True, best="that of unseen reals", scale="positive"),),
    reads=(FEATURES,),
    paper="Han et al. 2023, arXiv:2206.08549",
    cost="all pairs",
    resampling="parts",
    depends_on_count=False,
)
