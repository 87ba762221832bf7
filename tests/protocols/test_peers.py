"""What each installed package feeds to its network, caught at its first layer, and its own FID of the same files.

The scores are of Inception's layer of 64 dimensions, where 66 images leave no covariance singular: SciPy's square root
of a singular product is off in the sixth digit whatever the protocol.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from PIL import Image, ImageDraw

import ganmetrics as gm
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors.resize import INPUTS
from ganmetrics.protocols import PROTOCOLS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

SIDES = [(28, 28), (64, 48), (299, 299), (375, 500)]  # height, width
COUNT = 66
Network = Callable[[torch.Tensor], Any]


class _Reached(Exception):
    """Carries what reached the first convolution, and spares the rest of the pass."""


def pictures(height: int, width: int) -> torch.Tensor:
    """Noise, a gradient with grain, text, and stripes of one pixel, which alias; uint8 [4, 3, height, width]."""
    rng = np.random.default_rng(height)
    noise = rng.integers(0, 256, (height, width, 3))
    ramp = np.linspace(0, 255, width)[None, :, None] * np.linspace(0.3, 1, height)[:, None, None] * [1.0, 0.8, 0.6]
    grain = np.clip(ramp + rng.normal(0, 8, (height, width, 3)), 0, 255)
    page = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(page).text((2, 2), "The quick brown fox\njumps over 1234567890", fill=(20, 0, 90))
    stripes = np.where(np.arange(width)[None, :, None] % 2, 255, 0) * np.ones((height, 1, 3))
    found = np.stack([noise, grain, np.asarray(page), stripes]).astype(np.uint8)
    return torch.from_numpy(found).permute(0, 3, 1, 2).contiguous()


def fed(network: Network, first: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    def catch(_: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        raise _Reached(given[0])

    handle = first.register_forward_pre_hook(catch)
    try:
        network(images)
    except _Reached as reached:
        return reached.args[0]
    finally:
        handle.remove()
    raise AssertionError("nothing reached the first layer")


@pytest.fixture(scope="module")
def pytorch_fid(synthetic_weights: Path) -> Any:
    from pytorch_fid import inception

    with pytest.MonkeyPatch.context() as patch:
        load = lambda *_, **__: torch.load(synthetic_weights, weights_only=True)  # noqa: E731
        patch.setattr(inception, "load_state_dict_from_url", load)
        return inception.InceptionV3([0]).eval()


@pytest.fixture(scope="module")
def torchmetrics(synthetic_weights: Path) -> Any:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance(feature=64, feature_extractor_weights_path=str(synthetic_weights))


@pytest.fixture(scope="module")
def torch_fidelity(synthetic_weights: Path) -> Any:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    return FeatureExtractorInceptionV3("peer", ["64"], feature_extractor_weights_path=str(synthetic_weights))


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_pytorch_fid_feeds_the_same(height: int, width: int, pytorch_fid: Any) -> None:
    from torchvision.transforms.functional import to_tensor

    x = pictures(height, width)
    unit = torch.stack([to_tensor(Image.fromarray(image.permute(1, 2, 0).numpy())) for image in x])
    assert torch.equal(INPUTS["pytorch-fid-bilinear"](x, 299), fed(pytorch_fid, pytorch_fid.blocks[0][0].conv, unit))


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_torchmetrics_feeds_the_same(height: int, width: int, torchmetrics: Any) -> None:
    x, network = pictures(height, width), torchmetrics.inception
    assert torch.equal(INPUTS["torchmetrics-antialias"](x, 299), fed(network, network.Conv2d_1a_3x3.conv, x))


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_torch_fidelity_feeds_the_same(height: int, width: int, torch_fidelity: Any) -> None:
    x = pictures(height, width)
    theirs = fed(torch_fidelity, torch_fidelity.Conv2d_1a_3x3.conv, x)
    assert torch.equal(INPUTS["tf1-bilinear"](x, 299), theirs)


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_clean_fid_resizes_the_same(height: int, width: int) -> None:
    """Its network then takes 128 off and divides by 128, which a pass through its files below repeats."""
    from cleanfid.resize import build_resizer

    x, resizer = pictures(height, width), build_resizer("clean")
    theirs = np.stack([resizer(image.permute(1, 2, 0).numpy()) for image in x]).transpose(0, 3, 1, 2)
    assert torch.equal(INPUTS["clean-bicubic"](x, 299), (torch.from_numpy(theirs) - 128) / 128)


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_dgm_evals_steps_are_pytorch_fids(height: int, width: int) -> None:
    """Transcribed, as it is not on the package index: image by image, to 0..1, interpolated, 2x - 1 in the network."""
    from torchvision.transforms.functional import to_tensor

    x = pictures(height, width)
    units = [to_tensor(Image.fromarray(image.permute(1, 2, 0).numpy()))[None] for image in x]
    sized = [torch.nn.functional.interpolate(u, size=(299, 299), mode="bilinear", align_corners=False) for u in units]
    assert torch.equal(INPUTS[PROTOCOLS["dgm-eval"].resize](x, 299), 2 * torch.cat(sized) - 1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """PNG files, three of four small and one larger than the network's 299 pixels on its long side."""
    rng, root = np.random.default_rng(7), tmp_path_factory.mktemp("sets")
    for name, scale in (("real", 35), ("fake", 70)):
        (root / name).mkdir()
        for i in range(COUNT):
            height, width = SIDES[i % 2] if i % 4 else (120, 340)
            coarse = rng.normal(128, scale, (6, 6, 3)).clip(0, 255).astype(np.uint8)
            fine = np.asarray(Image.fromarray(coarse).resize((width, height))) + rng.normal(0, 20, (height, width, 3))
            Image.fromarray(fine.clip(0, 255).astype(np.uint8)).save(root / name / f"{i:03}.png")
    return root / "real", root / "fake"


