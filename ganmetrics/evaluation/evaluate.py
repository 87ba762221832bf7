"""One pass over each set, then every metric: the whole evaluation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from ganmetrics._arguments import one_of
from ganmetrics.data import Reading, open_source
from ganmetrics.data.source import chosen_reading
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import UsageError
from ganmetrics.extractors import Extractor
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.measurement.reader import DEFAULT_EXTRACTOR, Measuring
from ganmetrics.measurement.sides import open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import Metric
from ganmetrics.metrics.needs import NEEDS, saved_names
from ganmetrics.scoring.intervals import check_mode
from ganmetrics.scoring.plan import Facts, check_given, check_sizes, chosen_metrics, prepared, under_protocol
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides, scored

if TYPE_CHECKING:
    import os

    import torch


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
    protocol: str | None = None,
    num_images: int | None = None,
    reading: Reading | None = None,
) -> Result:
    """Score fake images against real ones, each image meeting the network once however many metrics there are.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order; ``real`` may be ``None`` where no metric needs it. A path is a folder, a zip,
        an npz or npy of uint8 images, a pattern such as ``out/*_fake.png``, saved statistics, or the name of bundled
        ones such as ``mnist-test``. Lists and iterators of PIL images, arrays or paths are taken too.
    test : as ``real``, optional
        Real images that the generator was not trained on, for metrics of memorisation, whose ``real`` are those that it
        was trained on.
    metrics : sequence of str
        Such as ``["fid", "is", "kid(subset_size=500)"]``. ``"all"`` takes all that the sets allow, ``"default"`` FID,
        Inception Score and KID as far as the sets allow them; the result says which were left out and why.
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
        How the 95 % intervals are made: by each metric's own method, or from disjoint parts of the sets; by 200
        bootstrap replicates where a metric allows them, for the others from more parts; or not at all.
    protocol : str, optional
        Whose numbers to reproduce, such as ``"clean-fid"``; ``ganmetrics list protocols`` names them. It goes with
        Inception only.
    num_images : int, optional
        Where ``fake`` is a function ``n -> images``, a sampler, or a generator network that tells the size of its
        latents: how many images it makes. ``gm.source`` takes the seed and the range of float images too.
    reading : Reading, optional
        How files are read: bad files, transparency, workers, progress, engine, cache.

    Returns
    -------
    Result

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        All of them ``GanMetricsError``, before a network is loaded wherever possible.
    """
    choice, extractor = under_protocol(chosen_metrics(metrics, seed), extractor, protocol)
    check_mode(ci)
    if num_images is not None and callable(real) and not callable(fake):
        what = "the generator stands where the real images belong"
        raise UsageError(
            what, where="real", hint="Call gm.evaluate(reference, generator, num_images=…): real, then fake"
        )
    if num_images is not None:
        fake = open_source(fake, reading=chosen_reading(reading), num_images=num_images)
    facts = Facts(extractor, weights, chosen_reading(reading), choose_device(device), batch_size)
    sides, chosen, left_out = prepared({"real": real, "fake": fake, "test": test}, choice, ci, facts)
    given = Sides(sides.get("real"), sides["fake"], sides.get("test"))
    return at_one_place(
        facts.reading.engine,
        lambda: scored(given, chosen, ci, left_out, is_lenient=choice.is_lenient, protocol=protocol),
        Result.without_rows,
    )


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
    chosen = chosen_metrics(metrics).metrics
    check_mode(ci)
    for each in chosen:
        check_given(each, {"real": real, "fake": fake, "test": test})
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
    reading = chosen_reading(reading)
    asked = [reads] if isinstance(reads, str) else list(reads) if isinstance(reads, Collection) else [reads]
    wanted = {NEEDS[one_of(name, "kind of statistics", saved_names())] for name in asked}
    if not wanted:
        raise UsageError("nothing was asked for", where="reads", hint=f"Name some of {', '.join(saved_names())}")
    side = open_side(source, reading, extractor)
    if isinstance(side, Statistics):
        raise UsageError("the source is statistics already", where=side.source or side.name, hint="Name the images")
    check_sizes({"source": side})
    measuring = Measuring(extractor, weights, reading, choose_device(device), batch_size)
    measuring.check({"source": side}, {"source": wanted})
    found = measuring(side, wanted)
    return at_one_place(reading.engine, lambda: found, Statistics.without_rows)
