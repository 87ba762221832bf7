"""The Inception network, its resize and the scores on it, beside torch-fidelity and pytorch-fid on the same weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from torch_fidelity import calculate_metrics
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

import ganmetrics as gm
from ganmetrics.features.inception import Inception
from ganmetrics.features.inception_net import LAYERS
from ganmetrics.features.precision import true_float32
from ganmetrics.features.resize import tf1_bilinear

SIDES = [(28, 28), (32, 48), (150, 90), (299, 299), (400, 299), (600, 599), (900, 1300)]


@pytest.fixture(scope="module")
def ours(synthetic_weights: Path) -> Inception:
    return Inception(str(synthetic_weights))


@pytest.fixture(scope="module")
def theirs(synthetic_weights: Path) -> Any:
    return FeatureExtractorInceptionV3("peer", list(LAYERS), feature_extractor_weights_path=str(synthetic_weights))


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_the_tf1_resize_equals_torch_fidelitys_to_the_last_bit(height: int, width: int) -> None:
    rng = np.random.default_rng(height)
    images = torch.from_numpy(rng.integers(0, 256, (2, 3, height, width), dtype=np.uint8))
    theirs = interpolate_bilinear_2d_like_tensorflow1x(images.float(), size=(299, 299), align_corners=False)
    assert torch.equal(tf1_bilinear(images, 299), theirs)


def pixels_of(folder: Path) -> list[torch.Tensor]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None] for path in files]


def test_every_layer_equals_torch_fidelitys(ours: Inception, theirs: Any, mixed_folders: tuple[Path, Path]) -> None:
    images = pixels_of(mixed_folders[0])
    with true_float32():
        for image in images[:8] + images[-4:]:
            mine = ours.forward(ours.prepare(image), list(LAYERS))
            peer = dict(zip(LAYERS, theirs(image), strict=True))
            for layer in LAYERS:
                assert mine[layer].shape == peer[layer].shape
                assert float((mine[layer] - peer[layer]).abs().max()) <= 1e-4, layer


def test_the_features_tell_images_apart(ours: Inception, mixed_folders: tuple[Path, Path]) -> None:
    """Guards the test above: constant features would agree whatever the network did."""
    with true_float32():
        rows = torch.cat(
            [ours.forward(ours.prepare(image), ["2048"])["2048"] for image in pixels_of(mixed_folders[0])[:6]]
        )
    assert float(rows.std(dim=0).mean()) > 100 * 1e-4


def test_fid_is_and_kid_equal_torch_fidelitys(synthetic_weights: Path, mixed_folders: tuple[Path, Path]) -> None:
    real, fake = mixed_folders
    result = gm.evaluate(
        real, fake, metrics=["fid", "is", "kid(subset_size=30)"], weights=synthetic_weights, device="cpu"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = calculate_metrics(
            input1=str(fake), input2=str(real), isc=True, fid=True, kid=True, kid_subset_size=30,
            cuda=False, batch_size=1, samples_find_deep=True, cache=False, verbose=False,
            feature_extractor_weights_path=str(synthetic_weights), save_cpu_ram=True,
        )  # fmt: skip
    assert result["fid"].value == pytest.approx(peer["frechet_inception_distance"], rel=TOLERANCE)
    assert result["is"].value == pytest.approx(peer["inception_score_mean"], rel=TOLERANCE)
    assert result["is"].std == pytest.approx(peer["inception_score_std"], rel=TOLERANCE)
    assert result["kid"].value == pytest.approx(peer["kernel_inception_distance_mean"], rel=TOLERANCE)
    assert result["kid"].std == pytest.approx(peer["kernel_inception_distance_std"], rel=TOLERANCE)


TOLERANCE = 1e-6


def test_the_network_equals_pytorch_fids_on_its_own_resize(
    ours: Inception, synthetic_weights: Path, mixed_folders: tuple[Path, Path], tmp_path: Path, monkeypatch: Any
) -> None:
    """A second check of the network alone: the same inputs through pytorch-fid's network."""
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "pt_inception-2015-12-05-6726825d.pth").symlink_to(synthetic_weights)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_fid.inception import InceptionV3

        peer = InceptionV3([3]).eval()
    rows = []
    with true_float32():
        for folder in mixed_folders:
            pairs = []
            for image in pixels_of(folder)[::2]:
                unit = image.float() / 255
                resized = F.interpolate(unit, size=(299, 299), mode="bilinear", align_corners=False) * 2 - 1
                pairs.append((ours.forward(resized, ["2048"])["2048"], peer(unit)[0].flatten(1)))
            rows.append([torch.cat(side) for side in zip(*pairs, strict=True)])
    (real, peer_real), (fake, peer_fake) = rows
    assert float((real - peer_real).abs().max()) <= 1e-4
    assert gm.functional.fid(real, fake) == pytest.approx(gm.functional.fid(peer_real, peer_fake), rel=1e-5)


def test_another_layout_is_refused(synthetic_weights: Path, tmp_path: Path) -> None:
    state = torch.load(synthetic_weights, weights_only=True, mmap=True)
    state.pop("fc.bias")
    state["more"] = torch.zeros(1)
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(gm.WeightsError, match=r"1 keys missing \['fc.bias'\], 1 not known \['more'\]"):
        Inception(str(tmp_path / "other.pth"))


def test_other_weights_are_named_in_the_signature(ours: Inception) -> None:
    assert ours.identity.startswith("inception-2015-12-05-custom:")
