"""Losses against what theory says of them: optima, vanishing gradients, penalties in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ganmetrics.generators.losses import (
    GENERATOR_LOSSES,
    discriminator_loss,
    gradient_penalty,
    minimax_loss,
    non_saturating_loss,
    r1_penalty,
    wasserstein_estimate,
)

P_DATA = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
P_FAKE = torch.tensor([0.1, 0.3, 0.1, 0.5], dtype=torch.float64)


def repeated(logits: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """A logit for each of ten draws from a distribution in tenths."""
    return logits.repeat_interleave((shares * 10).round().long())


def linear_critic(slope: torch.Tensor) -> nn.Module:
    """f(x) = <slope, x> + 3 on images of the slope's shape."""
    layer = nn.Linear(slope.numel(), 1, dtype=slope.dtype)
    with torch.no_grad():
        layer.weight.copy_(slope.reshape(1, -1))
        layer.bias.fill_(3.0)
    return nn.Sequential(nn.Flatten(), layer, nn.Flatten(0))


def slope_of_norm(norm: float) -> torch.Tensor:
    direction = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return direction / direction.norm() * norm


def batches() -> tuple[torch.Tensor, torch.Tensor, torch.Generator]:
    rng = torch.Generator().manual_seed(1)
    real, fake = torch.randn(2, 6, 1, 4, 4, generator=rng, dtype=torch.float64)
    return real, fake, rng


def test_an_undecided_discriminator_has_the_value_minus_log_4() -> None:
    undecided = torch.zeros(7, dtype=torch.float64)  # D = 1/2
    assert -discriminator_loss(undecided, undecided).item() == pytest.approx(-math.log(4), abs=1e-12)


def test_the_value_is_what_the_paper_writes() -> None:
    real, fake = torch.tensor([0.3, -2.0, 1.0]), torch.tensor([-0.5, 4.0])
    value = real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()
    assert -discriminator_loss(real, fake).item() == pytest.approx(value.item(), rel=1e-5)
    assert minimax_loss(fake).item() == pytest.approx((1 - fake.sigmoid()).log().mean().item(), rel=1e-5)
    assert non_saturating_loss(fake).item() == pytest.approx(-fake.sigmoid().log().mean().item(), rel=1e-5)


def test_the_loss_is_least_at_the_optimal_discriminator() -> None:
    overlap = (P_DATA > 0) & (P_FAKE > 0)
    optimal = (P_DATA / (P_DATA + P_FAKE)).logit(eps=1e-12).requires_grad_(True)
    least = discriminator_loss(repeated(optimal, P_DATA), repeated(optimal, P_FAKE))
    (slope,) = torch.autograd.grad(least, optimal)
    assert slope[overlap].abs().max() < 1e-12
    for index in overlap.nonzero().flatten():
        for shift in (-0.1, 0.1):
            other = optimal.detach().clone()
            other[index] += shift
            assert discriminator_loss(repeated(other, P_DATA), repeated(other, P_FAKE)) > least


def test_against_the_optimal_discriminator_the_value_is_the_jensen_shannon_divergence() -> None:
    optimal = (P_DATA / (P_DATA + P_FAKE)).logit(eps=1e-12)
    value = -discriminator_loss(repeated(optimal, P_DATA), repeated(optimal, P_FAKE)).item()
    middle = (P_DATA + P_FAKE) / 2
    jsd = sum(torch.xlogy(p, p / middle).sum().item() for p in (P_DATA, P_FAKE)) / 2
    assert value == pytest.approx(-math.log(4) + 2 * jsd, abs=1e-10)
    assert value > -math.log(4)


def test_of_both_generator_losses_only_minimax_vanishes_where_the_discriminator_wins() -> None:
    logit = torch.tensor([-12.0], dtype=torch.float64, requires_grad=True)  # D(G(z)) = 6e-6
    slopes = {name: torch.autograd.grad(loss(logit), logit)[0].item() for name, loss in GENERATOR_LOSSES.items()}
    assert slopes["minimax"] == pytest.approx(-torch.sigmoid(logit).item())  # d/ds log(1 - D) = -D
    assert slopes["non-saturating"] == pytest.approx(-1, abs=1e-5)  # d/ds -log D = -(1 - D)


def test_both_generator_losses_pull_the_same_way_with_one_force_at_the_equilibrium() -> None:
    logits = torch.zeros(3, requires_grad=True)
    slopes = [torch.autograd.grad(loss(logits), logits)[0] for loss in (minimax_loss, non_saturating_loss)]
    torch.testing.assert_close(slopes[0], slopes[1])
    assert (slopes[0] < 0).all()


@pytest.mark.parametrize("norm", [1.0, 0.0, 0.25, 3.0])
def test_the_penalty_of_a_linear_critic_is_the_squared_distance_of_its_slope_from_1(norm: float) -> None:
    penalty = gradient_penalty(linear_critic(slope_of_norm(norm)), *batches())
    assert penalty.item() == pytest.approx((norm - 1) ** 2, abs=1e-12)


def test_the_penalty_measures_the_slope_in_units_of_its_target() -> None:
    critic = linear_critic(slope_of_norm(750.0))
    assert gradient_penalty(critic, *batches(), target=750.0).item() == pytest.approx(0, abs=1e-12)
    assert gradient_penalty(critic, *batches(), target=250.0).item() == pytest.approx(4, abs=1e-9)


def test_the_norm_is_of_each_sample_alone() -> None:
    real = torch.tensor([[3.0], [0.5]], dtype=torch.float64)
    found = gradient_penalty(lambda x: x.square().sum(dim=1) / 2, real, real, torch.Generator())  # slope x at x
    assert found.item() == pytest.approx(((3 - 1) ** 2 + (0.5 - 1) ** 2) / 2)


def test_the_penalty_looks_between_each_real_image_and_its_fake() -> None:
    seen: list[torch.Tensor] = []

    def critic(images: torch.Tensor) -> torch.Tensor:
        seen.append(images.detach())
        return images.flatten(1).sum(dim=1)

    real, fake, rng = batches()
    gradient_penalty(critic, real, fake, rng)
    share = ((seen[0] - real) / (fake - real)).flatten(1)
    assert ((share > 0) & (share < 1)).all()
    torch.testing.assert_close(share, share[:, :1].expand_as(share))  # one point of the line for all pixels
    assert share[:, 0].unique().numel() == len(real)


def test_the_penalty_trains_the_critic() -> None:
    critic = linear_critic(slope_of_norm(3.0))
    gradient_penalty(critic, *batches()).backward()
    found = critic[1].weight.grad
    expected = 2 * (3 - 1) * slope_of_norm(1.0).reshape(1, -1)  # d (|w| - 1)^2 / dw
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("norm", [0.0, 1.0, 2.5])
def test_r1_of_a_linear_discriminator_is_its_squared_slope(norm: float) -> None:
    real = batches()[0].requires_grad_(True)
    assert r1_penalty(linear_critic(slope_of_norm(norm))(real), real).item() == pytest.approx(norm**2, abs=1e-12)


def test_the_wasserstein_estimate_is_positive_where_real_images_score_higher() -> None:
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([4.0, 6.0])
    assert wasserstein_estimate(high, low).item() == 4.5
    assert wasserstein_estimate(low, high).item() == -4.5


def test_the_best_linear_critic_measures_a_shift_exactly() -> None:
    real, _, _ = batches()
    shift = slope_of_norm(2.0)
    critic = linear_critic(-shift / shift.norm())  # 1-Lipschitz, falling along the shift
    assert wasserstein_estimate(critic(real), critic(real + shift)).item() == pytest.approx(2.0)
