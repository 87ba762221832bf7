"""Images that are nearly equal: generated images among themselves, and generated beside real images."""

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
    """The nearest neighbours of generated images, and how far away they are.

    Attributes
    ----------
    own : Tensor, float64 [K]
        The distance of each of K different real images to its nearest other.
    reach : Tensor, float64 [M]
        The distance of the real image nearest to each generated one to its own nearest other.
    places, distances : Tensor, int64 and float64 [M]
        The index of the real image that is nearest to each generated one, and its distance.
    fake_places, fake_distances : Tensor, int64 and float64 [M]
        The index of the generated image that is nearest to each generated one, and its distance.
    """

    own: Tensor
    reach: Tensor
    places: Tensor
    distances: Tensor
    fake_places: Tensor
    fake_distances: Tensor

    @property
    def ratios(self) -> Tensor:
        """The distance of each generated image to its nearest real one, over that one's to its nearest other: [M]."""
        return torch.where(self.distances > 0, self.distances / self.reach, 0.0)


class NearCopies(NamedTuple):
    """Images that are nearly equal.

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
        """Number of generated images that could go without one image being lost."""
        return sum(len(group) - 1 for group in self.groups)

    @property
    def repeated_share(self) -> float:
        """The share of the generated images that could go without one image being lost, in 0..1."""
        return self.num_repeated / self.num_fakes

    @property
    def copied_share(self) -> float:
        """Share of the fakes that nearly equal a real, in 0..1."""
        return len(self.pairs) / self.num_fakes


def near_copies(near: Nearness) -> NearCopies:
    """Find generated images that nearly equal each other or a real image.

    Notes
    -----
    Different real images are rarely nearer to each other than the first percentile of their distances to the nearest
    other. Images at half of it or less count as one.
    """
    distance = SHARE * quantile(near.own, QUANTILE)
    copies = (near.distances <= distance).nonzero()[:, 0]
    triples = zip(copies.tolist(), near.places[copies].tolist(), near.distances[copies].tolist(), strict=True)
    pairs = tuple(sorted(triples, key=lambda pair: pair[2]))
    return NearCopies(distance, _groups(near, distance), pairs, len(near.distances))


def _groups(near: Nearness, distance: float) -> tuple[tuple[int, ...], ...]:
    """Group generated images with their nearest other where it is near enough, and with all that are joined so."""
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
