"""How many images and trainings it takes to tell two generators apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganmetrics._report import Report
from ganmetrics._table import Cell, Note, Table
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import UsageError
from ganmetrics.evaluation.compare_trainings import methods_of
from ganmetrics.numerics.interval_ends import readable
from ganmetrics.scoring.keywords import MeasuringKeywords, Settings, shows
from ganmetrics.scoring.plan import chosen_metrics, measured_sets
from ganmetrics.scoring.power import POWER, Variances
from ganmetrics.scoring.score import Sides, result_of, score_metric
from ganmetrics.scoring.trainings import Trained

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.metrics import Metric
    from ganmetrics.scoring.result import Score

SCHEMA = 1
# The numbers of images and of trainings of the curves.
SHARES = (0.25, 0.5, 1, 2, 4, 8, 16)
TRAININGS = (2, 3, 5, 10, 20)


@dataclass(frozen=True, repr=False)
class RequiredImages(Report):
    """What it takes to tell a difference of two generators in 80 % of cases.

    Attributes
    ----------
    score : Score
        That of the first set.
    difference : float
        The difference that is to be told.
    num_images : int
        The generated images that each set has now.
    num_trainings : int
        The trainings that each method has now.
    variances : Variances
        The variance of a difference, by its causes.
    warnings : tuple of str
    """

    score: Score
    difference: float
    num_images: int
    num_trainings: int
    variances: Variances
    warnings: tuple[str, ...] = ()

    @property
    def images(self) -> int | None:
        """How many generated images each set needs; ``None`` where the real images are too few for any number."""
        share = self.variances.images(self.difference)
        return math.ceil(share * self.num_images) if math.isfinite(share) else None

    @property
    def trainings(self) -> int | None:
        """How many trainings each method needs, of as many images as now; ``None`` where that is not known."""
        return None if math.isnan(self.variances.training) else self.variances.trainings(self.difference)

    def image_curve(self) -> list[tuple[int, float]]:
        """Return numbers of images with the difference that each tells."""
        return [(round(share * self.num_images), self.variances.detectable(share)) for share in SHARES]

    def training_curve(self) -> list[tuple[int, float]]:
        """Return numbers of trainings with the difference that each tells; nothing for one training."""
        has = not math.isnan(self.variances.training)
        return [(count, self.variances.detectable_by(count)) for count in TRAININGS] if has else []

    def __str__(self) -> str:
        share = abs(self.difference / self.score.value) if self.score.value else math.inf
        wanted = f"{self.difference:.3g} in {self.score.title} ({share:.1%})"
        images = "more real images, no number of generated ones" if self.images is None else f"{self.images:,}"
        trainings = "no number" if self.trainings is None else f"{self.trainings}"
        if self.num_trainings < 2:
            trainings = "not known from one training"
        lines = [
            f"To tell a difference of {wanted} in {POWER:.0%} of cases takes",
            f"  images of each set: {images} (now {self.num_images:,})",
            f"  trainings of each method: {trainings} (now {self.num_trainings})",
        ]
        return "\n".join([*lines, "", self.table().text()])

    def table(self) -> Table:
        """Return the differences that other numbers of images and of trainings tell."""
        curves = (("images of each set", self.image_curve()), ("trainings of each method", self.training_curve()))
        given = [(number, what, told) for what, curve in curves for number, told in curve]
        value = abs(self.score.value)
        rows = tuple(
            (Cell(f"{number:,}", is_number=True), Cell(what), Cell(readable(told), is_number=True),
             Cell(f"{told / value:.1%}" if value else "–", is_number=True))
            for number, what, told in given
        )  # fmt: skip
        records = tuple({"number": number, "of": what, "difference": told} for number, what, told in given)
        notes = (Note(f"Differences that are told in {POWER:.0%} of cases; variances are taken to fall as 1 / number"),)
        return Table(("Number", "of", f"tells, in {self.score.title}", "share"), rows, notes, records)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        facts = {"schema": SCHEMA, "metric": self.score.name, "difference": self.difference, "power": POWER}
        now = {"images": self.num_images, "trainings": self.num_trainings}
        needed = {"images": self.images, "trainings": self.trainings}
        curves = {"images": self.image_curve(), "trainings": self.training_curve()}
        return {**facts, "now": now, "needed": needed, "curves": curves, "warnings": list(self.warnings)}


@shows(MeasuringKeywords)
def required_images(
    real: Any,
    runs: Sequence[Any],
    against: Sequence[Any],
    *,
    detect: str | float = "2%",
    metric: str | Metric = "fid",
    **settings: Unpack[MeasuringKeywords],
) -> RequiredImages:
    """Say how many images, and how many trainings, it takes to tell two generators apart.

    Parameters
    ----------
    real : path, array, tensor, Dataset, DataLoader, Source or Statistics
        The real images.
    runs, against : sequence of path, array, tensor, Dataset, DataLoader, Source or Statistics
        A pilot: one set of images or more of the one and of the other method. Several sets, of several trainings, tell
        the spread over trainings.
    detect : str or float
        The difference to be told: a share of the score such as ``"2%"``, or a number in its units.
    metric : str
    extractor, device, batch_size, weights, reading
        ``evaluate`` takes the same.

    Returns
    -------
    RequiredImages

    Raises
    ------
    UsageError
        A metric of several scores or without an interval, or a difference that is none.
    InputError, StatisticsError, WeightsError, ResourceError
        Sets that cannot be read or scored.

    Notes
    -----
    A difference is told where its 95 % interval leaves out 0. Variances are taken to fall as one over the number of
    images; the score itself may fall too, as FID does.
    """
    common = Settings.of(required_images, settings)
    choice = chosen_metrics([metric], common.seed)
    (chosen,) = choice.metrics
    if len(chosen.parts) != 1:
        raise UsageError(f"{chosen.name} gives several scores", where="metric", hint="Plan for one, such as fid or kid")
    methods = methods_of(runs, against)
    names = [name for each in methods.values() for name in each]
    sets = [one for each in methods.values() for one in each.values()]
    given = {"real": real, **{f"fake{i}": one for i, one in enumerate(sets)}}
    sides, _, _ = measured_sets(given, choice, replace(common, ci="fast"))

    def planned() -> RequiredImages:
        scored, results = {}, {}
        for i, name in enumerate(names):
            one = Sides(sides.get("real"), sides[f"fake{i}"])
            values = score_metric(chosen, one, "fast")
            results[name] = result_of(one, {chosen: values})
            scored[name] = Trained.of(values.estimates[chosen.parts[0].name].value, values.uncertainty.get(chosen.name))
        if any(math.isnan(one.error) for one in scored.values()):
            what = f"{chosen.name} has no interval here from which a number of images could be told"
            raise UsageError(what, where="metric", hint="Plan for fid or kid, of sets whose features are at hand")
        first, second = ([scored[name] for name in each] for each in methods.values())
        score = results[names[0]][chosen.parts[0].name]
        counts = [sides[f"fake{i}"].count for i in range(len(names))]
        mean = sum(one.value for one in scored.values()) / len(scored)
        warnings = tuple(dict.fromkeys(each for result in results.values() for each in result.warnings))
        return RequiredImages(
            replace(score, value=mean, interval=None),
            _difference(detect, mean),
            min(counts),
            min(len(first), len(second)),
            Variances.of(first, second),
            warnings,
        )

    return at_one_place(common.reading.engine, planned, lambda found: found)


def _difference(detect: str | float, value: float) -> float:
    """Return the difference that a text or a number stands for (UsageError)."""
    text = str(detect).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = math.nan
    found = number / 100 * abs(value) if text.endswith("%") else number
    if not 0 < found < math.inf:
        hint = "Give a share of the score such as 2%, or a positive number in its units"
        raise UsageError(f"{text!r:.40} is no difference that could be told", where="detect", hint=hint)
    return found
