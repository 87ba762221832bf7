"""Number of statistically different bins, and the divergence of the bins' shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Contrast, Estimated, Uncertain, of_counts
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.clusters import kmeans, nearest_center
from ganmetrics.numerics.counting import differing_bins, divergence_of_counts
from ganmetrics.numerics.entropy import mean_divergence
from ganmetrics.numerics.interval_ends import Interval
from ganmetrics.numerics.mode_counts import two_proportion_z
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


class NdbBins(NamedTuple):
    """The bins of one clustering of the real features and how both sets fill them.

    Attributes
    ----------
    ndb : int
        Bins whose shares differ significantly.
    ndb_jsd : float
        Jensen-Shannon divergence of the shares, in nats.
    real_counts, fake_counts : Tensor, [num_bins]
    z : Tensor, [num_bins]
        Real share less fake share in standard errors: above 0 where the fakes are too few.
    """

    ndb: int
    ndb_jsd: float
    real_counts: Tensor
    fake_counts: Tensor
    z: Tensor


def ndb(
    real_features: ArrayLike, fake_features: ArrayLike, *, num_bins: int = 100, alpha: float = 0.05, seed: int = 2020
) -> NdbBins:
    """Number of k-means bins of the real features that both sets fill in significantly different shares.

    Use it to see which kinds of images are drawn too often or too rarely. Lower is better, 0 is best, ``num_bins`` is
    worst; papers also print NDB / K, the same over ``num_bins``. About ``alpha * num_bins`` for equal distributions,
    and more for larger sets, whose smaller differences are significant.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The paper takes pixels; at least ``num_bins`` rows each.
    num_bins : int
        Clusters, K in the paper.
    alpha : float
        Level of the two-sided test of each bin, without correction for their number; 0.0027 is ``|z| > 3``.
    seed : int
        Seed of the k-means++ seeding.

    Returns
    -------
    NdbBins
        ``ndb``, a whole number in 0..num_bins; ``ndb_jsd``, the Jensen-Shannon divergence of the shares, 0 at best, at
        most log 2, biased upward by about (num_bins - 1)(1 / N + 1 / M) / 8; and bin by bin the counts and ``z``.

    Raises
    ------
    InputError
        A set has fewer rows than bins, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``num_bins`` is below 2, or ``alpha`` is not between 0 and 1.

    Notes
    -----
    Each fake belongs to the nearest centre; the test is that of two proportions with pooled variance. The authors'
    code clusters every sixth dimension at random beyond 1000, and has an option to whiten; here all dimensions count
    as they are. The divergence is in nats, as the paper's MNIST values are.

    References
    ----------
    Richardson, Weiss: On GANs and GMMs. NeurIPS 2018, arXiv:1805.12462.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.repeat([[0.0], [1.0], [2.0]], 100, axis=0)
    >>> found = ndb(real, real[:150], num_bins=3)
    >>> ndb(real, real, num_bins=3).ndb, found.ndb, sorted(found.fake_counts.tolist())
    (0, 2, [0, 50, 100])
    """
    real, fake = matrix_pair(real_features, fake_features)
    if num_bins < 2 or not 0 < alpha < 1:
        what = f"num_bins is {num_bins} and alpha {alpha}; they must be at least 2 and between 0 and 1"
        raise UsageError(what, where="ndb")
    smaller = min(len(real), len(fake))
    if smaller < num_bins:
        what = f"{num_bins} bins need as many images on each side; found {len(real)} real and {len(fake)} fake"
        hint = f"Score more images, or ask for `ndb(num_bins={smaller})` or fewer (a different protocol)"
        raise InputError(what, where="ndb.num_bins", hint=hint, code="E-TOO-FEW")
    # Bins are clusters of the real images alone, so that they are the same for every generator.
    centers = kmeans(real, num_bins, seeded(seed))
    return compared(bin_counts(real, centers), bin_counts(fake, centers), alpha)


def bin_counts(features: Tensor, centers: Tensor) -> Tensor:  # [N, D], [K, D] -> [K]
    """Count the rows that are nearest to each centre."""
    return torch.bincount(nearest_center(features, centers)[0], minlength=len(centers))


def compared(real_counts: Tensor, fake_counts: Tensor, alpha: float) -> NdbBins:  # [K], [K]
    """Compare the bins of two sets by their counts."""
    z = two_proportion_z(real_counts, fake_counts)
    # Two-sided p-values of the normal distribution.
    p_values = torch.special.erfc(z.abs() / 2**0.5)
    shares = torch.stack([counts.to(torch.float64) / counts.sum() for counts in (real_counts, fake_counts)])
    return NdbBins(int((p_values < alpha).sum()), mean_divergence(shares.log()), real_counts, fake_counts, z)


@dataclass(frozen=True)
class DifferingBins:
    """Which bins of one clustering of the reals differ, for the interval of their number."""

    is_different: Tensor  # [K]

    def interval(self) -> Interval:
        """Wilson's interval, as if all bins differed with one probability, whose variance is the largest possible."""
        num = len(self.is_different)
        low, high = interval_ends.wilson(float(self.is_different.double().mean()), num)
        return Interval(num * low, num * high, "Wilson's interval over the bins")

    def contrast(self, other: Uncertain) -> Contrast | None:
        """Compare two sets by the bins that differ for one of them only."""
        if not isinstance(other, DifferingBins) or len(other.is_different) != len(self.is_different):
            return None
        ends, p_value = differing_bins(self.is_different, other.is_different)
        doubt = "" if p_value < 1 - interval_ends.LEVEL else f"the sign test of the bins has p = {p_value:.2g}"
        more = int(self.is_different.sum()) - int(other.is_different.sum())
        return Contrast(float(more), Interval(*ends, "bins that differ for one of the two sets"), doubt=doubt)


def uncertainty(computed: NdbBins, given: Given) -> dict[str, Uncertain]:
    """Tell how uncertain both numbers are, the bins being fixed."""
    alpha = float(given.settings["alpha"])
    return {
        "ndb": DifferingBins(torch.special.erfc(computed.z.abs() / 2**0.5) < alpha),
        "ndb_jsd": _of_divergence(computed),
    }


def _of_divergence(computed: NdbBins) -> Estimated:
    """Tell how uncertain the divergence of the bins' shares is."""
    # Near equal shares the variance is that of a sum of squares, (K - 1)(1/N + 1/M)² / 32.
    counts = int(computed.real_counts.sum()), int(computed.fake_counts.sum())
    second = (len(computed.z) - 1) * (1 / counts[0] + 1 / counts[1]) ** 2 / 32
    return of_counts(computed.ndb_jsd, divergence_of_counts(computed.real_counts, computed.fake_counts), counts, second)


METRIC = Metric(
    name="ndb",
    function=ndb,
    parts=(
        Part("ndb", "NDB", higher_is_better=False, best="0"),
        Part("ndb_jsd", "NDB JSD", higher_is_better=False, best="0"),
    ),
    reads=(FEATURES,),
    paper="Richardson, Weiss 2018, arXiv:1805.12462",
    cost="clustering",
    minimum="num_bins",
    uncertainty=uncertainty,
)
