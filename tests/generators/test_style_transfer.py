"""Neural style transfer: the losses fall, the same seed gives the same image, the system needs no weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from ganmetrics import InputError, NumericalError, UsageError, generators
from ganmetrics.evaluation.style_and_content import content_distance, style_distance
from ganmetrics.extractors.style_networks import MapNetwork, load_map_network
from ganmetrics.generators import stylised_digits
from ganmetrics.generators.style_transfer import DARKEST, Objective, start_pixels, to_images, transfer
from ganmetrics.generators.stylised_digits import NothingToTrain, Settings, pattern, tasks
from ganmetrics.generators.training import fit, resume

RECIPE = stylised_digits.RECIPES[0]
QUICK = Objective(content_weight=1.0, style_weight=2e5, variation_weight=0.3, iterations=25)


@pytest.fixture(autouse=True)
def _one_thread(_two_threads: None) -> None:
    torch.set_num_threads(1)  # networks this small only wait for a second one


@pytest.fixture(scope="module")
def digits() -> MapNetwork:
    return load_map_network("digits")


def bar(size: int = 28) -> torch.Tensor:
    image = torch.zeros(3, size, size, dtype=torch.uint8)
    image[:, 4:-4, size // 2 - 2 : size // 2 + 2] = 255
    return image


def stripes(size: int = 28) -> torch.Tensor:
    return pattern(size, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("start", ["noise", "content"])
def test_the_loss_falls(digits: MapNetwork, start: str) -> None:
    found = transfer(bar(), stripes(), network=digits, objective=dataclasses.replace(QUICK, start=start))
    assert found.losses[-1] < 0.8 * found.losses[0]
    assert found.after.style < 0.8 * found.before.style
    assert found.image.shape == (3, 28, 28)
    assert found.image.dtype == torch.uint8


def test_from_noise_the_content_comes_nearer_too(digits: MapNetwork) -> None:
    objective = dataclasses.replace(QUICK, style_weight=0.0, variation_weight=0.0)
    found = transfer(bar(), stripes(), network=digits, objective=objective)
    assert found.after.content < 0.2 * found.before.content


def test_total_variation_smooths(digits: MapNetwork) -> None:
    rough, smooth = (
        transfer(bar(), stripes(), network=digits, objective=dataclasses.replace(QUICK, variation_weight=weight)).image
        for weight in (0.0, 3.0)
    )
    assert smooth.float().diff(dim=-1).abs().sum() < rough.float().diff(dim=-1).abs().sum()


def test_the_same_seed_gives_the_same_image(digits: MapNetwork) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again = (transfer(bar(), stripes(), network=digits, objective=QUICK, seed=3) for _ in range(2))
    assert torch.equal(first.image, again.image)
    assert first.losses == again.losses
    assert not torch.equal(first.image, transfer(bar(), stripes(), network=digits, objective=QUICK, seed=4).image)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_distances_are_those_of_the_evaluation(digits: MapNetwork) -> None:
    found = transfer(bar(), stripes(), network=digits, objective=QUICK)
    style = style_distance(stripes()[None], found.image[None], network="digits", device="cpu")
    content = content_distance(bar()[None], found.image[None], network="digits", device="cpu")
    assert found.after == pytest.approx((float(style), float(content)), rel=1e-6)


def test_the_style_may_have_another_size_and_the_network_three_channels() -> None:
    network = load_map_network("random-vgg19")
    red = torch.zeros(3, 40, 24, dtype=torch.uint8)
    red[0] = 200
    found = transfer(bar(20), red, network=network, objective=Objective(content_weight=0.0, iterations=6))
    assert found.image.shape == (3, 20, 20)
    assert found.after.style < found.before.style
    means = found.image.float().mean(dim=(1, 2))
    assert means[0] > means[1:].max()


def test_pixels_start_where_the_optimiser_can_reach_them(digits: MapNetwork) -> None:
    content = digits.pixels(bar()[None])
    assert start_pixels(content, "content", 0).unique().tolist() == pytest.approx([DARKEST, 1 - DARKEST])
    noise = start_pixels(content, "noise", 0)
    assert noise.shape == content.shape
    assert 0.45 < float(noise.mean()) < 0.55
    assert to_images(torch.tensor([[[[0.0, 0.5, 1.0]]]])).tolist() == [[[[0, 128, 255]]] * 3]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"objective": Objective(start="noisy")}, "Did you mean 'noise'"),
        ({"objective": Objective(iterations=0)}, "at least 1"),
        ({"objective": Objective(style_weight=float("nan"), iterations=2)}, "the loss is nan"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(digits: MapNetwork, options: dict[str, Objective], why: str) -> None:
    with pytest.raises((UsageError, NumericalError), match=why):
        transfer(bar(), stripes(), network=digits, **options)


@pytest.mark.parametrize("wrong", [bar()[:1], bar().float(), bar()[None], bar()[:, :3]])
def test_other_images_are_refused(digits: MapNetwork, wrong: torch.Tensor) -> None:
    with pytest.raises(InputError):
        transfer(wrong, stripes(), network=digits)
    with pytest.raises(InputError):
        transfer(bar(), wrong, network=digits)


class Bars:
    """A generator of upright bars at places that the seed decides."""

    def __call__(self, num_samples: int, *, seed: int = 0) -> torch.Tensor:
        shifts = torch.randint(-8, 9, (num_samples,), generator=torch.Generator().manual_seed(seed)).tolist()
        return torch.stack([bar().roll(shift, dims=2) for shift in shifts])


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(generators, "_registered", {})
    generators.register("bars", Bars)
    return dataclasses.replace(RECIPE.settings, contents="bars", iterations=5)


def test_the_first_images_of_a_seed_are_the_same_however_many(settings: Settings) -> None:
    sample = stylised_digits.sampler(settings, {})
    images = sample(4, seed=2)
    assert images.shape == (4, 3, 28, 28)
    assert torch.equal(sample(2, seed=2), images[:2])
    assert not torch.equal(sample(2, seed=3), images[:2])


@pytest.mark.slow
def test_the_picture_shows_contents_styles_and_results(settings: Settings) -> None:
    sample = stylised_digits.sampler(settings, {})
    sheet, todo = sample.preview(), list(tasks(settings, 30, seed=0))
    assert sheet.shape == (90, 3, 28, 28)
    for row in range(3):
        ten = slice(10 * row, 10 * row + 10)
        contents, styles, results = sheet[30 * row : 30 * row + 30].split(10)
        assert torch.equal(contents, torch.stack([task.content for task in todo[ten]]))
        assert torch.equal(styles, torch.stack([task.style for task in todo[ten]]))
        assert torch.equal(results, sample(30, seed=0)[ten])


def test_every_task_has_its_own_pattern_and_noise(settings: Settings) -> None:
    todo = list(tasks(settings, 6, seed=0))
    assert len({task.style.numpy().tobytes() for task in todo}) == 6
    assert len({task.seed for task in todo}) == 6
    assert torch.equal(torch.stack([task.content for task in todo]), Bars()(6, seed=0))


@pytest.mark.slow
def test_scores_before_and_after(settings: Settings) -> None:
    recipe = dataclasses.replace(RECIPE, settings=settings)
    sample = stylised_digits.sampler(settings, {})
    scores = {each.name: each for each in stylised_digits.transfer_scores(recipe, sample, 0)}
    assert list(scores) == ["style_distance", "content_distance", "style_distance_before", "content_distance_before"]
    assert scores["style_distance"].value < scores["style_distance_before"].value
    assert all("digits:" in each.protocol and not each.higher_is_better for each in scores.values())
    first = next(tasks(settings, 1, 0))
    alone = transfer(
        first.content, first.style, network=load_map_network("digits"), objective=settings, seed=first.seed
    )
    assert torch.equal(alone.image, sample(1, seed=0)[0])


def test_the_system_is_found_and_has_nothing_to_train(tmp_path: Path) -> None:
    from ganmetrics.generators.cards import SYSTEMS

    system = SYSTEMS["style-transfer"]
    training = system.train(RECIPE, None, 0, torch.device("cpu"))
    assert isinstance(training, NothingToTrain)
    fit(training, tmp_path, RECIPE.iterations, progress=False)
    resume(system.train(RECIPE, None, 0, torch.device("cpu")), tmp_path)
    assert training.weights() == {}
    assert training.parameters() == {}
    with pytest.raises(UsageError, match="nothing to train"):
        fit(training, tmp_path, 1, progress=False)
