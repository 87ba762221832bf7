"""One pass over each set, then every metric: the whole evaluation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganmetrics._progress import progress_bar
from ganmetrics.data import Reading, Source
from ganmetrics.errors import InputError, UsageError
from ganmetrics.evaluation.archive import FID_INCEPTION as LITERATURE
from ganmetrics.evaluation.cautions import cautions
from ganmetrics.evaluation.digests import PixelDigests
from ganmetrics.evaluation.opening import Side, open_side
from ganmetrics.evaluation.recipe import Recipe, Signature
from ganmetrics.evaluation.result import Result, Score
from ganmetrics.evaluation.statistics import Collector, Statistics
from ganmetrics.features import Extractor, load_extractor
from ganmetrics.features.extraction import Extraction, choose_device
from ganmetrics.metrics import Metric, Part, metric
from ganmetrics.registry import unknown
from ganmetrics.version import __version__

if TYPE_CHECKING:
    import os

    import torch

    from ganmetrics.types import Images

    AnyExtractor = str | Extractor | Callable[..., Any] | None

READABLE = ("moments", "features", "logits")
DEFAULT_EXTRACTOR = "inception"


def evaluate(
    real: Any,
    fake: Any,
    *,
    metrics: str | Sequence[str | Metric] = ("fid",),
    extractor: str | Extractor | Callable[..., Any] | None = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    seed: int = 2020,
    weights: str | os.PathLike[str] | None = None,
    reading: Reading | None = None,
) -> Result:
    """Score fake images against real ones, each image meeting the network once however many metrics there are.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order; ``real`` may be ``None`` where no metric needs it. A path is a folder, a zip,
        an npz or npy of uint8 images, saved statistics, or the name of bundled ones such as ``mnist-test``.
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
    on = choose_device(device)
    needs = {"real": _reads([m for m in chosen if m.needs_real]), "fake": _reads(chosen)}
    given = {"real": real, "fake": fake}
    sides = {role: open_side(given[role], reading, extractor) for role in given if needs[role]}
    _check_counts(sides, chosen)
    measuring = Measuring(_extractor_of(sides, extractor), weights, reading, on, batch_size)
    measuring.check(sides, needs)
    measured = {role: measuring(side, needs[role]) for role, side in sides.items()}
    return _scored(measured.get("real"), measured["fake"], chosen)


def score(real: Statistics | None, fake: Statistics, metrics: str | Sequence[str | Metric]) -> Result:
    """Every metric of two sets that were measured already.

    Raises
    ------
    UsageError
        An unknown metric, or one that is named twice.
    StatisticsError
        Statistics of different recipes, or without what a metric reads.
    """
    chosen = chosen_metrics(metrics)
    if real is None and any(each.needs_real for each in chosen):
        raise UsageError("a metric that was asked for needs real images", where="real")
    if real is not None:
        real.recipe.require(fake.recipe, (real.source or "real", fake.source or "fake"))
    return _scored(real, fake, chosen)


def _scored(real: Statistics | None, fake: Statistics, chosen: Sequence[Metric]) -> Result:
    warnings = tuple(cautions(real, fake, chosen))
    scores = [one for each in chosen for one in _scores(each, real if each.needs_real else None, fake, warnings)]
    return Result({one.name: one for one in scores}, real, fake, warnings)


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