@pytest.fixture
def sqrtm_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """SciPy 1.18 takes no ``disp`` any more, which both packages still pass."""
    new = scipy.linalg.sqrtm
    plain = {} if "disp" not in inspect.signature(new).parameters else {"disp": True}

    def old(matrix: Any, disp: bool = True) -> Any:
        root = new(matrix, **plain)
        return root if disp else (root, 0.0)

    monkeypatch.setattr(scipy.linalg, "sqrtm", old)


def ours(protocol: str, folders: tuple[Path, Path], weights: Path) -> float:
    options = {"extractor": "inception:64", "weights": weights, "device": "cpu", "ci": "off"}
    return gm.evaluate(*folders, metrics="fid", protocol=protocol, **options)["fid"].value


def read(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None]


@pytest.mark.slow
@pytest.mark.usefixtures("sqrtm_as_it_was")
def test_pytorch_fids_own_number(pytorch_fid: Any, folders: tuple[Path, Path], synthetic_weights: Path) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance, compute_statistics_of_path

    with arithmetic():
        sides = [compute_statistics_of_path(str(f), pytorch_fid, 1, 64, "cpu", num_workers=0) for f in folders]
    peer = calculate_frechet_distance(*sides[0], *sides[1])
    assert ours("pytorch-fid", folders, synthetic_weights) == pytest.approx(peer, rel=1e-6)


@pytest.mark.slow
def test_torchmetrics_own_number(torchmetrics: Any, folders: tuple[Path, Path], synthetic_weights: Path) -> None:
    """It rounds its result to float32, which a printed digit never shows."""
    with torch.no_grad(), arithmetic():
        for folder, is_real in zip(folders, (True, False), strict=True):
            for path in sorted(folder.iterdir()):
                torchmetrics.update(read(path), real=is_real)
        peer = torchmetrics.compute()
    assert peer.dtype == torch.float32
    assert ours("torchmetrics-1.8", folders, synthetic_weights) == pytest.approx(float(peer), rel=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("sqrtm_as_it_was")
def test_clean_fids_own_number(torch_fidelity: Any, folders: tuple[Path, Path], synthetic_weights: Path) -> None:
    """Its whole path but for the network, a download, in whose place torch-fidelity's stands behind its range.

    That keeps features in float32, where ``np.mean`` of them is less exact.
    """
    from cleanfid.fid import compute_fid

    def network(resized: torch.Tensor) -> torch.Tensor:
        x = (resized - 128) / 128
        for step in ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1"):
            x = getattr(torch_fidelity, step)(x)
        return x.mean(dim=(2, 3))

    options = {"mode": "clean", "num_workers": 0, "batch_size": 8, "device": "cpu", "verbose": False}
    with arithmetic():
        peer = compute_fid(*map(str, folders), custom_feat_extractor=network, **options)
    assert ours("clean-fid", folders, synthetic_weights) == pytest.approx(peer, rel=1e-6)


@pytest.fixture(scope="module")
def features() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(40, 16)), rng.normal(0.3, 1, size=(40, 16))


@pytest.mark.usefixtures("sqrtm_as_it_was")
def test_clean_fids_distance_is_ours(features: tuple[Any, Any]) -> None:
    from cleanfid.fid import fid_from_feats

    assert gm.functional.fid(*features) == pytest.approx(fid_from_feats(*features), rel=1e-9)


def test_clean_fid_takes_all_images_where_they_are_few(
    features: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``differs`` says of its KID: 40 of 40 images are the same subset in every order."""
    from cleanfid.fid import kernel_distance

    monkeypatch.setattr(np.random, "choice", np.random.RandomState(0).choice)
    mine = gm.functional.kid(*features, subset_size=40, num_subsets=1).value
    assert kernel_distance(*features, num_subsets=3) == pytest.approx(mine, rel=1e-9)
    assert "fewer than 1000" in PROTOCOLS["clean-fid"].differs["kid"]


def test_torchmetrics_inception_score_is_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``differs`` says of it: 105 logits in 10 splits of 11, the last of 6, and a spread with ddof 1."""
    from torchmetrics.image.inception import InceptionScore

    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 2, (105, 6)))
    monkeypatch.setattr(torch, "randperm", torch.arange)  # in order, so that its splits are known
    peer = InceptionScore(feature=torch.nn.Identity())
    peer.update(logits)
    mean, std = map(float, peer.compute())
    parts = [gm.functional.inception_score(part, splits=1).value for part in logits.split(11)]
    assert len(parts) == 10
    assert mean == pytest.approx(np.mean(parts), rel=1e-6)
    assert std == pytest.approx(np.std(parts, ddof=1), rel=1e-6)
    assert std != pytest.approx(np.std(parts), rel=1e-2)
    assert "ddof 1" in PROTOCOLS["torchmetrics-1.8"].differs["is"]
