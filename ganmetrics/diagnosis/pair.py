"""Two measured sets, and what several findings read of them, each computed once when it is first needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.blindness import Blindness, blindness
from ganmetrics.diagnosis.class_assignment import Classes, classes_of
from ganmetrics.diagnosis.class_table import ClassRow, class_rows
from ganmetrics.diagnosis.edited_copies import Edited, References, edited, edited_among, edited_usually
from ganmetrics.diagnosis.missing_modes import Clusters, clusters
from ganmetrics.diagnosis.near_copies import NearCopies, Nearness, near_copies
from ganmetrics.diagnosis.told_apart import told_apart
from ganmetrics.errors import InputError
from ganmetrics.measurement.thumbnails import at_size
from ganmetrics.metrics.needs import FEATURES
from ganmetrics.numerics.neighbors import Crossing, crossing, nearest, nearest_other, neighbor_squares
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.limits import Number
    from ganmetrics.extractors import Extractor
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.types import Features, Images

# Rows of a set that are compared with as many held-out real images.
MOST = 5_000
LEAST = 10
NEIGHBORS = 5
PICTURES = 2_000
# Pictures of each side among which edited copies are looked for.
COMPARED = 4_000
# Below this precision, empty clusters may be a matter of quality, and an odd range of pixel values is none of kinds.
OFF = 0.5
# Generated pictures for which real ones that resemble them are compared with the others, and as many any real ones.
USUAL = 1_000


class Trial(NamedTuple):
    """Equal numbers of real, generated and held-out real images; the last score as a faultless generator would.

    Attributes
    ----------
    real, fake, held_out : Tensor, float32 [n, D]
    real_places, fake_places : Tensor, int64 [n]
        The indices of those real and generated images.
    """

    real: Features
    fake: Features
    held_out: Features
    real_places: Tensor
    fake_places: Tensor


@dataclass
class Pair:
    """Two measured sets, held-out real images where they are known, and the network of the features.

    Attributes
    ----------
    real, fake : Statistics
        With features.
    test : Statistics or None
    extractor : Extractor or None
        Where it was loaded; it may name classes.
    seed : int
    """

    real: Statistics
    fake: Statistics
    test: Statistics | None = None
    extractor: Extractor | None = None
    seed: int = 2020

    @cached_property
    def trial(self) -> Trial:
        """The images that are compared; without known held-out images, half of the real ones are held out by the seed.

        Real images that are equal to others are left out: one in both halves would make copies of it look usual.
        """
        check_counts(self.real.count, self.fake.count, None if self.test is None else self.test.count)
        real, fake, rng = _rows(self.real), _rows(self.fake), seeded(self.seed)
        kept = self.distinct[torch.from_numpy(rng.permutation(len(self.distinct)))]
        if self.test is None:
            half = len(kept) // 2
            kept, others, held_out = kept[:half], kept[half:], real
        else:
            others, held_out = torch.from_numpy(rng.permutation(self.test.count)), _rows(self.test)
        size = min(len(kept), len(others), len(fake), MOST)
        places = torch.from_numpy(rng.permutation(len(fake))[:size])
        return Trial(real[kept[:size]], fake[places], held_out[others[:size]], kept[:size], places)

    @cached_property
    def crossings(self) -> tuple[Crossing, Crossing]:
        """Which balls of real images hold the others and the reverse, for generated and for held-out images."""
        real, radii = self.trial.real, neighbor_squares(self.trial.real, NEIGHBORS)
        of_fake, of_held_out = (
            crossing(real, other, radii, neighbor_squares(other, NEIGHBORS), is_closed=False)
            for other in (self.trial.fake, self.trial.held_out)
        )
        return of_fake, of_held_out

    @cached_property
    def own(self) -> Tensor:
        """The squared distance of each of the trial's real images to its nearest other, float64 [n]."""
        return neighbor_squares(self.trial.real, 1)

    @cached_property
    def ways(self) -> tuple[Tensor, Tensor]:
        """The distance of each generated and each held-out image of the trial to its nearest real one: [n], [n]."""
        return nearest(self.trial.fake, self.trial.real)[1].sqrt(), self._held_out_nearest[1].sqrt()

    @cached_property
    def _held_out_nearest(self) -> tuple[Tensor, Tensor]:
        return nearest(self.trial.held_out, self.trial.real)

    @cached_property
    def held_out_ratios(self) -> tuple[Tensor, Tensor]:
        """The ratio of ``Nearness`` for each held-out image of the trial, and its nearest real image: [n], [n]."""
        places, squares = self._held_out_nearest
        return torch.where(squares > 0, (squares / self.own[places]).sqrt(), 0.0), places

    @cached_property
    def neighbors(self) -> tuple[Tensor, Tensor]:
        """The index of each real image's nearest other, and its squared distance: [N], [N]."""
        return nearest_other(_rows(self.real))

    @cached_property
    def distinct(self) -> Tensor:
        """The indices of the real images, of equal ones the first alone; all where hardly any would be left."""
        places, squares = self.neighbors
        everything = torch.arange(len(places))
        kept = everything[(squares > 0) | (places > everything)]
        return kept if len(kept) >= 2 * LEAST else everything

    @cached_property
    def nearness(self) -> Nearness:
        """The nearest neighbours of the generated images, among different real images and among themselves."""
        real, fake, kept = _rows(self.real), _rows(self.fake), self.distinct
        is_whole = len(kept) == len(real)
        own = self.neighbors[1] if is_whole else nearest_other(real[kept])[1]
        places, squares = nearest(fake, real if is_whole else real[kept])
        others, other_squares = nearest_other(fake)
        return Nearness(own.sqrt(), own.sqrt()[places], kept[places], squares.sqrt(), others, other_squares.sqrt())

    @cached_property
    def copies(self) -> NearCopies:
        """Generated images that nearly equal each other or a real image."""
        return near_copies(self.nearness)

    @cached_property
    def edited(self) -> tuple[Edited, Edited, Edited] | None:
        """Generated pictures beside real ones, real ones that resemble them, and any real ones, beside the others."""
        real, fake = self.real.thumbnails, self.fake.thumbnails
        if real is None or fake is None:
            return None
        kept = set(self.distinct.tolist())
        reals = [real[place] for place in real.sample(len(real)) if place in kept][:COMPARED]
        fakes = [fake[place] for place in fake.sample(COMPARED)]
        references = References.of(reals)
        usual = edited_usually(fakes[:USUAL], references), edited_among(references, USUAL)
        return edited(fakes, references), *usual

    @cached_property
    def clusters(self) -> Clusters:
        """The clusters of the real images, and how generated images fill them."""
        return clusters(_rows(self.real), _rows(self.fake), seed=self.seed)

    @cached_property
    def told_apart(self) -> Number:
        """How often a classifier tells generated images from real ones of their kinds."""
        return told_apart(self.trial, self.clusters, self.seed)

    @cached_property
    def classes(self) -> Classes | None:
        """The classes of both sets, where labels or a classifier tell them."""
        # A classifier names nothing in images that it was not made for.
        extractor = None if self.blindness.to_kinds else self.extractor
        return classes_of(self.real, self.fake, extractor, (self.neighbors[0], self.nearness.places))

    @cached_property
    def is_off_manifold(self) -> bool:
        """Whether most generated images lie outside the manifold of real ones."""
        return float((self.crossings[0].real_balls > 0).double().mean()) < OFF

    @cached_property
    def class_rows(self) -> tuple[ClassRow, ...]:
        """The classes one by one, the worst first."""
        return class_rows(self)

    @cached_property
    def blindness(self) -> Blindness:
        """What the features of these images cannot show."""
        return blindness(self.real, self.fake)

    @cached_property
    def pictures(self) -> tuple[Images, Images] | None:
        """Thumbnails of both sides at one size, [n, 3, h, w]; ``None`` where a side has none, or several sizes."""
        thumbnails = [side.thumbnails for side in (self.real, self.fake)]
        stacks = [None if each is None else each.stacked(each.sample(PICTURES)) for each in thumbnails]
        if stacks[0] is None or stacks[1] is None:
            return None
        height, width = (min(n) for n in zip(stacks[0].shape[2:], stacks[1].shape[2:], strict=True))
        return at_size(stacks[0], height, width), at_size(stacks[1], height, width)


def check_counts(real: int | None, fake: int | None, test: int | None) -> None:
    """Refuse sets that are too small, as far as their sizes are known (InputError)."""
    needed = {"real": (real, LEAST if test is not None else 2 * LEAST), "fake": (fake, LEAST), "test": (test, LEAST)}
    for role, (count, least) in needed.items():
        if count is not None and count < least:
            what = f"{count} {role} images tell nothing about faults; at least {least} are needed"
            raise InputError(what, where=role, hint="Give more", code="E-TOO-FEW")


def _rows(side: Statistics) -> Features:
    side.require(FEATURES)
    assert side.features is not None
    return side.features
