"""``gm.diagnose`` from images to verdicts: sevens, the bundled generators, labels, unseen reals, saved statistics."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganmetrics as gm
from ganmetrics.data.torchvision_set import load_dataset
from ganmetrics.diagnosis.diagnose import FAULTS, faults
from ganmetrics.diagnosis.input_trouble import input_trouble
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.measurement import archive

BROKEN = {
    "dcgan-collapsed": ("mnist-test", "mode collapse", "1 of 10 digits; missing 0–6, 8, 9"),
    "dcgan-three-digits": ("mnist-test", "mode collapse", "3 of 10 digits; missing 2–6, 8, 9"),
    "dcgan-overpowered": ("mnist-test", "mode collapse", "of 10 digits; missing"),
    "dcgan-memorised": ("mnist-train-500", "memorisation", "are nearer to a real image than any other real image is"),
}
# Of which the default run has these.
QUICK = ("dcgan-collapsed", "dcgan-memorised", "dcgan-mnist")
HEALTHY = [
    name
    for name in gm.generators.names()
    if name.endswith(("-mnist", "-mnist-minimax", "-fashion")) and not name.startswith(("cyclegan", "wgan-mnist"))
]


def each_of(names: Iterable[str]) -> list[Any]:
    """Cases for a test, slow where one of the same kind stands in the default run."""
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


def paired(name: str, reference: str, num_images: int, seed: int = 0) -> Pair:
    """The images of a bundled generator beside their reals."""
    extractor = "fashion" if "fashion" in name else "digits"
    real = archive.bundled(reference, extractor)
    images = gm.generators.load(name)(num_images, seed=seed)
    fake = gm.measure(images, reads=("features", "logits"), extractor=extractor, reading=gm.Reading(thumbnails=True))
    return Pair(real, fake, extractor=gm.load_extractor(extractor))


def accused(name: str, reference: str, num_images: int, seed: int = 0) -> set[str]:
    """The findings with a verdict about a bundled generator."""
    pair = paired(name, reference, num_images, seed)
    return {each.name for each in (fault.find(pair) for fault in faults()) if each.is_fault}


@pytest.mark.parametrize("name", each_of(BROKEN))
def test_a_broken_generator_is_named_with_its_own_fault(name: str) -> None:
    reference, finding, words = BROKEN[name]
    found = FAULTS[finding].find(paired(name, reference, 1000))
    assert (found.name, found.is_fault) == (finding, True)
    assert words in found.sentence


@pytest.mark.parametrize("name", each_of(["dcgan-mnist", "dcgan-fashion", "wgan-gp-mnist"]))
def test_a_healthy_generator_is_not_accused(name: str) -> None:
    assert accused(name, "fashion-test" if "fashion" in name else "mnist-test", 1000) == set()


def test_the_poor_digits_of_weight_clipping_are_low_quality() -> None:
    assert accused("wgan-mnist", "mnist-test", 1000) == {"low quality"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("name", HEALTHY)
def test_no_healthy_generator_is_accused(name: str, seed: int) -> None:
    assert len(HEALTHY) == 9
    assert accused(name, "fashion-test" if "fashion" in name else "mnist-test", 3000, seed) == set()


@pytest.fixture(scope="module")
def digits(data_root: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Images and labels of MNIST's two sets."""
    found = {}
    for split in ("train", "test"):
        data = load_dataset("MNIST", split, folder=str(data_root))
        found[split] = data.data[:, None].expand(-1, 3, -1, -1).contiguous(), data.targets
    return found


def test_fakes_that_are_all_sevens(digits: dict[str, tuple[torch.Tensor, torch.Tensor]], tmp_path: Path) -> None:
    images, labels = digits["train"]
    found = gm.diagnose(digits["test"][0][:1500], images[labels == 7][:500], extractor="digits")
    assert (found.verdict, found["mode collapse"].verdict) == ("severe", "severe")
    assert found["mode collapse"].sentence == "1 of 10 digits; missing 0–6, 8, 9"
    assert str(found).startswith("severe  mode collapse: 1 of 10 digits; missing 0–6, 8, 9\n")
    assert found["low quality"].verdict == "ok" and found["memorisation"].verdict == "ok"
    assert found.result["fid"].value > 100
    data = json.loads(found.to_json())
    assert data["details"]["classes"]["missing"] == list("012345689")
    assert data["scores"]["fid"]["signature"].startswith("fid|digits")
    assert data["findings"][0]["name"] == "mode collapse"
    page = tmp_path / "r.html"
    found.save_html(page)
    text = page.read_text()
    gallery = text[text.index('<section id="missing"') : text.index('<section id="pairs"')]
    for digit in "012345689":
        assert f"<h3>{digit}: " in gallery
    assert gallery.count("<img ") == 9 * 8


