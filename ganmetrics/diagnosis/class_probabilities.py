"""How probable every class is for each image: as learnt from the labels of real images, or by a classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import one_hot

from ganmetrics.numerics.ridge import left_out_scores

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Features

# Share of the mean variance of the regression's scores that is added to each of them.
SOFTENED = 0.01
# Factors of the log-probabilities, of which the likeliest is chosen.
SHARPNESS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
# Steps until the mean probabilities are the real shares, and what stands for the logarithm of 0.
STEPS, FAINT = 30, 1e-12


class ClassProbabilities(NamedTuple):
    """The probability of each class for each image; with labels a real image is judged by the other real images.

    Attributes
    ----------
    real, fake : Tensor, float64 [N, K], [M, K]
        Rows sum to 1.
    accuracy : float
        The share of real images whose label is the most probable class.
    method : str
        How the classes are told.
    """

    real: Tensor
    fake: Tensor
    accuracy: float
    method: str


def by_labels(
    sides: tuple[Features, Features], labels: Tensor, neighbors: tuple[Tensor, Tensor], count: int
) -> ClassProbabilities:
    """Learn classes by nearest neighbours and by a linear discriminant, and return what is right more often.

    Parameters
    ----------
    sides : tuple of Tensor, float32 [N, D], [M, D]
        Real and generated images.
    labels : Tensor, int64 [N]
        Classes of the real images, below ``count``.
    neighbors : tuple of Tensor, int64 [N], [M]
        The real image that is nearest to each (other) real and to each generated one.
    count : int
        Number of classes, K.
    """
    found = [_by_neighbors(labels, neighbors, count), _by_discriminant(sides, labels, count)]
    return max(found, key=lambda each: each.accuracy)


def _by_neighbors(labels: Tensor, neighbors: tuple[Tensor, Tensor], count: int) -> ClassProbabilities:
    """Give an image the classes of real images whose nearest other one has the label of its own nearest one."""
    of_real, of_fake = (labels[places] for places in neighbors)
    pairs = torch.bincount(of_real * count + labels, minlength=count**2).reshape(count, count).double()
    is_met = pairs.sum(dim=1, keepdim=True) > 0
    # A label that is no real image's neighbour tells nothing but itself.
    known = torch.where(is_met, pairs, torch.eye(count, dtype=torch.float64))
    shares = known / known.sum(dim=1, keepdim=True)
    return ClassProbabilities(shares[of_real], shares[of_fake], _right(of_real, labels), "the nearest real image")


def _by_discriminant(sides: tuple[Features, Features], labels: Tensor, count: int) -> ClassProbabilities:
    """Regress classes on features, and take the scores of each class as normal, with one covariance for all.

    That is linear discriminant analysis (Hastie, Tibshirani and Buja 1994). A real image is scored by the regression
    without it, in closed form, so that real and generated images err alike.
    """
    targets = one_hot(labels, count).double()
    shares, eye = targets.mean(dim=0), torch.eye(count, dtype=torch.float64)
    scores = left_out_scores(*sides, targets)
    means = targets.T @ scores[0] / targets.sum(dim=0).clamp(min=1)[:, None]
    rest = scores[0] - means[labels]
    covariance = rest.T @ rest / len(rest)
    slopes = torch.linalg.solve(covariance + (SOFTENED * covariance.trace() / count + FAINT) * eye, means.T)
    logits = [side @ slopes - (means * slopes.T).sum(dim=1) / 2 for side in scores]
    # Scores are not quite normal: their scale is chosen, and the mean probabilities are brought to the real shares.
    offsets = [_offsets(factor * logits[0], shares) for factor in SHARPNESS]
    trials = [(factor * logits[0] + each).log_softmax(dim=1) for factor, each in zip(SHARPNESS, offsets, strict=True)]
    best = max(range(len(trials)), key=lambda trial: float(trials[trial].gather(1, labels[:, None]).sum()))
    of_fake = (SHARPNESS[best] * logits[1] + offsets[best]).softmax(dim=1)
    accuracy = _right(trials[best].argmax(dim=1), labels)
    return ClassProbabilities(trials[best].exp(), of_fake, accuracy, "a linear discriminant")


def _offsets(logits: Tensor, shares: Tensor) -> Tensor:
    """Return what to add to the logits of each class so that the mean probabilities are the shares of the classes."""
    wanted = shares.clamp(min=FAINT).log()
    offsets = wanted
    for _ in range(STEPS):
        offsets = offsets + wanted - (logits + offsets).softmax(dim=1).mean(dim=0).clamp(min=FAINT).log()
    return offsets


def _right(classes: Tensor, labels: Tensor) -> float:
    return float((classes == labels).double().mean())
