"""Intervals for statistics that count: bins that differ, pairs that agree, ranks that are exceeded; in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.interval_ends import Bounds

if TYPE_CHECKING:
    from torch import Tensor


def differing_bins(is_different: Tensor, other: Tensor) -> tuple[Bounds, float]:
    """Tell how many more of K bins differ in one set than in another: the ends and the p-value of a sign test.

    Only bins that differ in one of the two tell anything; of them each set has half where the sets are alike.
    """
    first = int((is_different & ~other).sum())
    second = int((other & ~is_different).sum())
    more = first - second
    error = math.sqrt(max(0.0, first + second + 1 - more**2 / len(other)))
    return interval_ends.plain(more, error), interval_ends.sign_test(first, second)


class Pairs(NamedTuple):
    """Pairs of rows that nearly agree.

    Attributes
    ----------
    agreeing, possible : int
        How many agree, and how many there are.
    scatter : float
        Sum of squared deviations of the rows' numbers of partners from their mean.
    behind : int
        How many rows of another set the threshold of agreeing was read from.
    """

    agreeing: int
    possible: int
    scatter: float
    behind: int

    @property
    def clumping(self) -> float:
        """How many pairs come together, in the mean: 1 where they come independently."""
        return clumping(self)

    def bounds(self) -> Bounds:
        """Return the ends of the mean number of pairs, exact for Poisson counts, the draw of the threshold included."""
        if not self.agreeing:
            return Bounds(
                0.0, interval_ends.poisson(0.0).high * math.exp(interval_ends.NORMAL / math.sqrt(self.behind))
            )
        # Relative variances add up: that of the clumped count, and that of the threshold.
        effective = 1 / (self.clumping / self.agreeing + 1 / self.behind)
        return Bounds(*(self.agreeing / effective * end for end in interval_ends.poisson(effective)))

    def share(self, other: Pairs) -> tuple[Bounds, float]:
        """Return the ends of this set's share of the pairs of two sets, and the share that equal chances give.

        Both sets must have been counted under one threshold.
        """
        together = clumping(self, other)
        return (
            interval_ends.clopper_pearson(self.agreeing / together, other.agreeing / together),
            self.possible / (self.possible + other.possible),
        )


def clumping(*sets: Pairs) -> float:
    """Return how many pairs come together, in the mean over all sets: 1 where they come independently."""
    num = sum(one.agreeing for one in sets)
    return max(1.0, (sum(one.scatter for one in sets) - num) / num) if num else 1.0


class RankShares(NamedTuple):
    """How two samples of distances lie among each other.

    Attributes
    ----------
    of_first : Tensor, [m]
        For each row of the first sample, the share of the second that is nearer; ties count half.
    of_second : Tensor, [p]
        For each row of the second sample, the share of the first that is farther.
    """

    of_first: Tensor
    of_second: Tensor


def rank_shares(first: Tensor, second: Tensor) -> RankShares:  # [m], [p]
    """Compute the shares whose variances are those of Mann and Whitney's statistic (DeLong et al. 1988)."""
    below, above = _shares_below(second, first), _shares_below(first, second)
    return RankShares(below, 1 - above)


def _shares_below(sample: Tensor, at: Tensor) -> Tensor:  # [n], [m] -> [m]
    ordered = sample.sort().values
    # Rows below and rows up to each value, whose mean counts ties half.
    ends = [torch.searchsorted(ordered, at, right=is_right) for is_right in (False, True)]
    return (ends[0] + ends[1]).double() / (2 * len(sample))


class CountInfluence(NamedTuple):
    """What a row of each bin moves a statistic of the shares of bins by, with the shares: all [K]."""

    values: Tensor
    shares: Tensor

    def deviations(self) -> Tensor:
        """Return √share times the value less the mean; the squares sum to the variance of a row's influence: [K]."""
        mean = (self.shares * self.values).sum()
        return self.shares.sqrt() * (self.values - mean)


def relative_entropy_of_counts(real_counts: Tensor, fake_counts: Tensor) -> tuple[CountInfluence, CountInfluence]:
    """Compute the influence of real and of fake rows on KL(q || p), with the bins' shares p (real) and q (fake).

    Counts are [K]; p must be above 0 where q is.
    """
    p, q = (counts.double() / counts.sum() for counts in (real_counts, fake_counts))
    # KL(q || p) = Σ q log(q / p): its derivatives by p and by q, up to a constant that the mean takes off.
    of_real = torch.where(p > 0, -q / p, 0.0)
    of_fake = torch.where(q > 0, torch.log(q / p), 0.0)
    return CountInfluence(of_real, p), CountInfluence(of_fake, q)


def divergence_of_counts(real_counts: Tensor, fake_counts: Tensor) -> tuple[CountInfluence, CountInfluence]:
    """Compute the influence of real and of fake rows on the Jensen-Shannon divergence of bins' shares: [K], [K]."""
    p, q = (counts.double() / counts.sum() for counts in (real_counts, fake_counts))
    both = p + q
    # JSD = ½ Σ p log(2 p / (p + q)) + ½ Σ q log(2 q / (p + q)): its derivatives by p and by q.
    of_real, of_fake = (torch.where(one > 0, torch.log(2 * one / both), 0.0) / 2 for one in (p, q))
    return CountInfluence(of_real, p), CountInfluence(of_fake, q)
