"""Images that are all but one and the same: fakes among themselves, and fakes beside the reals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ganmetrics.diagnosis.limits import quantile

if TYPE_CHECKING:
    from torch import Tensor

# Images count as one within SHARE of this quantile of the distances from real images to their nearest others.
QUANTILE, SHARE = 0.01, 0.5


class Nearness(NamedTuple):
    """Who is nearest to whom, and how far.

    Attributes
    ----------
    own : Tensor, float64 [K]
        The distance of each of K different reals to its nearest other.
    reach : Tensor, float64 [M]
        That of the real which is nearest to each fake.
    places, distances : Tensor, int64 and float64 [M]
        The real that is nearest to each fake.
    fake_places, fake_distances : Tensor, int64 and float64 [M]
        The fake that is nearest to each fake.
    """

    own: Tensor
    reach: Tensor
    places: Tensor
    distances: Tensor
    fake_places: Tensor
    fake_distances: Tensor

    @property
    def ratios(self) -> Tensor:
        """How far each fake is from its real, in units of how far that real is from its nearest other: [M]."""
        return torch.where(self.distances > 0, self.distances / self.reach, 0.0)


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
    def num_repeated(self) -> int:
        """How many fakes could go without one image being lost."""
        return sum(len(group) - 1 for group in self.groups)

    @property
    def repeated_share(self) -> float:
        """The same as a share, in 0..1."""
        return self.num_repeated / self.num_fakes

    @property
    def copied_share(self) -> float:
        """Share of the fakes that nearly equal a real, in 0..1."""
        return len(self.pairs) / self.num_fakes


def near_copies(near: Nearness) -> NearCopies:
    """Fakes that nearly equal each other or a real, by the distances that different reals keep from each other.

    Notes
    -----
    Different reals are rarely nearer to each other than the first percentile of their distances to the nearest other;
    images at half of it or less count as one.
    """
    distance = SHARE * quantile(near.own, QUANTILE)
    found = (near.distances <= distance).nonzero()[:, 0]
    triples = zip(found.tolist(), near.places[found].tolist(), near.distances[found].tolist(), strict=True)
    pairs = tuple(sorted(triples, key=lambda pair: pair[2]))
    return NearCopies(distance, _groups(near, distance), pairs, len(near.distances))


def _groups(near: Nearness, distance: float) -> tuple[tuple[int, ...], ...]:
    """Fakes joined with their nearest other where it is near enough, with all that are joined with them."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(near.fake_places)
    joining = (near.fake_distances <= distance).nonzero()[:, 0].cpu().numpy()
    links = (np.ones(len(joining)), (joining, near.fake_places.cpu().numpy()[joining]))
    labels = connected_components(coo_matrix(links, shape=(count, count)), directed=False)[1]
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels.tolist()):
        members.setdefault(label, []).append(index)
    return tuple(sorted((tuple(each) for each in members.values() if len(each) > 1), key=len, reverse=True))
