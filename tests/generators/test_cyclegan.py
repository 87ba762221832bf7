"""CycleGAN: its losses, its pool, its networks, its domains, its sampler and its scores."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganmetrics import InputError, UsageError, generators
from ganmetrics.generators import cyclegan, datasets
from ganmetrics.generators import cyclegan_domains as domains
from ganmetrics.generators.card_scores import classes_of
from ganmetrics.generators.cyclegan_domains import STYLE, Domains, drawn_faces, load_emoji, restyled, unstyled
from ganmetrics.generators.cyclegan_nets import Generator, ImagePool, PatchDiscriminator
from ganmetrics.generators.cyclegan_scores import HeldOut, sample_scores, scores_on, untranslated_scores
from ganmetrics.generators.cyclegan_translation import DIRECTIONS, SOURCES, Translator
from ganmetrics.generators.training import resume, save_checkpoint

CPU = torch.device("cpu")
TINY = cyclegan.Settings(data="faces", width=2, blocks=1, patch_width=2, batch_size=2, pool=3)
RECIPE = cyclegan.Recipe("cyclegan-faces", "", "faces", TINY, 20)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """For networks as small as these a second thread costs more than it brings."""
    torch.set_num_threads(1)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> cyclegan.CycleGANTraining:
    return tiny_training(monkeypatch, seed=0)


def tiny_training(monkeypatch: pytest.MonkeyPatch, *, seed: int) -> cyclegan.CycleGANTraining:
    monkeypatch.setattr(cyclegan, "TRAINING_DATA", {"faces": lambda root: drawn_faces(20, 0)})
    return cyclegan.CycleGANTraining(RECIPE, None, seed, CPU)


def values_of(part: nn.Module) -> list[Tensor]:
    return [value.clone() for value in part.state_dict().values()]


def is_equal(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


class Shift(nn.Module):
    """Adds a constant: two opposite ones invert each other."""

    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, images: Tensor) -> Tensor:
        return images + self.amount


# losses


def batch(seed: int) -> Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) - 0.5


def test_identity_generators_have_neither_a_cycle_loss_nor_an_identity_loss() -> None:
    first, second = batch(0), batch(1)
    made = cyclegan.translated(nn.Identity(), nn.Identity(), first, second)
    assert made.cycle == made.identity == 0
    assert torch.equal(made.fake_second, first)
    assert torch.equal(made.fake_first, second)


def test_inverse_generators_have_no_cycle_loss_but_an_identity_loss_of_their_change() -> None:
    made = cyclegan.translated(Shift(0.25), Shift(-0.25), batch(0), batch(1))
    assert made.cycle.item() == pytest.approx(0, abs=1e-7)
    assert made.identity.item() == pytest.approx(0.25 + 0.25)
    assert torch.equal(made.fake_second, batch(0) + 0.25)  # the forward generator is the first
    assert torch.equal(made.fake_first, batch(1) - 0.25)


def test_the_cycle_loss_is_the_distance_of_both_ways_round() -> None:
    made = cyclegan.translated(Shift(0.25), Shift(0.25), batch(0), batch(1))
    assert made.cycle.item() == pytest.approx(0.5 + 0.5)


def test_the_best_discriminator_of_perfect_translations_says_a_half_and_has_a_loss_of_a_quarter() -> None:
    scores = torch.linspace(-1, 2, 301)
    found = torch.stack([cyclegan.discriminator_loss(score, score) for score in scores])
    assert scores[found.argmin()].item() == pytest.approx(0.5, abs=1e-6)
    assert found.min().item() == pytest.approx(0.25)


def test_least_squares_losses_vanish_where_the_scores_are_the_targets() -> None:
    ones, zeros = torch.ones(2, 1, 5, 5), torch.zeros(2, 1, 5, 5)
    assert cyclegan.discriminator_loss(ones, zeros) == 0
    assert cyclegan.discriminator_loss(zeros, ones) == 1
    assert cyclegan.least_squares(ones, 1.0) == 0
    assert cyclegan.least_squares(zeros, 1.0) == 1


# the pool


def numbered(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None]


def test_a_pool_that_is_not_full_returns_what_it_is_given_and_keeps_it() -> None:
    pool, rng = ImagePool(3, (1,)), torch.Generator().manual_seed(0)
    assert torch.equal(pool(numbered(1, 2), rng), numbered(1, 2))
    assert pool.held == 2
    assert torch.equal(pool.images, numbered(1, 2, 0))


def test_a_full_pool_returns_former_images_about_half_of_the_time_and_loses_none() -> None:
    pool, rng = ImagePool(50, (1,)), torch.Generator().manual_seed(0)
    returned = torch.cat([pool(numbered(2 * i, 2 * i + 1), rng) for i in range(1000)])
    assert len(returned) == 2000
    fresh = (returned == numbered(*range(2000)))[50:].float().mean()
    assert 0.45 < fresh < 0.55
    assert pool.held == 50
    everything = torch.cat([returned[50:], pool.images]).flatten().sort().values
    assert torch.equal(everything, numbered(*range(2000)).flatten())  # each image after the filling leaves once


def test_a_pool_follows_its_seed() -> None:
    def run(seed: int) -> Tensor:
        pool, rng = ImagePool(5, (1,)), torch.Generator().manual_seed(seed)
        return pool(numbered(*range(100)), rng)

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_no_pool_returns_what_it_is_given() -> None:
    rng = torch.Generator().manual_seed(0)
    assert torch.equal(ImagePool(0, (1,))(numbered(1, 2), rng), numbered(1, 2))


# the networks


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_depends_on_one_patch_of_the_image(layers: int, patch: int) -> None:
    critic = PatchDiscriminator(2, layers)
    for module in critic.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    net = nn.Sequential(*(each for each in critic.net if isinstance(each, nn.Conv2d)))  # normalisation looks further
    image = torch.zeros(1, 3, 128, 128, requires_grad=True)
    scores = net(image)
    middle = scores.shape[-1] // 2
    scores[0, 0, middle, middle].backward()
    assert image.grad is not None
    touched = image.grad.abs().sum(dim=(0, 1)) > 0
    assert touched.any(dim=0).sum() == patch
    assert touched.any(dim=1).sum() == patch
    assert critic(image).shape == scores.shape


def test_a_discriminator_scores_14_by_14_patches_of_32_pixels() -> None:
    assert PatchDiscriminator()(torch.zeros(2, 3, 32, 32)).shape == (2, 1, 14, 14)


@pytest.mark.parametrize("halvings", [0, 1, 2])
def test_a_generator_keeps_the_size_and_stays_in_range(halvings: int) -> None:
    images = Generator(4, halvings, 1)(batch(0).repeat(1, 1, 4, 4))
    assert images.shape == (2, 3, 32, 32)
    assert images.abs().max() <= 1


def test_weights_are_drawn_from_a_narrow_normal_distribution() -> None:
    torch.manual_seed(0)
    net = Generator(32, 1, 3)
    kernels = [value.flatten() for name, value in net.named_parameters() if name.endswith("weight")]
    assert torch.cat(kernels).std().item() == pytest.approx(0.02, rel=0.02)
    assert all(value.eq(0).all() for name, value in net.named_parameters() if name.endswith("bias"))


# training


def test_a_step_moves_every_network_and_fills_the_pools(training: cyclegan.CycleGANTraining) -> None:
    before = {name: values_of(part) for name, part in training.parts.items() if isinstance(part, nn.Module)}
    entry = training.step()
    assert {"g_loss", "cycle", "identity", "d_forward", "d_backward"} == entry.keys()
    for name, values in before.items():
        assert not is_equal(values, values_of(training.parts[name])), name
    assert [int(pool.held) for pool in training.pools] == [2, 2]


def test_each_half_of_a_step_moves_its_own_networks_only(training: cyclegan.CycleGANTraining) -> None:
    first, second = (datasets.to_range(each[:2]) for each in (training.first, training.second))
    critics = values_of(training.discriminators)
    made, _ = training.step_generators(first, second)
    assert is_equal(critics, values_of(training.discriminators))
    nets = values_of(training.generators)
    training.step_discriminators((second, first), (made.fake_second, made.fake_first))
    assert is_equal(nets, values_of(training.generators))
    assert not is_equal(critics, values_of(training.discriminators))


def test_the_rate_is_constant_for_half_of_the_training_and_then_falls(training: cyclegan.CycleGANTraining) -> None:
    rates = []
    for training.iteration in (0, 10, 15, 19):
        training.step()
        rates.append(training.g_optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([2e-4, 2e-4, 1e-4, 2e-5])


def test_a_resumed_training_is_the_same_to_the_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole, again = tiny_training(monkeypatch, seed=0), tiny_training(monkeypatch, seed=1)
    for step in range(8):
        if step == 4:
            save_checkpoint(whole, tmp_path)
        whole.step()
        whole.iteration += 1
    resume(again, tmp_path)
    for _ in range(4):
        again.step()
        again.iteration += 1
    for name in ("generators", "discriminators", "pools"):
        assert is_equal(values_of(whole.parts[name]), values_of(again.parts[name])), name


# the domains


def test_restyling_is_ink_on_paper_and_one_pixel_thicker() -> None:
    dot = torch.zeros(1, 3, 5, 5, dtype=torch.uint8)
    dot[..., 2, 2] = 255
    is_ink = (restyled(dot)[0].permute(1, 2, 0) == torch.tensor(STYLE.ink)).all(dim=-1)
    is_paper = (restyled(dot)[0].permute(1, 2, 0) == torch.tensor(STYLE.paper)).all(dim=-1)
    plus = torch.tensor([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]).bool()
    assert torch.equal(is_ink, plus)
    assert torch.equal(is_paper, ~plus)
    assert torch.equal(unstyled(restyled(dot)), dot)


def test_restyled_digits_keep_their_class(data_root: Path) -> None:
    images, labels = datasets.load_grey("mnist", str(data_root), split="test")
    digits = domains.digit_domains(images[:400])
    back = unstyled(digits.second)[..., 2:-2, 2:-2]
    assert digits.first.shape == digits.second.shape == (400, 3, 32, 32)
    assert (classes_of(back, "digits") == labels[:400]).float().mean() >= 0.99
    assert (back.float() - digits.first[..., 2:-2, 2:-2].float()).abs().mean() / 255 < 0.01


def test_no_digit_is_in_both_domains_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = torch.arange(0, 80, 10, dtype=torch.uint8)[:, None, None, None].expand(8, 1, 32, 32)
    monkeypatch.setattr(datasets, "load_grey", lambda *_, **__: datasets.Labelled(levels, torch.zeros(8)))
    first, second = domains.digit_training(None)
    assert first[:, 0, 0, 0].tolist() == [0, 20, 40, 60]
    assert torch.equal(second, restyled(levels[1::2].expand(-1, 3, -1, -1)))


def write_emoji(folder: Path, names: list[str], *, extra: str = "") -> None:
    faces = drawn_faces(len(names) + 1, 0)
    with tarfile.open(folder / domains.EMOJI_FILE, "w:xz") as archive:
        for place, images in zip(domains.EMOJI_FOLDERS, faces, strict=True):
            listed = [*names, extra] if extra and place == domains.EMOJI_FOLDERS[1] else names
            for name, image in zip(listed, images, strict=False):
                stream = io.BytesIO()
                Image.fromarray(image.permute(1, 2, 0).numpy()).save(stream, format="PNG")
                entry = tarfile.TarInfo(f"noto_emoji32/{place}/{name}.png")
                entry.size = len(stream.getvalue())
                archive.addfile(entry, io.BytesIO(stream.getvalue()))


def test_faces_are_read_as_counterparts_and_a_fifth_is_held_out(tmp_path: Path) -> None:
    names = [f"emoji_u1f6{i:02x}" for i in range(16) if i != 8]
    write_emoji(tmp_path, [*names, "emoji_u1f608", "emoji_u1f600_1f3fb", "emoji_u0023"], extra="emoji_u2639")
    found, is_held_out = load_emoji(str(tmp_path))
    faces = drawn_faces(len(names), 0)  # others than faces, and what is in one design only, are left out
    assert torch.equal(found.first, faces.first)
    assert torch.equal(found.second, faces.second)
    assert is_held_out.sum() == 3
    trained, scored = domains.emoji_training(str(tmp_path)), domains.emoji_held_out(str(tmp_path))
    assert torch.equal(trained.second, domains.jittered(found.second[~is_held_out]))
    assert torch.equal(scored.first, found.first[is_held_out])


def test_jitter_mirrors_and_shifts_by_a_pixel_on_white() -> None:
    image = torch.full((1, 3, 5, 5), 255, dtype=torch.uint8)
    image[0, :, 2, 1] = 0
    found = domains.jittered(image)
    assert found.shape == (18, 3, 5, 5)
    dots = {divmod(int(each[0].argmin()), 5) for each in found}
    assert dots == {(y, x) for y in (1, 2, 3) for x in (0, 1, 2, 3, 4)}
    assert (found == 0).flatten(1).sum(dim=1).eq(3).all()


def test_missing_and_damaged_emoji_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"emoji are missing.*noto_emoji32.*GANMETRICS_DATA_DIR"):
        load_emoji(str(tmp_path))
    (tmp_path / domains.EMOJI_FILE).write_bytes(b"no archive")
    with pytest.raises(InputError, match="cannot be read"):
        load_emoji(str(tmp_path))
    write_emoji(tmp_path, ["emoji_u1f600", "emoji_u1f601"])
    whole = (tmp_path / domains.EMOJI_FILE).read_bytes()
    (tmp_path / domains.EMOJI_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        load_emoji(str(tmp_path))


def test_drawn_faces_follow_their_seed_whatever_their_number() -> None:
    few, many = drawn_faces(3, 7), drawn_faces(300, 7)
    assert few.first.shape == few.second.shape == (3, 3, 32, 32)
    assert torch.equal(few.first, many.first[:3])
    assert torch.equal(few.second, many.second[:3])
    assert not torch.equal(few.first, drawn_faces(3, 8).first)
    assert few.first[:, :, 0, 0].eq(255).all()  # on white
    middle = few.first[:, :, 8, 16].float()  # the forehead is yellow
    assert (middle[:, 0] > 200).all()
    assert (middle[:, 2] < 100).all()


# the sampler


@pytest.fixture(scope="module")
def translator() -> Translator:
    torch.manual_seed(0)
    weights = {name: value.half() for name, value in cyclegan.generators(TINY).state_dict().items()}
    return cyclegan.sampler(TINY, weights, drawn_faces)


def test_samples_are_those_of_their_seed_whatever_their_number(translator: Translator) -> None:
    few, many = translator(3, seed=1), translator(260, seed=1)
    assert few.shape == (3, 3, 32, 32)
    assert few.dtype == torch.uint8
    assert torch.equal(few, many[:3])
    assert not torch.equal(few, translator(3, seed=2))


def test_forward_starts_from_the_first_domain_and_backward_from_the_second() -> None:
    lighter, darker = Shift(20 / 127.5), Shift(-40 / 127.5)
    source = Domains(torch.full((250, 3, 32, 32), 100), torch.full((250, 3, 32, 32), 200))
    levels = Domains(*(each.to(torch.uint8) for each in source))
    translator = Translator(lighter, darker, lambda count, seed: levels)
    assert translator(1, direction="forward").unique().tolist() == [120]
    assert translator(1, direction="backward").unique().tolist() == [160]
    assert translator.translate(levels.first[:2], "backward").unique().tolist() == [60]


def test_stored_weights_give_the_trained_generators(training: cyclegan.CycleGANTraining) -> None:
    found = cyclegan.sampler(TINY, training.weights(), drawn_faces)
    images = drawn_faces(2, 3).first
    with torch.no_grad():
        expected = training.generators[1](datasets.to_range(images))
    levels = (expected + 1) * 127.5
    assert (found.translate(images, "backward").float() - levels).abs().max() <= 0.51


def test_the_digits_to_translate_are_those_of_the_bundled_dcgan(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> Callable[..., Tensor]:
        assert name == "dcgan-mnist"
        return lambda count, *, seed: torch.full((count, 3, 28, 28), 100 + seed, dtype=torch.uint8)

    monkeypatch.setattr(generators, "load", load)
    digits = SOURCES["restyled-mnist"](4, 7)
    assert digits.first.shape == (4, 3, 32, 32)
    assert digits.first[..., 2:-2, 2:-2].unique().tolist() == [107]
    assert digits.first[..., :2].unique().tolist() == [0]
    assert torch.equal(digits.second, restyled(digits.first))


def test_the_picture_shows_each_image_above_its_translation(translator: Translator) -> None:
    sheet, pairs = translator.preview(), translator.source(50, 0)
    assert sheet.shape == (100, 3, 32, 32)
    rows = sheet.split(10)
    for index in range(5):
        side, kept = int(index >= 3), slice(10 * index, 10 * index + 10)
        assert torch.equal(rows[2 * index], pairs[side][kept])
        assert torch.equal(rows[2 * index + 1], translator.translate(pairs[side][kept], DIRECTIONS[side]))


def test_wrong_requests_are_refused(translator: Translator) -> None:
    images = drawn_faces(2, 0).first
    with pytest.raises(UsageError, match=r"unknown direction 'foward'.*Did you mean 'forward'"):
        translator(2, direction="foward")
    with pytest.raises(UsageError, match="num_samples is 0"):
        translator(0)
    with pytest.raises(InputError, match=r"float32 \[2, 3, 32, 32\]; expected uint8"):
        translator.translate(images.float())
    with pytest.raises(InputError, match=r"uint8 \[2, 3, 28, 28\]"):
        translator.translate(images[..., 2:-2, 2:-2])
    with pytest.raises(InputError, match=r"uint8 \[0, 3, 32, 32\]"):
        translator.translate(images[:0])


# the scores


class Known(nn.Module):
    """A known function of uint8 images as a network of images in -1..1."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        return datasets.to_range(self.function(((images + 1) * 127.5).round().to(torch.uint8)))


