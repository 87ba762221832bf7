"""Images that are all but one and the same: fakes among themselves, and fakes beside the reals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ganmetrics.metrics.validation import matrix_pair
from ganmetrics.numerics.neighbors import nearest, nearest_other

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

QUANTILE, SHARE = 0.01, 0.5  # nearer than this share of that quantile of the reals' own nearest neighbours


class NearCopies(NamedTuple):
    """Who is nearly equal to whom.

    Attributes
    ----------
    distance : float
        Below which two images count as one.
    groups : tuple of tuple of int
        Fakes that are nearly equal to each other, the largest group first.
    pairs : tuple of (int, int, float)
        A fake, the real that it nearly equals, and their distance, the nearest first.
    num_fakes : int
    """

    distance: float
    groups: tuple[tuple[int, ...], ...]
    pairs: tuple[tuple[int, int, float], ...]
    num_fakes: int

    @property
    def repeated_share(self) -> float:
        """Share of the fakes that could go without one image being lost, in 0..1."""
        return sum(len(group) - 1 for group in self.groups) / self.num_fakes

    @property
    def copied_share(self) -> float:
        """Share of the fakes that nearly equal a real, in 0..1."""
        return len(self.pairs) / self.num_fakes


def near_copies(real_features: ArrayLike, fake_features: ArrayLike) -> NearCopies:
    """Fakes that nearly equal each other or a real, by the distances that different reals keep from each other.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        At least two rows each.

    Returns
    -------
    NearCopies

    Raises
    ------
    InputError
        Fewer than two rows, other shapes, NaN.

    Notes
    -----
    Different reals are rarely nearer to each other than the first percentile of their distances to the nearest other;
    images at half of it or less count as one. Reals that hold each other twice bring that distance to 0, where exact
    copies remain.
    """
    real, fake = matrix_pair(real_features, fake_features, is_narrow=True)
    own = nearest_other(real)[1].sqrt()
    distance = SHARE * float(torch.quantile(own[:: max(1, len(own) // 1_000_000)], QUANTILE))
    places, squares = nearest(fake, real)
    is_copy = squares.sqrt() <= distance
    found = [(int(i), int(places[i]), float(squares[i].sqrt())) for i in is_copy.nonzero()[:, 0]]
    pairs = tuple(sorted(found, key=lambda pair: pair[2]))
    return NearCopies(distance, _groups(fake, distance), pairs, len(fake))


def _groups(fake: Tensor, distance: float) -> tuple[tuple[int, ...], ...]:
    """Fakes joined with their nearest other where it is near enough, with all that are joined with them."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    places, squares = nearest_other(fake)
    near = (squares.sqrt() <= distance).nonzero()[:, 0].cpu().numpy()
    joined = coo_matrix((np.ones(len(near)), (near, places.cpu().numpy()[near])), shape=(len(fake), len(fake)))
    labels = connected_components(joined, directed=False)[1]
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels.tolist()):
        members.setdefault(label, []).append(index)
    return tuple(sorted((tuple(each) for each in members.values() if len(each) > 1), key=len, reverse=True))
