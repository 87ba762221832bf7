"""The floor of a score: what held-out real images score in place of generated ones, at the same number of images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.errors import GanMetricsError
from ganmetrics.scoring.pairing import Pairing
from ganmetrics.scoring.result import Floor
from ganmetrics.scoring.score import Sides, score_metric

if TYPE_CHECKING:
    from ganmetrics.metrics import Metric, Part
    from ganmetrics.scoring.pairing import Paired
    from ganmetrics.scoring.result import Result
    from ganmetrics.scoring.score import MetricValues

PAIR = ("fake", "test")


class Floors(NamedTuple):
    """The floors of the scores that have one, by the names of the scores, and what is to be said about them."""

    by_score: Mapping[str, Floor]
    warnings: tuple[str, ...] = ()

    def beside(self, result: Result) -> Result:
        """Return a result whose scores have their floors, with the warnings behind its own."""
        warnings = (*result.warnings, *self.warnings)
        scores = {
            name: dataclasses.replace(score, floor=self.by_score.get(name), warnings=warnings)
            for name, score in result.scores.items()
        }
        return dataclasses.replace(result, scores=scores, warnings=warnings)


def floors_of(sides: Sides, values: Mapping[Metric, MetricValues], ci: str) -> Floors:
    """Score held-out real images as if they were generated, by every metric that does not read them itself.

    Parameters
    ----------
    sides : Sides
        ``test`` holds the held-out images; without them nothing has a floor.
    values : mapping of Metric to MetricValues
        The values of the generated images.
    ci : str
        How intervals are made.
    """
    if sides.test is None:
        return Floors({})
    as_fake = Sides(sides.real, sides.test)
    found: dict[str, Floor] = {}
    warnings = []
    for metric, own in values.items():
        if metric.needs_test:
            continue
        try:
            held_out = score_metric(metric, as_fake, ci)
        except GanMetricsError as error:
            warnings.append(f"the held-out images have no {metric.name} to compare with: {error.what}")
            continue
        pairing = Pairing({"fake": sides, "test": as_fake}, {"fake": {metric: own}, "test": {metric: held_out}}, ci)
        paired = pairing.paired(metric, PAIR)
        if paired.reason:
            warnings.append(f"{metric.name} has no floor: {paired.reason}")
            continue
        found |= {part.name: _floor(part, paired, pairing.num_images(metric, paired)) for part in metric.parts}
        warnings += [_below(part) for part in metric.parts if found[part.name].is_below and metric.needs_real]
    return Floors(found, tuple(warnings))


def _floor(part: Part, paired: Paired, num_images: int) -> Floor:
    own, held_out = (one.estimates[part.name].value for one in paired.scores)
    uncertain, other = (one.uncertainty.get(part.name) for one in paired.scores)
    contrast = uncertain.contrast(other) if uncertain is not None and other is not None else None
    interval = None if other is None else other.interval()
    # A floor that may be 0 has no ratio: KID of two sets of real images is as often below 0 as above it.
    is_apart = held_out > 0 and (interval is None or interval.low > 0)
    is_below = (
        not part.higher_is_better
        and contrast is not None
        and not contrast.doubt
        and contrast.interval.high < (1.0 if contrast.is_ratio else 0.0)
    )
    return Floor(held_out, own / held_out if is_apart else math.nan, num_images, interval, is_below)


def _below(part: Part) -> str:
    return (
        f"{part.title} is below that of held-out real images: the generator may have been trained on this metric "
        "or its network, or on these images. Score the images with another network too"
    )
