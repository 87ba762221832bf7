"""One pass over each set, then every metric: the whole evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganmetrics._progress import progress_bar
from ganmetrics.data import Reading, Source
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.evaluation.cautions import cautions
from ganmetrics.evaluation.digests import PixelDigests
from ganmetrics.evaluation.opening import Side, open_side
from ganmetrics.evaluation.recipe import Recipe, Signature
from ganmetrics.evaluation.result import Result, Score
from ganmetrics.evaluation.statistics import Collector, Statistics
from ganmetrics.features import Extractor, load_extractor
from ganmetrics.features.extraction import Extraction, choose_device
from ganmetrics.metrics import Metric, metric
from ganmetrics.version import __version__

if TYPE_CHECKING:
    import os

    import torch

    from ganmetrics.types import Images

DEFAULT_EXTRACTOR = "inception"


def evaluate(
    real: Any,
    fake: Any,
    *,
    metrics: Sequence[str | Metric] = ("fid",),
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
        Images in one forward pass; chosen by device. It does not change the scores.
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
    chosen = [metric(name).seeded(seed) for name in metrics]
    if not chosen:
        raise UsageError("no metric was asked for", where="metrics")
    on = choose_device(device)
    real_side = open_side(real, reading, extractor) if any(m.needs_real for m in chosen) else None
    fake_side = open_side(fake, reading, extractor)
    _check_sides(real_side, fake_side, chosen)
    measure = _Measuring(extractor, weights, reading, on, batch_size)
    measured_real = None if real_side is None else measure(real_side, {m.reads for m in chosen if m.needs_real})
    measured_fake = measure(fake_side, {m.reads for m in chosen})
    return score(measured_real, measured_fake, chosen)


def score(real: Statistics | None, fake: Statistics, metrics: Sequence[Metric]) -> Result:
    """Every metric of two sets that were measured already; recipes must agree (StatisticsError)."""
    if real is not None:
        real.recipe.require(fake.recipe, (real.source or "real", fake.source or "fake"))
    scores = {each.name: _score(each, real if each.needs_real else None, fake) for each in metrics}
    return Result(scores, real, fake, tuple(cautions(real, fake, metrics)))


def measure(
    source: Any,
    *,
    reads: Sequence[str] = ("moments",),
    extractor: str | Extractor | Callable[..., Any] = DEFAULT_EXTRACTOR,
    device: str | torch.device = "auto",
    weights: str | os.PathLike[str] | None = None,
    reading: Reading | None = None,
) -> Statistics:
    """The statistics of one set, to be saved or scored later.

    Parameters
    ----------
    source : as in ``evaluate``
    reads : sequence of {"moments", "features", "logits"}
        What to keep. Moments take constant memory, the others a row for each image.
    extractor, device, weights, reading : as in ``evaluate``
    """
    reading = reading or Reading()
    side = open_side(source, reading, extractor)
    _check_sides(None, side, [])
    return _Measuring(extractor, weights, reading, choose_device(device), None)(side, set(reads))


@dataclass
class _Measuring:
    """Measures sides with one extractor, loaded when the first side that holds images asks for it."""

    extractor: str | Extractor | Callable[..., Any] | None
    weights: str | os.PathLike[str] | None
    reading: Reading
    device: torch.device
    batch_size: int | None
    loaded: Extractor | None = None

    def __call__(self, side: Side, reads: set[str]) -> Statistics:
        if isinstance(side, Statistics):
            for name in reads:
                side.require(name)
            if self.extractor is None:
                self.extractor = side.recipe.extractor
            return side
        if self.loaded is None:
            self.loaded = load_extractor(self.extractor or DEFAULT_EXTRACTOR, self.weights)
        return self.read(side, self.loaded, reads)

    def read(self, source: Source, extractor: Extractor, reads: set[str]) -> Statistics:
        collector, pixels = Collector(reads, extractor), PixelDigests()
        extraction = Extraction(extractor, collector.layers, self.device, self.batch_size)
        for found in extraction.run(self.watched(source, pixels)):
            collector.add(found)
        if len(pixels) < 2:
            raise too_few(source.name, len(pixels), 2)
        return Statistics(
            recipe=recipe_of(extractor, self.reading),
            count=len(pixels),
            digest=pixels.combined(),
            name=source.label,
            moments=collector.finished(),
            features=collector.tensor("features"),
            logits=collector.tensor("logits"),
            skipped=len(source.notes.skipped),
            notes=source.notes,
            pixels=pixels,
            source=source.name,
        )

    def watched(self, source: Source, pixels: PixelDigests) -> Iterator[Images]:
        """The images on their way to the network, with the bar moved and their digests taken."""
        with progress_bar(source.name[-40:], source.count, self.reading.progress) as bar:
            for images in source.batches():
                pixels.add(images)
                yield images
                bar.update(len(images))


def recipe_of(extractor: Extractor, reading: Reading) -> Recipe:
    """The recipe that an extractor and a way of reading make."""
    layer = extractor.identity.partition("/")[2]
    spec = f"{extractor.name}:{layer}" if layer else extractor.name
    return Recipe(spec, extractor.identity, extractor.resize, reading.changes())


def too_few(name: str, found: int, least: int) -> InputError:
    what = f"{found} image{'s' * (found != 1)} found where at least {least} are needed"
    return InputError(what, where=name, hint="Add images", code="E-TOO-FEW")


def _check_sides(real: Side | None, fake: Side, metrics: Sequence[Metric]) -> None:
    """What can be refused before a network is loaded."""
    sides = [side for side in (real, fake) if side is not None]
    least = max((m.least_count for m in metrics), default=2)
    for side in sides:
        if isinstance(side, Statistics):
            continue
        if side.count is not None and side.count < 2:
            raise too_few(side.name, side.count, 2)
        if side.count is not None and side.count < least:
            demanding = max(metrics, key=lambda m: m.least_count)
            what = f"{demanding.name} needs at least {least} images on each side; found {side.count}"
            option = f"{demanding.name}.{demanding.minimum}"
            hint = f"Add images, or pass --set {option}={side.count} (another protocol than the literature's)"
            raise InputError(what, where=side.name, hint=hint, code="E-TOO-FEW")
    if isinstance(real, Source) and isinstance(fake, Source) and real.identity and real.identity == fake.identity:
        fake.notes.warnings.append(f"real and fake are the same place, {fake.name}")


def _score(each: Metric, real: Statistics | None, fake: Statistics) -> Score:
    try:
        estimate = each.score(real, fake)
    except StatisticsError as error:
        raise StatisticsError(
            f"{each.name}: {error.what}", where=error.where, hint=error.hint, code=error.code
        ) from error
    recipe = fake.recipe
    signature = Signature(
        metric=str(each),
        network=recipe.network,
        resize=",".join((recipe.resize, *recipe.reading)),
        real=real.label if real is not None else "",
        fake=fake.label,
        precision=recipe.precision,
        version=__version__,
    )
    return Score(each.name, each.title, *estimate, each.spread, each.higher_is_better, signature)
