"""Which modes of the real images the fakes leave out: clusters of features, or classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from scipy import stats

from ganmetrics.metrics.validation import matrix_pair
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.modes import two_proportion_z
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike

LEVEL = 0.05  # of all modes together
PER_MODE = 50  # reals that a cluster should have on average
MOST = 100  # clusters


class ModeShares(NamedTuple):
    """How both sets fill the modes of the reals, and where the fakes are significantly too few or too many.

    Attributes
    ----------
    real_counts, fake_counts : Tensor, int64 [K]
    is_low, is_high : Tensor, bool [K]
        By a two-proportion test at 5 % for all modes together (Bonferroni).
    """

    real_counts: Tensor
    fake_counts: Tensor
    is_low: Tensor
    is_high: Tensor

    @property
    def lost_share(self) -> float:
        """The share of the reals that is missing from the modes with too few fakes, in 0..1."""
        gaps = self.real_counts / self.real_counts.sum() - self.fake_counts / self.fake_counts.sum()
        return float(gaps[self.is_low].sum())

    @property
    def missing(self) -> list[int]:
        """The modes with too few fakes that have less than a tenth of their share of them."""
        expected = self.real_counts / self.real_counts.sum() * self.fake_counts.sum()
        return (self.is_low & (self.fake_counts < 0.1 * expected)).nonzero()[:, 0].tolist()


class Clusters(NamedTuple):
    """A clustering of the reals: the centres, which cluster each image is in, and how both sets fill them."""

    centers: Tensor
    real_members: Tensor
    fake_members: Tensor
    shares: ModeShares


def clusters(real_features: ArrayLike, fake_features: ArrayLike, *, seed: int = 2020) -> Clusters:
    """The reals in clusters of 50 on average, 100 at most, and the fakes by their nearest centre.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
    seed : int
        Of the clustering.

    Returns
    -------
    Clusters

    Raises
    ------
    InputError
        Fewer than two rows, other shapes, NaN.
    """
    real, fake = matrix_pair(real_features, fake_features)
    centers = kmeans(real, min(MOST, max(2, len(real) // PER_MODE)), seeded(seed))
    in_real, in_fake = (nearest_center(side, centers)[0] for side in (real, fake))
    counts = [torch.bincount(members, minlength=len(centers)) for members in (in_real, in_fake)]
    return Clusters(centers, in_real, in_fake, mode_shares(*counts))


def mode_shares(real_counts: Tensor, fake_counts: Tensor) -> ModeShares:  # int64 [K], [K]
    """The test of every mode's share; modes without a real have none to lose."""
    z = two_proportion_z(real_counts, fake_counts)
    limit = float(stats.norm.ppf(1 - LEVEL / (2 * len(real_counts))))
    return ModeShares(real_counts, fake_counts, z > limit, z < -limit)
