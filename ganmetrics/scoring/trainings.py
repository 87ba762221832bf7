"""Methods compared by several trainings each: how much a second training would move a score.

A score of one training varies with the training and with the images that are sampled from it. The spread over trainings
holds both. The noise of the real images is shared by all trainings: it is not in that spread, and is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

# Not scipy.stats, whose import costs a second.
from scipy import special

from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.numerics.interval_ends import NORMAL, TAIL, Interval

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.metrics._uncertainty import Uncertain


class Trained(NamedTuple):
    """One score of one training.

    Attributes
    ----------
    value : float
    error : float
        The standard error from the images alone, of both sides; NaN where it is not known.
    shared : Tensor or None
        What each real image adds to the error; the squares sum to the part of its square that is due to them.
    """

    value: float
    error: float = math.nan
    shared: Tensor | None = None

    @staticmethod
    def of(value: float, uncertain: Uncertain | None) -> Trained:
        """Return a score of a training with what its metric tells of its error."""
        if not isinstance(uncertain, Estimated):
            return Trained(value)
        ends = uncertain.apart or uncertain.bounds
        error = (ends.high - ends.low) / (2 * NORMAL)
        shared = uncertain.shared
        return Trained(value, error, None if shared is None else shared * error)

    @property
    def own_variance(self) -> float:
        """The variance that is due to the generated images alone."""
        return self.error**2 - (0.0 if self.shared is None else float(self.shared @ self.shared))


class Spread(NamedTuple):
    """The scores of several trainings of one method.

    Attributes
    ----------
    mean : float
    std : float
        The standard deviation over trainings, in which each training has images of its own.
    sampling_std : float
        The part of it that other images of the same trainings would have; NaN where it is not known.
    num_trainings : int
    interval : Interval or None
        Of the mean over all trainings that there could be; ``None`` for one training.
    """

    mean: float
    std: float
    sampling_std: float
    num_trainings: int
    interval: Interval | None

    @property
    def training_std(self) -> float:
        """The part of the spread that is due to the trainings; 0 where the images alone explain it."""
        return math.sqrt(max(0.0, self.std**2 - self.sampling_std**2))


def spread_of(trained: Sequence[Trained]) -> Spread:
    """Return mean and spread over trainings, with the interval of the mean by Student's t."""
    values = np.array([one.value for one in trained])
    count, mean = len(values), float(values.mean())
    std = float(values.std(ddof=1)) if count > 1 else math.nan
    sampling = math.sqrt(max(0.0, float(np.mean([one.own_variance for one in trained]))))
    if count < 2 or not math.isfinite(std):
        return Spread(mean, std, sampling, count, None)
    real = real_variance(trained, ())
    own = std**2 / count
    # One quantile for the sum of both variances would cover too rarely: two trainings are often alike by chance.
    reach = math.hypot(_quantile(count - 1) * math.sqrt(own), NORMAL * math.sqrt(real))
    interval = Interval(mean - reach, mean + reach, f"Student's t over {count} trainings")
    return Spread(mean, std, sampling, count, interval)


def difference_of_means(first: Sequence[Trained], second: Sequence[Trained]) -> Interval | None:
    """Return the 95 % interval of the difference of two methods' means; ``None`` where one has a single training.

    The degrees of freedom lie a third of the way from Welch's, which are too few for two trainings, to those of equal
    spreads.
    """
    if min(len(first), len(second)) < 2:
        return None
    sides = [np.array([one.value for one in side]) for side in (first, second)]
    if not all(np.isfinite(side).all() for side in sides):
        return None
    value = float(sides[0].mean() - sides[1].mean())
    parts = [(float(side.var(ddof=1)) / len(side), len(side) - 1) for side in sides]
    own = sum(part for part, _ in parts)
    total = own + real_variance(first, second)
    welch, pooled = _freedom(total, parts), _freedom(total, [(own, len(first) + len(second) - 2)])
    freedom = welch + (pooled - welch) / 3 if math.isfinite(welch + pooled) else welch
    method = f"Student's t over {len(first)} and {len(second)} trainings, {freedom:.3g} degrees of freedom"
    reach = _quantile(freedom) * math.sqrt(total)
    return Interval(value - reach, value + reach, method)


def _quantile(freedom: float) -> float:
    return float(special.stdtrit(freedom, 1 - TAIL)) if math.isfinite(freedom) else NORMAL


def _freedom(total: float, parts: Sequence[tuple[float, int]]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of variances, of which some have few."""
    below = sum(part**2 / freedom for part, freedom in parts)
    return total**2 / below if below > 0 else math.inf


def real_variance(first: Sequence[Trained], second: Sequence[Trained]) -> float:
    """Return the variance of a mean, or of a difference of means, that is due to the real images they share.

    It is 0 where some score does not tell what each real image adds to its error.
    """
    means, excess = [], 0.0
    for side in (first, second):
        rows = [one.shared for one in side if one.shared is not None]
        if len(rows) < len(side) or len({row.shape for row in rows}) > 1:
            return 0.0
        if rows:
            means.append(torch.stack(rows).mean(dim=0))
        if len(rows) > 1:
            # The images of each training add noise of their own, which the spread over trainings holds already.
            excess += float((torch.stack(rows) - means[-1]).square().sum()) / (len(rows) * (len(rows) - 1))
    if len({mean.shape for mean in means}) > 1:
        return 0.0
    rest = means[0] - means[1] if len(means) > 1 else means[0]
    return max(0.0, float(rest @ rest) - excess)
