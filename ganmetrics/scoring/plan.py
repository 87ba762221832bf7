"""All that comes before scores: which metrics, which sets, checks from cheap to dear, then one pass over each set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._arguments import described
from ganmetrics.data import Source
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.measurement.reader import DEFAULT_EXTRACTOR, Measuring, too_few
from ganmetrics.measurement.sides import Side, open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import METRICS, Metric, metric
from ganmetrics.metrics.needs import Kind, Need
from ganmetrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    from ganmetrics.scoring.keywords import AnyExtractor, Settings

DEFAULTS = ("fid", "is", "kid")  # of the command that scores several metrics
NOTHING_MORE: Mapping[str, set[Need]] = MappingProxyType({})


class ChosenMetrics(NamedTuple):
    """The metrics of a run, of which those that do not fit are left out where ``is_lenient``, and else end the run."""

    metrics: list[Metric]
    is_lenient: bool


class MeasuredSets(NamedTuple):
    """Every set that some metric needs, measured; the metrics that fit them; and why others were left out."""

    sides: dict[str, Statistics]
    chosen: list[Metric]
    left_out: dict[str, str]


def chosen_metrics(metrics: str | Iterable[str | Metric], seed: int | None = None) -> ChosenMetrics:
    """The metrics that were asked for, each once, drawing from ``seed`` (UsageError).

    ``"all"`` stands for every metric and ``"default"`` for those of ``DEFAULTS``, as far as the sets allow them.
    """
    if not isinstance(metrics, Iterable) or hasattr(metrics, "dtype"):
        what = f"metrics is {described(metrics)}; it must be a name or a list of names"
        raise UsageError(what, where="metrics", hint='Such as metrics=["fid", "is"]')
    asked = [metrics] if isinstance(metrics, str) else list(metrics)
    words = [each for each in asked if isinstance(each, str) and each in ("all", "default")]
    named = [metric(each) for each in asked if not (isinstance(each, str) and each in words)]
    asked_for = {each.name: each for each in named}
    if len(asked_for) < len(named):
        (name, _), *_ = Counter(each.name for each in named).most_common(1)
        raise UsageError(f"the metric {name!r} is asked for twice", where="metrics", hint="Score twice instead")
    sets = [METRICS.names() if word == "all" else DEFAULTS for word in words]
    rest = {name: METRICS[name] for names in sets for name in names}
    chosen = list({**rest, **asked_for}.values())
    if not chosen:
        raise UsageError("no metric was asked for", where="metrics")
    return ChosenMetrics(chosen if seed is None else [each.seeded(seed) for each in chosen], bool(words))


def under_protocol(
    choice: ChosenMetrics, extractor: AnyExtractor, name: str | None
) -> tuple[ChosenMetrics, AnyExtractor]:
    """The metrics and the extractor of a protocol; both as they are without one.

    Raises
    ------
    UsageError
        An unknown protocol, one with an extractor other than Inception, or an option set against it.
    """
    if name is None:
        return choice, extractor
    chosen = PROTOCOLS[name]
    asked = DEFAULT_EXTRACTOR if extractor is None else extractor
    if not isinstance(asked, str) or not asked.startswith(DEFAULT_EXTRACTOR) or "@" in asked:
        what = f"the protocol {name} goes with the extractor inception"
        raise UsageError(what, where="protocol", hint="Leave the extractor out, or the protocol")
    metrics = [each.configured({**chosen.options.get(each.name, {}), **each.options}) for each in choice.metrics]
    return ChosenMetrics(metrics, choice.is_lenient), f"{asked}@{chosen.resize}"


def prepared(
    given: Mapping[str, Any], choice: ChosenMetrics, settings: Settings, more: Mapping[str, set[Need]] = NOTHING_MORE
) -> MeasuredSets:
    """Every set that some metric needs, measured with one extractor, after all that is cheap was checked.

    ``given`` has them by their roles, "real", "test" and any number of others; ``more`` is what else to keep of each.
    """
    fitting = _Fitting(choice)
    fitting.keep(lambda each: check_given(each, given))
    wanted = reads_of(given, fitting.metrics)
    needed = [role for role in given if wanted[role] or more.get(role)]
    sides = {role: open_side(given[role], settings.reading, settings.extractor) for role in needed}
    check_sizes(sides)
    fitting.keep(lambda each: _check_counts(each, sides))
    extractor = extractor_of(sides, settings.extractor, fitting.metrics)
    measuring = Measuring(extractor, settings.weights, settings.reading, settings.device, settings.batch_size)
    fitting.keep(lambda each: measuring.check(sides, reads_of(sides, [each])))
    measuring.check_recipes(sides)
    keep = {role: kept_of(role, fitting.metrics, settings.ci) | more.get(role, set()) for role in sides}
    measured = {}
    for role, side in sides.items():
        if keep[role]:
            measured[role] = measuring(side, keep[role])
    return MeasuredSets(measured, fitting.metrics, fitting.left_out)


class _Fitting:
    """The metrics that passed every check so far."""

    def __init__(self, choice: ChosenMetrics) -> None:
        self.metrics, self.is_lenient = list(choice.metrics), choice.is_lenient
        self.left_out: dict[str, str] = {}

    def keep(self, check: Callable[[Metric], None]) -> None:
        """Drop what does not pass, with its reason, or raise it where metrics were named one by one."""
        for each in list(self.metrics):
            try:
                check(each)
            except (UsageError, InputError, StatisticsError) as error:
                if not self.is_lenient or len(self.metrics) == 1:
                    raise
                self.metrics.remove(each)
                self.left_out[each.name] = error.what


def extractor_of(sides: Mapping[str, Side], extractor: AnyExtractor, metrics: Sequence[Metric]) -> AnyExtractor:
    """The extractor asked for, else that of a side which is saved statistics; pixels where no metric needs any."""
    if extractor is not None:
        return extractor
    saved = [side.recipe.extractor for side in sides.values() if isinstance(side, Statistics)]
    if not saved and not any(each.needs_network for each in metrics):
        return "pixels"
    return saved[0] if saved else None


def check_given(each: Metric, given: Mapping[str, Any]) -> None:
    """Refuse, first of all, a metric without a set that it needs."""
    if each.needs_real and given["real"] is None:
        raise UsageError(f"{each.name} needs real images", where="real")
    if each.needs_test and given.get("test") is None:
        what = f"{each.name} needs real images that the generator was not trained on"
        raise UsageError(what, where="test", hint="Pass them as `test`, those of its training as real")


def check_sizes(sides: Mapping[str, Side]) -> None:
    for side in sides.values():
        if isinstance(side, Source) and side.count is not None and side.count < 2:
            raise too_few(side.name, side.count, 2)


def _check_counts(each: Metric, sides: Mapping[str, Side]) -> None:
    """Refuse sets that are known to be too small, before a network is loaded."""
    counts = {role: side.count for role, side in sides.items() if _is_needed(each, role) and side.count}
    least = min((count for count in counts.values() if count), default=each.least_count)
    if least < each.least_count:
        found = " and ".join(f"{count} {role}" for role, count in counts.items())
        what = f"{each.name} needs at least {each.least_count} images in each set; found {found}"
        option = f"`{each.name}({each.minimum}={least})`"
        hint = f"Add images, or ask for {option}, another protocol than the literature's"
        raise InputError(what, hint=hint, code="E-TOO-FEW")


def _is_needed(each: Metric, role: str) -> bool:
    return {"real": each.needs_real, "test": each.needs_test}.get(role, True)


def kept_of(role: str, metrics: Sequence[Metric], ci: str) -> set[Need]:
    """What the metrics and their intervals read of one set."""
    return reads_of([role], metrics)[role] | _of_intervals(role, metrics, ci)


def reads_of(roles: Iterable[str], metrics: Sequence[Metric]) -> dict[str, set[Need]]:
    """What the metrics read of each set."""
    return {role: {need for each in metrics if _is_needed(each, role) for need in each.reads} for role in roles}


def _of_intervals(role: str, metrics: Sequence[Metric], ci: str) -> set[Need]:
    """What the intervals read beyond that, of images; saved statistics may lack it."""
    return {need for each in metrics if _is_needed(each, role) for need in _of_interval(each, ci)}


def _of_interval(each: Metric, ci: str) -> set[Need]:
    if ci == "off":
        return set()
    if ci == "bootstrap" and each.resampling == "bootstrap":
        return {need.also_as(Kind.ROWS) or need for need in each.reads}  # the rows that it draws
    return set(each.uncertainty_reads)
