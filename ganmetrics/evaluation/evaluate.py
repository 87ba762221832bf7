"""Score sets of images: one pass over each set, then every metric."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ganmetrics._arguments import one_of
from ganmetrics.data import open_source
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import UsageError
from ganmetrics.extractors import Extractor
from ganmetrics.measurement.reader import DEFAULT_EXTRACTOR, Measuring
from ganmetrics.measurement.sides import open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import Metric
from ganmetrics.metrics.needs import NEEDS, saved_names
from ganmetrics.scoring.intervals import MODES
from ganmetrics.scoring.keywords import DeviceAndFileKeywords, ScoringKeywords, Settings, shows
from ganmetrics.scoring.plan import (
    HELD_OUT,
    agreed_protocol,
    check_given,
    check_sizes,
    chosen_metrics,
    measured_sets,
    under_protocol,
)
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides
from ganmetrics.scoring.scored import scored

if TYPE_CHECKING:
    from typing_extensions import Unpack


@shows(ScoringKeywords)
def evaluate(
    real: Any,
    fake: Any,
    test: Any = None,
    *,
    metrics: str | Sequence[str | Metric] = ("fid",),
    protocol: str | None = None,
    num_images: int | None = None,
    **settings: Unpack[ScoringKeywords],
) -> Result:
    """Score generated images against real ones with any number of metrics.

    Each image meets the network once, however many metrics there are.

    Parameters
    ----------
    real, fake : path, array, tensor, Dataset, DataLoader, Source or Statistics
        Two sets of images, in this order; ``real`` may be ``None`` where no metric needs it. A path is a folder, a zip,
        an npz or npy of uint8 images, a pattern such as ``out/*_fake.png``, saved statistics, or the name of bundled
        ones such as ``mnist-test``. Lists and iterators of PIL images, arrays or paths are taken too.
    test : path, array, tensor, Dataset, DataLoader, Source or Statistics, optional
        Real images that the generator was not trained on. Metrics of memorisation need them; ``real`` is then the
        training set. The other metrics score them too, as the floor that stands beside each score.
    metrics : sequence of str
        Names such as ``["fid", "is", "kid(subset_size=500)"]``. ``"all"`` takes every metric that the sets allow,
        ``"default"`` FID, Inception Score and KID as far as the sets allow them; the result says which were left out
        and why.
    protocol : str, optional
        The package whose numbers are reproduced, such as ``"clean-fid"``; ``ganmetrics list protocols`` names all.
        Protocols go with Inception only.
    num_images : int, optional
        How many images ``fake`` makes, where it is a function ``n -> images``, a sampler, or a generator network that
        tells the size of its latents. ``gm.source`` takes the seed and the range of float images too.
    extractor : str, Extractor or callable, optional
        The network that turns images into features. The default is that of saved statistics where a side is such, else
        ``"inception"``.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    batch_size : int, optional
        Images in one forward pass; chosen by device. Its choice moves scores by float32 rounding only (1e-6 relative).
    seed : int
        Random seed for subsets and shuffles.
    weights : path, optional
        A weights file in place of the network's own.
    ci : {"fast", "bootstrap", "off"}
        How the 95 % intervals are made. ``"fast"`` takes each metric's own method, or disjoint parts of the sets.
        ``"bootstrap"`` takes 200 bootstrap replicates where a metric allows them, and more parts for the others.
        ``"off"`` makes none.
    reading : Reading, optional
        How files are read: bad files, transparency, workers, progress, engine, cache.

    Returns
    -------
    Result

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        All of them are ``GanMetricsError``, raised before a network is loaded wherever possible.
    """
    chosen = Settings.of(evaluate, settings)
    protocol = agreed_protocol({"real": real, "fake": fake, "test": test}, protocol)
    choice, extractor = under_protocol(chosen_metrics(metrics, chosen.seed), chosen.extractor, protocol)
    # Without this check the generator would be measured as the real set, and the score would look plausible.
    if num_images is not None and callable(real) and not callable(fake):
        what = "the generator stands where the real images belong"
        hint = "Call gm.evaluate(reference, generator, num_images=…): real, then fake"
        raise UsageError(what, where="real", hint=hint)
    if num_images is not None:
        fake = open_source(fake, reading=chosen.reading, num_images=num_images)
    # A protocol may have changed the extractor, so the settings that travel on have the changed one.
    given = {"real": real, "fake": fake, "test": test}
    chosen = replace(chosen, extractor=extractor)
    sides, fitting, left_out = measured_sets(given, choice, chosen, protocol=protocol, like=HELD_OUT)
    sets = Sides(sides.get("real"), sides["fake"], sides.get("test"))
    # Under torchrun the first rank scores and sends the others the result without its rows.
    return at_one_place(
        chosen.reading.engine,
        lambda: scored(sets, fitting, chosen.ci, left_out, is_lenient=choice.is_lenient, protocol=protocol),
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
    """Score sets whose statistics are already computed.

    Parameters
    ----------
    real, fake, test : Statistics
        ``real`` and ``test`` may be ``None`` where no metric needs them.
    metrics : sequence of str
        Names such as ``["fid", "kid(subset_size=500)"]``.
    ci : {"fast", "bootstrap", "off"}
        How the 95 % intervals are made; ``evaluate`` describes each way.

    Returns
    -------
    Result

    Raises
    ------
    UsageError
        An unknown metric, or one that is named twice; a metric without a set that it needs.
    StatisticsError
        Statistics of different recipes, or without what a metric reads.
    """
    chosen = chosen_metrics(metrics).metrics
    one_of(ci, "kind of interval", MODES)
    for each in chosen:
        check_given(each, {"real": real, "fake": fake, "test": test})
    # Statistics of another network or resize would give a number that means nothing.
    for role, side in (("real", real), ("test", test)):
        if side is not None:
            side.require_alike(fake, (side.source or role, fake.source or "fake"))
    return scored(Sides(real, fake, test), chosen, ci)


@shows(DeviceAndFileKeywords)
def measure(
    source: Any,
    *,
    reads: str | Sequence[str] = ("moments",),
    extractor: str | Extractor | Callable[..., Any] = DEFAULT_EXTRACTOR,
    **settings: Unpack[DeviceAndFileKeywords],
) -> Statistics:
    """Measure the statistics of one set, to be saved or scored later.

    Parameters
    ----------
    source : path, array, tensor, Dataset, DataLoader or Source
        A set of images, of any kind that ``evaluate`` takes.
    reads : sequence of {"moments", "features", "logits"}
        What to keep. Moments take constant memory, the others a row for each image.
    extractor : str, Extractor or callable
    device, batch_size, weights, reading
        ``evaluate`` takes the same.

    Returns
    -------
    Statistics
    """
    chosen = Settings.of(measure, {**settings, "extractor": extractor})
    asked = [reads] if isinstance(reads, str) else list(reads) if isinstance(reads, Collection) else [reads]
    wanted = {NEEDS[one_of(name, "kind of statistics", saved_names())] for name in asked}
    if not wanted:
        raise UsageError("nothing was asked for", where="reads", hint=f"Name some of {', '.join(saved_names())}")
    side = open_side(source, chosen.reading, extractor)
    if isinstance(side, Statistics):
        hint = "Pass the images themselves; saved statistics need no measuring"
        raise UsageError("the source is statistics already", where=side.source or side.name, hint=hint)
    check_sizes({"source": side})
    measuring = Measuring(extractor, chosen.weights, chosen.reading, chosen.device, chosen.batch_size)
    measuring.check({"source": side}, {"source": wanted})
    found = measuring(side, wanted)
    return at_one_place(chosen.reading.engine, lambda: found, Statistics.without_rows)
