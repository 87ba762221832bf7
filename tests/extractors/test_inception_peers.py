"""The Inception network, its resize and the scores on it, beside torch-fidelity and pytorch-fid on the same weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from torch_fidelity import calculate_metrics
from torch_fidelity.defaults import DEFAULTS
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torch_fidelity.metric_kid import kid_features_to_metric

import ganmetrics as gm
from benchmarks.synthetic import write_images
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors._inception_net import LAYERS
from ganmetrics.extractors.inception import Inception
from ganmetrics.extractors.resize import tf1_bilinear
from ganmetrics.metrics import METRICS as RECORDS
from ganmetrics.metrics.metric import Given
from ganmetrics.numerics.moments import Moments

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


Features = list[dict[str, torch.Tensor]]  # of the real and the fake folder, layer by layer
SPATIAL = "spatial"


@pytest.fixture(scope="module")
def peer_features(theirs: Any, mixed_folders: tuple[Path, Path]) -> Features:
    """torch-fidelity's; the spatial ones, which it does not give, from ADM's ``mixed_6/conv`` in its network."""
    caught: list[torch.Tensor] = []
    handle = theirs.Mixed_6d.branch1x1.register_forward_hook(lambda *given: caught.append(given[-1].detach().clone()))

    def features(image: torch.Tensor) -> dict[str, torch.Tensor]:
        found = dict(zip(LAYERS, theirs(image), strict=True))
        return {**found, SPATIAL: caught.pop()[:, :7].flatten(1)}

    with arithmetic():
        sides = [[features(image) for image in pixels_of(folder)] for folder in mixed_folders]
    handle.remove()
    return [{layer: torch.cat([row[layer] for row in rows]) for layer in rows[0]} for rows in sides]


@pytest.fixture(scope="module")
def our_features(ours: Inception, mixed_folders: tuple[Path, Path]) -> Features:
    layers = [*LAYERS, SPATIAL]
    with arithmetic():
        sides = [[ours.forward(ours.prepare(x), layers) for x in pixels_of(folder)] for folder in mixed_folders]
    return [{layer: torch.cat([row[layer] for row in rows]) for layer in layers} for rows in sides]


@pytest.fixture(scope="module")
def exact_scores(synthetic_weights: Path, mixed_folders: tuple[Path, Path]) -> gm.Result:
    exact = Inception(str(synthetic_weights), exact=True)
    return gm.evaluate(*mixed_folders, metrics=METRICS, extractor=exact, device="cpu", batch_size=1)


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_equals_torch_fidelitys(layer: str, our_features: Features, peer_features: Features) -> None:
    mine, peer = our_features[0][layer], peer_features[0][layer]
    assert mine.shape == peer.shape
    assert float((mine - peer).abs().max()) <= 1e-4
    assert float((mine - peer).norm() / peer.norm()) <= 2e-5


@pytest.mark.slow
def test_the_features_tell_images_apart(peer_features: Features) -> None:
    """Guards the test above: constant features would agree whatever the network did."""
    assert float(peer_features[0]["2048"].std(dim=0).mean()) > 500 * 1e-4


METRICS = ["fid", "is", "kid(subset_size=15)"]
KEYS = {
    ("fid", "value"): "frechet_inception_distance",
    ("is", "value"): "inception_score_mean",
    ("is", "std"): "inception_score_std",
    ("kid", "value"): "kernel_inception_distance_mean",
    ("kid", "std"): "kernel_inception_distance_std",
}


def peer_scores(folders: tuple[Path, Path], weights: Path, layer: str = "2048") -> dict[str, float]:
    """torch-fidelity's scores of two folders, image by image because it cannot batch mixed sizes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return calculate_metrics(
            input1=str(folders[1]), input2=str(folders[0]), isc=layer == "2048", fid=True, kid=True, kid_subset_size=15,
            feature_layer_fid=layer, feature_layer_kid=layer, cuda=False, batch_size=1, samples_find_deep=True,
            cache=False, verbose=False, feature_extractor_weights_path=str(weights), save_cpu_ram=True,
        )  # fmt: skip


def check_scores(result: gm.Result, peer: dict[str, float], tolerances: dict[tuple[str, str], float]) -> None:
    for (name, part), tolerance in tolerances.items():
        expected = peer[KEYS[name, part]]
        assert getattr(result[name], part) == pytest.approx(expected, rel=tolerance), (name, part)


