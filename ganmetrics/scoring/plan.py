"""The plan of a run: which metrics, which sets, checks from cheap to expensive, then one pass over each set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._arguments import described
from ganmetrics.data import Reading, Source
from ganmetrics.data.reading_choices import DEFAULT_READING
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.measurement.published_statistics import is_published, known
from ganmetrics.measurement.reader import DEFAULT_EXTRACTOR, Measuring, too_few
from ganmetrics.measurement.sides import Side, open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import METRICS, Metric
from ganmetrics.metrics import metric as metric_of
from ganmetrics.metrics.needs import Kind, Need
from ganmetrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    from ganmetrics.scoring.keywords import AnyExtractor, Settings

# Choices of a reading that do nothing to saved statistics and to features.
FOR_IMAGES = ("include", "exclude", "sample", "prepare", "levels")

# What the command that scores several metrics takes by default.
DEFAULTS = ("fid", "is", "kid")
NOTHING_MORE: Mapping[str, set[Need]] = MappingProxyType({})
ALONE: Mapping[str, str] = MappingProxyType({})
HELD_OUT: Mapping[str, str] = MappingProxyType({"test": "fake"})


class ChosenMetrics(NamedTuple):
    """The metrics of a run.

    Where ``is_lenient``, a metric that does not fit the sets is left out; else it ends the run.
    """

    metrics: list[Metric]
    is_lenient: bool


class MeasuredSets(NamedTuple):
    """Every set that some metric needs, measured; the metrics that fit them; and why others were left out."""

    sides: dict[str, Statistics]
    metrics: list[Metric]
    left_out: dict[str, str]


def chosen_metrics(metrics: str | Iterable[str | Metric], seed: int | None = None) -> ChosenMetrics:
    """Read which metrics were asked for, each once, and have them draw from ``seed`` (UsageError).

    ``"all"`` stands for every metric and ``"default"`` for those of ``DEFAULTS``, as far as the sets allow them.
    """
    if not isinstance(metrics, Iterable) or hasattr(metrics, "dtype"):
        what = f"metrics is {described(metrics)}; it must be a name or a list of names"
        raise UsageError(what, where="metrics", hint='Such as metrics=["fid", "is"]')
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    words = [name for name in asked if isinstance(name, str) and name in ("all", "default")]
    named = [metric_of(name) for name in asked if not (isinstance(name, str) and name in words)]
    asked_for = {metric.name: metric for metric in named}
    if len(asked_for) < len(named):
        # Twice with other options would give two scores of one name.
        (name, _), *_ = Counter(metric.name for metric in named).most_common(1)
        raise UsageError(f"the metric {name!r} is asked for twice", where="metrics", hint="Score twice instead")
    sets = [METRICS.names() if word == "all" else DEFAULTS for word in words]
    # A metric that is named with options takes the place of the same one in "all" or "default".
    rest = {name: METRICS[name] for names in sets for name in names}
    chosen = list({**rest, **asked_for}.values())
    if not chosen:
        raise UsageError("no metric was asked for", where="metrics")
    return ChosenMetrics(chosen if seed is None else [metric.seeded(seed) for metric in chosen], bool(words))


def agreed_protocol(given: Mapping[str, Any], asked: str | None) -> str | None:
    """Return the protocol of a call: the one asked for, else that of the published statistics among its sets.

    Raises
    ------
    UsageError
        Published statistics score under their package's protocol only.
    """
    for value in given.values():
        is_name = isinstance(value, str) and is_published(value) and not os.path.exists(value)
        own = known(value).protocol if is_name else getattr(value, "protocol", "")
        if isinstance(own, str) and own and asked not in (None, own):
            name = value if is_name else value.source
            what = f"{name} scores under the protocol {own} only, and {asked} was asked for"
            raise UsageError(what, where="protocol", hint="Leave the protocol out, or give the images")
        asked = own if asked is None and isinstance(own, str) and own else asked
    return asked


def under_protocol(
    choice: ChosenMetrics, extractor: AnyExtractor, name: str | None
) -> tuple[ChosenMetrics, AnyExtractor]:
    """Apply a protocol to the metrics and the extractor; without a protocol both stay as they are.

    Raises
    ------
    UsageError
        The protocol is unknown, the extractor is not Inception, or an option is set against the protocol.
    """
    if name is None:
        return choice, extractor
    protocol = PROTOCOLS[name]
    asked = DEFAULT_EXTRACTOR if extractor is None else extractor
    if not isinstance(asked, str) or not asked.startswith(DEFAULT_EXTRACTOR) or "@" in asked:
        what = f"the protocol {name} goes with the extractor inception"
        raise UsageError(what, where="protocol", hint="Leave the extractor out, or the protocol")
    options = protocol.options
    metrics = [metric.configured({**options.get(metric.name, {}), **metric.options}) for metric in choice.metrics]
    return ChosenMetrics(metrics, choice.is_lenient), f"{asked}@{protocol.resize}"


def measured_sets(
    given: Mapping[str, Any],
    choice: ChosenMetrics,
    settings: Settings,
    more: Mapping[str, set[Need]] = NOTHING_MORE,
    *,
    protocol: str | None = None,
    like: Mapping[str, str] = ALONE,
) -> MeasuredSets:
    """Measure every set that some metric needs, after all that is cheap was checked.

    Parameters
    ----------
    given : mapping of str to object
        The sets by their roles: "real", "test" and any number of others.
    choice : ChosenMetrics
    settings : Settings
        Where they name no extractor, that of saved statistics is taken; how intervals are made decides what they read.
    more : mapping of str to set of Need
        What to keep of each set beyond what the metrics read.
    protocol : str, optional
        The package whose numbers are reproduced; it vouches for files that only that package writes.
    like : mapping of str to str
        The roles of sets that are measured like another set too: held-out real images like generated ones.
    """
    left_out: dict[str, str] = {}
    metrics = list(choice.metrics)
    # The order is that of cost: names, then files' headers, then the network's weights, then the images.
    _keep_fitting(metrics, lambda metric: check_given(metric, given), choice, left_out)
    like = {role: other for role, other in like.items() if given.get(role) is not None}
    needed = [role for role in given if kept_of(role, metrics) or more.get(role) or role in like]
    reading, named = settings.reading, settings.extractor
    sides = {role: open_side(given[role], reading, named, protocol=protocol) for role in needed}
    check_reading(reading, sides)
    check_sizes(sides)
    _keep_fitting(metrics, lambda metric: _check_counts(metric, sides), choice, left_out)
    extractor = extractor_of(sides, settings.extractor, metrics)
    measuring = Measuring(extractor, settings.weights, settings.reading, settings.device, settings.batch_size)
    _keep_fitting(
        metrics,
        lambda metric: measuring.check(sides, {role: kept_of(role, [metric]) for role in sides}),
        choice,
        left_out,
    )
    measuring.check_recipes(sides)
    measured = {}
    for role, side in sides.items():
        roles = (role, *([like[role]] if role in like else []))
        wanted = [unheld(side, each, metrics, more.get(role, set()), settings.ci) for each in roles]
        if more.get(role) or any(kept_of(each, metrics, settings.ci) for each in roles):
            measured[role] = measuring(side, set().union(*wanted))
    return MeasuredSets(measured, metrics, left_out)


def unheld(side: Side, role: str, metrics: Sequence[Metric], more: set[Need], ci: str) -> set[Need]:
    """List what to measure of a set: everything that is read, but for metrics that saved statistics serve alone."""
    if isinstance(side, Statistics):
        metrics = [metric for metric in metrics if not side.holds(metric.reads)]
        more = {need for need in more if need.kind is not Kind.NAMES and need.of(side) is None}
    return kept_of(role, metrics, ci) | more


def _keep_fitting(
    metrics: list[Metric], check: Callable[[Metric], None], choice: ChosenMetrics, left_out: dict[str, str]
) -> None:
    """Drop the metrics that do not pass a check, with the reason; raise it where metrics were named one by one."""
    for metric in list(metrics):
        try:
            check(metric)
        except (UsageError, InputError, StatisticsError) as error:
            if not choice.is_lenient or len(metrics) == 1:
                raise
            metrics.remove(metric)
            left_out[metric.name] = error.what


def extractor_of(sides: Mapping[str, Side], extractor: AnyExtractor, metrics: Sequence[Metric]) -> AnyExtractor:
    """Choose the extractor: the one asked for, else that of saved statistics, else pixels where no metric needs any."""
    if extractor is not None:
        return extractor
    saved = [side.recipe.extractor for side in sides.values() if isinstance(side, Statistics)]
    if not saved and not any(metric.needs_network for metric in metrics):
        return "pixels"
    return saved[0] if saved else None


def check_given(metric: Metric, given: Mapping[str, Any]) -> None:
    """Refuse, first of all, a metric without a set that it needs (UsageError)."""
    if metric.needs_real and given["real"] is None:
        raise UsageError(f"{metric.name} needs real images", where="real")
    if metric.needs_test and given.get("test") is None:
        what = f"{metric.name} needs real images that the generator was not trained on"
        raise UsageError(what, where="test", hint="Pass them as `test`, those of its training as real")


def check_reading(reading: Reading, sides: Mapping[str, Side]) -> None:
    """Refuse choices that pick or change images or frames where no set has any to read (UsageError)."""
    if reading.every > 1 and not any(isinstance(side, Source) and side.has_frames for side in sides.values()):
        hint = "Leave it out, or name video files"
        raise UsageError("every is for videos, and no set holds any", where="Reading.every", hint=hint)
    if sides and all(isinstance(side, Statistics) for side in sides.values()):
        name = next((name for name in FOR_IMAGES if getattr(reading, name) != getattr(DEFAULT_READING, name)), "")
        if name:
            what = f"{name} is for images, and every set is saved statistics or features"
            raise UsageError(what, where=f"Reading.{name}", hint="Leave it out, or name the images")


def check_sizes(sides: Mapping[str, Side]) -> None:
    """Refuse a set that is known to have fewer than two images (InputError)."""
    for side in sides.values():
        if isinstance(side, Source) and side.count is not None and side.count < 2:
            raise too_few(side.name, side.count, 2)


def _check_counts(metric: Metric, sides: Mapping[str, Side]) -> None:
    """Refuse sets that are known to be too small, before a network is loaded (InputError)."""
    counts = {role: side.count for role, side in sides.items() if metric.needs_set(role) and side.count}
    least = min((count for count in counts.values() if count), default=metric.least_count)
    if least < metric.least_count:
        sizes = " and ".join(f"{count} {role}" for role, count in counts.items())
        what = f"{metric.name} needs at least {metric.least_count} images in each set; found {sizes}"
        option = f"`{metric.name}({metric.minimum}={least})`"
        hint = f"Add images, or ask for {option}, another protocol than the literature's"
        raise InputError(what, hint=hint, code="E-TOO-FEW")


def kept_of(role: str, metrics: Sequence[Metric], ci: str = "off") -> set[Need]:
    """List what the metrics and their intervals read of one set; saved statistics may lack what only intervals read."""
    kept = {need for metric in metrics if metric.needs_set(role) for need in metric.reads}
    for metric in metrics if ci != "off" else ():
        if not metric.needs_set(role):
            continue
        # The bootstrap draws rows and takes moments of them again.
        if ci == "bootstrap" and metric.resampling == "bootstrap":
            kept |= {need.also_as(Kind.ROWS) or need for need in metric.reads}
        else:
            kept |= set(metric.uncertainty_reads)
    return kept
