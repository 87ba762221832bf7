"""Inception Score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ganmetrics.errors import InputError, UsageError
from ganmetrics.metrics._uncertainty import Estimated
from ganmetrics.metrics._validation import matrix
from ganmetrics.metrics.metric import Estimate, Given, Metric, Part
from ganmetrics.metrics.needs import LOGITS
from ganmetrics.numerics import interval_ends
from ganmetrics.numerics.entropy import exponential_error, exponential_without_each, mean_divergence
from ganmetrics.numerics.resampling import seeded, split_bounds

# Sums of 1,000 probabilities in bfloat16 differ from 1 by up to 0.004, and values just below 0 come of subtractions.
ROUNDING, BELOW = 0.02, -1e-6
# The share of rows that must sum to 1: a failed image may have left zeros.
MOST = 0.9

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def inception_score(logits: ArrayLike, *, splits: int = 10, seed: int = 2020) -> Estimate:
    """Exponential of the mean Kullback-Leibler divergence of p(y | x) from p(y), averaged over splits.

    Use it to compare with published Inception Scores. Higher is better; between 1 and the smaller of the number of
    classes and of images in a split. Biased downward in small splits. It never looks at real images.

    Parameters
    ----------
    logits : array_like, [N, K]
        Unnormalised log-probabilities; the literature's score takes the 1008 of the FID Inception without its bias.
    splits : int
        The number of parts that are scored apart.
    seed : int
        Seed of the shuffle before splitting, without which a set sorted by class scores near 1.

    Returns
    -------
    Estimate
        The mean over the splits and their standard deviation (ddof 0).

    Raises
    ------
    InputError
        There are fewer images than splits, the shape is another, or a value is NaN or infinite.

    Notes
    -----
    Softmax and logarithm are in float64, splits end at i * N // splits, and ``RandomState(seed).permutation`` shuffles:
    torch-fidelity gives the same numbers for the same logits and seed.

    References
    ----------
    Salimans et al.: Improved Techniques for Training GANs. NeurIPS 2016, arXiv:1606.03498.

    Examples
    --------
    >>> import numpy as np
    >>> certain = 1000.0 * np.eye(4)[np.arange(400) % 4]
    >>> round(inception_score(certain, splits=1).value, 9)
    4.0
    """
    x = matrix(logits, "logits")
    _check_logits(x)
    if splits < 1:
        raise UsageError(f"splits is {splits}; it must be at least 1", where="is.splits")
    if len(x) < splits:
        what = f"{len(x)} images cannot be cut into {splits} splits"
        hint = f"Score more images, or ask for `is(splits={len(x)})` or fewer (a different protocol)"
        raise InputError(what, where="is.splits", hint=hint, code="E-TOO-FEW")
    scores = [math.exp(mean_divergence(log_p)) for log_p in _split(x, splits, seed)]
    return Estimate(float(np.mean(scores)), float(np.std(scores)))


def _check_logits(x: Tensor) -> None:  # [N, K]
    """Refuse probabilities and percentages, which are no logits (InputError)."""
    if float(x.min()) < BELOW * max(1.0, float(x.max())):
        return
    for total, kind in ((1, "probabilities"), (100, "percentages")):
        share = float(((x.sum(dim=1) / total - 1).abs() < ROUNDING).double().mean())
        # A row with a single value may be of a network that is certain, at any scale of its logits.
        is_spread = total == 1 or float(((x > 0).sum(dim=1) > 1).double().mean()) > 0.5
        if share >= MOST and is_spread:
            rows = "every row sums" if share == 1 else "nearly every row sums"
            what = f"logits hold {kind}: no value is negative, and {rows} to {total}"
            raise InputError(what, where="logits", hint="Give what comes before the softmax", code="E-RANGE")


def _split(x: Tensor, splits: int, seed: int) -> list[Tensor]:  # [N, K] -> log-probabilities [n, K] of each split
    order = torch.from_numpy(seeded(seed).permutation(len(x)))
    log_p = torch.log_softmax(x[order.to(x.device)], dim=1)
    return [log_p[start:stop] for start, stop in split_bounds(len(x), splits)]


def inception_score_losses(real: None, logits: Tensor, splits: int = 10, seed: int = 2020) -> Tensor:
    """How much lower the score is without each image, [N, K] -> [N], if the others stay in their splits.

    Every split needs at least two images (InputError).
    """
    if len(logits) < 2 * splits:
        what = f"{len(logits)} images in {splits} splits leave a split empty where one is left out"
        raise InputError(what, where="is.splits", hint="Score more images or lower splits", code="E-TOO-FEW")
    parts = _split(logits.double(), splits, seed)
    losses = torch.cat([math.exp(mean_divergence(part)) - exponential_without_each(part) for part in parts]) / splits
    return losses[torch.from_numpy(seeded(seed).permutation(len(logits)).argsort()).to(losses.device)].cpu()


def uncertainty(computed: Estimate, given: Given) -> dict[str, Estimated] | None:
    """Tell how uncertain the mean over splits is, from each split's variance; ``None`` for splits of single images."""
    splits, seed = int(given.settings["splits"]), int(given.settings["seed"])
    parts = _split(given.fake.logits.double(), splits, seed)
    if min(map(len, parts)) < 2:
        return None
    # The influence gives too small an error for few images and leaving one out too large a one: their mean square.
    squares = [(one**2 + other**2) / 2 for one, other in map(exponential_error, parts)]
    error = math.sqrt(sum(squares)) / splits
    method = "influence function and leave-one-out within the splits"
    return {"is": Estimated(computed.value, interval_ends.plain(computed.value, error), method)}


METRIC = Metric(
    name="is",
    function=inception_score,
    parts=(Part("is", "IS", higher_is_better=True, best="the number of classes", scale="real"),),
    reads=(LOGITS,),
    needs_real=False,
    spread="splits",
    paper="Salimans et al. 2016, arXiv:1606.03498",
    minimum="splits",
    losses=inception_score_losses,
    losses_reads=(LOGITS,),
    uncertainty=uncertainty,
    resampling="bootstrap",
)
