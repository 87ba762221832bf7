"""Support size by the birthday paradox."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import UsageError
from ganmetrics.metrics._manifold import feature_pair
from ganmetrics.metrics._uncertainty import Contrast, Uncertain
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.counting import Pairs
from ganmetrics.numerics.interval_ends import Interval
from ganmetrics.numerics.neighbors import close_partners, neighbor_squares

if TYPE_CHECKING:
    from ganmetrics.types import ArrayLike


class Support(NamedTuple):
    """The support size, and the pairs of fakes that it follows from."""

    birthday: float
    pairs: Pairs


def birthday(real_features: ArrayLike, fake_features: ArrayLike, *, share: float = 0.01) -> float:
    """Number of different images that a generator seems to have, from how many pairs of its samples nearly agree.

    Use it to estimate from one sample how many different images a generator can draw. Higher is better; the value of as
    many unseen reals is what to reach. Of M samples it is at most M (M - 1), which stands for no pair at all; a
    generator that draws evenly from S images has a pair in about M² / 2S cases.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        The reals only say what nearly agreeing is; 1,000 fakes see supports up to about a million.
    share : float
        Two images nearly agree if they are closer than the closest ``share`` of the reals are to their neighbours.

    Returns
    -------
    float
        M (M - 1) / 2 over the number of pairs, or over one half where there is none.

    Raises
    ------
    InputError
        A set has fewer than two rows, is no matrix of the other's width, or holds NaN or infinity.
    UsageError
        ``share`` is not between 0 and 1.

    Notes
    -----
    The paper asks people which of the closest pairs are duplicates. Here the distance that makes one is read from the
    reals, so that no eye is needed and two machines agree.

    References
    ----------
    Arora, Zhang: Do GANs actually learn the distribution? An empirical study. Preprint 2017, arXiv:1706.08224.
    Arora, Risteski, Zhang: Do GANs learn the distribution? Some Theory and Empirics. ICLR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> real = np.arange(100.0)[:, None]
    >>> birthday(real, np.repeat([[0.0], [20.0], [40.0], [60.0]], 10, axis=0))  # four images, ten times each
    4.333333333333333
    """
    return support(real_features, fake_features, share=share).birthday


def support(real_features: ArrayLike, fake_features: ArrayLike, *, share: float = 0.01) -> Support:
    """Compute the support size with what its interval needs."""
    if not 0 < share < 1:
        raise UsageError(f"share is {share}; it must be between 0 and 1", where="birthday.share")
    real, fake = feature_pair(real_features, fake_features, 1, "birthday")
    # Pairs of fakes nearly agree where they are closer than the closest share of real images are.
    near = float(torch.quantile(neighbor_squares(real, 1), share, interpolation="lower"))
    partners = close_partners(fake, near).double()
    possible, agreeing = len(fake) * (len(fake) - 1) // 2, int(partners.sum()) // 2
    # Pairs that share an image come together, which makes the interval of their number wider.
    scatter = float((partners - partners.mean()).square().sum())
    pairs = Pairs(agreeing, possible, scatter, 1 + math.floor(share * (len(real) - 1)))
    return Support(possible / (agreeing or 0.5), pairs)


@dataclass(frozen=True)
class UncertainSupport:
    """A support size as the pairs that it follows from tell it."""

    support: Support

    def interval(self) -> Interval:
        """Turn the exact interval of a Poisson mean over; it has no upper end where no pair agrees."""
        low, high = (
            self.support.pairs.possible / end if end > 0 else math.inf for end in self.support.pairs.bounds()[::-1]
        )
        return Interval(low, high, "exact Poisson interval of the pairs")

    def contrast(self, other: Uncertain) -> Contrast | None:
        """Return the ratio of two support sizes under the threshold that they share."""
        if not isinstance(other, UncertainSupport):
            return None
        ends, even = self.support.pairs.share(other.support.pairs)
        low, high = ((1 - end) / end * even / (1 - even) if end > 0 else math.inf for end in ends[::-1])
        value = self.support.birthday / other.support.birthday
        return Contrast(value, Interval(low, high, "exact interval of the share of pairs"), is_ratio=True)


def uncertainty(computed: Support, given: Given) -> dict[str, Uncertain]:
    """Tell how uncertain the support size is, from the pairs that it follows from."""
    return {"birthday": UncertainSupport(computed)}


METRIC = Metric(
    name="birthday",
    function=support,
    parts=(Part("birthday", "Support size", higher_is_better=True, best="that of unseen reals"),),
    reads=(FEATURES,),
    paper="Arora, Zhang 2017, arXiv:1706.08224",
    cost="all pairs",
    uncertainty=uncertainty,
    depends_on_count=False,
)
