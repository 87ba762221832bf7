"""What a metric may read of a set of images: one table, which everything between images and scores follows.

A new kind of need is one line of ``TABLE``. The reader then gathers it, every engine and checkpoint carries it, and a
measured set holds it for the metrics whose ``reads`` names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from ganmetrics.errors import UsageError


class Kind(Enum):
    """How a need is kept while images pass; ``measurement.gathering`` has one keeper for each kind but ``NAMES``."""

    MOMENTS = "count, mean and scatter of all rows, in constant memory"
    ROWS = "a row for each image, of which a long stream keeps a sample"
    SAMPLE = "a uniform sample of the rows, which tells a standard error"
    SPREAD = "the mean squared distance of two rows, in constant memory"
    NAMES = "a text for each image"


class Layer(NamedTuple):
    """Where the rows of a need come from: a layer of the extractor, or no network at all.

    Attributes
    ----------
    name : str
        The name of the layer in the network; ``features`` and ``logits`` stand for the ones that the extractor chose.
    lacking : str
        What an extractor without the layer is told: the end of a sentence that begins with the extractor.
    hint : str
    where : str
    extractors : str
        The extractors that have the layer, in words.
    is_of_network : bool
    words : str
        What it holds, as the end of a sentence that says what a metric reads.
    """

    name: str
    lacking: str = ""
    hint: str = "Leave the metric out"
    where: str = "extractor"
    extractors: str = "any"
    is_of_network: bool = True
    words: str = "features"

    def missing(self, extractor: str) -> UsageError:
        """The refusal of an extractor that has no such layer."""
        lacking = self.lacking or f"has no layer {self.name!r}, which a metric reads"
        return UsageError(f"the extractor {extractor!r} {lacking}", where=self.where, hint=self.hint)


INCEPTION = 'Use `extractor="inception"`, or leave the metric out'
FEATURE_LAYER = Layer("features")
LOGITS_LAYER = Layer(
    "logits",
    "is no classifier, and has no class probabilities",
    'Use a classifier such as `extractor="inception"`, or leave the metric out',
    extractors="classifiers",
    words="logits",
)
SPATIAL_LAYER = Layer(
    "spatial",
    "has no spatial layer, which sFID needs",
    INCEPTION,
    "sfid",
    "inception",
    words="a layer of Inception that keeps places in the image",
)
PERCEPTUAL_LAYER = Layer(
    "perceptual",
    "measures no perceptual distance, which LPIPS diversity needs",
    'Use `extractor="lpips"`, or leave the metric out',
    "lpips_diversity",
    "lpips",
    words="layers of LPIPS",
)
PIXELS = Layer("pixels", extractors="none", is_of_network=False, words="the images themselves")
# What files and data sets say beside their pixels.
SOURCE = Layer("source", extractors="none", is_of_network=False, words="the class of each image")


@dataclass(frozen=True)
class Need:
    """One thing that a metric may read of a set of images.

    Attributes
    ----------
    name : str
        What users type (``gm.measure(images, reads="moments")``), the key in checkpoints, and the attribute of
        ``Statistics`` that holds it, if there is one.
    kind : Kind
    layer : Layer
    is_saved : bool
        Whether a statistics file can hold it.
    """

    name: str
    kind: Kind
    layer: Layer
    is_saved: bool = False

    def of(self, side: Any) -> Any:
        """What a measured set holds for this need; ``None`` where it holds nothing."""
        more = getattr(side, "more", {})
        return more[self.name] if self.name in more else getattr(side, self.name, None)

    def also_as(self, kind: Kind) -> Need | None:
        """The need that keeps the same layer in another way, from which this one follows; ``None`` without one."""
        alike = (need for need in NEEDS.values() if need.layer == self.layer and need.kind is kind)
        return self if self.kind is kind else next(alike, None)


TABLE = (
    MOMENTS := Need("moments", Kind.MOMENTS, FEATURE_LAYER, is_saved=True),
    FEATURES := Need("features", Kind.ROWS, FEATURE_LAYER, is_saved=True),
    SAMPLE := Need("sample", Kind.SAMPLE, FEATURE_LAYER),
    LOGITS := Need("logits", Kind.ROWS, LOGITS_LAYER, is_saved=True),
    SPATIAL_MOMENTS := Need("spatial_moments", Kind.MOMENTS, SPATIAL_LAYER, is_saved=True),
    SPATIAL_SAMPLE := Need("spatial_sample", Kind.SAMPLE, SPATIAL_LAYER),
    SPREAD := Need("spread", Kind.SPREAD, PERCEPTUAL_LAYER),
    IMAGES := Need("images", Kind.SAMPLE, PIXELS),
    LABELS := Need("labels", Kind.ROWS, SOURCE),
    NAMES := Need("names", Kind.NAMES, SOURCE),
)
NEEDS = {need.name: need for need in TABLE}


def of_kind(kind: Kind) -> list[Need]:
    """The needs of the table that are kept in one way."""
    return [need for need in NEEDS.values() if need.kind is kind]


def saved_names() -> list[str]:
    """The names of what a statistics file can hold."""
    return [need.name for need in NEEDS.values() if need.is_saved]
