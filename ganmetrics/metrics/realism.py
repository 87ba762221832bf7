"""Realism score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.metrics._manifold import feature_pair
from ganmetrics.metrics.metric import Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.distances import TIE, blocks
from ganmetrics.numerics.neighbors import neighbor_squares

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def realism(real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3) -> float:
    """Median over the fakes of how deep each lies in the manifold of real images.

    Use it to rank generated images by fidelity, or to summarise such a ranking. Higher is better; a fake with 1 or more
    is on the manifold. Infinite where half of the fakes are copies of reals.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The paper takes VGG16's second fully connected layer.
    neighbors : int
        The number of neighbours, k in the paper.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InputError
        A set has no more rows than ``neighbors``, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``neighbors`` is below 1.

    Notes
    -----
    The paper scores single images (``realism_scores``) and gives no summary; the median stands infinite values.

    References
    ----------
    Kynkäänniemi et al.: Improved Precision and Recall Metric for Assessing Generative Models. NeurIPS 2019,
    arXiv:1904.06991, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> realism(real, np.array([[0.5], [5.0]]), neighbors=1)  # the lower of two middle values
    0.5
    """
    scores = realism_scores(real_features, fake_features, neighbors=neighbors)
    return float(scores.median())


def realism_scores(real_features: ArrayLike, fake_features: ArrayLike, *, neighbors: int = 3) -> Tensor:
    """Largest ratio of the radius of a real image's ball to the distance from its centre, for each fake.

    Use it to find the best and the worst of generated images. Higher is better; 1 or more is on the manifold.

    Parameters
    ----------
    real_features, fake_features, neighbors
        The arguments of ``realism``, whose docstring describes them.

    Returns
    -------
    Tensor, float64 [M]
        Infinite for a copy of a real.

    Raises
    ------
    InputError, UsageError
        A set or an option is refused for a reason that ``realism`` names.

    Notes
    -----
    Balls with radii above the median are left out, as in the paper: sparse regions make balls that hold all. That is
    half of the balls. Where several radii equal the median, as on features of few levels, all of these stay and more
    than half are kept, since which of them to drop would depend on the order of the images.

    References
    ----------
    Kynkäänniemi et al.: Improved Precision and Recall Metric for Assessing Generative Models. NeurIPS 2019,
    arXiv:1904.06991, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> realism_scores(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([[0.5], [5.0]]), neighbors=1).tolist()
    [2.0, 0.5]
    """
    real, fake = feature_pair(real_features, fake_features, neighbors, "realism")
    radii = neighbor_squares(real, neighbors)
    # Half of the balls: those of sparse regions are so large that they hold anything.
    is_dense = radii <= radii.median() * (1 + TIE)
    real, radii = real[is_dense], radii[is_dense]
    best = torch.zeros(len(fake), dtype=torch.float64, device=fake.device)
    for rows, columns, squares in blocks(real, fake):
        # A fake at the centre of a ball is a copy, whose ratio is infinite.
        ratios = torch.where(squares > 0, radii[rows, None] / squares, torch.inf)
        best[columns] = torch.maximum(best[columns], ratios.amax(dim=0))
    return best.sqrt()


METRIC = Metric(
    name="realism",
    function=realism,
    parts=(Part("realism", "Realism", higher_is_better=True, best="1 or more", scale="positive"),),
    reads=(FEATURES,),
    paper="Kynkäänniemi et al. 2019, arXiv:1904.06991",
    cost="all pairs",
    resampling="parts",
    depends_on_count=False,
)
