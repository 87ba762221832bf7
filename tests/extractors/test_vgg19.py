"""The networks of style and content: torchvision's VGG19 layer by layer, the same random weights everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ganmetrics import UsageError, WeightsError
from ganmetrics.errors import InputError
from ganmetrics.extractors.digits import Digits
from ganmetrics.extractors.style_networks import VGG19, DigitMaps, load_map_network


def images(count: int = 1, size: int = 32, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, size, size), dtype=torch.uint8, generator=rng)


@pytest.fixture(scope="module")
def peer() -> nn.Module:
    """torchvision's network with random convolutions; its classifier, which no map needs, is shortened."""
    from torchvision.models import vgg19

    torch.manual_seed(0)
    with torch.device("meta"):
        net = vgg19(weights=None, init_weights=False)
    net.classifier = nn.Sequential(nn.Linear(4, 2, device="meta"))
    net = net.to_empty(device="cpu").eval().requires_grad_(False)
    for value in net.parameters():
        value.normal_(0, 0.03)
    return net


@pytest.fixture(scope="module")
def stored(peer: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg19") / "vgg19.pth"
    torch.save(peer.state_dict(), path)
    return path


PLACES = {"conv1_1": 1, "conv2_1": 6, "conv3_1": 11, "conv4_1": 20, "conv4_2": 22, "conv5_1": 29}  # after their ReLU


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_stored_weights_give_torchvision_s_activations(peer: nn.Module, stored: Path, pooling: str) -> None:
    network = VGG19(stored, pooling=pooling)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((images() / 255).permute(0, 2, 3, 1) - mean).div(std).permute(0, 3, 1, 2)
    expected = {}
    for place, layer in enumerate(peer.features):
        swapped = pooling == "average" and isinstance(layer, nn.MaxPool2d)
        x = (
            nn.functional.avg_pool2d(x, 2)
            if swapped
            else nn.functional.relu(x)
            if isinstance(layer, nn.ReLU)
            else layer(x)
        )
        expected[place] = x
    found = network.maps(images())
    assert set(found) == set(PLACES)
    for name, place in PLACES.items():
        assert torch.allclose(found[name], expected[place], rtol=1e-4, atol=1e-5), name
    assert network.identity.startswith("vgg19:")
    assert network.identity.endswith(f"/{pooling}")


def test_safetensors_without_the_classifier_will_do(peer: nn.Module, stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "vgg19.safetensors"
    save_file({name: value for name, value in peer.state_dict().items() if name.startswith("features")}, path)
    found, expected = VGG19(path).maps(images()), VGG19(stored).maps(images())
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_random_weights_are_the_same_everywhere() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    network = VGG19()
    assert torch.equal(torch.get_rng_state(), before)
    first = network.net.layers["conv1_1"].weight
    expected = torch.empty(64, 3, 3, 3).normal_(0, (2 / 27) ** 0.5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first, expected)
    assert not any(bool(layer.bias.any()) for layer in network.net.layers.values())
    assert network.identity == "random-vgg19:seed0/average"
    assert network.name == "random-vgg19"


def test_random_weights_keep_activations_at_one_scale() -> None:
    found = VGG19(pooling="max").maps(images(size=64))
    squares = [float(value.square().mean()) for value in found.values()]
    assert all(0.1 < square < 20 for square in squares), squares


def test_shapes() -> None:
    found = VGG19().maps(images(count=2, size=50))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "conv1_1": (2, 64, 50, 50), "conv2_1": (2, 128, 25, 25), "conv3_1": (2, 256, 12, 12),
        "conv4_1": (2, 512, 6, 6), "conv4_2": (2, 512, 6, 6), "conv5_1": (2, 512, 3, 3),
    }  # fmt: skip
    found = DigitMaps().maps(images(count=2, size=28))
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "conv1": (2, 32, 14, 14), "conv2": (2, 64, 14, 14), "conv3": (2, 64, 7, 7),
    }  # fmt: skip


def test_digit_maps_are_those_of_the_classifier() -> None:
    network, classifier = DigitMaps(), Digits()
    batch = images(count=3, size=28)
    features = torch.relu(classifier.net.fc1(network.maps(batch)["conv3"].flatten(1)))
    expected = classifier.forward(classifier.prepare(batch), ["features"])["features"]
    assert torch.allclose(features, expected, atol=1e-5)
    assert network.identity == f"{classifier.identity}/maps"


@pytest.mark.parametrize("name", ["random-vgg19", "digits"])
def test_gradients_reach_the_pixels_only(name: str) -> None:
    network = load_map_network(name)
    pixels = network.pixels(images(size=32)).requires_grad_(True)
    assert pixels.shape[1] == network.channels
    sum(value.sum() for value in network.forward(pixels).values()).backward()
    assert bool(pixels.grad.abs().amax() > 0)
    assert not any(value.requires_grad for value in network.net.parameters())


@pytest.mark.parametrize("name", ["random-vgg19", "digits"])
def test_an_image_s_maps_do_not_depend_on_its_batch(name: str) -> None:
    network, batch = load_map_network(name), images(count=3, size=28)
    together, alone = network.maps(batch), network.maps(batch[1:2])
    for layer in network.layers:
        assert torch.allclose(together[layer][1:2], alone[layer], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "side"), [("random-vgg19", 16), ("digits", 4)])
def test_images_that_are_too_small_are_refused(name: str, side: int) -> None:
    network = load_map_network(name)
    assert min(value.shape[-1] for value in network.maps(images(size=side)).values()) == 1
    with pytest.raises(InputError, match=f"at least {side}"):
        network.maps(images(size=side)[..., 1:])


def test_auto_is_vgg19_where_its_weights_are_given(stored: Path) -> None:
    assert load_map_network("auto").name == "random-vgg19"
    assert load_map_network("auto", stored).name == "vgg19"
    assert load_map_network("vgg19", stored).identity == load_map_network("auto", stored).identity


def test_names_and_weights_that_do_not_fit_are_refused(stored: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'vgg19'"):
        load_map_network("vgg16")
    with pytest.raises(UsageError, match="VGG19 needs its weights"):
        load_map_network("vgg19")
    with pytest.raises(UsageError, match="has its own weights"):
        load_map_network("digits", stored)
    with pytest.raises(UsageError, match="Known: average, max"):
        VGG19(pooling="sum")


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, other)
    with pytest.raises(WeightsError, match="another network's weights"):
        VGG19(other)
    with pytest.raises(WeightsError, match="no such file"):
        VGG19(tmp_path / "missing.pth")
