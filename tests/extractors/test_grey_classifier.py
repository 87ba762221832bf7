"""The two embedded classifiers: right about their data, unchanged, and behind every bundled statistics file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torchvision import datasets

import ganmetrics as gm
from ganmetrics.extractors import EXTRACTORS
from ganmetrics.extractors._grey_classifier import GreyClassifier
from ganmetrics.extractors.digits import Digits
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.extractors.fashion import Fashion
from ganmetrics.measurement import archive
from ganmetrics.metrics.needs import LOGITS

CPU = torch.device("cpu")
FOLDER = Path(gm.__file__).parent / "extractors"
CLASSIFIERS = pytest.mark.parametrize("kind", [Digits, Fashion])


def images(count: int, size: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, size, size), dtype=torch.uint8, generator=rng)


def rows(extractor: gm.Extractor, batch: torch.Tensor, layer: str) -> torch.Tensor:
    return torch.cat([found[layer] for found in Extraction(extractor, [layer], CPU, 500).run(batch.split(500))])


@CLASSIFIERS
def test_the_record_is_in_the_registry(kind: type[GreyClassifier]) -> None:
    record = EXTRACTORS[kind.name]
    loaded = record.load(None)
    assert type(loaded) is kind
    assert not record.download
    assert loaded.layer_for(LOGITS) == "logits"


@CLASSIFIERS
@pytest.mark.parametrize("size", [28, 32, 64])
def test_shapes(kind: type[GreyClassifier], size: int) -> None:
    extractor = kind()
    found = extractor.forward(extractor.prepare(images(3, size)), ["features", "logits"])
    assert {name: (value.shape, value.dtype) for name, value in found.items()} == {
        name: ((3, dim), torch.float32) for name, dim in extractor.layers.items()
    }
    assert bool((found["features"] >= 0).all())
    assert torch.equal(found["logits"], extractor.net.fc2(found["features"]))


@CLASSIFIERS
def test_a_grey_image_reaches_the_network_as_it_is(kind: type[GreyClassifier]) -> None:
    grey = images(4, 28)[:, :1]
    prepared = kind().prepare(grey.expand(-1, 3, -1, -1))
    assert torch.allclose(prepared, grey / 255, atol=1e-6)


def test_digits_is_what_it_was() -> None:
    """The sum was written by the weights and code of ``digits`` before ``fashion`` shared them, on an x86-64 CPU."""
    digits = Digits()
    assert (digits.identity, digits.resize) == ("digits:a84f4330", "luma-28-antialiased")
    assert float(rows(digits, images(64, 28), "features").double().sum()) == pytest.approx(3546.39569, rel=1e-5)


def test_a_classifier_can_have_other_weights() -> None:
    other = Fashion(str(FOLDER / "digits.safetensors"))
    assert other.identity == "fashion:a84f4330"
    assert torch.equal(rows(other, images(5, 28), "logits"), rows(Digits(), images(5, 28), "logits"))


def accuracy(root: Path, extractor: gm.Extractor, count: int) -> float:
    """The share of the first ``count`` test images that an extractor names rightly."""
    dataset = {"digits": datasets.MNIST, "fashion": datasets.FashionMNIST}[extractor.name]
    test = dataset(str(root), train=False, download=True)
    logits = rows(extractor, test.data[:count].unsqueeze(1).expand(-1, 3, -1, -1), "logits")
    return float((logits.argmax(1) == test.targets[:count]).double().mean())


@pytest.mark.parametrize(("kind", "least"), [(Digits, 0.99), (Fashion, 0.92)])
def test_a_classifier_is_right_about_its_data(data_root: Path, kind: type[GreyClassifier], least: float) -> None:
    assert accuracy(data_root, kind(), 2000) >= least


@pytest.mark.slow
@CLASSIFIERS
def test_a_classifier_is_as_right_as_its_card_says(data_root: Path, kind: type[GreyClassifier]) -> None:
    with safe_open(FOLDER / f"{kind.name}.safetensors", "pt") as file:
        card = json.loads(file.metadata()["ganmetrics"])
    assert accuracy(data_root, kind(), 10_000) == pytest.approx(card["test_accuracy"], abs=2e-4)


@pytest.mark.parametrize(
    ("name", "extractor"), [(name, extractor) for name, entries in archive.index().items() for extractor in entries]
)
def test_bundled_statistics_are_of_the_bundled_weights(name: str, extractor: str) -> None:
    statistics, loaded = archive.bundled(name, extractor), gm.load_extractor(extractor)
    assert (statistics.recipe.network, statistics.recipe.resize) == (loaded.identity, loaded.resize)
    entry = archive.index()[name][extractor]
    assert (statistics.count, statistics.digest) == (entry["count"], entry["digest"])


@pytest.mark.parametrize(("train", "test"), [("mnist-train", "mnist-test"), ("fashion-train", "fashion-test")])
def test_the_floor_between_training_and_test_set(train: str, test: str) -> None:
    """Two samples of one distribution are near, but not nearer than none."""
    assert 0.1 < gm.fid(train, test).value < 1
