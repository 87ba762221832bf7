"""From measured sets to scores: every metric of a run with its interval and its signature."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.errors import InputError, StatisticsError
from ganmetrics.measurement.archive import FID_INCEPTION as LITERATURE
from ganmetrics.measurement.recipe import Signature
from ganmetrics.metrics.needs import LABELS
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.scoring.cautions import cautions
from ganmetrics.scoring.intervals import uncertainty_of
from ganmetrics.scoring.result import Result, Score
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics import Estimate, Metric
    from ganmetrics.scoring.intervals import Uncertainty


@dataclass(frozen=True)
class Sides:
    """The measured sets of a run; those that no metric needs are ``None``."""

    real: Statistics | None
    fake: Statistics
    test: Statistics | None = None

    def needed(self, metric: Metric) -> tuple[Statistics | None, Statistics, Statistics | None]:
        """Return (real, fake, test), ``None`` for a set that a metric ignores.

        Raises
        ------
        StatisticsError, InputError
            A set lacks what the metric reads, or a class has too few images.
        """
        given = (self.real if metric.needs_real else None, self.fake, self.test if metric.needs_test else None)
        real, fake, test = (side and side.serving(metric.reads) for side in given)
        assert fake is not None
        chosen = (real, fake, test)
        for side in filter(None, chosen):
            for need in metric.reads:
                side.require(need)
            if metric.settings.get("denominator") == "n" and not side.count:
                what = "the saved statistics do not say of how many images they are, which covariances over N need"
                hint = "Give the images themselves, or leave the protocol out"
                raise StatisticsError(what, where=side.source or side.name, hint=hint, code="E-KEPT")
        return _with_one_set_of_classes(chosen) if LABELS in metric.reads else chosen


def _with_one_set_of_classes(
    sides: tuple[Statistics | None, Statistics, Statistics | None],
) -> tuple[Statistics | None, Statistics, Statistics | None]:
    """Number the classes of all sets alike, so that a label means one class, whatever classes each set has."""
    classes = tuple(dict.fromkeys(name for side in filter(None, sides) for name in side.classes))
    if classes and sides[0] and not set(sides[0].classes or classes) & set(sides[1].classes or classes):
        real_classes, fake_classes = (", ".join(side.classes[:5]) for side in (sides[0], sides[1]))
        what = f"no class is in both sets: the real images have {real_classes}, the fake ones {fake_classes}"
        raise InputError(what, where="fake", hint="Give both sets the same names of classes", code="E-LABELS")
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
    """Replace a set's labels, which are indices into its own classes, by indices into those of all sets."""
    if side.labels is None or not side.classes or side.classes == classes:
        return side
    # Labels are indices: the set's own classes give way to those of all sets.
    places = torch.tensor([classes.index(name) for name in side.classes])
    return dataclasses.replace(side, labels=places[side.labels], classes=classes)


class MetricValues(NamedTuple):
    """The values that a metric gives for some sets, and how uncertain they are."""

    estimates: Mapping[str, Estimate]
    uncertainty: Uncertainty


def score_metric(metric: Metric, sides: Sides, ci: str) -> MetricValues:
    """Score measured sets by one metric, with its intervals."""
    real, fake, test = sides.needed(metric)
    computed = metric.computed(real, fake, test)
    uncertainty = uncertainty_of(metric, (real, fake, test), computed, ci)
    return MetricValues(metric.estimates_of(computed), uncertainty or {})


def result_of(sides: Sides, values: Mapping[Metric, MetricValues], protocol: str | None = None) -> Result:
    """Put a metric's values together with signatures, titles and warnings."""
    differs = {} if protocol is None else PROTOCOLS[protocol].differs
    others = [f"{m.name} is not {protocol}'s: {differs[m.name]}" for m in values if m.name in differs]
    warnings = (*cautions(sides.real, sides.fake, list(values), sides.test), *others)
    scores: dict[str, Score] = {}
    for metric, found in values.items():
        # Subsets that are drawn by position depend on the order of the images, and rows of a long stream are a sample.
        recipe, has_order, has_rows = sides.fake.recipe, "seed" in metric.settings, metric.reads_rows
        needed = sides.needed(metric)
        labels = [(side and side.labelled(has_order=has_order, has_rows=has_rows)) or "" for side in needed]
        signature = Signature(
            metric=str(metric),
            network=recipe.network if metric.needs_network else "none",
            resize=recipe.resize if metric.needs_network else "none",
            real=labels[0],
            fake=labels[1],
            precision=recipe.precision,
            version=__version__,
            test=labels[2],
        )
        # The literature's names are those of its own network: for another one the title names the network too.
        is_custom = recipe.extractor.startswith("inception") and "-custom:" in recipe.network
        network = f"({recipe.extractor}{', own weights' * is_custom})"
        is_plain = recipe.network == LITERATURE or not metric.needs_network
        for part in metric.parts:
            value, std, _ = found.estimates[part.name]
            uncertain = found.uncertainty.get(part.name)
            scores[part.name] = Score(
                name=part.name,
                title=part.title if is_plain else f"{part.title}{network}",
                value=value,
                std=std,
                spread=metric.spread,
                higher_is_better=part.higher_is_better,
                signature=signature,
                warnings=warnings,
                interval=None if uncertain is None else uncertain.interval(),
            )
    return Result(scores, sides.real, sides.fake, warnings)
