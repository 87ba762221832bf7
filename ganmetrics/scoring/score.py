"""From measured sets to scores: every metric of a run with its interval and its signature."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, NumericalError, StatisticsError, UsageError
from ganmetrics.measurement.archive import FID_INCEPTION as LITERATURE
from ganmetrics.measurement.recipe import Recipe, Signature
from ganmetrics.metrics.needs import LABELS
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.scoring.cautions import cautions
from ganmetrics.scoring.intervals import uncertainty
from ganmetrics.scoring.result import Result, Score
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics import Estimate, Metric, Part
    from ganmetrics.numerics.interval import Interval
    from ganmetrics.scoring.intervals import Uncertainty


NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Sides:
    """The measured sets of a run; those that no metric needs are ``None``."""

    real: Statistics | None
    fake: Statistics
    test: Statistics | None = None

    def needed(self, each: Metric) -> tuple[Statistics | None, Statistics, Statistics | None]:
        """(real, fake, test), with ``None`` for those that a metric ignores (StatisticsError for what they lack)."""
        chosen = (self.real if each.needs_real else None, self.fake, self.test if each.needs_test else None)
        for side in filter(None, chosen):
            for need in each.reads:
                side.require(need)
        return _with_one_set_of_classes(chosen) if LABELS in each.reads else chosen


def _with_one_set_of_classes(
    sides: tuple[Statistics | None, Statistics, Statistics | None],
) -> tuple[Statistics | None, Statistics, Statistics | None]:
    """The sets with labels that mean the same class in each, whatever classes each has."""
    classes = tuple(dict.fromkeys(name for side in filter(None, sides) for name in side.classes))
    real, fake, test = (side and _relabelled(side, classes) for side in sides)
    assert fake is not None
    for role, side in (("real", real), ("fake", fake)):
        if side is not None and side.labels is not None and classes:
            _check_classes(side.labels, classes, role)
    return real, fake, test


def _check_classes(labels: torch.Tensor, classes: Sequence[str], role: str) -> None:
    """Refuse classes with too few images for a score of their own, by their names (InputError)."""
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    few = [name for name, count in zip(classes, counts, strict=True) if count < 2]
    if few:
        more = f" and {len(few) - 10} more" if len(few) > 10 else ""
        what = f"the classes {', '.join(few[:10])}{more} have fewer than two {role} images"
        hint = "Give both sets the same classes, each with two images at least"
        raise InputError(what, where=role, hint=hint, code="E-TOO-FEW")


def _relabelled(side: Statistics, classes: tuple[str, ...]) -> Statistics:
    if side.labels is None or not side.classes or side.classes == classes:
        return side
    places = torch.tensor([classes.index(name) for name in side.classes])
    return dataclasses.replace(side, labels=places[side.labels], classes=classes)


class Measured(NamedTuple):
    """A metric's values and how uncertain they are."""

    estimates: Mapping[str, Estimate]
    uncertainty: Uncertainty

    def interval(self, part: str) -> Interval | None:
        """The interval of one value, where there is one."""
        return self.uncertainty[part].interval() if part in self.uncertainty else None


def scored(
    sides: Sides,
    chosen: Sequence[Metric],
    ci: str,
    left_out: Mapping[str, str] = NOTHING,
    *,
    is_lenient: bool = False,
    protocol: str | None = None,
) -> Result:
    """Every metric of sets that were measured; ``left_out`` says why others are missing, ``protocol`` whose they are.

    Where ``is_lenient``, metrics that the values of the sets do not allow join them, unless none is left.
    """
    found: dict[Metric, Measured] = {}
    left_out = dict(left_out)
    for each in chosen:
        try:
            found[each] = measured(each, sides, ci)
        except (UsageError, InputError, StatisticsError, NumericalError) as error:
            if not is_lenient or (each is chosen[-1] and not found):
                raise
            left_out[each.name] = error.what
    result = result_of(sides, found, protocol)
    return dataclasses.replace(result, left_out=left_out) if left_out else result


def measured(each: Metric, sides: Sides, ci: str) -> Measured:
    """One metric of sets that were measured."""
    real, fake, test = sides.needed(each)
    found = each.computed(real, fake, test)
    return Measured(each.estimates_of(found), uncertainty(each, (real, fake, test), found, ci) or {})


def result_of(sides: Sides, found: Mapping[Metric, Measured], protocol: str | None = None) -> Result:
    """The scores with all that goes with them."""
    differs = {} if protocol is None else PROTOCOLS[protocol].differs
    otherwise = [f"{each.name} is not {protocol}'s: {differs[each.name]}" for each in found if each.name in differs]
    warnings = (*cautions(sides.real, sides.fake, list(found), sides.test), *otherwise)
    scores = [one for each, values in found.items() for one in _scores(each, sides, values, warnings)]
    return Result({one.name: one for one in scores}, sides.real, sides.fake, warnings)


def _scores(each: Metric, sides: Sides, found: Measured, warnings: tuple[str, ...]) -> Iterator[Score]:
    signature = _signature(each, *sides.needed(each))
    for part in each.parts:
        value, std, _ = found.estimates[part.name]
        yield Score(
            name=part.name,
            title=_title(part, sides.fake.recipe) if each.needs_network else part.title,
            value=value,
            std=std,
            spread=each.spread,
            higher_is_better=part.higher_is_better,
            signature=signature,
            warnings=warnings,
            interval=found.interval(part.name),
        )


def _signature(each: Metric, real: Statistics | None, fake: Statistics, test: Statistics | None) -> Signature:
    recipe, has_order, has_rows = fake.recipe, "seed" in each.settings, each.reads_rows
    labels = [(side and side.labelled(has_order=has_order, has_rows=has_rows)) or "" for side in (real, fake, test)]
    return Signature(
        metric=str(each),
        network=recipe.network if each.needs_network else "none",
        resize=recipe.resize if each.needs_network else "none",
        real=labels[0],
        fake=labels[1],
        precision=recipe.precision,
        version=__version__,
        test=labels[2],
    )


def _title(part: Part, recipe: Recipe) -> str:
    """The literature's name for the literature's network alone; any other network's score is labelled as its own."""
    is_literature = recipe.network == LITERATURE
    is_custom = recipe.extractor.startswith("inception") and "-custom:" in recipe.network
    return part.title if is_literature else f"{part.title}({recipe.extractor}{', own weights' * is_custom})"
