"""The embedded network for colour images: unchanged, blind to batches, and awake to what it is there to see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch.nn import functional as F

import ganmetrics as gm
from ganmetrics.extractors import EXTRACTORS
from ganmetrics.extractors.colour import Colour
from ganmetrics.extractors.extraction import Extraction

CPU = torch.device("cpu")
GOLDEN = {
    32: [-4.9603, -1.0264, -4.4798, -0.2957],
    64: [-1.4296, 6.7176, 1.5135, 1.8379],
    100: [1.7824, 7.2786, 5.9129, -0.8688],
}
FILE = Path(gm.__file__).parent / "extractors" / "colour.safetensors"


def pictures(count: int, side: int, seed: int = 0) -> torch.Tensor:
    """Coloured rings of random places and sizes on shaded backgrounds, uint8 [N, 3, side, side]."""
    rng = torch.Generator().manual_seed(seed)
    x, y, radius, *colours = torch.rand(9, count, 1, 1, generator=rng)
    line = (torch.arange(side) + 0.5) / side
    distance = torch.hypot(line - 0.25 - x / 2, line[:, None] - 0.25 - y / 2)
    ink = (0.5 - (abs(distance - 0.1 - 0.2 * radius) - 0.05) * side).clamp(0, 1)
    ground = torch.stack(colours[:3], dim=1) * (0.6 + 0.4 * line)
    return (255 * torch.lerp(ground, torch.stack(colours[3:], dim=1), ink[:, None])).round().byte()


def features(images: torch.Tensor, batch_size: int = 128, *, split: int = 1000) -> torch.Tensor:
    run = Extraction(Colour(), ["features"], CPU, batch_size).run(images.split(split))
    return torch.cat([found["features"] for found in run])


def test_the_record_is_in_the_registry() -> None:
    record = EXTRACTORS["colour"]
    assert type(record.load(None)) is Colour
    assert not record.download
    assert gm.load_extractor("colour").identity == Colour().identity


def test_the_signature_names_the_weights_and_the_table_the_network() -> None:
    score = gm.fid(pictures(300, 32), pictures(300, 32, seed=1), extractor="colour")
    assert score.title == "FID(colour)"
    assert Colour().identity in str(score.signature)
    assert Colour().identity.startswith("colour:")


@pytest.mark.parametrize("side", [16, 32, 64, 65, 100, 256])
def test_shapes(side: int) -> None:
    found = features(pictures(3, side))
    assert (found.shape, found.dtype) == ((3, Colour.layers["features"]), torch.float32)
    assert bool(found.isfinite().all())


def test_few_images_give_a_covariance_of_full_rank() -> None:
    assert Colour.layers["features"] <= 256
    spread = torch.linalg.eigvalsh(torch.cov(features(pictures(400, 32)).double().T))
    assert float(spread[0]) > 0


@pytest.mark.parametrize(
    ("batch_size", "split"),
    [(7, 50), *(pytest.param(*sizes, marks=pytest.mark.slow) for sizes in ((1, 50), (50, 17))), (128, 3)],
)
def test_batches_change_nothing(batch_size: int, split: int) -> None:
    images = pictures(50, 80)
    assert torch.allclose(features(images, batch_size, split=split), features(images, 50), atol=1e-4)


def test_sizes_may_be_mixed() -> None:
    small, large = pictures(3, 32), pictures(2, 96)
    extractor = Extraction(Colour(), ["features"], CPU, 128)
    found = torch.cat([each["features"] for each in extractor.run([small, large, small])])
    assert torch.allclose(
        found, features(small)[[0, 1, 2, 0, 0, 0, 1, 2]].index_copy(0, torch.tensor([3, 4]), features(large)), atol=1e-4
    )


def test_flat_and_extreme_images_have_features() -> None:
    images = torch.stack([torch.full((3, 64, 64), value, dtype=torch.uint8) for value in (0, 128, 255)])
    found = features(images)
    assert bool(found.isfinite().all())
    assert float((found[0] - found[2]).norm()) > 0.1


@pytest.mark.parametrize("side", [32, pytest.param(100, marks=pytest.mark.slow)])
def test_fid_rises_with_damage(side: int) -> None:
    real, fake = pictures(200, side), pictures(200, side, seed=1)
    noise = torch.randn(fake.shape, generator=torch.Generator().manual_seed(2))
    board = 1 - 2.0 * ((torch.arange(side)[:, None] + torch.arange(side)) % 2)
    damaged = {
        "blur": F.avg_pool2d(F.pad(fake.float(), [1] * 4, mode="reflect"), 3, stride=1),
        "noise": fake + 12 * noise,
        "checkerboard": fake + 12 * board,
        "grey": fake.float().mean(dim=1, keepdim=True).expand_as(fake),
        "bright": fake + 60.0,
        "repeats": fake[torch.arange(len(fake)) % 10].float(),
    }
    reference = features(real)
    healthy = gm.functional.fid(reference, features(fake))
    for name, images in damaged.items():
        assert gm.functional.fid(reference, features(images.round().clamp(0, 255).byte())) > 1.15 * healthy, name


@pytest.mark.parametrize(("side", "expected"), GOLDEN.items())
def test_the_network_is_what_it_was(side: int, expected: list[float]) -> None:
    """The sums over features were written by the committed weights and code on an x86-64 CPU."""
    assert Colour().identity == "colour:025fc288"
    assert features(pictures(4, side)).double().sum(dim=1).tolist() == pytest.approx(expected, rel=1e-3, abs=1e-2)


def test_the_weights_are_small_and_say_what_they_were_trained_on() -> None:
    assert FILE.stat().st_size < 3_000_000
    assert sum(value.numel() for value in Colour().net.parameters()) < 1_500_000
    with safe_open(FILE, "pt") as file:
        assert "procedural pictures" in json.loads(file.metadata()["ganmetrics"])["data"]


def test_images_far_larger_than_its_crops_are_told() -> None:
    large = pictures(4, 600)
    found = gm.evaluate(large, large.flip(3), metrics=["fid"], extractor="colour", ci="off").warnings
    assert any("the network colour was made for" in each for each in found)


def test_missing_weights_recommend_it_first() -> None:
    from ganmetrics.extractors.weights.weight_store import NEEDS_NO_DOWNLOAD

    assert min(NEEDS_NO_DOWNLOAD.index(name) for name in ("digits", "fashion", "random-vgg16", "pixels")) > (
        NEEDS_NO_DOWNLOAD.index("colour")
    )
