"""How many images, and how many trainings, it takes to tell two generators apart: power from the variance seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

# Not scipy.stats, whose import costs a second.
from scipy import special

from ganmetrics.numerics.interval_ends import NORMAL, TAIL
from ganmetrics.scoring.trainings import Trained, real_variance

# How often a difference of the wanted size is to be told.
POWER = 0.8
# More trainings than anybody has.
MOST_TRAININGS = 1000
UNITS = NORMAL + float(special.ndtri(POWER))


class Variances(NamedTuple):
    """The parts of the variance of a difference of two scores.

    Attributes
    ----------
    fake : float
        Due to the generated images; falls as one over their number.
    real : float
        Due to the real images, as far as they do not cancel.
    training : float
        The sum of both methods' variances over trainings, images included; NaN where there is one training.
    """

    fake: float
    real: float
    training: float = math.nan

    @staticmethod
    def of(first: Sequence[Trained], second: Sequence[Trained]) -> Variances:
        """Return the variances of a difference of one training of each method."""
        fake = sum(sum(one.own_variance for one in side) / len(side) for side in (first, second))
        real = real_variance(first, second)
        if min(len(first), len(second)) < 2:
            return Variances(fake, real)
        return Variances(fake, real, _variance(first) + _variance(second))

    def detectable(self, share: float = 1.0) -> float:
        """Return the difference that is told in 80 % of cases, with ``share`` times as many generated images."""
        return UNITS * math.sqrt(self.fake / share + self.real)

    def images(self, difference: float) -> float:
        """Return how many times as many generated images tell a difference; infinity where no number does."""
        room = (difference / UNITS) ** 2 - self.real
        return self.fake / room if room > 0 else math.inf

    def detectable_by(self, trainings: int) -> float:
        """Return the difference of methods that so many trainings of each tell in 80 % of cases."""
        freedom = 2 * trainings - 2
        units = float(special.stdtrit(freedom, 1 - TAIL) + special.stdtrit(freedom, POWER))
        return units * math.sqrt(self.training / trainings + self.real)

    def trainings(self, difference: float) -> int | None:
        """Return how many trainings of each method tell a difference; ``None`` where no number does."""
        return next((n for n in range(2, MOST_TRAININGS) if self.detectable_by(n) <= difference), None)


def _variance(side: Sequence[Trained]) -> float:
    mean = sum(one.value for one in side) / len(side)
    return sum((one.value - mean) ** 2 for one in side) / (len(side) - 1)
