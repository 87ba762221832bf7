"""Measures the sets of an explanation in the ways that a search asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganmetrics.data import Source
from ganmetrics.errors import InputError
from ganmetrics.evaluation.recipes import FAKE, JPEG_STEPS, REAL
from ganmetrics.evaluation.several_inputs import SeveralInputs, Way
from ganmetrics.extractors.inception import Inception
from ganmetrics.measurement.reader import Measuring
from ganmetrics.measurement.sides import Side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.needs import FEATURES, LABELS, MOMENTS
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.scoring.keywords import Settings

# Inputs of the network that are held at once, as a batch of the usual size.
INPUTS = 32


class SetMeter:
    """Measures each set in the ways that are asked for, those that are asked for together in one pass."""

    def __init__(self, sides: Mapping[str, Side], network: Inception, chosen: Settings, *, with_classes: bool) -> None:
        self._sides, self._network, self._chosen, self._with_classes = sides, network, chosen, with_classes
        self._own = network.resize

    def first(self, name: str, search: set[str]) -> Mapping[Way, Statistics]:
        """Measure a set by every resize as it is, and by its own resize after every cut; each is one difference."""
        side = self._sides[name]
        if isinstance(side, Statistics):
            return {Way(side.recipe.resize): side} if side.recipe.network == self._network.identity else {}
        rules = [self._own]
        rules += [record.resize for record in PROTOCOLS.records().values()] if "protocol" in search else []
        steps = _cuts(name, {each: _shape(self._sides[each]) for each in (REAL, FAKE)}) if "crop" in search else []
        steps += JPEG_STEPS if "format" in search and name in (REAL, FAKE) else ()
        return self(name, [*(Way(rule) for rule in rules), *(Way(self._own, each) for each in steps)])

    def __call__(self, name: str, ways: Sequence[Way]) -> Mapping[Way, Statistics]:
        side, chosen = self._sides[name], self._chosen
        # Only sets of images are measured in further ways.
        assert isinstance(side, Source)
        distinct = list(dict.fromkeys(ways))
        size = chosen.batch_size or max(1, INPUTS // len(distinct))
        measuring = Measuring(self._network, None, chosen.reading, chosen.device, size)
        has_classes = self._with_classes and side.class_names() is not None
        reads = {MOMENTS, FEATURES, *([LABELS] if has_classes else [])}
        found = SeveralInputs(self._network, distinct).measured(side, reads, measuring)
        self._network.choose_resize(self._own)
        return found


def _shape(source: Side) -> tuple[int, int]:
    """The size of the first image of a source that can be read again; nothing of others."""
    if isinstance(source, Statistics) or (source.runs_callers_code and not source.is_lasting):
        return (0, 0)
    images = next(iter(source.batches()), None)
    if images is None:
        raise InputError("there are no images", where=source.name, code="E-EMPTY")
    return (int(images.shape[2]), int(images.shape[3]))


def _cuts(name: str, shapes: Mapping[str, tuple[int, int]]) -> list[str]:
    """Crops that may have been made of a set, where its shape or the other's leaves room for them."""
    if name not in shapes or not min(shapes[REAL]) or not min(shapes[FAKE]):
        return []
    is_square = shapes[name][0] == shapes[name][1]
    size = min(shapes[FAKE])
    cuts = [] if is_square else ["center-crop"]
    if name == REAL and (not is_square or shapes[REAL] != shapes[FAKE]):
        cuts += [f"adm-crop:{size}", f"fidelity-crop:{size}"]
    return cuts
