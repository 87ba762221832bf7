"""PacGAN: packs, the scores of real draws, a training that goes on where it stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from ganmetrics import UsageError
from ganmetrics.data.mixtures import GRID, RING, Mixture, draw
from ganmetrics.generators.pacgan import (
    SYSTEM,
    Discriminator,
    Generator,
    PacGANTraining,
    Settings,
    sampler,
    scores_of,
)
from ganmetrics.generators.system import Recipe
from ganmetrics.generators.training import fit, resume

CPU = torch.device("cpu")
TINY = Settings(packing=2, width=8, units=4, pieces=3, batch_size=10)


@pytest.fixture(autouse=True)
def _one_thread(_two_threads: None) -> None:
    torch.set_num_threads(1)  # networks this small only wait for a second one


def training(settings: Settings = TINY, seed: int = 0, iterations: int = 8) -> PacGANTraining:
    return PacGANTraining(Recipe("tiny", "", settings.mixture, settings, iterations), None, seed, CPU)


def snapshot(part: torch.nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in part.state_dict().values()]


def same(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(left, right, strict=True))


@pytest.mark.parametrize("packing", [1, 2, 4])
def test_a_discriminator_judges_packs(packing: int) -> None:
    net = Discriminator(packing, units=6, pieces=2)
    packs = torch.randn(5, packing, 2)
    assert net(packs).shape == (5,)
    moved = packs.clone()
    moved[3, -1] += 1  # another last point of one pack changes that pack's logit and no other
    assert (net(moved) != net(packs)).nonzero().flatten().tolist() == [3]


def test_points_are_packed_in_order() -> None:
    points = torch.arange(8.0).view(4, 2)
    assert training().packed(points).tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]


def test_the_networks_of_the_paper_have_its_sizes() -> None:
    counted = [sum(p.numel() for p in net.parameters()) for net in (Generator(400), Discriminator(1, 200, 5))]
    assert counted == [484_802, 405_201]


@pytest.mark.parametrize("mixture", [RING, GRID], ids=lambda mixture: mixture.name)
def test_real_draws_score_what_mathematics_says(mixture: Mixture) -> None:
    points = draw(mixture, 100_000, torch.Generator().manual_seed(0))
    modes, high_quality, reverse_kl = scores_of(points, mixture, "")
    assert modes.value == len(mixture.centers)
    assert high_quality.value == pytest.approx(98.889, abs=0.1)  # 1 - exp(-9 / 2), three standard errors
    assert 0 <= reverse_kl.value < 5e-4


def test_a_collapsed_generator_scores_one_mode() -> None:
    points = torch.tensor(RING.centers[:1]).expand(2500, 2)
    assert [each.value for each in scores_of(points, RING, "")] == pytest.approx([1, 100, 2.0794], abs=1e-4)


def test_a_step_moves_every_network_and_its_average() -> None:
    trained = training()
    before = {name: snapshot(trained.parts[name]) for name in ("generator", "discriminator", "average")}
    logged = trained.step()
    assert set(logged) == {"d_loss", "g_loss"}
    assert not any(same(snapshot(trained.parts[name]), old) for name, old in before.items())


@pytest.mark.parametrize("step", ["step_discriminator", "step_generator"])
def test_half_a_step_moves_one_network(step: str) -> None:
    trained = training()
    generator, discriminator = (snapshot(net) for net in (trained.generator, trained.discriminator))
    fake = trained.packed(trained.generator(torch.randn(20, 2)))
    generator = snapshot(trained.generator)  # the pass itself moved the running statistics
    if step == "step_discriminator":
        trained.step_discriminator(torch.randn(10, 2, 2), fake.detach())
    else:
        trained.step_generator(fake)
    assert same(snapshot(trained.generator), generator) == (step == "step_discriminator")
    assert same(snapshot(trained.discriminator), discriminator) == (step == "step_generator")


def test_a_resumed_training_is_the_uninterrupted_one_to_the_bit(tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir()
    halves.mkdir()
    at_once = training()
    fit(at_once, whole, 8, progress=False)
    fit(training(), halves, 4, progress=False)
    again = training(seed=7)
    resume(again, halves)
    fit(again, halves, 8, progress=False)
    for name in ("generator", "discriminator", "average"):
        assert same(snapshot(again.parts[name]), snapshot(at_once.parts[name])), name


def test_the_sampler_gives_the_same_points_for_a_seed() -> None:
    trained = training()
    trained.step()
    weights = {name: value for name, value in trained.weights().items() if value.is_floating_point()}
    sample = sampler(TINY, weights)
    points = sample(300, seed=3)
    assert points.dtype == torch.float32
    assert points.shape == (300, 2)
    assert torch.equal(sample(7, seed=3), points[:7])
    assert not torch.equal(sample(7, seed=4), points[:7])
    with torch.no_grad():
        stored = {name: value.half() for name, value in weights.items()}
        assert torch.allclose(sampler(TINY, stored)(300, seed=3), points, atol=0.02)


def test_weights_carry_the_statistics_of_the_averaged_generator() -> None:
    trained = training()
    trained.step()
    settled = trained.weights()
    assert not torch.equal(settled["net.1.running_mean"], trained.average.state_dict()["net.1.running_mean"])
    assert torch.equal(settled["net.0.weight"], trained.average.state_dict()["net.0.weight"])


def test_recipes_differ_in_mixture_and_packing_alone() -> None:
    base = Settings()
    assert {recipe.name: dataclasses.astuple(recipe.settings)[:2] for recipe in SYSTEM.recipes} == {
        "gan-ring": ("ring", 1), "pacgan2-ring": ("ring", 2), "gan-grid": ("grid", 1), "pacgan2-grid": ("grid", 2),
    }  # fmt: skip
    for recipe in SYSTEM.recipes:
        settings = dataclasses.replace(recipe.settings, mixture=base.mixture, packing=base.packing)
        assert settings == base


def test_an_unknown_mixture_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'ring'"):
        training(dataclasses.replace(TINY, mixture="rings"))
