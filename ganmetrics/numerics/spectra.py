"""The effective number of directions of unit rows, the exponential of the entropy of a spectrum, to second order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ganmetrics.numerics.influence import SEED, Influence, SecondOrder, pair_indices, root_mean_square

if TYPE_CHECKING:
    from torch import Tensor


class SpectralExpansion(NamedTuple):
    """The effective number near a sample of unit rows.

    Attributes
    ----------
    influence : Influence
    second : SecondOrder
    rank : int
        The number of directions that the sample has any part in.
    """

    influence: Influence
    second: SecondOrder
    rank: int


def effective_number_expansion(rows: Tensor) -> SpectralExpansion:
    r"""Expand exp(H), with the entropy H of the eigenvalues λ of the mean of x xᵀ over unit rows [N, D].

    With a = Vᵀ x the influence of a row is

    .. math:: e^H (-\sum a_j^2 \log\lambda_j - H)

    and, with c = a ∘ a' and L_jk the divided difference of the logarithm at λ_j and λ_k, two rows have the second-order
    kernel -e^H (cᵀ L c - 1).
    """
    # The eigenvalues λ [R], and a = Vᵀ x of each row [N, R].
    shares, a = _coordinates(rows)
    logs = shares.log()
    entropy = -(shares * logs).sum()
    influence = -(a.square() @ logs) - entropy
    i, j = pair_indices(len(a), len(a), len(shares), np.random.RandomState(SEED), is_within=True)
    c = a[torch.from_numpy(i)] * a[torch.from_numpy(j)]
    gaps = shares[:, None] - shares
    # The divided difference of the logarithm is its slope where two eigenvalues are equal.
    is_equal = gaps.abs() <= 1e-6 * (shares[:, None] + shares)
    slopes = torch.where(is_equal, 2 / (shares[:, None] + shares), (logs[:, None] - logs) / gaps)
    kernel = ((c @ slopes) * c).sum(dim=1) - 1
    number = float(entropy.exp())
    second = SecondOrder(0.0, number * root_mean_square(kernel.numpy()), 0.0)
    return SpectralExpansion(Influence(None, number * influence), second, len(shares))


def _coordinates(rows: Tensor) -> tuple[Tensor, Tensor]:  # [N, D] -> [R], [N, R]
    """Return the eigenvalues of the mean of x xᵀ and each row's coordinates, from the smaller Gram matrix."""
    count, dim = rows.shape
    is_tall = count > dim
    # Both Gram matrices have the same eigenvalues above 0; the smaller one costs less.
    gram = (rows.T @ rows if is_tall else rows @ rows.T) / count
    shares, vectors = torch.linalg.eigh(gram)
    # Eigenvalues of unit rows sum to 1: what lies within their rounding is no direction.
    is_kept = shares > len(shares) * torch.finfo(torch.float64).eps
    shares, vectors = shares[is_kept], vectors[:, is_kept]
    return shares, rows @ vectors if is_tall else vectors * (count * shares).sqrt()