def test_the_true_translation_scores_as_perfect(data_root: Path) -> None:
    images, labels = datasets.load_grey("mnist", str(data_root), split="test")
    pairs = domains.digit_domains(images[:100])
    exact = HeldOut(pairs, pairs, "", labels[:100])
    found = {
        each.name: each.value for each in scores_on(Translator(Known(restyled), Known(unstyled), drawn_faces), exact)
    }
    assert found["l1_forward"] == 0
    assert found["fid_forward"] == pytest.approx(0, abs=1e-6)
    assert found["label_forward"] >= 0.98
    assert found["label_backward"] >= 0.98
    assert found["cycle_forward"] < 0.01
    assert found["cycle_backward"] < 0.01
    idle = {each.name: each.value for each in scores_on(Translator(nn.Identity(), nn.Identity(), drawn_faces), exact)}
    assert idle["cycle_forward"] == idle["cycle_backward"] == 0
    assert idle["label_backward"] < 0.5
    assert idle["l1_forward"] == idle["l1_backward"] > 0.5


def test_scores_of_faces_need_no_data(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganmetrics.generators.cyclegan_scores.NUM_FACES", 20)
    recipe = dataclasses.replace(RECIPE, settings=dataclasses.replace(TINY, data="emoji"))
    found = sample_scores(recipe, translator, 0)
    assert [each.name for each in found] == [
        f"{score}_{direction}" for direction in ("forward", "backward") for score in ("fid", "cycle", "l1")
    ]
    assert found == sample_scores(recipe, translator, 0)
    assert found[0].title == "FID(pixels) forward"
    assert found[0].signature
    assert "20 drawn faces" in found[1].protocol


def test_scores_of_digits_need_a_source_only(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganmetrics.generators.cyclegan_scores.NUM_DIGITS", 100)
    images = datasets.load_grey("mnist", str(data_root)).images
    source = Translator(
        Known(restyled), Known(unstyled), lambda count, seed: domains.digit_domains(images[seed * 100 :][:count])
    )
    found = {each.name: each for each in sample_scores(cyclegan.RECIPES[0], source, 1)}
    assert found["label_forward"].value >= 0.98
    assert found["fid_forward"].value > 1  # against other digits than its own
    assert found["fid_backward_mnist_train"].value > 1
    assert "known inverse" in found["label_forward"].protocol


def test_the_untranslated_images_are_scored_too() -> None:
    faces = drawn_faces(50, 0)
    found = {each.name: each.value for each in untranslated_scores(HeldOut(faces, faces, ""))}
    assert found["fid_untranslated"] > 0
    assert found["l1_untranslated"] == pytest.approx(
        (faces.first.float() - faces.second.float()).abs().mean().item() / 255
    )
