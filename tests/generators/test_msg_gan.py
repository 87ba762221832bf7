"""MSG-GAN: images at every scale, one score, and gradients from it to every scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganmetrics.generators import datasets, msg_gan
from ganmetrics.generators.layers import downscaled, upscaled
from ganmetrics.generators.msg_gan import Discriminator, Generator, Settings, multi_scale_penalty, scales_of
from ganmetrics.generators.training import resume, save_checkpoint

CPU = torch.device("cpu")
TINY = Settings(latent_dim=6, widths="8 6 5 4", batch_size=4, penalty_every=3, average=0.9)
SIZES = [4, 8, 16, 32]
ITERATIONS = 10


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch):
    """New trainings on random images."""
    images = torch.randint(0, 256, (40, 1, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    found = datasets.Labelled(images, torch.zeros(40, dtype=torch.int64))
    monkeypatch.setattr(datasets, "load_grey", lambda name, root, size: found)
    recipe = replace(msg_gan.RECIPES[0], settings=TINY, iterations=ITERATIONS)
    return lambda seed=0: msg_gan.SYSTEM.train(recipe, None, seed, CPU)


def advance(training, steps: int) -> list[dict[str, float]]:
    entries = []
    for _ in range(steps):
        entries.append(training.step())
        training.iteration += 1
    return entries


def values(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def test_the_generator_gives_an_image_at_every_scale() -> None:
    net, latents = Generator(TINY), torch.randn(3, 6)
    scales = net.scales(latents)
    assert [tuple(image.shape) for image in scales] == [(3, 1, size, size) for size in SIZES]
    assert torch.equal(net(latents), scales[-1])
    assert all(image.abs().max() <= 1 for image in scales)


def test_each_scale_has_its_own_way_out() -> None:
    net, latents = Generator(TINY), torch.randn(3, 6)
    before = net.scales(latents)
    with torch.no_grad():
        net.to_grey[1].bias.add_(0.5)
    same = [torch.equal(left, right) for left, right in zip(before, net.scales(latents), strict=True)]
    assert same == [True, False, True, True]


def test_real_scales_are_averages() -> None:
    images = torch.rand(2, 1, 32, 32)
    scales = scales_of(images)
    assert [image.shape[-1] for image in scales] == SIZES
    assert torch.equal(scales[3], images)
    assert torch.equal(scales[2], downscaled(images))
    assert torch.allclose(scales[0], images.unfold(2, 8, 8).unfold(3, 8, 8).mean(dim=(4, 5)), atol=1e-6)


def test_the_discriminator_gives_one_score_and_looks_at_every_scale() -> None:
    net = Discriminator(TINY)
    scales = [torch.randn(4, 1, size, size) for size in SIZES]
    logits = net(scales)
    assert logits.shape == (4,)
    for index, image in enumerate(scales):
        others = [upscaled(downscaled(image)) if place == index else other for place, other in enumerate(scales)]
        assert not torch.allclose(net(others), logits, atol=1e-5)


def test_the_score_of_the_smallest_image_alone_still_sees_its_variety() -> None:
    net = Discriminator(TINY)
    scales = [torch.randn(1, 1, size, size).repeat(4, 1, 1, 1) for size in SIZES]
    alike = net(scales)
    varied = net([torch.cat([scales[0][:1], torch.randn(3, 1, 4, 4)]), *scales[1:]])
    assert torch.allclose(alike, alike[:1], atol=1e-5)
    assert not torch.allclose(varied[0], alike[0], atol=1e-4)  # its own image is the same, its company is not


def test_the_score_reaches_every_scale_of_the_generator_directly() -> None:
    generator, discriminator = Generator(TINY), Discriminator(TINY)
    scales = generator.scales(torch.randn(4, 6))
    slopes = torch.autograd.grad(discriminator(scales).sum(), scales, retain_graph=True)
    assert [slope.shape[-1] for slope in slopes] == SIZES
    assert all(slope.abs().max() > 1e-4 for slope in slopes)
    discriminator(scales).sum().backward()
    assert all(to_grey.weight.grad.abs().max() > 0 for to_grey in generator.to_grey)


def test_the_path_of_a_small_scale_does_not_lead_through_larger_blocks() -> None:
    generator, discriminator = Generator(TINY), Discriminator(TINY)
    scales = generator.scales(torch.randn(4, 6))
    discriminator([scales[0], *(image.detach() for image in scales[1:])]).sum().backward()
    assert generator.seed.dense.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in generator.blocks.parameters())


def test_the_penalty_is_the_mean_over_scales_of_squared_slopes() -> None:
    scales = [torch.randn(3, 1, size, size, requires_grad=True) for size in (4, 8)]
    logits = 2 * scales[0].sum(dim=(1, 2, 3)) + 3 * scales[1].sum(dim=(1, 2, 3))
    # |grad|^2 is 4 x 16 pixels at the one scale, 9 x 64 at the other
    assert multi_scale_penalty(logits, scales).item() == pytest.approx((4 * 16 + 9 * 64) / 2)


def test_a_step_changes_both_networks_and_no_image(started) -> None:
    training = started()
    generator, discriminator = values(training.generator), values(training.discriminator)
    average, images = values(training.average), training.images.clone()
    advance(training, 2)  # biases leave zero in the first, so that every slope is there in the second
    assert all(not torch.equal(value, generator[name]) for name, value in training.generator.state_dict().items())
    assert all(
        not torch.equal(value, discriminator[name]) for name, value in training.discriminator.state_dict().items()
    )
    assert all(not torch.equal(value, average[name]) for name, value in training.average.state_dict().items())
    assert torch.equal(images, training.images)
    assert all(p.requires_grad for p in training.discriminator.parameters())
    assert not any(p.requires_grad for p in training.average.parameters())


def test_the_penalty_comes_at_every_third_step(started, monkeypatch: pytest.MonkeyPatch) -> None:
    training, taken = started(), []

    def spy(logits, scales):
        taken.append(training.iteration)
        return multi_scale_penalty(logits, scales)

    monkeypatch.setattr(msg_gan, "multi_scale_penalty", spy)
    entries = advance(training, 7)
    assert taken == [0, 3, 6]
    assert all(set(entry) == {"d_loss", "d_accuracy", "g_loss"} for entry in entries)
    assert all(0 <= entry["d_accuracy"] <= 1 for entry in entries)


def test_the_learning_rate_falls_at_the_end(started) -> None:
    training = started()
    advance(training, 1)
    assert training.d_optimizer.param_groups[0]["lr"] == pytest.approx(TINY.learning_rate)
    training.iteration = ITERATIONS - 1
    training.step()
    expected = TINY.learning_rate / (ITERATIONS * (1 - TINY.decay_after))
    assert training.g_optimizer.param_groups[0]["lr"] == pytest.approx(expected)


def test_a_resumed_training_is_the_uninterrupted_one_to_the_bit(started, tmp_path: Path) -> None:
    whole, first, second = started(), started(), started(seed=7)
    advance(whole, 8)
    advance(first, 4)
    save_checkpoint(first, tmp_path)
    resume(second, tmp_path)
    advance(second, 4)
    for name in ("generator", "discriminator", "average"):
        left, right = values(whole.parts[name]), values(second.parts[name])
        assert all(torch.equal(left[key], right[key]) for key in left)


def test_weights_make_samples_of_the_seed(started) -> None:
    training = started()
    advance(training, 3)
    sampler = msg_gan.SYSTEM.sampler(TINY, {name: value.half() for name, value in training.weights().items()})
    images = sampler(5, seed=2)
    assert (images.dtype, images.shape) == (torch.uint8, (5, 3, 28, 28))
    assert torch.equal(images, sampler(260, seed=2)[:5])
    assert not torch.equal(images, sampler(5, seed=3))


def test_the_sampler_draws_from_the_average(started) -> None:
    training = started()
    advance(training, 3)
    net = msg_gan.SYSTEM.sampler(TINY, training.weights()).net
    latents = torch.randn(4, 6)
    assert torch.allclose(net(latents), training.average(latents), atol=1e-6)
    assert not torch.allclose(net(latents), training.generator(latents), atol=1e-5)


def test_the_recipe_trains_on_padded_digits(data_root: Path) -> None:
    training = msg_gan.SYSTEM.train(replace(msg_gan.RECIPES[0], settings=TINY), str(data_root), 0, CPU)
    assert training.images.shape == (60000, 1, 32, 32)
    assert training.images[:, :, :2].max() == 0
    assert training.step()["d_loss"] > 0
