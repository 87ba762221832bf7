"""VGG16 and torchvision's Inception from files in torchvision's layout, beside torch-fidelity and torchvision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import models, transforms

import ganmetrics as gm
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors.random_vgg16 import draw_weights


def images(height: int, width: int) -> torch.Tensor:
    rng = np.random.default_rng(height)
    return torch.from_numpy(rng.integers(0, 256, (3, 3, height, width), dtype=np.uint8))


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = models.vgg16(weights=None, init_weights=False)
    with torch.no_grad():
        draw_weights(net, torch.Generator().manual_seed(0))
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save(net.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = models.inception_v3(weights=None, init_weights=False)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in net.parameters():
            if value.ndim > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=rng)
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    torch.save(net.state_dict(), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["fc2", "fc2_relu"])
def test_vgg16_is_torch_fidelitys(layer: str, vgg_file: Path) -> None:
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    theirs = FeatureExtractorVGG16("x", [layer], feature_extractor_weights_path=str(vgg_file))
    ours = load_extractor("vgg16", vgg_file)
    for height, width in ((28, 28), (224, 224), (300, 251)):
        x = images(height, width)
        with torch.no_grad(), arithmetic():
            peer = theirs(x)[0]
            mine = ours.forward(ours.prepare(x), [layer])[layer]
        assert float((mine - peer).norm() / peer.norm()) < 1e-5


@pytest.mark.slow
def test_precision_of_vgg16_names_its_network(vgg_file: Path) -> None:
    real, fake = images(28, 28), images(32, 28)
    found = gm.evaluate(
        real, fake, metrics="precision_recall(neighbors=1)", extractor="vgg16", weights=vgg_file, ci="off"
    )
    assert found["precision"].title == "Precision(vgg16)"
    assert found["precision"].signature.network.startswith("vgg16-custom:")


@pytest.mark.slow
def test_torchvisions_inception_is_its_own_pipeline(inception_file: Path) -> None:
    """Its documented one, ImageNet's normalisation undone by ``transform_input``, on images of the network's size."""
    net = models.inception_v3(weights=None, init_weights=False, transform_input=True).eval()
    net.load_state_dict(torch.load(inception_file))
    normalize = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    ours = load_extractor("torchvision-inception", inception_file)
    x = images(299, 299)
    with torch.no_grad(), arithmetic():
        theirs = net(normalize(x / 255))
        mine = ours.forward(ours.prepare(x), ["logits", "2048"])
    assert mine["2048"].shape == (3, 2048)
    assert float((mine["logits"] - theirs).norm() / theirs.norm()) < 1e-4
    found = gm.evaluate(None, x, metrics="is(splits=1)", extractor=ours, ci="off")["is"]
    assert found.title == "IS(torchvision-inception)"


def test_torchvisions_inception_must_be_brought() -> None:
    with pytest.raises(gm.UsageError, match=r"inception_v3_google-0cc3c7bd\.pth as `weights`"):
        load_extractor("torchvision-inception")


@pytest.mark.parametrize("name", ["vgg16", "torchvision-inception"])
def test_another_networks_file_is_refused(name: str, tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(gm.WeightsError, match="another network's weights"):
        load_extractor(name, tmp_path / "other.pth")
