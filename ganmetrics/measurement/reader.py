"""Measuring sets: each image meets the network once, and leaves what the metrics of the run read."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._progress import progress_bar
from ganmetrics.data import Notes, Reading, Source
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.pixel_form import RGB8, PixelForm
from ganmetrics.data.source import Classes
from ganmetrics.distributed import engine
from ganmetrics.errors import InputError, StatisticsError, UsageError
from ganmetrics.extractors import Extractor, load_extractor
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.measurement.archive import UNVERIFIED
from ganmetrics.measurement.feature_cache import cached
from ganmetrics.measurement.gathering import Collector, PartialStatistics
from ganmetrics.measurement.image_record import ImageRecord
from ganmetrics.measurement.intake import Intake
from ganmetrics.measurement.recipe import PRECISION, Recipe
from ganmetrics.measurement.sides import Side
from ganmetrics.measurement.statistics import Statistics, numbered
from ganmetrics.measurement.thumbnails import Thumbnails
from ganmetrics.metrics.needs import IMAGES, LABELS, NAMES, Kind, Need

if TYPE_CHECKING:
    import os

    AnyExtractor = str | Extractor | Callable[..., Any] | None

DEFAULT_EXTRACTOR = "inception"


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
        return load_extractor(DEFAULT_EXTRACTOR if self.extractor is None else self.extractor, self.weights)

    def check(self, sides: Mapping[str, Side], needs: Mapping[str, set[Need]]) -> None:
        """Refuse, before any image is read, what a side cannot give."""
        for role, side in sides.items():
            read = side
            if isinstance(side, Statistics) and side.beside is not None and not side.holds(needs[role]):
                # The images of the file are read by the recipe of its statistics, or not at all.
                read = side.beside
                self._recipe(read).require(side.recipe, ("the images", _title(role, side)))
            for need in sorted(needs[role], key=lambda need: need.name):
                if isinstance(read, Statistics):
                    read.require(need)
                elif need == LABELS:
                    class_names(read)
                elif need == IMAGES:
                    require_rgb(read.form, read.name)
                elif need.layer.is_of_network:
                    self.loaded.layer_for(need)
                    _check_form(read, self.loaded)

    def check_recipes(self, sides: Mapping[str, Side]) -> None:
        """Refuse saved statistics of another recipe than that of any other side, or than the one asked for."""
        if any(isinstance(side, Statistics) for side in sides.values()):
            first, *others = sides
            for role in others:
                names = (_title(first, sides[first]), _title(role, sides[role]))
                one, other = sides[first], sides[role]
                if isinstance(one, Statistics) and isinstance(other, Statistics):
                    one.require_alike(other, names)
                else:
                    self._recipe(one).require(self._recipe(other), names)
        for role, side in sides.items():
            if isinstance(side, Statistics) and isinstance(self.extractor, str):
                _check_asked(side, self.extractor, _title(role, side))

    def _recipe(self, side: Side) -> Recipe:
        return side.recipe if isinstance(side, Statistics) else recipe_of(self.loaded, side.changes_under(self.reading))

    def __call__(self, side: Side, reads: set[Need]) -> Statistics:
        """The statistics of a side, read by whoever the reading says; of all ranks, the first has them.

        ``reads`` is what to measure; of saved statistics, only what they do not hold and images in their file tell.
        """
        if isinstance(side, Statistics):
            return side if side.beside is None or not reads else self._beside(side, side.beside, reads)
        reader = Reader(side, self.loaded, frozenset(reads), self.reading, self.device, self.batch_size)
        is_local = self.reading.engine == "local"
        gathering = reader(WHOLE) if is_local else engine(self.reading.engine).gathered(reader, side.count)
        recipe = recipe_of(self.loaded, side.changes_under(self.reading))
        if gathering is None:  # another rank's
            return Statistics(recipe, 0, "")
        return statistics_of(gathering, side, reads, recipe)

    def _beside(self, side: Statistics, images: Source, reads: set[Need]) -> Statistics:
        """The statistics of the images that lie in the file of saved statistics (StatisticsError for other images)."""
        found = self(images, reads)
        if side.beside_order and found.count and found.order != side.beside_order:
            what = "the images in the file were changed after it was written"
            raise StatisticsError(what, where=side.source, hint="Build the file again", code="E-DAMAGED")
        name = "" if side.name == UNVERIFIED else side.name
        return dataclasses.replace(found, name=name, source=side.source, whole=side)


def require_rgb(form: PixelForm, where: str) -> None:
    """Refuse a metric of the images themselves where these are not RGB of 8 bits (UsageError)."""
    if form != RGB8:
        what = f"a metric reads the images themselves, and these have {form.words}"
        raise UsageError(what, where=where, hint="Leave the metric out")


def _check_form(source: Source, network: Extractor) -> None:
    """Refuse images of another form than the network takes (UsageError)."""
    if source.form != network.takes:
        what = f"{network.name} takes {network.takes.words}, and the images were opened as {source.form.words}"
        form = f"channels={network.takes.channels}, dtype={network.takes.dtype!r}"
        hint = f"Open them by gm.source(…, reading=gm.Reading({form}))"
        if network.takes == RGB8:
            hint = f"State what it takes: gm.load_extractor(network, {form.replace('3', str(source.form.channels), 1)})"
        raise UsageError(what, where=source.name, hint=hint)


def _title(role: str, side: Side) -> str:
    """A side as a message names it: by its path where it has one."""
    return (isinstance(side, Statistics) and side.source) or side.name or role


def _check_asked(side: Statistics, asked: str, title: str) -> None:
    """Refuse statistics of another network or resize than a name asks for; no network is loaded to tell its layers."""
    name, made = (re.split("[:@+]", spec)[0].removesuffix("-exact") for spec in (asked, side.recipe.extractor))
    rule = asked.partition("@")[2].partition("+")[0]
    if name != made or rule not in ("", side.recipe.resize):
        what = (
            f"{title} was made by {side.recipe.extractor} with the resize {side.recipe.resize}; {asked} was asked for"
        )
        hint = "Leave the extractor and the protocol out, or give the images"
        raise StatisticsError(what, hint=hint, code="E-RECIPE")


def statistics_of(gathering: PartialStatistics, source: Source, reads: set[Need], recipe: Recipe) -> Statistics:
    """What was gathered of all of a source, as statistics."""
    count = len(gathering)
    if count < 2:
        raise too_few(source.name, count, 2)
    has_classes = LABELS in reads or (NAMES in reads and _are_known(source, count))
    labels, classes = numbered(class_names(source, count)) if has_classes else (None, ())
    seen, told = source.notes, source.known_classes() if {LABELS, NAMES} & reads else Classes(None)
    notes = Notes(depths=Counter(seen.depths), roles=Counter(seen.roles), ignored=Counter(seen.ignored))
    notes.warnings += seen.warnings
    notes.remarks += [f"{told.remark}. {told.hint}" if told.hint else told.remark] if told.is_caution else []
    notes.merge(gathering.seen.notes)
    return dataclasses.replace(
        gathered_statistics(gathering, recipe),
        name=source.label,
        labels=labels,
        classes=classes,
        names=_names(source, count) if NAMES in reads else (),
        skipped=len(notes.skipped),
        notes=notes,
        place=source.identity,
        source=source.name,
    )


def gathered_statistics(gathering: PartialStatistics, recipe: Recipe) -> Statistics:
    """What was gathered, whatever its source."""
    seen, collector, order = gathering.seen, gathering.collector, gathering.seen.order()
    pixels = seen.pixels if order is None else seen.pixels.reordered(order)
    if seen.thumbnails is not None and order is not None:
        seen.thumbnails.reorder(order)
    return Statistics(
        recipe=recipe,
        count=len(pixels),
        digest=pixels.combined(),
        order=pixels.ordered(),
        max_rows=0 if collector.max_rows == math.inf else int(collector.max_rows),
        images=seen.sample.rows if seen.sample is not None else None,
        thumbnails=seen.thumbnails,
        notes=seen.notes,
        filled=seen.filled(),
        pixels=pixels,
    ).holding(collector.values())


@dataclass(frozen=True)
class Reader:
    """Reads a share of a source through a network: a value that can be sent to where the reading is done."""

    source: Source
    extractor: Extractor
    reads: frozenset[Need]
    reading: Reading
    device: torch.device
    batch_size: int | None

    def __call__(self, share: Share) -> PartialStatistics:
        has_pictures = self.reading.thumbnails and self.source.form == RGB8
        thumbnails = Thumbnails(self.source.count) if has_pictures else None
        seen = ImageRecord(has_sample=IMAGES in self.reads, thumbnails=thumbnails)
        collector = Collector((need for need in self.reads if need.layer.is_of_network), self.extractor)
        extraction = cache = None
        if collector.layers:
            extraction = Extraction(self.extractor, collector.layers, self.device, self.batch_size)
            # A row of this kind is longer than the image's pixels.
            is_large = any(need.kind is Kind.SPREAD for need in self.reads)
            is_kept = self.reading.cache and self.source.is_lasting and not is_large
            cache = cached(self.extractor, self.device) if is_kept else None
        is_ours = not (self.source.runs_callers_code or self.extractor.runs_callers_code)
        intake = Intake(seen, [collector], extraction, cache, is_side_by_side=is_ours)
        take_in(self.source, intake, self.reading, share)
        if cache is not None:
            cache.close()
        return PartialStatistics(seen, collector)


def take_in(source: Source, intake: Intake, reading: Reading, share: Share = WHOLE) -> None:
    """Take in the images of a source, with a bar that counts those that the network has finished."""
    count = source.count if source.count is None or share == WHOLE else len(share.places(source.count))
    placed = source.share(share)
    with progress_bar(source.name[-40:], count, reading.progress) as bar:
        intake.when_done = bar.update
        try:
            for indices, images in placed:
                source.form.require(images, source.name)
                intake.add(images, indices)
                # Given up before the next images are decoded.
                del indices, images
            intake.finish()
        except BaseException:
            intake.stop()
            raise
        finally:
            # Closed at once: a traceback would keep processes that decode alive.
            if isinstance(placed, Generator):
                placed.close()
    intake.seen.notes.merge(source.notes)


def recipe_of(extractor: Extractor, changes: tuple[str, ...] = ()) -> Recipe:
    """The recipe that an extractor and a way of reading make, of which the choices are told that are no default."""
    layer = extractor.identity.partition("/")[2]
    spec = f"{extractor.name}:{layer}" if layer else extractor.name
    if extractor.chosen_resize:
        spec += f"@{extractor.chosen_resize}"
    if extractor.precision != "float32":
        spec += f"+{extractor.precision}"
    precision = PRECISION.replace("float32", extractor.precision)
    return Recipe(spec, extractor.identity, extractor.resize, changes, precision)


def too_few(name: str, found: int, least: int) -> InputError:
    what = f"{found} image{'s' * (found != 1)} found where at least {least} are needed"
    return InputError(what, where=name, hint="Add images", code="E-TOO-FEW")


def class_names(source: Source, count: int | None = None) -> Sequence[str]:
    """The class of each image of a source (InputError where it is not known, or an image was left out)."""
    names, why, hint, _ = source.known_classes()
    if names is not None and len(names) != (count or len(names)):
        why, hint = f"{len(names) - (count or 0)} images were left out", "Repair or remove them"
    elif names is not None:
        return names
    what = f"the class of each image is not known{': ' * bool(why)}{why}"
    hint = hint or "Pass a folder or an archive with a sub-folder for each class, or a data set with targets"
    raise InputError(what, where=source.name, hint=hint, code="E-LABELS")


def _are_known(source: Source, count: int) -> bool:
    """Whether the source names the class of each image that was read; where some were left out it cannot."""
    names = source.class_names()
    return names is not None and len(names) == count


def _names(source: Source, count: int) -> tuple[str, ...]:
    names = source.item_names()
    return tuple(names) if names is not None and len(names) == count else ()
