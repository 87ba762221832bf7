"""Low diversity: fakes that are less varied than as many real images are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.diagnosis.blindness import unseen
from ganmetrics.diagnosis.finding import Evidence, Fault, Finding, verdicts_of, worst
from ganmetrics.diagnosis.limits import Number, evidence, mean_of, quantile, share_of
from ganmetrics.metrics.ms_ssim_diversity import ms_ssim_diversity
from ganmetrics.metrics.vendi import vendi
from ganmetrics.numerics.neighbors import close_pairs
from ganmetrics.numerics.resampling import seeded
from ganmetrics.numerics.ssim import most_scales

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.diagnosis.pair import Pair

NAME = "low diversity"
# Two images nearly agree below this quantile of the distances between nearest real images.
NEAR = 0.01
# Draws and rows of the jackknife of Vendi's score.
DRAWS, SUBSET = 10, 500
ADVICE = (
    "raise the truncation psi, the sampling temperature, or the width of the latents",
    "check that dropout and batch norm are in the mode they were trained in, and that latents are drawn anew each time",
    "add a diversity term or minibatch statistics; compare checkpoints, as diversity falls late in a training",
)


def low_diversity(pair: Pair) -> Finding:
    """Compare recall, coverage, effective number, spread and repeats with those of held-out real images."""
    (fake, held_out), (_, fakes, reals, *_), copies = pair.crossings, pair.trial, pair.copies
    of_reals = "relative to held-out reals"
    numbers = [
        evidence("recall", f"recall {of_reals}", _balls(fake.fake_balls).over(_balls(held_out.fake_balls))),
        evidence("coverage", f"coverage {of_reals}", _balls(fake.held_fakes).over(_balls(held_out.held_fakes))),
        evidence("vendi", f"Vendi's number of images {of_reals}", _vendi(fakes).over(_vendi(reals))),
        evidence("spread", f"mean squared distance of two {of_reals}", _spread(fakes).over(_spread(reals))),
        evidence("repeated", "share of the fakes that nearly repeat another", _repeated(pair)),
        evidence("support", f"support size by the birthday paradox {of_reals}", _support(pair)),
        *_similarity(pair),
    ]
    verdict = worst(verdicts_of(numbers))
    if verdict == "ok":
        finding = Finding(NAME, verdict, "generated images are about as varied as real ones", tuple(numbers))
        return unseen(finding, pair.blindness.to_kinds)
    accused = [each for each in numbers if each.verdict == verdict]
    sentence = f"generated images are less varied than real ones: {accused[0].name} is {accused[0].value:.2g}"
    if copies.groups and copies.repeated_share >= 0.01:
        sentence += f"; {copies.num_repeated} of {copies.num_fakes} nearly repeat another"
    return Finding(NAME, verdict, sentence, tuple(numbers), ADVICE)


def _balls(counts: Tensor) -> Number:
    return share_of(counts > 0)


def _vendi(rows: Tensor) -> Number:
    """Return Vendi's score with the standard error of a jackknife over subsets of at most half of the rows."""
    rng, size = seeded(0), min(len(rows) // 2, SUBSET)
    draws = [vendi(rows[torch.from_numpy(rng.permutation(len(rows))[:size])]) for _ in range(DRAWS)]
    error = float(torch.tensor(draws, dtype=torch.float64).std()) * math.sqrt(size / (len(rows) - size))
    return Number(vendi(rows), error, 0.0)


def _spread(rows: Tensor) -> Number:
    """Return twice the trace of the covariance, the mean squared distance of two rows."""
    narrow = rows.double()
    return mean_of(2 * (narrow - narrow.mean(dim=0)).square().sum(dim=1))._replace(least=0.0)


def _repeated(pair: Pair) -> Number:
    share = pair.copies.repeated_share
    return Number(share, math.sqrt(share * (1 - share) / pair.copies.num_fakes), 0.0, 1.0)


def _support(pair: Pair) -> float:
    """Return the inverse ratio of the numbers of pairs that nearly agree, as in ``functional.birthday``."""
    near = quantile(pair.own, NEAR)
    fake, held_out = (max(close_pairs(rows, near), 0.5) for rows in (pair.trial.fake, pair.trial.held_out))
    return held_out / fake


def _similarity(pair: Pair) -> list[Evidence]:
    """Return by how much two generated images are more alike than two real ones, where images are large enough."""
    if pair.pictures is None:
        return []
    scales = min(5, most_scales(min(pair.pictures[0].shape[2:])))
    if not scales or min(map(len, pair.pictures)) < 4:
        return []
    real, fake = (ms_ssim_diversity(images, scales=scales) for images in pair.pictures)
    difference = Number(fake.value, fake.error or 0.0).less(Number(real.value, real.error or 0.0))
    return [evidence("ms_ssim", "MS-SSIM of two fakes, less that of two reals", difference)]


FINDING = Fault(NAME, low_diversity, 2)
