"""What one pass over a set of images leaves: counts, moments, features and logits under one recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from ganmetrics.data import Notes
from ganmetrics.errors import InputError, StatisticsError
from ganmetrics.evaluation.digests import PixelDigests
from ganmetrics.evaluation.sampling import Sample, sampled
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from ganmetrics.evaluation.recipe import Recipe
    from ganmetrics.evaluation.thumbnails import Thumbnails
    from ganmetrics.features.base import Extractor
    from ganmetrics.types import Features, Images, Logits

KEPT = ("moments", "features", "logits")  # what a file of statistics can hold
BLOCK = 512  # rows merged at a time: a rank-512 update of the scatter is bound by arithmetic, a rank-32 one by memory


@dataclass(frozen=True)
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
    sample : Tensor, float32 [n, D], or None
        Rows of the features in random order, as many as tell a standard error.
    spatial_sample : Tensor, float32 [n, D], or None
        The same of the spatial layer.
    spread : Spread or None
        Of the perceptual layer, which LPIPS diversity reads.
    images : Tensor, uint8 [n, 3, H, W], or None
        Images in random order, as many as tell a mean over pairs.
    thumbnails : Thumbnails or None
        Small pictures of all images in their order, where the reading asks for them.
    skipped : int
        Images left out because they could not be read.
    notes : Notes
        What was seen while reading.
    pixels : PixelDigests
        Of each image, where the images were read in this run.
    place : str
        Equal for two sets that were surely read from the same place; empty where nothing is known.
    source : str
        Where they came from, for people; not part of the signature.
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
    sample: Features | None = None
    spatial_sample: Features | None = None
    spread: Spread | None = None
    images: Images | None = None
    thumbnails: Thumbnails | None = None
    skipped: int = 0
    notes: Notes = field(default_factory=Notes)
    pixels: PixelDigests = field(default_factory=PixelDigests)
    place: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.sample is None and self.features is not None:
            object.__setattr__(self, "sample", sampled(self.features))

    @property
    def label(self) -> str:
        """The set as the signature writes it, ``name#count:digest`` and what else sets it apart."""
        return self._labelled("")

    @property
    def ordered_label(self) -> str:
        """The same with ``~order`` behind the digest, for metrics that draw subsets by position."""
        return self._labelled(f"~{self.order[:8]}" if self.order else "")

    def _labelled(self, order: str) -> str:
        skipped = [f"skipped={self.skipped}"] if self.skipped else []
        return ":".join([f"{self.name}#{self.count}", f"{self.digest[:8]}{order}", *skipped, *self.recipe.reading])

    def require(self, reads: str) -> None:
        """Refuse saved statistics that lack what a metric reads, and images of sizes that it cannot compare.

        Raises
        ------
        StatisticsError
        InputError
        """
        if getattr(self, reads) is None and reads not in KEPT and len(self.pixels):
            what = "the images have several sizes, and their distances are those of images of one"
            raise InputError(what, where=self.source or self.name, hint="Resize them all alike", code="E-SHAPE")
        if getattr(self, reads) is None:
            again = f", or build the file again with --keep {reads}" if reads in KEPT else ""
            hint = f"Score the images themselves{again}"
            what = f"the saved statistics hold no {reads}"
            raise StatisticsError(what, where=self.source or self.name, hint=hint, code="E-KEPT")


class Collector:
    """Gathers what the metrics of a run read, batch by batch, in constant memory where only moments are read."""

    def __init__(self, reads: Iterable[str], extractor: Extractor) -> None:
        self.reads = sorted(set(reads))
        if "features" in self.reads and "sample" in self.reads:
            self.reads.remove("sample")  # it follows from all rows
        self.layer_of = {name: extractor.layer_for(name) for name in self.reads}
        self.kept: dict[str, list[Tensor]] = {name: [] for name in self.reads}
        self.samples = {name: Sample() for name in self.reads if name.endswith("sample")}
        self.spread: Spread | None = None
        self.count, self.is_of_one_size = 0, True
        self.gathered = {name: _Gathered() for name in self.reads if name.endswith("moments")}

    @property
    def layers(self) -> list[str]:
        """The layers that the extractor must yield."""
        return sorted(set(self.layer_of.values()))

    def add(self, found: dict[str, Tensor]) -> None:
        for name in self.reads:
            value = found[self.layer_of[name]]
            if name in self.gathered:
                self.gathered[name].add(value)
            elif name in self.samples:
                self.samples[name].add(value)
            elif name == "spread":
                self._add_spread(value)
            else:
                self.kept[name].append(value)

    def _add_spread(self, rows: Tensor) -> None:
        block = Spread.of(rows, self.count)
        self.is_of_one_size &= self.spread is None or self.spread.means.shape == block.means.shape
        if self.is_of_one_size:
            self.spread = block if self.spread is None else self.spread.merge(block)
        self.count += len(rows)

    def tensor(self, name: str) -> Tensor | None:
        """All rows of what was kept under that name."""
        if name in self.samples:
            return self.samples[name].rows
        rows = self.kept.get(name)
        return torch.cat(rows) if rows else None

    def moments(self, name: str) -> Moments | None:
        """The moments of everything added under that name."""
        return self.gathered[name].finished() if name in self.gathered else None


class _Gathered:
    """Moments of rows that come in batches of any size, merged in blocks of one."""

    def __init__(self) -> None:
        self.moments: Moments | None = None
        self.waiting: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        self.waiting.append(rows)
        while sum(map(len, self.waiting)) >= BLOCK:
            joined = torch.cat(self.waiting)
            self._merge(joined[:BLOCK])
            self.waiting = [joined[BLOCK:]]

    def finished(self) -> Moments | None:
        rest = torch.cat(self.waiting) if self.waiting else torch.empty(0)
        self.waiting = []
        if len(rest):
            self._merge(rest)
        return self.moments

    def _merge(self, rows: Tensor) -> None:
        block = Moments.of(rows)
        self.moments = block if self.moments is None else self.moments.merge(block)
