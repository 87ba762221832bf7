"""Modes of the real images that generated images leave out: clusters of features, or classes."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import torch
from scipy import special

from ganmetrics.diagnosis.kind_frequencies import frequency_gap
from ganmetrics.diagnosis.limits import Z
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.mode_counts import two_proportion_z
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.limits import Number
    from ganmetrics.types import ArrayLike

# Significance of the test of all modes together, and that by which a mode with some fakes is called rare.
LEVEL, RARE_LEVEL = 0.05, 0.001
# Real images that a cluster has on average.
PER_MODE = 50
# Finer clusters are also missed by images that are merely blurred.
MOST = 30
# Clusters are formed along so many principal axes, down to this share of the largest variance.
AXES, FAINTEST = 64, 1e-3
# Rows that are converted to float64 at a time.
BLOCK = 4_096
# A mode with less than this share of its due is missing, with less than the second rare, unless it may have the third.
LEFT, RARE, HALF = 0.1, 0.25, 0.5


class ModeShares(NamedTuple):
    """How both sets fill the modes of the reals, and where the fakes are significantly too few or too many.

    Attributes
    ----------
    real_counts, fake_counts : Tensor, int64 [K]
    is_low, is_high : Tensor, bool [K]
        By a two-proportion test at 5 % for all modes together (Bonferroni).
    is_surely_low : Tensor, bool [K]
        By the same test at 0.1 %.
    confusion : Tensor, float64 [K]
        What confusion of modes adds to the variance of one image's part in the share of each.
    """

    real_counts: Tensor
    fake_counts: Tensor
    is_low: Tensor
    is_high: Tensor
    is_surely_low: Tensor
    confusion: Tensor

    @property
    def real_shares(self) -> Tensor:
        return self.real_counts.double() / self.real_counts.sum()

    @property
    def fake_shares(self) -> Tensor:
        return self.fake_counts.double() / self.fake_counts.sum()

    @property
    def lost_share(self) -> float:
        """The share of the real images by which modes have too few generated ones, in 0..1."""
        return float((self.real_shares - self.fake_shares)[self.is_low].sum())

    @property
    def missing(self) -> list[int]:
        """The modes that have less than a tenth of the generated images due to them."""
        return self._left_with(LEFT, self.is_low)

    @property
    def rare(self) -> list[int]:
        """The modes that are not missing and have less than a quarter of the generated images due to them."""
        return [mode for mode in self._left_with(RARE, self.is_surely_low) if mode not in self.missing]

    def _left_with(self, share: float, is_low: Tensor) -> list[int]:
        own, drawn = self.real_shares, self.fake_shares
        at_most = drawn + Z * (self.confusion / self.fake_counts.sum()).sqrt()
        found: list[int] = (is_low & (drawn < share * own) & (at_most < HALF * own)).nonzero()[:, 0].tolist()
        return found

    @property
    def noticed_share(self) -> float:
        """The share of the real images in modes whose absence would be significant at these numbers of images."""
        totals = self.real_counts.sum(), self.fake_counts.sum()
        z = two_proportion_z(self.real_counts, torch.zeros_like(self.real_counts), self.confusion, totals=totals)
        return float(self.real_shares[z > _limit(LEVEL, len(z))].sum())

    @property
    def missing_share(self) -> float:
        """The share of the real images in missing modes."""
        return float(self.real_shares[self.missing].sum())


class Clusters(NamedTuple):
    """A clustering of the reals: which cluster each image is in, and how both sets fill them.

    Attributes
    ----------
    real_members, fake_members : Tensor, int64 [N], [M]
    shares : ModeShares
    plane : tuple of Tensor, float64 [N, 2] and [M, 2]
        Both sets on the two strongest axes of the reals.
    gap : Number
        How far the frequencies of few, larger clusters differ.
    """

    real_members: Tensor
    fake_members: Tensor
    shares: ModeShares
    plane: tuple[Tensor, Tensor]
    gap: Number


def clusters(real_features: ArrayLike, fake_features: ArrayLike, *, seed: int = 2020) -> Clusters:
    """Cluster the real images, 50 in each on average, and assign generated images to the nearest centres.

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

    Notes
    -----
    Distances are taken along the reals' 64 strongest principal axes, each brought to unit variance: a fault of quality
    that moves all fakes along the strongest axes then empties no cluster, while a kind of image that is not drawn does.
    The frequencies of kinds are compared by clusters along the axes as they are, which follow the kinds more closely.
    """
    real, fake, scales = _whitened(*matrix_pair(real_features, fake_features, is_narrow=True))
    centers = kmeans(real, min(MOST, max(2, len(real) // PER_MODE)), seeded(seed))
    in_real, in_fake = (nearest_center(side, centers)[0] for side in (real, fake))
    counts = [torch.bincount(members, minlength=len(centers)) for members in (in_real, in_fake)]
    gap = frequency_gap(real * scales, fake * scales, seed)
    return Clusters(in_real, in_fake, mode_shares(*counts), (_plane(real), _plane(fake)), gap)


def mode_shares(real_counts: Tensor, fake_counts: Tensor, confusion: Tensor | None = None) -> ModeShares:
    """Test the share of every mode, counts int64 [K] each; modes without a real image have none to lose."""
    confused = torch.zeros(len(real_counts), dtype=torch.float64) if confusion is None else confusion
    z = two_proportion_z(real_counts, fake_counts, confused)
    limit, strict = (_limit(level, len(real_counts)) for level in (LEVEL, RARE_LEVEL))
    return ModeShares(real_counts, fake_counts, z > limit, z < -limit, z > strict, confused)


def _limit(level: float, count: int) -> float:
    """Return the standard errors at which a difference is significant among so many tests (Bonferroni)."""
    return float(special.ndtri(1 - level / (2 * count)))


def _whitened(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Project both sets on the real ones' axes, each of unit variance: [N, D], [M, D] -> float64 [N, R], [M, R], [R].

    The last are the standard deviations that the axes had.
    """
    moments = reduce(Moments.merge, map(Moments.of, real.split(BLOCK)))
    variances, axes = torch.linalg.eigh(moments.covariance())
    is_kept = variances > FAINTEST * variances[-1]
    is_kept[:-AXES] = False
    scales = variances[is_kept].sqrt() if bool(is_kept.any()) else torch.ones(1, dtype=torch.float64)
    # Where all real images are equal no axis has variance, and any one serves.
    chosen = (axes[:, is_kept] if bool(is_kept.any()) else axes[:, -1:]) / scales
    sides = [torch.cat([(part - moments.mean) @ chosen.flip(1) for part in side.split(BLOCK)]) for side in (real, fake)]
    return sides[0], sides[1], scales.flip(0)


def _plane(rows: Tensor) -> Tensor:  # [N, R] -> [N, 2], of fewer axes filled up with zeros
    return torch.nn.functional.pad(rows[:, :2], (0, max(0, 2 - rows.shape[1])))
