"""Entropies and divergences of categorical distributions, from logits in float64, in nats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def mean_divergence(log_p: Tensor) -> float:  # [N, K] log-probabilities -> float
    """The mean Kullback-Leibler divergence of each row from the mean of the rows: the mutual information."""
    log_marginal = torch.logsumexp(log_p, dim=0) - torch.log(torch.tensor(len(log_p), dtype=log_p.dtype))
    # 0 log 0 is 0: a logit of minus infinity is a class of probability zero
    terms = torch.where(torch.isneginf(log_p), 0.0, log_p.exp() * (log_p - log_marginal))
    return float(terms.sum(dim=1).mean().clamp(min=0))  # rounding may leave it below 0
