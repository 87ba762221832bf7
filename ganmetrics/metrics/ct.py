"""Data-copying test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics._validation import matrix_triple
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.counting import rank_shares
from ganmetrics.numerics.neighbors import grouped, nearest
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

# A cell counts where it has more fakes than this.
FEW = 20
# Pairs that the authors' code adds, whatever the sign of the difference.
CONTINUITY = 0.5


class Cell(NamedTuple):
    """What one cell tests.

    Attributes
    ----------
    of_fakes, of_test : Tensor, [m], [p]
        Squared distances to the nearest training image.
    places : Tensor, int64 [p]
        The rows of the unseen reals.
    z : float
    """

    of_fakes: Tensor
    of_test: Tensor
    places: Tensor
    z: float


class Copying(NamedTuple):
    """The mean of the cells' z-values, and the cells."""

    ct: float
    cells: list[Cell]


def ct(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    test_features: ArrayLike,
    *,
    num_cells: int = 3,
    seed: int = 2020,
) -> float:
    """How much closer fakes lie to the training images than unseen real images do, in standard errors.

    Use it where a generator may have memorised its training images and other real images are at hand. Higher is better
    up to 0, which is best; well below 0, say -3, the generator has copied, and well above it underfits. Grows with the
    number of images.

    Parameters
    ----------
    real_features, fake_features, test_features : array_like, [N, D], [M, D] and [P, D]
        Features of real images that the generator was trained on, of generated images, and of real images that it
        never saw; of one extractor.
    num_cells : int
        Cells of a k-means clustering of the training images, each tested on its own, as a generator may copy in some
        and underfit in others.
    seed : int
        Seed of the clustering.

    Returns
    -------
    float
        The mean of the cells' z-values, weighted by their shares of the unseen reals.

    Raises
    ------
    InputError
        There are fewer rows than cells, no cell has more than 20 fakes and an unseen real image, the shapes do not fit,
        or a value is NaN or infinite.
    UsageError
        ``num_cells`` is below 1.

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
    return in_cells(real_features, fake_features, test_features, num_cells=num_cells, seed=seed).ct


def in_cells(
    real_features: ArrayLike,
    fake_features: ArrayLike,
    test_features: ArrayLike,
    *,
    num_cells: int = 3,
    seed: int = 2020,
) -> Copying:
    """Compute the score with the cells that it follows from."""
    real, fake, test = matrix_triple(real_features, fake_features, test_features)
    if num_cells < 1:
        raise UsageError(f"num_cells is {num_cells}; it must be at least 1", where="ct.num_cells")
    if len(real) < num_cells:
        what = f"{num_cells} cells need as many training images; found {len(real)}"
        hint = f"Add images, or ask for `ct(num_cells={len(real)})`"
        raise InputError(what, where="ct.num_cells", hint=hint, code="E-TOO-FEW")
    # Cells of the training images: a generator may copy in one cell and underfit in another.
    centers = kmeans(real, num_cells, seeded(seed))
    of_fake, of_test = (nearest_center(x, centers)[0] for x in (fake, test))
    distances = [nearest(x, real)[1] for x in (fake, test)]
    cells = []
    for cell in range(num_cells):
        sides = distances[0][of_fake == cell], distances[1][of_test == cell]
        # A cell of few fakes, or without an unseen image, has no z-value.
        if len(sides[0]) > FEW and len(sides[1]):
            cells.append(Cell(*sides, (of_test == cell).nonzero()[:, 0], _z_value(*sides)))
    if not cells:
        what = f"no cell holds more than {FEW} fakes and an unseen real image"
        fewer = f", or ask for fewer cells than {num_cells}, as in `ct(num_cells=1)`" if num_cells > 1 else ""
        raise InputError(what, where="ct.num_cells", hint=f"Score more images{fewer}", code="E-TOO-FEW")
    total = sum(len(cell.of_test) for cell in cells)
    return Copying(sum(len(cell.of_test) * cell.z for cell in cells) / total, cells)


def _z_value(of_fakes: Tensor, of_test: Tensor) -> float:  # [m], [p]
    # Imported here, because importing it costs a second.
    from scipy.stats import rankdata

    # Mann and Whitney: the ranks of the fakes tell the pairs in which the fake is farther; ties count half.
    m, p = len(of_fakes), len(of_test)
    ranks = torch.from_numpy(rankdata(grouped(torch.cat([of_fakes, of_test])).cpu().numpy()))
    # The number of pairs in which the fake is farther.
    above = float(ranks[:m].sum()) - m * (m + 1) / 2
    return (above + CONTINUITY - m * p / 2) / math.sqrt(m * p * (m + p + 1) / 12)


def uncertainty(computed: Copying, given: Given) -> dict[str, Estimated] | None:
    """Tell how uncertain CT is, from DeLong's variance of each cell; cells and training images are fixed."""
    total = sum(len(cell.of_test) for cell in computed.cells)
    shared = torch.zeros(len(given.test.features), dtype=torch.float64)
    square = 0.0
    for cell in computed.cells:
        m, p = len(cell.of_fakes), len(cell.of_test)
        if p < 2:
            return None
        # The weight of the share of pairs in the score.
        weight = p / total * math.sqrt(12 * m * p / (m + p + 1))
        # The components whose variances DeLong et al. (1988) add: one for each fake, one for each unseen image.
        ranks = rank_shares(*grouped(torch.cat([cell.of_fakes, cell.of_test])).split([m, p]))
        square += weight**2 * float(ranks.of_first.var()) / m
        of_test = (weight / p * (p / (p - 1)) ** 0.5) * (ranks.of_second - ranks.of_second.mean())
        shared[cell.places] = of_test.cpu()
    error = math.sqrt(square + float(shared @ shared))
    shared = shared / error if error > 0 else shared
    return {
        "ct": Estimated(computed.ct, interval_ends.plain(computed.ct, error), "DeLong's variance of each cell", shared)
    }


METRIC = Metric(
    name="ct",
    function=in_cells,
    parts=(Part("ct", "CT", higher_is_better=True, best="0"),),
    reads=(FEATURES,),
    paper="Meehan et al. 2020, arXiv:2004.05675",
    cost="all pairs",
    needs_test=True,
    uncertainty=uncertainty,
)
