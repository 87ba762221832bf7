"""What one pass over a set of images leaves: counts, moments, features and logits under one recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ganmetrics.data import Notes
from ganmetrics.errors import InputError, StatisticsError
from ganmetrics.measurement.gathering import sampled
from ganmetrics.measurement.image_record import Filled, PixelDigests
from ganmetrics.metrics.needs import IMAGES, LOGITS, NEEDS, Kind, Need, of_kind
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.data import Source
    from ganmetrics.measurement.recipe import Recipe
    from ganmetrics.measurement.thumbnails import Thumbnails
    from ganmetrics.types import Features, Images, Logits


@dataclass(frozen=True, repr=False)
class Statistics:
    """One set of images under one recipe.

    Attributes
    ----------
    name : str
        Of a bundled or named set, empty for a user's folder.
    recipe : Recipe
    count : int
        Images scored.
    digest : str
        SHA-256 over the pixels of the set, independent of order and container.
    order : str
        The same, dependent on the order, which subsets drawn by position depend on; empty where it is not known.
    moments : Moments or None
    spatial_moments : Moments or None
        Of the spatial layer, which sFID reads.
    features : Tensor, float32 [N, D], or None
    logits : Tensor, float32 [N, K], or None
    labels : Tensor, int64 [N], or None
        The class of each image, as its place among ``classes``.
    classes : tuple of str
        The names of the classes.
    names : tuple of str
        Of the images, where they have any and none was left out.
    max_rows : int
        The most rows of features and of logits that were kept of a larger set, 0 where there was no limit.
    sample : Tensor, float32 [n, D], or None
        Rows of the features in random order, as many as tell a standard error.
    spatial_sample : Tensor, float32 [n, D], or None
        The same of the spatial layer.
    spread : Spread or None
        Of the perceptual layer, which LPIPS diversity reads.
    images : Tensor, uint8 [n, 3, H, W], or None
        Images in random order, as many as tell a mean over pairs.
    more : mapping of str to object
        What the set holds for needs that are no attribute here, by their names.
    thumbnails : Thumbnails or None
        Small pictures of all images in their order, where the reading asks for them.
    skipped : int
        Images left out because they could not be read.
    notes : Notes
        What was seen while reading.
    filled : Filled or None
        The part of the range of pixel values that the images fill, where it is known.
    pixels : PixelDigests
        Of each image, where the images were read in this run.
    place : str
        Equal for two sets that were surely read from the same place; empty where nothing is known.
    source : str
        Where they came from, for people; not part of the signature.
    beside : Source or None
        Images of the set that lie in the same file, from which what the file does not hold is measured.
    beside_order : str
        The digest of those images in their order, where the file names it.
    whole : Statistics or None
        Where this set was measured from such images: the statistics of the file, which are of more images.
    protocol : str
        The only protocol under which the statistics score, where they are published by its package.
    """

    recipe: Recipe
    count: int
    digest: str
    name: str = ""
    order: str = ""
    moments: Moments | None = None
    spatial_moments: Moments | None = None
    features: Features | None = None
    logits: Logits | None = None
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    max_rows: int = 0
    sample: Features | None = None
    spatial_sample: Features | None = None
    spread: Spread | None = None
    images: Images | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    thumbnails: Thumbnails | None = None
    skipped: int = 0
    notes: Notes = field(default_factory=Notes)
    filled: Filled | None = None
    pixels: PixelDigests = field(default_factory=PixelDigests)
    place: str = ""
    source: str = ""
    beside: Source | None = None
    beside_order: str = ""
    whole: Statistics | None = None
    protocol: str = ""

    def __post_init__(self) -> None:
        for need in of_kind(Kind.SAMPLE):
            source = need.also_as(Kind.ROWS)
            rows = None if source is None else source.of(self)
            if need.of(self) is None and rows is not None:
                sample: Any = sampled(rows)
                is_field = need.name in self.__dataclass_fields__
                name, value = (need.name, sample) if is_field else ("more", {**self.more, need.name: sample})
                object.__setattr__(self, name, value)

    @property
    def label(self) -> str:
        """The set as the signature writes it, ``name#count:digest`` and what else sets it apart."""
        return self.labelled()

    def __repr__(self) -> str:
        kept = ", ".join(name for name, need in NEEDS.items() if need.of(self) is not None)
        return f"<Statistics {self.label} under {self.recipe.network}: {kept}>"

    @property
    def is_thinned(self) -> bool:
        """Whether the rows of features and logits are a sample of the images."""
        return 0 < self.max_rows < self.count

    def with_classes(self, names: Sequence[str]) -> Statistics:
        """The statistics with the class of each image by name, in the order of the images."""
        labels, classes = numbered(names)
        return replace(self, labels=labels, classes=classes)

    def labelled(self, *, has_order: bool = False, has_rows: bool = False) -> str:
        """The set as the signature writes it, for a metric that draws subsets by position or reads a sample of rows."""
        order = f"~{self.order[:8]}" if has_order and self.order else ""
        facts = [f"skipped={self.skipped}"] if self.skipped else []
        facts += [f"rows={self.max_rows}"] if has_rows and self.is_thinned else []
        return ":".join([f"{self.name}#{self.count}", f"{self.digest[:8]}{order}", *facts, *self.recipe.reading])

    def holding(self, values: Mapping[Need, Any]) -> Statistics:
        """A copy that holds other values for some needs."""
        own = {need.name: value for need, value in values.items() if need.name in self.__dataclass_fields__}
        more = {need.name: value for need, value in values.items() if need.name not in own}
        return replace(self, **own, more={**self.more, **more})

    @property
    def dim(self) -> int:
        """How many numbers the features have; 0 where neither they nor their moments are kept."""
        if self.moments is not None:
            return len(self.moments.mean)
        return 0 if self.features is None else self.features.shape[1]

    def holds(self, needs: Iterable[Need]) -> bool:
        """Whether it holds everything that a metric reads."""
        return all(need.of(self) is not None for need in needs)

    def serving(self, needs: Iterable[Need]) -> Statistics:
        """The set for a metric: the whole one where its file holds all that is read, else the images that were read."""
        return self.whole if self.whole is not None and self.whole.holds(needs) else self

    def require_alike(self, other: Statistics, names: tuple[str, str]) -> None:
        """Refuse statistics whose features are of another recipe or length (StatisticsError)."""
        self.recipe.require(other.recipe, names)
        if self.dim and other.dim and self.dim != other.dim:
            what = f"the features of {names[0]} have {self.dim} numbers and those of {names[1]} {other.dim}"
            hint = "Take features of one network and one layer for both"
            raise StatisticsError(what, hint=hint, code="E-SHAPE")

    def without_rows(self) -> Statistics:
        """A copy without anything that metrics read of the set, which is small."""
        nothing = dict.fromkeys(need for need in NEEDS.values() if need.kind is not Kind.NAMES)
        whole = self.whole and self.whole.without_rows()
        small = self.holding(nothing)
        return replace(small, more={}, thumbnails=None, pixels=PixelDigests(), beside=None, whole=whole)

    def require(self, need: Need) -> None:
        """Refuse saved statistics that lack what a metric reads, and images of sizes that it cannot compare.

        Raises
        ------
        StatisticsError
        InputError
        """
        if self.images is None and need == IMAGES and len(self.notes.sizes) == 1:
            [(height, width)] = self.notes.sizes
            what = f"2,000 images of {height} x {width} pixels would be kept, which take more memory than is allowed"
            hint = 'Allow more, as in `gm.memory_limit(limit="4GB")`, or leave the metric out'
            raise InputError(what, where=self.source or self.name, hint=hint, code="E-MEMORY")
        if need.of(self) is None and self.recipe.is_given:
            what = f"{self.recipe.network} were given, and the metric reads {need.layer.words}"
            hint = "Give them too, as `logits=FILE`" if need == LOGITS else "Leave the metric out"
            raise StatisticsError(what, where=self.source or self.name, hint=hint, code="E-KEPT")
        if need.of(self) is None and not need.is_saved and len(self.pixels):
            what = "the images have several sizes, and their distances are those of images of one"
            raise InputError(what, where=self.source or self.name, hint="Resize them all alike", code="E-SHAPE")
        if need.of(self) is None:
            again = f', or build the file again with `gm.measure(images, reads="{need.name}")`'
            hint = f"Score the images themselves{again * need.is_saved}"
            what = f"the saved statistics hold no {need.name}"
            raise StatisticsError(what, where=self.source or self.name, hint=hint, code="E-KEPT")


def numbered(names: Sequence[str]) -> tuple[Tensor, tuple[str, ...]]:
    """The class of each image as its place among the classes, which are in the order of numbers where they are such."""
    import torch

    classes = sorted(set(names), key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    places = {name: place for place, name in enumerate(classes)}
    return torch.tensor([places[name] for name in names]), tuple(classes)
