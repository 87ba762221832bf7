"""Data-copying test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics.record import Metric, Part
from ganmetrics.metrics.validation import matrix_triple
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.neighbors import grouped, nearest
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

FEW = 20  # fakes that a cell needs more of to count
CONTINUITY = 0.5  # pairs, which the authors' code adds whatever the sign


def ct(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    test_features: ArrayLike,
    *,
    num_cells: int = 3,
    seed: int = 2020,
) -> float:
    """Whether fakes lie closer to the training images than unseen real images do, in standard errors.

    Higher is better up to 0, which is best; well below 0, say -3, the generator has copied, and well above it
    underfits. Grows with the number of images.

    Parameters
    ----------
    real_features, fake_features, test_features : array_like, [N, D], [M, D] and [P, D]
        Reals that the generator was trained on, fakes, and reals that it never saw.
    num_cells : int
        Cells of a k-means clustering of the training images, each tested on its own, as a generator may copy in some
        and underfit in others.
    seed : int
        Of the clustering.

    Returns
    -------
    float
        The mean of the cells' z-values, weighted by their shares of the unseen reals.

    Raises
    ------
    InputError
        Fewer rows than cells, no cell with more than 20 fakes and an unseen real, other shapes, NaN.
    UsageError
        ``num_cells`` below 1.

    Notes
    -----
    A cell's z-value is that of Mann and Whitney's test of the distances to the nearest training image, fakes against
    unseen reals. As in the authors' code, half a pair is added to the number of pairs in which the fake is farther,
    whatever the sign of the difference, and cells with 20 fakes or fewer are left out. Squared distances that differ by
    less than 1e-9 of themselves count as equal.

    References
    ----------
    Meehan, Chaudhuri, Dasgupta: A Non-Parametric Test to Detect Data-Copying in Generative Models. AISTATS 2020,
    arXiv:2004.05675.

    Examples
    --------
    >>> import numpy as np
    >>> real, test = np.random.RandomState(0).randn(200, 2), np.random.RandomState(1).randn(200, 2)
    >>> ct(real, real + 1e-3, test, num_cells=1) < -10  # copies
    True
    """
    real, fake, test = matrix_triple(real_features, fake_features, test_features)
    if num_cells < 1:
        raise UsageError(f"num_cells is {num_cells}; it must be at least 1", where="ct.num_cells")
    if len(real) < num_cells:
        what = f"{num_cells} cells need as many training images; found {len(real)}"
        raise InputError(what, where="ct.num_cells", hint="Lower num_cells", code="E-TOO-FEW")
    centers = kmeans(real, num_cells, seeded(seed))
    cells = [nearest_center(x, centers)[0] for x in (fake, test)]
    distances = [nearest(x, real)[1] for x in (fake, test)]
    found = [
        (int((cells[1] == cell).sum()), _z_value(distances[0][cells[0] == cell], distances[1][cells[1] == cell]))
        for cell in range(num_cells)
        if int((cells[0] == cell).sum()) > FEW and bool((cells[1] == cell).any())
    ]
    if not found:
        what = f"no cell holds more than {FEW} fakes and an unseen real image"
        raise InputError(what, where="ct.num_cells", hint="Score more images or lower num_cells", code="E-TOO-FEW")
    return sum(count * z for count, z in found) / sum(count for count, _ in found)


def _z_value(of_fakes: Tensor, of_test: Tensor) -> float:  # [m], [p]
    from scipy.stats import rankdata  # here, because importing it costs a second

    m, p = len(of_fakes), len(of_test)
    ranks = torch.from_numpy(rankdata(grouped(torch.cat([of_fakes, of_test])).cpu().numpy()))
    above = float(ranks[:m].sum()) - m * (m + 1) / 2  # pairs in which the fake is farther
    return (above + CONTINUITY - m * p / 2) / math.sqrt(m * p * (m + p + 1) / 12)


METRIC = Metric(
    name="ct",
    function=ct,
    parts=(Part("ct", "CT", higher_is_better=True, best="0"),),
    reads=("features",),
    paper="Meehan et al. 2020, arXiv:2004.05675",
    cost="all pairs",
    needs_test=True,
)
