"""The first GAN: maxout, its start, its two losses, its schedules, and a training that resumes to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganmetrics.generators import datasets, gan
from ganmetrics.generators.gan import Discriminator, Generator, Maxout, Settings, momentum_at, start_at_mean
from ganmetrics.generators.training import resume, save_checkpoint

CPU = torch.device("cpu")
TINY = Settings(latent_dim=6, width=8, units=5, pieces=3, batch_size=10, average=0.9)
MINIMAX = replace(gan.RECIPES[1].settings, latent_dim=6, width=8, units=5, pieces=3, batch_size=10)
ITERATIONS = 20


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def images() -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (40, 1, 28, 28), generator=rng, dtype=torch.uint8)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, images: torch.Tensor):
    """New trainings on random images."""
    found = datasets.Labelled(images, torch.arange(40) % 10)
    monkeypatch.setattr(datasets, "load_grey", lambda name, root: found)

    def start(settings: Settings = TINY, seed: int = 0):
        recipe = replace(gan.RECIPES[0], settings=settings, iterations=ITERATIONS)
        return gan.SYSTEM.train(recipe, None, seed, CPU)

    return start


def advance(training, steps: int) -> None:
    for _ in range(steps):
        training.step()
        training.iteration += 1


def values(net) -> list[torch.Tensor]:
    return [value.clone() for value in net.state_dict().values()]


def equal(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def test_maxout_is_the_largest_of_its_pieces() -> None:
    layer = Maxout(1, 2, 2)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [2.0], [0.0]]))
        layer.linear.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0]))
    found = layer(torch.tensor([[-3.0], [0.25], [2.0]]))  # |x| and max(2x, 1)
    assert found.tolist() == [[3.0, 1.0], [0.25, 1.0], [2.0, 4.0]]


def test_an_unlearnt_generator_shows_the_mean_image(images: torch.Tensor) -> None:
    generator = Generator(6, 8)
    start_at_mean(generator.net[-2], images)
    expected = images.float().mean(dim=0) / 127.5 - 1
    with torch.no_grad():
        generator.net[0].weight.zero_()
        torch.testing.assert_close(generator(torch.randn(3, 6)), expected.expand(3, 1, 28, 28))


def test_pixels_that_are_always_black_or_white_keep_the_start_finite() -> None:
    generator = Generator(6, 8)
    black, white = torch.zeros(4, 1, 28, 14, dtype=torch.uint8), torch.full((4, 1, 28, 14), 255, dtype=torch.uint8)
    start_at_mean(generator.net[-2], torch.cat([black, white], dim=3))
    assert generator.net[-2].bias.isfinite().all()
    found = generator(torch.zeros(1, 6))
    torch.testing.assert_close(found[..., :14], torch.full((1, 1, 28, 14), -1.0))
    torch.testing.assert_close(found[..., 14:], torch.full((1, 1, 28, 14), 1.0))


def test_weights_start_in_the_reach_of_the_authors() -> None:
    for net, reach in ((Generator(), 0.05), (Discriminator(), 0.005)):
        weights = torch.cat([p.flatten() for name, p in net.named_parameters() if name.endswith("weight")])
        assert 0.98 * reach < weights.abs().max() <= reach
        assert weights.std().item() == pytest.approx(reach / 3**0.5, rel=0.01)


def test_shapes_and_ranges() -> None:
    found = Generator()(torch.randn(4, 100))
    assert found.shape == (4, 1, 28, 28)
    assert found.min() >= -1 and found.max() <= 1
    assert Discriminator()(found).shape == (4,)


def test_a_discriminator_that_drops_everything_sees_black_images() -> None:
    net = Discriminator(5, 3)
    net.net[0].p = 1.0
    net.net[2].p = net.net[4].p = 0.0
    dropped = net(torch.rand(2, 1, 28, 28))
    torch.testing.assert_close(dropped, net.eval()(torch.full((2, 1, 28, 28), -1.0)))


def test_momentum_rises_and_the_learning_rates_fall(started) -> None:
    settings = replace(TINY, momentum=0.5, final_momentum=0.7, learning_rate=0.1, discriminator_rate=0.05, decay=1.5)
    assert [momentum_at(i, 20, settings) for i in (0, 5, 10, 19)] == pytest.approx([0.5, 0.6, 0.7, 0.7])
    training = started(settings)
    advance(training, 3)
    groups = training.g_optimizer.param_groups[0], training.d_optimizer.param_groups[0]
    assert [group["lr"] for group in groups] == pytest.approx([0.1 / 1.5**2, 0.05 / 1.5**2])
    assert [group["momentum"] for group in groups] == pytest.approx([0.54, 0.54])


def test_the_minimax_recipe_trains_with_log_1_minus_d_and_adam(started) -> None:
    training = started(MINIMAX)
    found = training.step()
    assert found["g_loss"] < 0  # log(1 - D), where -log D is positive
    assert training.g_optimizer.param_groups[0]["betas"] == (0.5, 0.999)
    assert training.g_optimizer.param_groups[0]["lr"] == 10 * training.d_optimizer.param_groups[0]["lr"]
    assert started().step()["g_loss"] > 0


def test_each_half_of_a_step_changes_its_own_network(started) -> None:
    training = started()
    real = training.draw_real()[0]
    fake = training.generator(training.latents(10, training.rng))
    generator, discriminator = values(training.generator), values(training.discriminator)
    training.step_discriminator(real, fake.detach(), [])
    assert equal(generator, values(training.generator))
    assert not equal(discriminator, values(training.discriminator))
    discriminator = values(training.discriminator)
    training.step_generator(fake, [])
    assert not equal(generator, values(training.generator))
    assert equal(discriminator, values(training.discriminator))
    assert all(p.requires_grad for p in training.discriminator.parameters())


def test_the_average_follows_the_generator(started) -> None:
    training = started()
    before = values(training.average)
    training.step()
    expected = [0.9 * mean + 0.1 * value for mean, value in zip(before, values(training.generator), strict=True)]
    for found, wanted in zip(values(training.average), expected, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("settings", [TINY, MINIMAX])
def test_a_resumed_training_is_the_uninterrupted_one(started, tmp_path: Path, settings: Settings) -> None:
    whole = started(settings)
    advance(whole, 6)
    half = started(settings)
    advance(half, 3)
    save_checkpoint(half, tmp_path)
    again = started(settings, seed=9)
    resume(again, tmp_path)
    advance(again, 3)
    assert equal(values(whole.average), values(again.average))
    assert equal(values(whole.discriminator), values(again.discriminator))


def test_samples_are_those_of_the_averaged_generator(started) -> None:
    training = started()
    advance(training, 2)
    sampler = gan.SYSTEM.sampler(TINY, training.weights())
    found = sampler(7, seed=4)
    assert found.shape == (7, 3, 28, 28) and found.dtype == torch.uint8
    latents = torch.randn(250, 6, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected = ((training.average(latents)[:7] + 1) * 127.5).round().to(torch.uint8)
    assert torch.equal(found[:, :1], expected)
    assert torch.equal(found, sampler(300, seed=4)[:7])
    assert not torch.equal(found, sampler(7, seed=5))


def test_the_recipes_differ_in_loss_and_optimiser_only() -> None:
    plain, minimax = (recipe.settings for recipe in gan.RECIPES)
    changed = {"loss", "optimizer", "learning_rate", "discriminator_rate"}
    assert {name for name in vars(plain) if getattr(plain, name) != getattr(minimax, name)} == changed
