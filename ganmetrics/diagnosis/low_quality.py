"""Low quality: fakes off the manifold of the reals, and easily told from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.blindness import unseen
from ganmetrics.diagnosis.finding import Fault, Finding, is_fault, verdicts_of, worst
from ganmetrics.diagnosis.limits import Number, evidence, mean_of, quantile, share_of
from ganmetrics.diagnosis.pair import NEIGHBORS
from ganmetrics.metrics.c2st import c2st

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair

NAME = "low quality"
# Rows of each side on which the classifier is trained and tested.
ROWS = 1_500
# With fewer rows, kinds are too rare on one side to be compared.
LEAST = 40
# A fake is foreign where it is FAR times as far from every real as this quantile of the held-out reals.
QUANTILE, FAR = 0.98, 1.3
ADVICE = (
    "train longer, or average the generator's weights over steps",
    "look at the fakes farthest from the reals: artefacts of upsampling, clipped levels, another resize or compression",
    "compare the file formats of both sides: JPEG against PNG alone is told apart",
)


def low_quality(pair: Pair) -> Finding:
    """Compare precision and density with those of held-out images, and try to tell both sets apart."""
    fake, held_out = pair.crossings
    inside, as_reals = share_of(fake.real_balls > 0), share_of(held_out.real_balls > 0)
    density, of_reals = (_density(side.real_balls) for side in (fake, held_out))
    accuracy, far = _accuracy(pair), _foreign(pair)
    foreign = evidence("foreign", "share of the fakes far from every real, beyond that of held-out reals", far)
    numbers = (
        evidence("outside", "share of the fakes outside the reals' manifold", share_of(fake.real_balls == 0)),
        evidence("precision", "precision relative to held-out reals", inside.over(as_reals)),
        foreign,
        evidence("density", "density relative to held-out reals", density.over(of_reals)),
        evidence(
            "c2st", "accuracy of a classifier that tells generated images from real ones of their kinds", accuracy
        ),
    )
    verdict = worst(verdicts_of(numbers))
    sentence = (
        f"{1 - inside.value:.0%} of the generated images lie outside the manifold of real ones "
        f"({1 - as_reals.value:.0%} of held-out real images do); a classifier that tells both apart is right for "
        f"{accuracy.value:.0%}"
    )
    if is_fault(foreign.verdict):
        sentence += f"; {foreign.value:.0%} are foreign: far from every real image"
    finding = Finding(NAME, verdict, sentence, numbers, ADVICE if is_fault(verdict) else ())
    return unseen(finding, pair.blindness.to_detail)


def _density(real_balls: Tensor) -> Number:
    return mean_of(real_balls.double() / NEIGHBORS)._replace(least=0.0)


def _foreign(pair: Pair) -> Number:
    """Return the share of generated images that are far from every real one, less the share of held-out images."""
    fake, held_out = pair.ways
    limit = FAR * quantile(held_out, QUANTILE)
    return share_of(fake > limit).less(share_of(held_out > limit))


def _accuracy(pair: Pair) -> Number:
    """Return the accuracy on equally many images of each cluster, so that a missing kind gives nothing away."""
    trial, clusters = pair.trial, pair.clusters
    real, fake = _of_one_kind(clusters.real_members[trial.real_places], clusters.fake_members[trial.fake_places])
    if len(real) < LEAST:
        real = fake = torch.arange(len(trial.real))
    size = min(len(real), ROWS)
    value = c2st(trial.real[real[:size]], trial.fake[fake[:size]], seed=pair.seed)
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


FINDING = Fault(NAME, low_quality, 3)
