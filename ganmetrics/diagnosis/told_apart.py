"""How well a classifier tells generated images from real ones of their own kinds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.limits import Number
from ganmetrics.metrics.c2st import c2st

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.missing_modes import Clusters
    from ganmetrics.diagnosis.pair import Trial

# Rows of each side on which the classifier is trained and tested.
ROWS = 1_500
# With fewer rows, kinds are too rare on one side to be compared.
LEAST = 40


def told_apart(trial: Trial, clusters: Clusters, seed: int) -> Number:
    """Return the accuracy on equally many images of each cluster, so that a missing kind gives nothing away."""
    real, fake = _of_one_kind(clusters.real_members[trial.real_places], clusters.fake_members[trial.fake_places])
    if len(real) < LEAST:
        real = fake = torch.arange(len(trial.real))
    size = min(len(real), ROWS)
    value = c2st(trial.real[real[:size]], trial.fake[fake[:size]], seed=seed)
    return Number(value, math.sqrt(max(value * (1 - value), 1 / (2 * size)) / (2 * size)), 0.0, 1.0)


def _of_one_kind(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:  # clusters, int64 [n], [n] -> places, [m], [m]
    """Choose, for each cluster, as many rows of one side as of the other, in the order of the trial."""
    chosen: tuple[list[Tensor], list[Tensor]] = ([], [])
    for kind in real.unique().tolist():
        own = [(members == kind).nonzero()[:, 0] for members in (real, fake)]
        count = min(map(len, own))
        for places, all_places in zip(chosen, own, strict=True):
            places.append(all_places[:count])
    joined = torch.cat(chosen[0]), torch.cat(chosen[1])
    # The order of a trial is random, so that a later cut takes rows of every kind.
    order = joined[0].argsort()
    return joined[0][order], joined[1][order]
