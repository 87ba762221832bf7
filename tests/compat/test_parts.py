"""The functions and classes that public code imports of pytorch-fid and clean-fid, beside the packages' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import ganmetrics as gm
from ganmetrics.compat import cleanfid, pytorch_fid

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(60, 12)), RNG.normal(size=(50, 12)) + 0.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("set")
    for index in range(9):
        Image.fromarray(RNG.integers(0, 256, (20 + index % 2, 17, 3), dtype=np.uint8)).save(place / f"{index}.png")
    return place


@pytest.fixture
def theirs(synthetic_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pytorch-fid's network on the same weights."""
    from pytorch_fid import inception

    state = torch.load(synthetic_weights, weights_only=True)
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: state)
    return inception.InceptionV3


def test_the_network_is_pytorch_fids(theirs: Any, synthetic_weights: Path) -> None:
    images = torch.rand(3, 3, 40, 30, generator=torch.Generator().manual_seed(0))
    for dims in (64, 192):
        block = theirs.BLOCK_INDEX_BY_DIM[dims]
        assert pytorch_fid.InceptionV3.BLOCK_INDEX_BY_DIM == theirs.BLOCK_INDEX_BY_DIM
        mine = pytorch_fid.InceptionV3([block], weights=synthetic_weights).eval()
        with torch.no_grad():
            found, wanted = mine(images)[0], theirs([block]).eval()(images)[0].mean((2, 3), keepdim=True)
        assert found.shape == (3, dims, 1, 1)
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


def test_statistics_are_pytorch_fids(theirs: Any, synthetic_weights: Path, folder: Path, tmp_path: Path) -> None:
    from pytorch_fid import fid_score

    mine = pytorch_fid.InceptionV3([0], weights=synthetic_weights)
    files = sorted(folder.glob("*.png"))[::2]
    wanted = fid_score.calculate_activation_statistics(files, theirs([0]), 5, 64, "cpu", 0)
    found = pytorch_fid.calculate_activation_statistics(files, mine, 5, 64, "cpu", 0)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    rows = pytorch_fid.get_activations(files, mine, 2, 64, "cpu", 0)
    assert rows.shape == (5, 64) and rows.dtype == np.float64
    np.testing.assert_allclose(rows.mean(0), found[0], rtol=1e-5)
    mu, sigma = pytorch_fid.compute_statistics_of_path(folder, mine, 4, 64, "cpu", 0)
    np.savez(tmp_path / "stats.npz", mu=mu, sigma=sigma)
    again = pytorch_fid.compute_statistics_of_path(str(tmp_path / "stats.npz"), mine, 4, 64, "cpu", 0)
    np.testing.assert_allclose(again[0], mu)
    np.testing.assert_allclose(again[1], sigma)


def test_the_data_set_gives_rgb_images(folder: Path) -> None:
    files = sorted(folder.iterdir())
    found = pytorch_fid.ImagePathDataset(files, transforms=np.asarray)
    assert len(found) == 9 and found[0].shape == (20, 17, 3)
    assert pytorch_fid.ImagePathDataset(files)[1].mode == "RGB"
    from pytorch_fid.fid_score import IMAGE_EXTENSIONS

    assert pytorch_fid.IMAGE_EXTENSIONS == IMAGE_EXTENSIONS


def test_what_pytorch_fids_parts_cannot_be(synthetic_weights: Path, folder: Path) -> None:
    with pytest.raises(ValueError, match="some of 0, 1, 2, 3"):
        pytorch_fid.InceptionV3([4], weights=synthetic_weights)
    with pytest.raises(gm.UsageError, match="torchvision's network gives no FID"):
        pytorch_fid.InceptionV3(use_fid_inception=False)
    model = pytorch_fid.InceptionV3([0], weights=synthetic_weights)
    with pytest.raises(ValueError, match="gives 64 features, and dims is 2048"):
        pytorch_fid.get_activations(sorted(folder.iterdir())[:2], model, device="cpu", num_workers=0)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pytorch_fid.nothing


