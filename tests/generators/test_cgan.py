"""The conditional GAN: the label reaches both networks, samplers draw the classes asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganmetrics import UsageError
from ganmetrics.generators import cgan, datasets
from ganmetrics.generators.cgan import Discriminator, Generator, Settings, label_accuracy, one_hot
from ganmetrics.generators.training import resume, save_checkpoint

CPU = torch.device("cpu")
TINY = Settings(
    latent_dim=6, width=8, units=5, pieces=3, batch_size=20, latent_units=4, label_units=6, label_maxout=3, average=0.9
)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch):
    """New trainings on images of one grey each: ten times their class."""
    labels = torch.arange(40) % 10
    images = (labels * 10).to(torch.uint8)[:, None, None, None].expand(-1, 1, 28, 28)
    monkeypatch.setattr(datasets, "load_grey", lambda name, root: datasets.Labelled(images, labels))
    recipe = replace(cgan.RECIPES[0], settings=TINY, iterations=20)
    return lambda seed=0: cgan.SYSTEM.train(recipe, None, seed, CPU)


@pytest.fixture
def sampler():
    return cgan.SYSTEM.sampler(TINY, Generator(TINY).state_dict())


def advance(training, steps: int) -> None:
    for _ in range(steps):
        training.step()
        training.iteration += 1


def values(net) -> list[torch.Tensor]:
    return [value.clone() for value in net.state_dict().values()]


def equal(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def test_the_label_reaches_both_networks() -> None:
    labels = torch.eye(10)
    same_latents, same_images = torch.randn(1, 100).expand(10, -1), torch.rand(1, 1, 28, 28).expand(10, -1, -1, -1)
    images = Generator(Settings())(same_latents, labels)
    assert images.shape == (10, 1, 28, 28)
    assert len({image.sum().item() for image in images}) == 10
    logits = Discriminator(Settings()).eval()(same_images, labels)
    assert logits.shape == (10,)
    assert logits.unique().numel() == 10


def test_the_discriminator_has_the_layers_of_the_paper() -> None:
    shapes = {name: list(p.shape) for name, p in Discriminator(Settings()).named_parameters()}
    assert shapes["images.1.linear.weight"] == [240 * 5, 784]
    assert shapes["labels.linear.weight"] == [50 * 5, 10]
    assert shapes["joint.1.linear.weight"] == [240 * 4, 240 + 50]
    assert shapes["joint.3.weight"] == [1, 240]


def test_the_label_weighs_as_much_as_its_rival_at_the_start() -> None:
    generator = Generator(Settings())
    latents, labels = generator.latents(torch.randn(500, 100)).std(), generator.labels(torch.eye(10)).std()
    assert 0.5 < (labels / latents).item() < 2
    discriminator = Discriminator(Settings())
    assert 0.4 < discriminator.labels.linear.weight.max().item() <= 0.5
    assert discriminator.images[1].linear.weight.max().item() <= 0.005


def test_real_images_come_with_their_own_labels(started) -> None:
    images, labels = started().draw_real()
    greys = ((images[:, 0, 0, 0] + 1) * 127.5 / 10).round().long()
    assert torch.equal(labels, one_hot(greys))
    assert greys.unique().numel() > 5


def test_fakes_and_real_images_of_a_batch_share_their_labels(started) -> None:
    training = started()
    seen: list[torch.Tensor] = []
    training.generator.register_forward_hook(lambda net, inputs, output: seen.append(inputs[1]))
    training.discriminator.register_forward_hook(lambda net, inputs, output: seen.append(inputs[1]))
    training.step()
    generated, judged, judged_again = seen
    assert torch.equal(judged, torch.cat([generated, generated]))
    assert torch.equal(judged_again, generated)


def test_each_half_of_a_step_changes_its_own_network(started) -> None:
    training = started()
    real, labels = training.draw_real()
    fake = training.generator(training.latents(len(real), training.rng), labels)
    generator, discriminator = values(training.generator), values(training.discriminator)
    training.step_discriminator(real, fake.detach(), [labels])
    assert equal(generator, values(training.generator))
    assert not equal(discriminator, values(training.discriminator))
    discriminator = values(training.discriminator)
    training.step_generator(fake, [labels])
    assert not equal(generator, values(training.generator))
    assert equal(discriminator, values(training.discriminator))


def test_a_resumed_training_is_the_uninterrupted_one(started, tmp_path: Path) -> None:
    whole = started()
    advance(whole, 6)
    half = started()
    advance(half, 3)
    save_checkpoint(half, tmp_path)
    again = started(seed=9)
    resume(again, tmp_path)
    advance(again, 3)
    assert equal(values(whole.average), values(again.average))
    assert equal(values(whole.discriminator), values(again.discriminator))


def test_classes_come_in_turn_unless_asked_for(sampler) -> None:
    assert sampler.labels_for(12).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert sampler.labels_for(3, 7).tolist() == [7, 7, 7]
    assert sampler.labels_for(3, [1, 0, 9]).tolist() == [1, 0, 9]
    assert sampler.labels_for(2, torch.tensor([4, 5], dtype=torch.uint8)).dtype == torch.int64
    assert torch.equal(sampler(12, seed=1), sampler(12, seed=1, labels=sampler.labels_for(12)))


def test_a_sample_depends_on_its_own_label_and_the_seed_only(sampler) -> None:
    plain = sampler(20, seed=3)
    assert plain.shape == (20, 3, 28, 28) and plain.dtype == torch.uint8
    assert torch.equal(plain, sampler(300, seed=3)[:20])
    threes = sampler(20, seed=3, labels=3)
    same = [index for index in range(20) if torch.equal(plain[index], threes[index])]
    assert same == [3, 13]
    assert not torch.equal(plain, sampler(20, seed=4))


def test_samples_are_those_of_the_averaged_generator(started) -> None:
    training = started()
    advance(training, 2)
    found = cgan.SYSTEM.sampler(TINY, training.weights())(5, seed=2, labels=6)
    latents = torch.randn(250, 6, generator=torch.Generator().manual_seed(2))[:5]
    with torch.no_grad():
        expected = training.average(latents, one_hot(torch.full((5,), 6)))
    assert (found[:, 0].float() - (expected[:, 0] + 1) * 127.5).abs().max() <= 0.501


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2], "shape [2]; expected one integer, or 3"),
        (torch.tensor([[1, 2, 3]]), "shape [1, 3]"),
        (1.5, "torch.float32"),
        (10, "reach from 10 to 10"),
        ([0, -1, 5], "reach from -1 to 5"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(sampler, labels, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        sampler(3, labels=labels)
    assert message in str(refused.value)


def test_label_accuracy_is_the_share_of_images_that_show_their_label(data_root: Path) -> None:
    images, labels = datasets.load_grey("mnist", str(data_root), split="test")
    images, labels = images[:200].expand(-1, 3, -1, -1), labels[:200]
    right = label_accuracy(images, labels, "digits")
    wrong = label_accuracy(images, (labels + 1) % 10, "digits")
    assert right.name == "label_accuracy" and right.higher_is_better
    assert right.value >= 0.97
    assert wrong.value <= 0.03
