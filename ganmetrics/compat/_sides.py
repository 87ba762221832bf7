"""The two sets of a FID or KID as other packages name them: images, or files of statistics that name no recipe."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ganmetrics._wording import renamed
from ganmetrics.compat._peer_files import PeerRule, peer_folder
from ganmetrics.data import Reading, Source, open_source
from ganmetrics.errors import GanMetricsError, GanMetricsWarning, StatisticsError
from ganmetrics.evaluation.evaluate import measure, score
from ganmetrics.extractors import Extractor, load_extractor
from ganmetrics.measurement import archive
from ganmetrics.measurement.reader import recipe_of
from ganmetrics.measurement.recipe import Recipe
from ganmetrics.measurement.statistics import Statistics

if TYPE_CHECKING:
    import torch

    Side = Source | Statistics

# The digest of statistics that another package wrote.
UNKNOWN = "unknown"
# Hints in place of those that name options which other packages do not have.
HINTS = {
    "E-UNREADABLE": "Repair or remove them",
    "E-EXISTS": "Choose another name",
}
# What pytorch-fid and clean-fid call our parameters.
NAMES = MappingProxyType({"workers": "num_workers"})
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Run:
    """How both sets are measured: the network, the device, the reading of files, and whether cautions are warned of."""

    extractor: str
    device: str | torch.device | None = None
    batch_size: int | None = None
    weights: str | os.PathLike[str] | None = None
    workers: int | None = None
    progress: bool = False
    warns: bool = True

    @property
    def reading(self) -> Reading:
        """How files are read: as ``peers_reading`` says."""
        return peers_reading(workers=self.workers, progress=self.progress)


def peers_reading(*, workers: int | None = None, progress: bool = False, prepare: str | None = None) -> Reading:
    """Return the way in which Pillow's ``convert("RGB")`` reads: no alpha channel, the first frame."""
    return Reading(alpha="drop", frames="first", workers=workers, progress=progress, prepare=prepare)


def opened(value: Any, reading: Reading, rule: PeerRule) -> Side:
    """Open images, or the statistics in a file that holds ``mu`` and ``sigma``; nothing is decoded yet.

    Of a folder the files are read that the package of ``rule`` reads.

    Raises
    ------
    InputError, StatisticsError, UsageError
        Whatever cannot be read.
    """
    is_file = isinstance(value, (str, os.PathLike)) and os.path.isfile(value)
    if isinstance(value, (str, os.PathLike)) and os.path.isdir(value):
        return peer_folder(value, rule, reading)
    if not (is_file and archive.is_statistics(Path(value))):
        return open_source(value, reading=reading)
    try:
        return archive.load_statistics(value)
    except StatisticsError as error:
        if error.code != "E-NO-RECIPE":
            raise
        # Under any recipe: that of the run replaces it in ``_under``.
        return archive.load_statistics(value, assume="pytorch-fid")


def scored(real: Side, fake: Side, metric: str, reads: str, how: Run) -> float:
    """Return one metric of two sides; its cautions become warnings.

    Statistics that name no recipe pass as made by that of the run, which is what the other packages take for granted.
    ``metric`` may hold ``{least}``, the smaller number of images up to 1000.
    """
    sides = measured([real, fake], [reads], how)
    # KID's usual subset size, or all images where there are fewer.
    least = min([1000, *(side.count for side in sides if side.count)])
    with own_hints(HINTS, NAMES):
        result = score(sides[0], sides[1], metric.format(least=least), ci="off")
    if how.warns:
        announce(result.warnings, stacklevel=4)
    return result[metric.partition("(")[0]].value


def measured(
    sides: Sequence[Side], reads: Sequence[str], how: Run, network: Extractor | None = None
) -> list[Statistics]:
    """Return the statistics of every side under one recipe; the network is loaded once, and only for images."""
    has_images = any(isinstance(side, Source) for side in sides)
    if network is None and has_images:
        network = load_extractor(how.extractor, how.weights)
    ready = _agreeing(sides, network, how)
    with own_hints(HINTS, NAMES):
        return [_measured(side, reads, network, how) for side in ready]


def announce(sentences: Sequence[str], *, stacklevel: int) -> None:
    """Warn of each sentence once, as if the caller's caller did (``stacklevel`` 3), or one above (4)."""
    # dict.fromkeys drops repeats and keeps the order.
    for sentence in dict.fromkeys(sentences):
        warnings.warn(sentence, GanMetricsWarning, stacklevel=stacklevel)


@contextmanager
def own_hints(hints: Mapping[str, str], names: Mapping[str, str] = NO_NAMES) -> Iterator[None]:
    """Give errors the hint for their code, and the other package's names in place of our parameters' names."""
    try:
        yield
    except GanMetricsError as error:
        error.what, error.hint = renamed(error.what, names), renamed(hints.get(error.code, error.hint), names)
        error.where = names.get(error.where.removeprefix("Reading."), error.where)
        raise


def _measured(side: Side, reads: Sequence[str], network: Extractor | None, how: Run) -> Statistics:
    if isinstance(side, Statistics):
        return side
    # The network is loaded wherever a side is images.
    assert network is not None
    where = "auto" if how.device is None else how.device
    return measure(side, reads=reads, extractor=network, device=where, batch_size=how.batch_size, reading=how.reading)


def _agreeing(sides: Sequence[Side], network: Extractor | None, how: Run) -> list[Side]:
    """Give files that name no recipe the recipe of the run, where that can be right (StatisticsError)."""
    known = [side.recipe for side in sides if isinstance(side, Statistics) and side.digest != UNKNOWN]
    # Without images the recipe is that of statistics which name one.
    recipes = known if network is None else [recipe_of(network, how.reading.changes())]
    return [_under(side, recipes[0], network) if recipes and isinstance(side, Statistics) else side for side in sides]


def _under(side: Statistics, recipe: Recipe, network: Extractor | None) -> Statistics:
    if side.digest != UNKNOWN:
        side.recipe.require(recipe, (side.source, "this run"))
        return side
    if network is not None and side.moments is not None:
        dims, expected = len(side.moments.mean), network.layers[network.feature_layer]
        if dims != expected:
            what = f"the statistics have {dims} dimensions and the network's layer {expected}"
            raise StatisticsError(what, where=side.source, hint="Both must be of one layer", code="E-SHAPE")
    return replace(side, recipe=recipe)
