"""Nearest neighbours of fakes among reals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.metrics._manifold import feature_pair
from ganmetrics.numerics.neighbors import nearest

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


class Neighbors(NamedTuple):
    """The nearest real of every fake.

    Attributes
    ----------
    places : Tensor, int64 [M]
        Its row.
    distances : Tensor, float64 [M]
        In units of the features.
    """

    places: Tensor
    distances: Tensor


def nearest_neighbors(real_features: ArrayLike, fake_features: ArrayLike) -> Neighbors:
    """The real image that is nearest to each fake, and how far it is; a distance of 0 is a copy.

    Use it to look at the real images that generated ones may be copies of.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.

    Returns
    -------
    Neighbors
        ``places`` and ``distances``; of equal distances the first real counts.

    Raises
    ------
    InputError
        A set has fewer than two rows, is no matrix of the other's width, or holds NaN or infinity.

    Notes
    -----
    Distances are Euclidean and exact, in float64 and in bounded memory.

    References
    ----------
    Kynkäänniemi et al.: Improved Precision and Recall Metric. NeurIPS 2019, for the distance between features.

    Examples
    --------
    >>> import numpy as np
    >>> found = nearest_neighbors(np.array([[0.0], [4.0]]), np.array([[1.0], [4.0]]))
    >>> found.places.tolist(), found.distances.tolist()
    ([0, 1], [1.0, 0.0])
    """
    # For each fake among the real rows: ``nearest`` takes the rows that ask first.
    places, squares = nearest(*reversed(feature_pair(real_features, fake_features, 1, "nearest_neighbors")))
    return Neighbors(places, squares.sqrt())
