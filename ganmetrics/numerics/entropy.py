"""Entropies and divergences of categorical distributions, from logits in float64, in nats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def mean_divergence(log_p: Tensor) -> float:  # [N, K] log-probabilities -> float
    """Return the mean Kullback-Leibler divergence of rows from their mean: the mutual information."""
    log_marginal = torch.logsumexp(log_p, dim=0) - torch.log(torch.tensor(len(log_p), dtype=log_p.dtype))
    # 0 log 0 is 0: a logit of minus infinity is a class of probability zero.
    terms = torch.where(torch.isneginf(log_p), 0.0, log_p.exp() * (log_p - log_marginal))
    # Rounding may leave the sum a little below 0.
    return float(terms.sum(dim=1).mean().clamp(min=0))


def exponential_error(log_p: Tensor) -> tuple[float, float]:  # [N, K] -> two standard errors
    """Return two standard errors of exp(mean divergence): by influence of each row, and by leaving each row out.

    The first is too small and the second too large where rows are few; from about 100 rows on they agree.
    """
    count, p = len(log_p), log_p.exp()
    terms = torch.where(torch.isneginf(log_p), 0.0, p * (log_p - p.mean(dim=0).log())).sum(dim=1)
    first = terms.mean().exp() * float(terms.std()) / count**0.5
    return float(first), float(exponential_without_each(log_p).std()) * (count - 1) / count**0.5


def exponential_without_each(log_p: Tensor) -> Tensor:  # [N, K] -> [N], N >= 2
    """Return exp(mean divergence) of all rows but one, for each of them."""
    count, p = len(log_p), log_p.exp()
    entropies, total = torch.special.entr(p).sum(dim=1), p.sum(dim=0)
    marginals = (total - p).clamp_(min=0).div_(count - 1)
    rest = (entropies.sum() - entropies) / (count - 1)
    return torch.exp(torch.special.entr(marginals).sum(dim=1) - rest)