@dataclass
class Measuring:
    """Measures sides with one extractor, which is loaded when the first side that holds images asks for it."""

    extractor: AnyExtractor
    weights: str | os.PathLike[str] | None
    reading: Reading
    device: torch.device
    batch_size: int | None

    @cached_property
    def loaded(self) -> Extractor:
        return load_extractor(self.extractor or DEFAULT_EXTRACTOR, self.weights)

    def check(self, sides: Mapping[str, Side], needs: Mapping[str, set[str]]) -> None:
        """Refuse, before any image is read, what a side cannot give and saved statistics of another recipe."""
        recipes = [self._recipe(side, needs[role]) for role, side in sides.items()]
        if len(recipes) == 2 and any(isinstance(side, Statistics) for side in sides.values()):
            recipes[0].require(recipes[1], (f"{sides['real'].name or 'real'}", f"{sides['fake'].name or 'fake'}"))

    def _recipe(self, side: Side, reads: set[str]) -> Recipe:
        if isinstance(side, Statistics):
            for name in sorted(reads):
                side.require(name)
            return side.recipe
        for name in sorted(reads):
            self.loaded.layer_for(name)
        return recipe_of(self.loaded, self.reading)

    def __call__(self, side: Side, reads: set[str]) -> Statistics:
        return side if isinstance(side, Statistics) else self.read(side, self.loaded, reads)

    def read(self, source: Source, extractor: Extractor, reads: set[str]) -> Statistics:
        collector, pixels = Collector(reads, extractor), PixelDigests()
        extraction = Extraction(extractor, collector.layers, self.device, self.batch_size)
        with closing(self.watched(source, pixels)) as images:
            for found in extraction.run(images):
                collector.add(found)
        if len(pixels) < 2:
            raise too_few(source.name, len(pixels), 2)
        return Statistics(
            recipe=recipe_of(extractor, self.reading),
            count=len(pixels),
            digest=pixels.combined(),
            name=source.label,
            order=pixels.ordered(),
            moments=collector.finished(),
            features=collector.tensor("features"),
            logits=collector.tensor("logits"),
            skipped=len(source.notes.skipped),
            notes=deepcopy(source.notes),
            pixels=pixels,
            place=source.identity,
            source=source.name,
        )

    def watched(self, source: Source, pixels: PixelDigests) -> Generator[Images, None, None]:
        """The images on their way to the network, with the bar moved and their digests taken."""
        with progress_bar(source.name[-40:], source.count, self.reading.progress) as bar:
            for images in source.batches():
                pixels.add(images)
                yield images
                bar.update(len(images))


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


def recipe_of(extractor: Extractor, reading: Reading) -> Recipe:
    """The recipe that an extractor and a way of reading make."""
    layer = extractor.identity.partition("/")[2]
    spec = f"{extractor.name}:{layer}" if layer else extractor.name
    return Recipe(spec, extractor.identity, extractor.resize, reading.changes())


def too_few(name: str, found: int, least: int) -> InputError:
    what = f"{found} image{'s' * (found != 1)} found where at least {least} are needed"
    return InputError(what, where=name, hint="Add images", code="E-TOO-FEW")


def _extractor_of(sides: Mapping[str, Side], extractor: AnyExtractor) -> AnyExtractor:
    """The extractor asked for, else that of a side which is saved statistics."""
    saved = [side.recipe.extractor for side in sides.values() if isinstance(side, Statistics)]
    return extractor if extractor is not None or not saved else saved[0]


def _check_counts(sides: Mapping[str, Side], metrics: Sequence[Metric]) -> None:
    """Refuse sets that are known to be too small, before a network is loaded."""
    for side in sides.values():
        if isinstance(side, Source) and side.count is not None and side.count < 2:
            raise too_few(side.name, side.count, 2)
    for each in metrics:
        roles = ("real", "fake") if each.needs_real else ("fake",)
        counts = {role: sides[role].count for role in roles}
        least = min((count for count in counts.values() if count), default=each.least_count)
        if least < each.least_count:
            found = " and ".join(f"{count} {role}" for role, count in counts.items())
            what = f"{each.name} needs at least {each.least_count} images in each set; found {found}"
            option = f"{each.name}.{each.minimum}={least}"
            hint = f"Add images, or set {option} (--set {option}), another protocol than the literature's"
            raise InputError(what, hint=hint, code="E-TOO-FEW")


def _reads(metrics: Sequence[Metric]) -> set[str]:
    return {name for each in metrics for name in each.reads}


def _scores(each: Metric, real: Statistics | None, fake: Statistics, warnings: tuple[str, ...]) -> Iterator[Score]:
    for side in (real, fake):
        if side is not None:
            for name in each.reads:
                side.require(name)
    recipe, label = fake.recipe, "ordered_label" if "seed" in each.settings else "label"
    signature = Signature(
        metric=str(each),
        network=recipe.network,
        resize=recipe.resize,
        real=getattr(real, label) if real is not None else "",
        fake=getattr(fake, label),
        precision=recipe.precision,
        version=__version__,
    )
    found = each.estimates(real, fake)
    for part in each.parts:
        value, std = found[part.name]
        title = _title(part, recipe)
        yield Score(part.name, title, value, std, each.spread, part.higher_is_better, signature, warnings)


def _title(part: Part, recipe: Recipe) -> str:
    """The literature's name for the literature's network alone; any other network's score is labelled as its own."""
    is_literature = recipe.network == LITERATURE
    is_custom = recipe.extractor.startswith("inception") and "-custom:" in recipe.network
    return part.title if is_literature else f"{part.title}({recipe.extractor}{', own weights' * is_custom})"
