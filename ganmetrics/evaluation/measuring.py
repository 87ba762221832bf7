"""Measuring sets: each image meets the network once, and leaves what the metrics of the run read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._progress import progress_bar
from ganmetrics.data import Notes, Reading, Source
from ganmetrics.errors import InputError
from ganmetrics.evaluation.digests import PixelDigests
from ganmetrics.evaluation.opening import Side
from ganmetrics.evaluation.recipe import Recipe
from ganmetrics.evaluation.sampling import IMAGES, Sample
from ganmetrics.evaluation.statistics import Collector, Statistics
from ganmetrics.evaluation.thumbnails import Thumbnails
from ganmetrics.features import Extractor, load_extractor
from ganmetrics.features.extraction import Extraction

if TYPE_CHECKING:
    import os

    from ganmetrics.types import Images

    AnyExtractor = str | Extractor | Callable[..., Any] | None

DEFAULT_EXTRACTOR = "inception"
LEVELS = ("flat", "levels-0-1")  # kinds of image that are told from its pixels
WITHOUT_NETWORK = {"labels", "names", "images"}  # names are those of images, and of their classes where known


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
        """Refuse, before any image is read, what a side cannot give."""
        for role, side in sides.items():
            for name in sorted(needs[role]):
                if isinstance(side, Statistics):
                    side.require(name)
                elif name == "labels":
                    class_names(side)
                elif name not in WITHOUT_NETWORK:
                    self.loaded.layer_for(name)

    def check_recipes(self, sides: Mapping[str, Side]) -> None:
        """Refuse saved statistics of another recipe than that of any other side."""
        if any(isinstance(side, Statistics) for side in sides.values()):
            first, *others = sides
            for role in others:
                names = (sides[first].name or first, sides[role].name or role)
                self._recipe(sides[first]).require(self._recipe(sides[role]), names)

    def _recipe(self, side: Side) -> Recipe:
        return side.recipe if isinstance(side, Statistics) else recipe_of(self.loaded, self.reading)

    def __call__(self, side: Side, reads: set[str]) -> Statistics:
        return side if isinstance(side, Statistics) else self.read(side, self.loaded, reads)

    def read(self, source: Source, extractor: Extractor, reads: set[str]) -> Statistics:
        collector, pixels = Collector(reads - WITHOUT_NETWORK, extractor), PixelDigests()
        sample = Sample(IMAGES) if "images" in reads else None
        thumbnails = Thumbnails(source.count) if self.reading.thumbnails else None
        keepers = [keeper for keeper in (sample, thumbnails) if keeper is not None]
        with closing(self.watched(source, pixels, *keepers)) as images:
            if collector.layers:
                for found in Extraction(extractor, collector.layers, self.device, self.batch_size).run(images):
                    collector.add(found)
            else:
                deque(images, maxlen=0)
        if len(pixels) < 2:
            raise too_few(source.name, len(pixels), 2)
        has_classes = "labels" in reads or ("names" in reads and _are_known(source, len(pixels)))
        labels, classes = _labelled(source, len(pixels)) if has_classes else (None, ())
        return Statistics(
            recipe=recipe_of(extractor, self.reading),
            count=len(pixels),
            digest=pixels.combined(),
            name=source.label,
            order=pixels.ordered(),
            moments=collector.moments("moments"),
            spatial_moments=collector.moments("spatial_moments"),
            features=collector.tensor("features"),
            logits=collector.tensor("logits"),
            sample=collector.tensor("sample"),
            spatial_sample=collector.tensor("spatial_sample"),
            spread=collector.spread if collector.is_of_one_size else None,
            images=sample.rows if sample is not None and sample.is_of_one_shape else None,
            thumbnails=thumbnails,
            labels=labels,
            classes=classes,
            names=_names(source, len(pixels)) if "names" in reads else (),
            skipped=len(source.notes.skipped),
            notes=deepcopy(source.notes),
            pixels=pixels,
            place=source.identity,
            source=source.name,
        )

    def watched(
        self, source: Source, pixels: PixelDigests, *keepers: Sample | Thumbnails
    ) -> Generator[Images, None, None]:
        """The images on their way to the network, with the bar moved, their digests taken and some kept."""
        for kind in LEVELS:  # of an earlier reading
            source.notes.kinds.pop(kind, None)
        with progress_bar(source.name[-40:], source.count, self.reading.progress) as bar:
            for images in source.batches():
                pixels.add(images)
                _note_levels(images, source.notes)
                for keeper in keepers:
                    keeper.add(images.cpu())
                yield images
                bar.update(len(images))


def _note_levels(images: Images, notes: Notes) -> None:
    """Count the images of a single colour, and those that would be black but for a level of 1."""
    low, high = images.flatten(2).aminmax(dim=2)  # [N, 3] each
    for kind, is_so in zip(LEVELS, ((low == high).all(dim=1), high.amax(dim=1) == 1), strict=True):
        notes.kinds[kind] += int(is_so.sum())


def recipe_of(extractor: Extractor, reading: Reading) -> Recipe:
    """The recipe that an extractor and a way of reading make."""
    layer = extractor.identity.partition("/")[2]
    spec = f"{extractor.name}:{layer}" if layer else extractor.name
    if extractor.chosen_resize:
        spec += f"@{extractor.chosen_resize}"
    return Recipe(spec, extractor.identity, extractor.resize, reading.changes())


def too_few(name: str, found: int, least: int) -> InputError:
    what = f"{found} image{'s' * (found != 1)} found where at least {least} are needed"
    return InputError(what, where=name, hint="Add images", code="E-TOO-FEW")


def class_names(source: Source, count: int | None = None) -> Sequence[str]:
    """The class of each image of a source (InputError where it is not known, or an image was left out)."""
    names = source.class_names()
    if names is None or len(names) != (count or len(names)):
        what = "the class of each image is not known"
        hint = "Give each class a sub-folder, or pass a data set with targets; no image may be left out"
        raise InputError(what, where=source.name, hint=hint, code="E-LABELS")
    return names


def _are_known(source: Source, count: int) -> bool:
    """Whether the source names the class of each image that was read; where some were left out it cannot."""
    names = source.class_names()
    return names is not None and len(names) == count


def _labelled(source: Source, count: int) -> tuple[torch.Tensor, tuple[str, ...]]:
    """The class of each image as its place among the classes, which are in the order of numbers where they are such."""
    names = class_names(source, count)
    classes = sorted(set(names), key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    places = {name: place for place, name in enumerate(classes)}
    return torch.tensor([places[name] for name in names]), tuple(classes)


def _names(source: Source, count: int) -> tuple[str, ...]:
    names = source.item_names()
    return tuple(names) if names is not None and len(names) == count else ()