def test_healthy_digits_are_not_accused(digits: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    found = gm.diagnose(digits["test"][0][:1500], digits["train"][0][:1000], extractor="digits")
    assert found.verdict == "ok", str(found)
    assert found["mode collapse"].sentence == "all 10 digits are drawn"


def test_labels_and_unseen_reals_are_taken(digits: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    (images, labels), (unseen, _) = digits["train"], digits["test"]
    names = np.array(["even", "odd"])[(labels[:1000] % 2).numpy()]
    odd = images[2000:6000][labels[2000:6000] % 2 == 1][:500]
    found = gm.diagnose(images[:1000], odd, unseen[:1000], labels=names.tolist(), extractor="digits")
    assert found["mode collapse"].sentence == "1 of 2 classes; missing even"
    assert "ct" in {each.key for each in found["memorisation"].evidence}
    assert found["memorisation"].verdict == "ok"


def test_numbers_of_a_classifier_s_classes_get_their_names(data_root: Path) -> None:
    data = load_dataset("FashionMNIST", "test", folder=str(data_root))
    data.data, data.targets = data.data[:1000], data.targets[:1000]
    shoes = load_dataset("FashionMNIST", "train", folder=str(data_root))
    images = shoes.data[(shoes.targets == 7) | (shoes.targets == 9)][:500, None].expand(-1, 3, -1, -1).contiguous()
    found = gm.diagnose(data, images, extractor="fashion")["mode collapse"].sentence
    missing = "T-shirt, trousers, pullover, dress, coat, sandal, shirt, bag"
    assert found == f"2 of 10 kinds of clothing; missing {missing}"


@pytest.mark.slow
def test_what_a_classifier_mistakes_is_not_drawn(data_root: Path) -> None:
    """A tenth of T-shirts pass for shirts, of which none is drawn."""
    real, rest = (load_dataset("FashionMNIST", split, folder=str(data_root)) for split in ("test", "train"))
    is_kept = ~torch.isin(rest.targets, torch.tensor([2, 3, 4, 6, 8]))
    images, others = (data[:, None].expand(-1, 3, -1, -1).contiguous() for data in (real.data, rest.data[is_kept]))
    found = gm.diagnose(images[:1200], others[:700], extractor="fashion")["mode collapse"].sentence
    assert found == "5 of 10 kinds of clothing; missing pullover, dress, coat, shirt, bag"


def test_saved_statistics_need_their_features(digits: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    found = gm.diagnose("mnist-test", digits["train"][0][:1000])
    assert found["mode collapse"].sentence == "all 10 digits are drawn"
    assert found.pair.real.thumbnails is None
    with pytest.raises(gm.StatisticsError, match="hold no features"):
        gm.diagnose("mnist-train", digits["train"][0][:1000])
    with pytest.raises(gm.InputError, match="there are 9 classes for 10000 images"):
        gm.diagnose("mnist-test", digits["train"][0][:1000], labels=[0] * 9)


def test_input_trouble_is_told_from_the_pixels(digits: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    real, fake = digits["test"][0][:1000], digits["train"][0][:600]
    cases = {
        "no level above 1 of 255": fake // 128,
        "pixel values of generated images span": fake // 2 + 64,
        "have one colour all over": torch.cat([fake[:300], fake[:300] * 0 + 9]),
        "sorted by kind": fake[digits["train"][1][:600].argsort()],
        "all 600 images are identical": fake[:1].expand(600, -1, -1, -1).contiguous(),
        "hold exactly the same images": real,
    }
    reading = gm.Reading(thumbnails=True)
    sets = [
        gm.measure(images, reads="features", extractor="digits", reading=reading) for images in (real, *cases.values())
    ]
    for words, side in zip(cases, sets[1:], strict=True):
        found = input_trouble(Pair(sets[0], side))
        assert found.is_fault and words in found.sentence, (words, found.sentence)
        assert found.advice


def test_fakes_on_the_disk_in_another_format_are_remarked(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.RandomState(0)
    for name, suffix in (("real", "png"), ("fake", "jpg")):
        (tmp_path / name).mkdir()
        for index in range(120):
            picture = Image.fromarray(rng.randint(0, 256, (6, 6, 3), dtype=np.uint8)).resize((24, 24), 3)
            picture.save(tmp_path / name / f"{index}.{suffix}")
    found = gm.diagnose(tmp_path / "real", tmp_path / "fake", extractor="pixels")
    assert "fake images are JPEG and real ones are not" in found["input trouble"].sentence
    assert found.pair.classes is None and found["mode collapse"].verdict == "cannot tell"


@pytest.mark.parametrize("which", ["real", "fake", "both"])
def test_a_constant_set_is_diagnosed_and_reported(which: str, tmp_path: Path) -> None:
    images = np.random.RandomState(0).randint(0, 256, (64, 16, 16, 3), dtype=np.uint8)
    constant = np.full_like(images, 7)
    real, fake = (constant if which in (role, "both") else images for role in ("real", "fake"))
    found = gm.diagnose(real, fake, extractor="pixels")
    assert found["input trouble"].verdict == "severe"
    found.save_html(tmp_path / "r.html")
    assert found.to_json() and found._repr_html_()


def test_a_generator_and_saved_reals_are_diagnosed_and_reported(tmp_path: Path) -> None:
    """A function's images have no names, saved statistics no pictures; reals without a count are read first."""
    rng = np.random.RandomState(0)

    def generator(n: int) -> torch.Tensor:
        return torch.from_numpy(rng.randint(0, 256, (n, 3, 16, 16), dtype=np.uint8))

    class Stream(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
        def __iter__(self):  # type: ignore[no-untyped-def]
            return iter(generator(60))

    saved = gm.measure(generator(80).permute(0, 2, 3, 1).numpy(), reads=("moments", "features"), extractor="pixels")
    for real, name in ((saved, "saved"), (Stream(), "stream")):
        found = gm.diagnose(real, gm.source(generator, num_images=60), extractor="pixels")
        found.save_html(tmp_path / f"{name}.html")
        assert json.loads(found.to_json())["details"]["nearest_reals"][0]["fake"].startswith("image ")


def test_wrong_input_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(gm.InputError, match="there is no such file or folder"):
        gm.diagnose(tmp_path / "none", tmp_path / "none", extractor="pixels")
    with pytest.raises(gm.InputError, match="tell nothing about faults"):
        gm.diagnose(np.zeros((8, 8, 8, 3), np.uint8), np.zeros((8, 8, 8, 3), np.uint8), extractor="pixels")
    with pytest.raises(gm.InputError, match="no images were given"):
        gm.diagnose(None, np.zeros((8, 8, 8, 3), np.uint8), extractor="pixels")


def test_the_cause_comes_before_what_follows_from_it() -> None:
    """Fakes in 0..1 that were saved without scaling: their quality and diversity are bad for that reason."""
    real, other = (np.random.RandomState(i).randint(0, 256, (600, 8, 8, 3), dtype=np.uint8) for i in (0, 1))
    found = gm.diagnose(real, (other / 255).round().astype(np.uint8), extractor="pixels")
    assert [found.findings[0].name, found.findings[0].verdict] == ["input trouble", "severe"]
    assert {finding.verdict for finding in found.findings[1:]} >= {"severe"}


@pytest.mark.slow
def test_fakes_that_come_sorted_by_class_are_told(data_root: Path) -> None:
    from torchvision import datasets

    digits = datasets.MNIST(str(data_root))
    images, order = digits.data[:, None].expand(-1, 3, -1, -1), digits.targets[1000:1600].argsort(stable=True)
    found = gm.diagnose(images[:1000], images[1000:1600][order], extractor="digits")
    assert "sorted by kind" in found["input trouble"].sentence
    assert found["mode collapse"].verdict == "ok"
