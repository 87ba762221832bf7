"""One pass over each set, then every metric: the whole evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ganmetrics.data import Reading, Source
from ganmetrics.errors import InputError, UsageError
from ganmetrics.evaluation.intervals import check_mode
from ganmetrics.evaluation.measuring import DEFAULT_EXTRACTOR, Measuring, too_few
from ganmetrics.evaluation.opening import Side, open_side
from ganmetrics.evaluation.result import Result
from ganmetrics.evaluation.scoring import Sides, scored
from ganmetrics.evaluation.statistics import Statistics
from ganmetrics.features import Extractor
from ganmetrics.features.extraction import choose_device
from ganmetrics.metrics import Metric, metric
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    import os

    import torch

    AnyExtractor = str | Extractor | Callable[..., Any] | None

READABLE = ("moments", "features", "logits")
NOTHING_MORE: Mapping[str, set[str]] = MappingProxyType({})


def evaluate(
    real: Any,
    fake: Any,
    test: Any = None,
    *,
    metrics: str | Sequence[str | Metric] = ("fid",),
    extractor: str | Extractor | Callable[..., Any] | None = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    seed: int = 2020,
    weights: str | os.PathLike[str] | None = None,
    ci: str = "fast",
    reading: Reading | None = None,
) -> Result:
    """Score fake images against real ones, each image meeting the network once however many metrics there are.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order; ``real`` may be ``None`` where no metric needs it. A path is a folder, a zip,
        an npz or npy of uint8 images, saved statistics, or the name of bundled ones such as ``mnist-test``.
    test : as ``real``, optional
        Real images that the generator was not trained on, for metrics of memorisation, whose ``real`` are those that it
        was trained on.
    metrics : sequence of str
        Such as ``["fid", "is", "kid(subset_size=500)"]``.
    extractor : str, Extractor or callable, optional
        The network; by default that of saved statistics where a side is such, else ``"inception"``.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    batch_size : int, optional
        Images in one forward pass; chosen by device. It moves scores by float32 rounding only (1e-6 relative).
    seed : int
        Of every subset and shuffle.
    weights : path, optional
        A weights file in place of the network's own.
    ci : {"fast", "bootstrap", "off"}
        How the 95 % intervals are made: from influence functions, and by the jackknife for metrics without one; by 200
        bootstrap replicates in place of the former; or not at all.
    reading : Reading, optional
        How files are read: bad files, transparency, workers, progress.

    Returns
    -------
    Result

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        All of them ``GanMetricsError``, before a network is loaded wherever possible.
    """
    reading = reading or Reading()
    chosen = [each.seeded(seed) for each in chosen_metrics(metrics)]
    check_mode(ci)
    facts = Facts(extractor, weights, reading, choose_device(device), batch_size)
    sides = measured_sides({"real": real, "fake": fake, "test": test}, chosen, ci, facts)
    return scored(Sides(sides.get("real"), sides["fake"], sides.get("test")), chosen, ci)


@dataclass(frozen=True)
class Facts:
    """How sets are measured: the arguments that ``evaluate`` and ``compare`` share."""

    extractor: AnyExtractor
    weights: str | os.PathLike[str] | None
    reading: Reading
    device: torch.device
    batch_size: int | None


def measured_sides(
    given: Mapping[str, Any],
    chosen: Sequence[Metric],
    ci: str,
    facts: Facts,
    more: Mapping[str, set[str]] = NOTHING_MORE,
) -> dict[str, Statistics]:
    """Every set that some metric needs, measured with one extractor, after all that is cheap was checked.

    ``given`` has them by their roles, "real", "test" and any number of others; ``more`` is what else to keep of each.
    """
    needs, wants = _reads(given, chosen), _wanted(given, chosen, ci)
    _check_given(given, chosen)
    sides = {role: open_side(given[role], facts.reading, facts.extractor) for role in given if needs[role]}
    _check_counts(sides, chosen)
    extractor = _extractor_of(sides, facts.extractor)
    measuring = Measuring(extractor, facts.weights, facts.reading, facts.device, facts.batch_size)
    measuring.check(sides, needs)
    return {role: measuring(side, needs[role] | wants[role] | more.get(role, set())) for role, side in sides.items()}


def score(
    real: Statistics | None,
    fake: Statistics,
    metrics: str | Sequence[str | Metric],
    *,
    test: Statistics | None = None,
    ci: str = "fast",
) -> Result:
    """Every metric of sets that were measured already; ``test`` and ``ci`` as in ``evaluate``.

    Raises
    ------
    UsageError
        An unknown metric, or one that is named twice; a metric without a set that it needs.
    StatisticsError
        Statistics of different recipes, or without what a metric reads.
    """
    chosen = chosen_metrics(metrics)
    check_mode(ci)
    _check_given({"real": real, "fake": fake, "test": test}, chosen)
    for role, side in (("real", real), ("test", test)):
        if side is not None:
            side.recipe.require(fake.recipe, (side.source or role, fake.source or "fake"))
    return scored(Sides(real, fake, test), chosen, ci)


def measure(
    source: Any,
    *,
    reads: str | Sequence[str] = ("moments",),
    extractor: str | Extractor | Callable[..., Any] = DEFAULT_EXTRACTOR,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    reading: Reading | None = None,
) -> Statistics:
    """The statistics of one set, to be saved or scored later.

    Parameters
    ----------
    source : as in ``evaluate``
    reads : sequence of {"moments", "features", "logits"}
        What to keep. Moments take constant memory, the others a row for each image.
    extractor, device, batch_size, weights, reading : as in ``evaluate``
    """
    reading = reading or Reading()
    wanted = {reads} if isinstance(reads, str) else set(reads)
    for name in sorted(wanted - set(READABLE)):
        raise unknown("kind of statistics", name, list(READABLE))
    if not wanted:
        raise UsageError("nothing was asked for", where="reads", hint=f"Name some of {', '.join(READABLE)}")
    side = open_side(source, reading, extractor)
    if isinstance(side, Statistics):
        raise UsageError("the source is statistics already", where=side.source or side.name, hint="Name the images")
    _check_counts({"source": side}, [])
    measuring = Measuring(extractor, weights, reading, choose_device(device), batch_size)
    measuring.check({"source": side}, {"source": wanted})
    return measuring(side, wanted)


def chosen_metrics(metrics: str | Sequence[str | Metric]) -> list[Metric]:
    """The metrics that were asked for, each once (UsageError)."""
    chosen = [metric(each) for each in ([metrics] if isinstance(metrics, str) else metrics)]
    names = [each.name for each in chosen]
    if not names:
        raise UsageError("no metric was asked for", where="metrics")
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the metric {name!r} is asked for twice", where="metrics", hint="Score twice instead")
    return chosen


def _extractor_of(sides: Mapping[str, Side], extractor: AnyExtractor) -> AnyExtractor:
    """The extractor asked for, else that of a side which is saved statistics."""
    saved = [side.recipe.extractor for side in sides.values() if isinstance(side, Statistics)]
    return extractor if extractor is not None or not saved else saved[0]


def _check_given(given: Mapping[str, Any], metrics: Sequence[Metric]) -> None:
    """Refuse, first of all, a run without a set that one of its metrics needs."""
    for each in metrics:
        if each.needs_real and given["real"] is None:
            raise UsageError(f"{each.name} needs real images", where="real")
        if each.needs_test and given.get("test") is None:
            what = f"{each.name} needs real images that the generator was not trained on"
            raise UsageError(what, where="test", hint="Pass them as test (--test), those of its training as real")


def _check_counts(sides: Mapping[str, Side], metrics: Sequence[Metric]) -> None:
    """Refuse sets that are known to be too small, before a network is loaded."""
    for side in sides.values():
        if isinstance(side, Source) and side.count is not None and side.count < 2:
            raise too_few(side.name, side.count, 2)
    for each in metrics:
        counts = {role: side.count for role, side in sides.items() if _is_needed(each, role)}
        least = min((count for count in counts.values() if count), default=each.least_count)
        if least < each.least_count:
            found = " and ".join(f"{count} {role}" for role, count in counts.items())
            what = f"{each.name} needs at least {each.least_count} images in each set; found {found}"
            option = f"{each.name}.{each.minimum}={least}"
            hint = f"Add images, or set {option} (--set {option}), another protocol than the literature's"
            raise InputError(what, hint=hint, code="E-TOO-FEW")


def _is_needed(each: Metric, role: str) -> bool:
    return {"real": each.needs_real, "test": each.needs_test}.get(role, True)


def _reads(roles: Iterable[str], metrics: Sequence[Metric]) -> dict[str, set[str]]:
    """What the metrics read of each set."""
    return {role: {name for each in metrics if _is_needed(each, role) for name in each.reads} for role in roles}


def _wanted(roles: Iterable[str], metrics: Sequence[Metric], ci: str) -> dict[str, set[str]]:
    """What the intervals read beyond that, of images; saved statistics may lack it."""
    return {role: {x for m in metrics if _is_needed(m, role) for x in _of_interval(m, ci)} for role in roles}


def _of_interval(each: Metric, ci: str) -> set[str]:
    if each.influence is None or ci == "off":
        return set()
    if ci == "fast":
        return set(each.influence_reads)
    return {"features" if name == "moments" else name for name in each.reads}  # the rows that it draws
