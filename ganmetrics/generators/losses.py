"""The losses of the GAN literature, as functions of logits or of a critic's scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return -E log D(x) - E log(1 - D(G(z))), minus the value V of Goodfellow et al. (2014)."""
    # softplus(-x) = -log sigmoid(x), stable for large logits.
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_loss(fake_logits: Tensor) -> Tensor:
    """Return the generator's loss in the minimax game, E log(1 - D(G(z))), whose gradient vanishes as D wins."""
    return -F.softplus(fake_logits).mean()


def non_saturating_loss(fake_logits: Tensor) -> Tensor:
    """Return -E log D(G(z)): the minimax game's fixed point, with a gradient that does not vanish."""
    return F.softplus(-fake_logits).mean()


GENERATOR_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "minimax": minimax_loss,
    "non-saturating": non_saturating_loss,
}


def wasserstein_estimate(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return E f(x) - E f(G(z)), which a critic maximises: for 1-Lipschitz f a bound of the earth mover's distance."""
    return real_scores.mean() - fake_scores.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, rng: torch.Generator, *, target: float = 1.0
) -> Tensor:
    """Return E (|grad f(y)| / target - 1)^2 at random points y between pairs of real and fake (Gulrajani et al. 2017).

    The norm is each sample's own, over all its pixels; with ``target`` 1 this is the paper's penalty.
    """
    shape = [len(real)] + [1] * (real.ndim - 1)
    # One mixing weight for each pair, [N, 1, ...].
    mix = torch.rand(shape, generator=rng).to(real.device)
    between = (real + mix * (fake - real)).detach().requires_grad_(True)
    # The sum over the batch gives each sample's own gradient, as no layer mixes samples.
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) / target - 1).square().mean()


def r1_penalty(logits: Tensor, real: Tensor) -> Tensor:
    """Return E |grad D(x)|^2 at real images, which must require gradients (Mescheder et al. 2018).

    Trainings multiply it by gamma / 2.
    """
    (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return slope.flatten(1).square().sum(dim=1).mean()
