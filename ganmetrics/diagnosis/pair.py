"""Two measured sets and what several findings read of them, each computed once, when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics.diagnosis.classes import Classes, classes_of
from ganmetrics.diagnosis.copies import NearCopies, Nearness, near_copies, nearness
from ganmetrics.diagnosis.modes import Clusters, clusters
from ganmetrics.errors import InputError
from ganmetrics.numerics.neighbors import Crossing, crossing, neighbor_squares
from ganmetrics.numerics.resampling import seeded

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.evaluation import Statistics
    from ganmetrics.features import Extractor
    from ganmetrics.types import Features

MOST = 5_000  # rows of a set that are compared with as many held-out reals
LEAST = 10
NEIGHBORS = 5


class Trial(NamedTuple):
    """Some reals, as many fakes, and as many held-out reals, which score as a faultless generator would.

    Attributes
    ----------
    real, fake, held_out : Tensor, float32 [n, D]
    real_places, fake_places : Tensor, int64 [n]
        Which reals and fakes those are.
    """

    real: Features
    fake: Features
    held_out: Features
    real_places: Tensor
    fake_places: Tensor


@dataclass
class Pair:
    """Two measured sets, reals that the generator was not trained on where they are known, and their network.

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

    def check(self) -> None:
        """Refuse sets that are too small (InputError)."""
        reals = [self.real.count // 2] if self.test is None else [self.real.count, self.test.count]
        if min(*reals, self.fake.count) < LEAST:
            what = f"{self.real.count} real and {self.fake.count} fake images tell nothing about faults"
            hint = f"Give at least {2 * LEAST} real and {LEAST} fake ones"
            raise InputError(what, hint=hint, code="E-TOO-FEW")

    @cached_property
    def trial(self) -> Trial:
        """Held out are unseen reals where they are known, else half of the reals, drawn by the seed."""
        self.check()
        real, fake, rng = _rows(self.real), _rows(self.fake), seeded(self.seed)
        order = torch.from_numpy(rng.permutation(len(real)))
        if self.test is None:
            kept, held_out = order[: len(real) // 2], real[order[len(real) // 2 :]]
        else:
            test = _rows(self.test)
            kept, held_out = order, test[torch.from_numpy(rng.permutation(len(test)))]
        size = min(len(kept), len(held_out), len(fake), MOST)
        places = torch.from_numpy(rng.permutation(len(fake))[:size])
        return Trial(real[kept[:size]], fake[places], held_out[:size], kept[:size], places)

    @cached_property
    def crossings(self) -> tuple[Crossing, Crossing]:
        """The balls of the reals and of the other set, for the fakes and for the held-out reals."""
        real, radii = self.trial.real, neighbor_squares(self.trial.real, NEIGHBORS)
        of_fake, of_held_out = (
            crossing(real, other, radii, neighbor_squares(other, NEIGHBORS), is_closed=False)
            for other in (self.trial.fake, self.trial.held_out)
        )
        return of_fake, of_held_out

    @cached_property
    def own(self) -> Tensor:
        """The squared distance of each of the trial's reals to the nearest other of them: float64 [n]."""
        return neighbor_squares(self.trial.real, 1)

    @cached_property
    def nearness(self) -> Nearness:
        return nearness(_rows(self.real), _rows(self.fake))

    @cached_property
    def copies(self) -> NearCopies:
        return near_copies(self.nearness)

    @cached_property
    def clusters(self) -> Clusters:
        return clusters(_rows(self.real), _rows(self.fake), seed=self.seed)

    @cached_property
    def classes(self) -> Classes | None:
        """The classes of both sets, where labels or a classifier tell them."""
        return classes_of(self.real, self.fake, self.extractor)


def _rows(side: Statistics) -> Features:
    side.require("features")
    assert side.features is not None
    return side.features