@pytest.mark.parametrize("quantizes", [False, True])
@pytest.mark.parametrize(("library", "rule"), [
    ("PIL", "bicubic"), ("PIL", "bilinear"), ("PIL", "lanczos"), ("PIL", "box"), ("PyTorch", "bicubic"),
    ("PyTorch", "bilinear"),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_resizers_are_clean_fids(library: str, quantizes: bool, rule: str) -> None:
    from cleanfid import resize

    pixels = RNG.integers(0, 256, (31, 44, 3), dtype=np.uint8)
    makers = (cleanfid.make_resizer, resize.make_resizer)
    found, wanted = (make(library, quantizes, rule, (20, 25))(pixels) for make in makers)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    np.testing.assert_array_equal(found, wanted)


def means(images: Tensor) -> Tensor:
    return images.float().flatten(2).mean(2)


@pytest.mark.parametrize("mode", ["clean", "legacy_pytorch", "legacy_tensorflow"])
@pytest.mark.parametrize("options", [{}, {"num": 4}, {"num": 5, "shuffle": True, "seed": 3}])
@pytest.mark.filterwarnings("ignore")
def test_features_of_a_folder_are_clean_fids(mode: str, options: dict[str, Any], folder: Path) -> None:
    from cleanfid import fid

    size = 1 if mode == "legacy_tensorflow" else 4
    more: Any = {"num_workers": 0, "device": torch.device("cpu"), "verbose": False, "batch_size": size, "mode": mode}
    wanted = fid.get_folder_features(str(folder), means, **options, **more)
    found = cleanfid.get_folder_features(folder, means, **options, **more)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
def test_distances_are_clean_fids() -> None:
    from cleanfid import fid

    assert cleanfid.fid_from_feats(*FEATURES) == pytest.approx(fid.fid_from_feats(*FEATURES), rel=1e-6)
    # Of all rows there is one subset.
    rows = FEATURES[0][:50], FEATURES[1]
    assert cleanfid.kernel_distance(*rows, num_subsets=2) == pytest.approx(fid.kernel_distance(*rows, num_subsets=2))
    one, other = ((each.mean(0), np.cov(each, rowvar=False)) for each in FEATURES)
    assert cleanfid.frechet_distance(*one, *other) == pytest.approx(fid.frechet_distance(*one, *other), rel=1e-6)


def test_the_network_of_a_mode(synthetic_weights: Path, folder: Path) -> None:
    """The mean of its features over a folder is that of the statistics under the mode's extractor."""
    for mode in ("clean", "legacy_tensorflow"):
        model = cleanfid.build_feature_extractor(mode, "cpu", weights=synthetic_weights)
        rows = cleanfid.get_folder_features(folder, model, 0, num=3, device="cpu", mode=mode, verbose=False)
        how: Any = {"weights": synthetic_weights, "extractor": cleanfid.EXTRACTORS[mode], "device": "cpu"}
        wanted = gm.measure(sorted(folder.iterdir())[:3], reads="features", **how).features
        assert wanted is not None
        np.testing.assert_allclose(rows, wanted.numpy(), rtol=1e-3, atol=1e-4)


def test_what_clean_fids_parts_cannot_be() -> None:
    for call, words in (
        (lambda: cleanfid.make_resizer("OpenCV", False, "bicubic", (9, 9)), "unknown library 'OpenCV'"),
        (lambda: cleanfid.make_resizer("PIL", False, "area", (9, 9)), "unknown filter 'area'"),
        (lambda: cleanfid.build_resizer("clear"), "Did you mean 'clean'"),
        (lambda: cleanfid.kernel_distance(FEATURES[0][:1], FEATURES[1]), "needs two rows"),
    ):
        with pytest.raises(gm.UsageError, match=words):
            call()


def test_a_generator_is_called_with_the_callers_batch(folder: Path, synthetic_weights: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(cleanfid.EXTRACTORS, "clean", "inception:64@clean-bicubic")
    asked, fixed = [], []

    def free(z: Tensor) -> Tensor:
        asked.append(len(z))
        return z.view(-1, 3, 4, 4).abs().clamp(0, 2) * 100

    def of_four(z: Tensor) -> Tensor:
        fixed.append(len(z))
        return free(torch.ones(4, 48))

    more: Any = {"fdir2": folder, "z_dim": 48, "num_gen": 10, "weights": synthetic_weights, "device": "cpu",
                 "num_workers": 0, "verbose": False}  # fmt: skip
    assert cleanfid.compute_fid(gen=free, batch_size=3, **more) > 0
    assert asked == [3, 3, 3, 3]
    assert cleanfid.compute_fid(gen=of_four, batch_size=8, **more) > 0
    assert fixed == [8, 8, 8]
