"""ProGAN: growth that is continuous, fades on both sides, and follows from the iteration alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from ganmetrics.generators import datasets, progan
from ganmetrics.generators.layers import downscaled, upscaled
from ganmetrics.generators.progan import (
    Discriminator,
    Generator,
    Growth,
    Settings,
    cross_faded,
    growth_at,
)
from ganmetrics.generators.progressive_blocks import DownscalingConv2d, UpscalingConv2d
from ganmetrics.generators.training import resume, save_checkpoint

CPU = torch.device("cpu")
WIDTHS = [8, 6, 5, 4]
TINY = Settings(latent_dim=6, widths="8 6 5 4", shares="1 1 1 1", batch_size=4, average=0.9)
ITERATIONS = 16  # four at each size, two of them fading


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch):
    """New trainings on random images."""
    images = torch.randint(0, 256, (40, 1, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    found = datasets.Labelled(images, torch.zeros(40, dtype=torch.int64))
    monkeypatch.setattr(datasets, "load_grey", lambda name, root, size: found)
    recipe = replace(progan.RECIPES[0], settings=TINY, iterations=ITERATIONS)
    return lambda seed=0: progan.SYSTEM.train(recipe, None, seed, CPU)


def advance(training, steps: int) -> None:
    for _ in range(steps):
        training.step()
        training.iteration += 1


def tensors(training) -> list[torch.Tensor]:
    networks = [training.generator, training.discriminator, training.average]
    return [value.clone() for net in networks for value in net.state_dict().values()]


def test_growth_follows_from_the_iteration() -> None:
    settings = Settings(shares="1 2 2 5", fade=0.5)
    at = {i: growth_at(i, 1000, settings) for i in (0, 99, 100, 150, 200, 299, 300, 350, 500, 625, 750, 999)}
    assert at[0] == at[99] == (0, 1)
    assert at[100] == (1, 0)
    assert at[150] == (1, 0.5)
    assert at[200] == at[299] == (1, 1)
    assert at[300] == (2, 0)
    assert at[350] == (2, 0.5)
    assert at[500] == (3, 0)
    assert at[625] == (3, 0.5)
    assert at[750] == at[999] == (3, 1)


def test_growth_never_goes_back() -> None:
    grown = [stage + fade for stage, fade in (growth_at(i, 997, Settings()) for i in range(997))]
    assert grown == sorted(grown)
    assert grown[-1] == 4


@pytest.mark.parametrize("fade", [0.0, 1.0])
def test_a_size_can_be_faded_in_at_once_or_to_its_end(fade: float) -> None:
    settings = Settings(shares="1 1 1 1", fade=fade)
    assert growth_at(10, 40, settings) == (1, 1 - fade)
    assert growth_at(15, 40, settings) == (1, 0.5 if fade else 1)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_generator_fades_from_the_stage_below_to_the_new_one(stage: int) -> None:
    net, latents = Generator(6, WIDTHS), torch.randn(3, 6)
    below, alone = net(latents, Growth(stage - 1, 1.0)), net(latents, Growth(stage, 1.0))
    assert alone.shape == (3, 1, 4 << stage, 4 << stage)
    assert torch.equal(net(latents, Growth(stage, 0.0)), upscaled(below))
    assert torch.allclose(net(latents, Growth(stage, 1 - 1e-7)), alone, atol=1e-5)
    half = net(latents, Growth(stage, 0.5))
    assert torch.allclose(half, (upscaled(below) + alone) / 2, atol=1e-6)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_discriminator_fades_from_the_stage_below_to_the_new_one(stage: int) -> None:
    net, images = Discriminator(WIDTHS), torch.randn(4, 1, 4 << stage, 4 << stage)
    below, alone = net(downscaled(images), Growth(stage - 1, 1.0)), net(images, Growth(stage, 1.0))
    assert torch.equal(net(images, Growth(stage, 0.0)), below)
    assert torch.allclose(net(images, Growth(stage, 1 - 1e-7)), alone, atol=1e-5)
    assert not torch.allclose(below, alone, atol=1e-3)
    half = net(images, Growth(stage, 0.5))
    assert not torch.allclose(half, below, atol=1e-3)
    assert not torch.allclose(half, alone, atol=1e-3)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_stage_alone_uses_nothing_of_the_path_that_it_replaced(stage: int) -> None:
    generator, discriminator = Generator(6, WIDTHS), Discriminator(WIDTHS)
    discriminator(generator(torch.randn(4, 6), Growth(stage, 1.0)), Growth(stage, 1.0)).sum().backward()
    used = [to_grey.weight.grad is not None for to_grey in generator.to_grey]
    assert used == [index == stage for index in range(4)]
    used = [from_grey.weight.grad is not None for from_grey in discriminator.from_grey]
    assert used == [index == stage for index in range(4)]


def test_reals_are_cross_faded_by_the_same_weight() -> None:
    images = torch.rand(2, 1, 32, 32)
    half, quarter = downscaled(images), downscaled(downscaled(images))
    assert torch.equal(cross_faded(images, Growth(3, 1.0)), images)
    assert torch.equal(cross_faded(images, Growth(3, 0.0)), upscaled(half))
    assert torch.allclose(cross_faded(images, Growth(3, 0.25)), 0.75 * upscaled(half) + 0.25 * images)
    assert torch.equal(cross_faded(images, Growth(2, 1.0)), half)
    assert torch.allclose(cross_faded(images, Growth(2, 0.5)), (upscaled(quarter) + half) / 2)
    assert cross_faded(images, Growth(0, 1.0)).shape == (2, 1, 4, 4)


def test_a_real_image_of_flat_squares_is_the_same_before_and_after_the_fade() -> None:
    images = upscaled(torch.rand(2, 1, 16, 16))
    assert torch.allclose(cross_faded(images, Growth(3, 0.3)), images)


def test_upscaling_and_convolution_are_one() -> None:
    layer, x = UpscalingConv2d(3, 5), torch.randn(2, 3, 6, 6)
    torch.nn.init.normal_(layer.bias)
    expected = F.conv2d(upscaled(x), layer.weight * layer.scale, layer.bias, padding=1)
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_convolution_and_downscaling_are_one() -> None:
    layer, x = DownscalingConv2d(3, 5), torch.randn(2, 3, 6, 6)
    torch.nn.init.normal_(layer.bias)
    expected = downscaled(F.conv2d(x, layer.weight * layer.scale, layer.bias, padding=1))
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_latents_of_any_length_give_the_same_image() -> None:
    net, latents = Generator(6, WIDTHS), torch.randn(3, 6)
    assert torch.allclose(net(latents, Growth(2, 1.0)), net(9 * latents, Growth(2, 1.0)), atol=1e-5)


def test_a_first_step_changes_the_first_stage_only(started) -> None:
    training = started()
    before = {name: value.clone() for name, value in training.generator.state_dict().items()}
    critic = {name: value.clone() for name, value in training.discriminator.state_dict().items()}
    advance(training, 2)  # biases leave zero in the first, so that every slope is there in the second
    changed = {name for name, value in training.generator.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if name.startswith(("seed.", "to_grey.0."))}
    changed = {
        name for name, value in training.discriminator.state_dict().items() if not torch.equal(value, critic[name])
    }
    assert changed == {name for name in critic if name.startswith(("verdict.", "from_grey.0."))}
    assert all(p.requires_grad for p in training.discriminator.parameters())
    assert not any(p.requires_grad for p in training.average.parameters())


def test_a_last_step_changes_all_but_the_paths_that_fading_left_behind(started) -> None:
    training = started()
    training.iteration = ITERATIONS - 1
    before = {name: value.clone() for name, value in training.generator.state_dict().items()}
    training.step()
    training.step()
    changed = {name for name, value in training.generator.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if not name.startswith(("to_grey.0", "to_grey.1", "to_grey.2"))}


def test_a_step_logs_what_it_trained_on(started) -> None:
    training = started()
    training.iteration = 9
    entry = training.step()
    assert (entry["pixels"], entry["fade"]) == (16, 0.5)
    assert set(entry) == {"d_loss", "d_accuracy", "g_loss", "pixels", "fade"}


def test_optimisers_forget_at_each_new_size(started) -> None:
    training = started()
    steps = []
    for _ in range(6):
        advance(training, 1)
        bias = training.generator.seed.dense.bias
        steps.append(int(training.g_optimizer.state[bias]["step"]))
    assert steps == [1, 2, 3, 4, 1, 2]


def test_the_learning_rate_falls_at_the_end(started) -> None:
    training = started()
    advance(training, 1)
    assert training.g_optimizer.param_groups[0]["lr"] == pytest.approx(TINY.learning_rate)
    training.iteration = ITERATIONS - 1
    training.step()
    expected = TINY.learning_rate / (ITERATIONS * (1 - TINY.decay_after))
    assert training.g_optimizer.param_groups[0]["lr"] == pytest.approx(expected)
    assert training.d_optimizer.param_groups[0]["lr"] == pytest.approx(expected)


@pytest.mark.parametrize("half", [4, 9])  # at a new size, within a fade
def test_a_resumed_training_is_the_uninterrupted_one_to_the_bit(started, tmp_path: Path, half: int) -> None:
    whole, first, second = started(), started(), started(seed=7)
    advance(whole, 2 * half if 2 * half < ITERATIONS else ITERATIONS)
    advance(first, half)
    save_checkpoint(first, tmp_path)
    resume(second, tmp_path)
    advance(second, whole.iteration - half)
    assert all(torch.equal(left, right) for left, right in zip(tensors(whole), tensors(second), strict=True))


@pytest.mark.parametrize("steps", [1, 6, 10, ITERATIONS])
def test_weights_of_any_moment_make_samples_of_the_full_size(started, steps: int) -> None:
    training = started()
    advance(training, steps)
    stored = {name: value.half() for name, value in training.weights().items()}
    sampler = progan.SYSTEM.sampler(TINY, stored)
    images = sampler(5, seed=2)
    assert (images.dtype, images.shape) == (torch.uint8, (5, 3, 28, 28))
    assert torch.equal(images, sampler(260, seed=2)[:5])
    assert not torch.equal(images, sampler(5, seed=3))
    pixels = 4 << growth_at(steps - 1, ITERATIONS, TINY).stage
    side = 32 // pixels
    if side == 4 or side == 8:  # the border of two pixels leaves whole squares further in
        square = images[:, 0, side - 2 : 2 * side - 2, side - 2 : 2 * side - 2]
        assert (square == square[:, :1, :1]).all()


def test_the_sampler_draws_from_the_average(started) -> None:
    training = started()
    advance(training, ITERATIONS)
    net = progan.SYSTEM.sampler(TINY, training.weights()).net
    latents = torch.randn(4, 6)
    assert torch.allclose(net(latents), training.average(latents, Growth(3, 1.0)), atol=1e-6)
    assert not torch.allclose(net(latents), training.generator(latents, Growth(3, 1.0)), atol=1e-4)


def test_the_recipe_trains_on_padded_digits(data_root: Path) -> None:
    recipe = replace(progan.RECIPES[0], settings=replace(TINY, shares="0 0 0 1", fade=0.0))
    training = progan.SYSTEM.train(recipe, str(data_root), 0, CPU)
    assert training.images.shape == (60000, 1, 32, 32)
    assert training.images[:, :, :2].max() == 0
    assert training.step()["pixels"] == 32