@pytest.mark.slow
def test_scores_equal_torch_fidelitys(
    synthetic_weights: Path, mixed_folders: tuple[Path, Path], exact_scores: gm.Result
) -> None:
    """The exact network gives the peer's scores, the folded default gives them within its float32 rounding.

    Two tolerances are the peer's own, and as wide as they differ between processors: 18 images in 2048 dimensions leave
    the covariances singular, where eigenvalues of a product that is not symmetric are off by some 1e-6; and its kernels
    (about 1) are summed in float32, whose rounding of 6e-8 is 2e-5 of a KID of 0.004. The two tests after this one take
    both causes away and hold 1e-6.
    """
    peer = peer_scores(mixed_folders, synthetic_weights)
    tight = dict.fromkeys(KEYS, 1e-06)
    check_scores(exact_scores, peer, {**tight, ("fid", "value"): 1e-5, ("kid", "value"): 5e-5, ("kid", "std"): 5e-4})
    folded = gm.evaluate(*mixed_folders, metrics=METRICS, weights=synthetic_weights, device="cpu")
    check_scores(folded, peer, {("fid", "value"): 1e-5, ("is", "value"): 1e-6, ("kid", "value"): 5e-5})


@pytest.mark.slow
def test_kid_equals_torch_fidelitys_in_float64(exact_scores: gm.Result, peer_features: Features) -> None:
    real, fake = (side["2048"].double() for side in peer_features)
    peer = kid_features_to_metric(fake, real, **{**DEFAULTS, "kid_subset_size": 15, "verbose": False})
    check_scores(exact_scores, peer, {("kid", "value"): 1e-6, ("kid", "std"): 1e-6})


@pytest.mark.slow
def test_full_rank_fid_equals_torch_fidelitys(synthetic_weights: Path, tmp_path: Path) -> None:
    """At the layer of 64 dimensions 80 images are enough for covariances of full rank, and nothing is left over."""
    for name, seed in (("real", 5), ("fake", 6)):
        write_images(tmp_path / name, 80, (40, 28), seed, "png", 0.5 * (seed - 5))
    folders = (tmp_path / "real", tmp_path / "fake")
    peer = peer_scores(folders, synthetic_weights, layer="64")
    result = gm.evaluate(*folders, extractor="inception:64", weights=synthetic_weights, device="cpu")
    check_scores(result, peer, {("fid", "value"): 1e-6})


@pytest.mark.slow
def test_the_exact_network_is_the_peers_to_the_last_bits(
    synthetic_weights: Path, theirs: Any, mixed_folders: tuple[Path, Path]
) -> None:
    exact = Inception(str(synthetic_weights), exact=True)
    with arithmetic():
        for image in pixels_of(mixed_folders[1])[:3]:
            mine = exact.forward(exact.prepare(image), list(LAYERS))
            peer = dict(zip(LAYERS, theirs(image), strict=True))
            for layer in LAYERS:
                assert torch.allclose(mine[layer], peer[layer], rtol=0, atol=2e-6), layer


@pytest.mark.slow
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
    with arithmetic():
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


def test_tensors_of_another_shape_are_refused(synthetic_weights: Path, tmp_path: Path) -> None:
    state = torch.load(synthetic_weights, weights_only=True, mmap=True)
    state["Conv2d_2a_3x3.conv.weight"] = torch.zeros(32, 32, 1, 1)
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(gm.WeightsError, match=r"has the shape \[32, 32, 1, 1\]; expected \[32, 32, 3, 3\]"):
        Inception(str(tmp_path / "other.pth"))


def test_other_weights_are_named_in_the_signature(ours: Inception) -> None:
    assert ours.identity.startswith("inception-2015-12-05-custom:")


def statistics_of(x: torch.Tensor) -> SimpleNamespace:
    return SimpleNamespace(moments=Moments.of(x), sample=x)


@pytest.mark.slow
def test_the_spatial_layer_is_the_first_channels_of_that_branch(
    ours: Inception, our_features: Features, peer_features: Features, mixed_folders: tuple[Path, Path]
) -> None:
    """ADM's ``mixed_6/conv``, hooked in torch-fidelity's network; and sFID is FID of these numbers."""
    mine, other = (side[SPATIAL] for side in our_features)
    assert mine.shape[1] == 2023
    assert float((mine - peer_features[0][SPATIAL]).abs().max()) <= 1e-4
    found = gm.evaluate(*mixed_folders, metrics=["sfid", "fid"], extractor=ours)
    assert found["sfid"].value == pytest.approx(gm.functional.fid(mine, other), rel=1e-4)
    around = found["sfid"].interval
    assert around is not None and around.method == "influence function, logarithmic scale"
    given = Given(*(statistics_of(x) for x in (mine, other)), None, {})
    again = RECORDS["fid"].uncertainty(found["sfid"].value, given)["fid"].interval()
    assert around[:2] == pytest.approx(again[:2], rel=1e-2)
    assert found["sfid"].value != pytest.approx(found["fid"].value, rel=1e-2)
