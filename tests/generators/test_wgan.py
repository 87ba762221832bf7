"""Wasserstein GANs: a clipped critic, a penalised critic of single images, n critic steps to one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ganmetrics.generators import datasets, wgan
from ganmetrics.generators.losses import gradient_penalty
from ganmetrics.generators.training import resume, save_checkpoint
from ganmetrics.generators.wgan import WITH_PENALTY, Settings, SmoothCritic, clip_weights

CPU = torch.device("cpu")
SMALL = {"latent_dim": 6, "width": 4, "batch_size": 8}
CLIPPED, PENALISED = replace(Settings(), **SMALL), replace(WITH_PENALTY, **SMALL)
BOTH = pytest.mark.parametrize("settings", [CLIPPED, PENALISED], ids=["clipped", "penalised"])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch):
    """New trainings on random images."""
    images = torch.randint(0, 256, (40, 1, 28, 28), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    found = datasets.Labelled(images, torch.zeros(40, dtype=torch.int64))
    monkeypatch.setattr(datasets, "load_grey", lambda name, root: found)

    def start(settings: Settings, seed: int = 0):
        recipe = replace(wgan.RECIPES[0], settings=settings, iterations=20)
        return wgan.SYSTEM.train(recipe, None, seed, CPU)

    return start


def advance(training, steps: int) -> None:
    for _ in range(steps):
        training.step()
        training.iteration += 1


def values(net) -> list[torch.Tensor]:
    return [value.clone() for value in net.parameters()]


def equal(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def reach(net: nn.Module) -> float:
    return max(p.abs().max().item() for p in net.parameters())


def test_clipping_bounds_every_weight_and_leaves_those_within() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[0.5, 0.004, -0.5], [0.01, -0.01, -0.004]]))
    clip_weights(net, 0.01)
    expected = torch.tensor([[0.01, 0.004, -0.01], [0.01, -0.01, -0.004]])
    assert torch.equal(net[0].weight, expected)
    assert reach(net) <= torch.tensor(0.01).item()


def test_after_a_step_every_weight_of_the_clipped_critic_is_bounded(started) -> None:
    training = started(CLIPPED)
    assert reach(training.critic) > 0.5  # batch normalisation starts at 1
    training.step()
    assert reach(training.critic) <= torch.tensor(0.01).item()
    assert reach(training.generator) > 0.01


def test_the_penalised_critic_is_not_clipped(started) -> None:
    training = started(PENALISED)
    training.step()
    assert reach(training.critic) > 0.1


def test_the_penalised_critic_scores_each_image_alone(started) -> None:
    critic = started(PENALISED).critic
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in critic.modules())
    images = torch.rand(6, 1, 28, 28)
    torch.testing.assert_close(critic(images)[:2], critic(images[:2]))


def test_scores_are_not_squashed() -> None:
    critic = SmoothCritic(4)
    with torch.no_grad():
        critic.net[-1].bias.fill_(50.0)
    assert critic(torch.zeros(3, 1, 28, 28)).tolist() == [50.0] * 3


@BOTH
def test_the_critic_steps_five_times_to_one_of_the_generator(started, settings: Settings) -> None:
    training = started(settings)
    taken = {"g": 0, "c": 0}
    for name, optimizer in (("g", training.g_optimizer), ("c", training.c_optimizer)):
        optimizer.register_step_post_hook(lambda *_, name=name: taken.update({name: taken[name] + 1}))
    advance(training, 2)
    assert taken == {"g": 2, "c": 10}


def test_the_optimisers_are_those_of_the_papers(started) -> None:
    clipped, penalised = started(CLIPPED), started(PENALISED)
    for optimizer in (clipped.g_optimizer, clipped.c_optimizer):
        assert isinstance(optimizer, torch.optim.RMSprop)
        assert optimizer.param_groups[0]["lr"] == 2e-4  # 5e-5 in the paper: see the deviations
        assert optimizer.param_groups[0]["momentum"] == 0
    for optimizer in (penalised.g_optimizer, penalised.c_optimizer):
        assert isinstance(optimizer, torch.optim.Adam)
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.9)
    assert WITH_PENALTY.penalty == 10 and CLIPPED.clip == 0.01


@BOTH
def test_each_half_of_a_step_changes_its_own_network(started, settings: Settings) -> None:
    training = started(settings)
    generator, critic = values(training.generator), values(training.critic)
    training.step_critic()
    assert equal(generator, values(training.generator))
    assert not equal(critic, values(training.critic))
    critic = values(training.critic)
    training.step_generator()
    assert not equal(generator, values(training.generator))
    assert equal(critic, values(training.critic))
    assert all(p.requires_grad for p in training.critic.parameters())


def test_the_critic_climbs_its_estimate(started) -> None:
    training = started(replace(PENALISED, learning_rate=1e-3))
    first, *_, last = [training.step_critic()["wasserstein"] for _ in range(30)]
    assert last > first + 1


def test_the_generator_lowers_the_estimate(started) -> None:
    training = started(replace(PENALISED, learning_rate=1e-3))
    for _ in range(10):
        training.step_critic()
    first, *_, last = [training.step_generator()["g_loss"] for _ in range(20)]
    assert last < first


def test_the_penalty_pulls_the_slope_to_1(started) -> None:
    training = started(replace(PENALISED, learning_rate=1e-3, penalty=1000.0))
    real = datasets.to_range(training.images)
    before = gradient_penalty(training.critic, real, -real, training.rng).item()
    for _ in range(40):
        training.step_critic()
    after = gradient_penalty(training.critic, real, -real, training.rng).item()
    assert after < 0.1 * before


@BOTH
def test_the_log_shows_the_estimate(started, settings: Settings) -> None:
    found = started(settings).step()
    assert found.keys() == {"wasserstein", "g_loss"} | ({"penalty"} if settings is PENALISED else set())


@BOTH
def test_a_resumed_training_is_the_uninterrupted_one(started, tmp_path: Path, settings: Settings) -> None:
    whole, half = started(settings), started(settings)
    advance(whole, 4)
    advance(half, 2)
    save_checkpoint(half, tmp_path)
    again = started(settings, seed=9)
    resume(again, tmp_path)
    advance(again, 2)
    for name in ("generator", "critic", "average"):
        left, right = whole.parts[name].state_dict(), again.parts[name].state_dict()
        assert equal(list(left.values()), list(right.values()))


@BOTH
def test_samples_repeat_for_a_seed(started, settings: Settings) -> None:
    training = started(settings)
    training.step()
    sampler = wgan.SYSTEM.sampler(settings, training.weights())
    found = sampler(7, seed=4)
    assert found.shape == (7, 3, 28, 28) and found.dtype == torch.uint8
    assert torch.equal(found, sampler(300, seed=4)[:7])
    assert not torch.equal(found, sampler(7, seed=5))


def test_sampling_weights_leave_the_training_as_it_was(started) -> None:
    training = started(CLIPPED)
    training.step()
    before = [value.clone() for value in training.average.state_dict().values()]
    training.weights()
    assert equal(before, list(training.average.state_dict().values()))
