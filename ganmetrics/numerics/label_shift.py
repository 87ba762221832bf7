"""The shares of classes in two sets, from the probability of every class for each image; in float64.

Classes may be hard to tell apart. The shares in a set are then the likeliest ones, not those of the likeliest classes,
which a classifier moves from one class to another. Sets are tested by the mean probabilities, on which it errs alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

STEPS, SETTLED = 500, 1e-7
# Directions of less than this share of the largest variance are none: probabilities of one image sum to 1.
FLAT = 1e-9


def class_shares(likelihoods: Tensor) -> Tensor:  # [N, K] -> [K]
    """Return the shares of classes under which the rows are likeliest (Saerens et al. 2002).

    Expectation-maximisation from equal shares. ``likelihoods[n, k]`` is proportional, within the row, to how likely
    image ``n`` is among images of class ``k``: a probability over the share of the class in the set it was learnt from.
    """
    count = likelihoods.shape[1]
    shares = torch.full((count,), 1 / count, dtype=torch.float64)
    for _ in range(STEPS):
        mixed = (likelihoods @ shares).clamp(min=torch.finfo(torch.float64).tiny)
        before, shares = shares, shares * (mixed.reciprocal() @ likelihoods)
        shares = shares / shares.sum()
        if float((shares - before).abs().max()) < SETTLED:
            break
    return shares


def confusion_variance(probabilities: Tensor) -> Tensor:  # [N, K] -> [K]
    """Return by how much confusion raises the variance of one image's part in each class's share; 0 without any.

    Shares of M images have the variance (p (1 - p) + c) / M with these c: the inverse of Fisher's information, along
    shares that sum to 1, less that of classes that are told without error.
    """
    shares = probabilities.mean(dim=0)
    is_met = shares > 0
    scaled = probabilities[:, is_met] / shares[is_met]
    inverse = torch.linalg.pinv(scaled.T @ scaled / len(scaled), hermitian=True, rtol=FLAT)
    rows = inverse.sum(dim=1)
    variance = inverse.diagonal() - rows.square() / rows.sum()
    excess = torch.zeros_like(shares)
    excess[is_met] = (variance - shares[is_met] * (1 - shares[is_met])).clamp(min=0)
    return excess


def share_distance(real: Tensor, fake: Tensor) -> tuple[float, float]:  # [N, K], [M, K] -> distance, error
    """Return the distance between the shares of classes in two sets beyond that by chance, with its standard error.

    The squared difference of the mean probabilities, in units of their covariance among ``real``, over how much of the
    classes the probabilities tell. Where they tell all, that is the chi-square distance sum (p - q)² / p. Noise of the
    difference is part of its error, which is too large for sets that are alike: these must not be told apart by chance.
    """
    count, totals = real.shape[1], 1 / len(real) + 1 / len(fake)
    covariance, of_fake = torch.cov(real.T), torch.cov(fake.T)
    told = float((covariance.diagonal() / real.mean(dim=0).clamp(min=1e-12)).sum()) / (count - 1)
    if told <= 0:
        return 0.0, 0.0
    inverse = torch.linalg.pinv(covariance, hermitian=True, rtol=FLAT)
    difference = fake.mean(dim=0) - real.mean(dim=0)
    slope, directions = inverse @ difference, int(torch.linalg.matrix_rank(inverse, hermitian=True, rtol=FLAT))
    spread = covariance / len(real) + of_fake / len(fake)
    variance = 4 * float(slope @ spread @ slope) + 2 * directions * totals**2
    return (float(difference @ slope) - directions * totals) / told, variance**0.5 / told
