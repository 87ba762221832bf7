"""The shim of clean-fid beside the installed package, whole but for two things.

Its TorchScript network is a download, in whose place pytorch-fid's stands, as clean-fid ships it for
``legacy_pytorch``, on the same synthetic weights; and its square root is ours, as few images in 2048 dimensions leave
SciPy's inexact.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from serving import Handler, environment, running

import ganmetrics as gm
from benchmarks.synthetic import write_images
from ganmetrics.compat import cleanfid as shim
from ganmetrics.errors import GanMetricsWarning
from ganmetrics.measurement.published_statistics import PUBLISHED

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ganmetrics.errors.GanMetricsWarning"
)
MODES = list(shim.EXTRACTORS)
COUNT = 4  # images of a set, which each meet a network of 299 pixels


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    root = tmp_path_factory.mktemp("sets")
    for name, seed, shift in (("fake", 2, 0.4), ("real", 1, 0.0)):
        write_images(root / name, COUNT, (40, 320), seed, "png", shift)
    return str(root / "fake"), str(root / "real")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ganmetrics" / "custom_stats"


@pytest.fixture
def options(synthetic_weights: Path) -> dict[str, Any]:
    return {"device": "cpu", "num_workers": 0, "verbose": False, "weights": synthetic_weights}


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first layer of the network, for what is not compared with the package."""
    for mode, extractor in shim.EXTRACTORS.items():
        monkeypatch.setitem(shim.EXTRACTORS, mode, extractor.replace("inception", "inception:64"))


@pytest.fixture
def package(synthetic_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from cleanfid import features, fid

    checkpoints = tmp_path / "home" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "pt_inception-2015-12-05-6726825d.pth").symlink_to(synthetic_weights)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    own = features.build_feature_extractor

    def build(mode: str, device: Any, use_dataparallel: bool = True) -> Callable[[torch.Tensor], torch.Tensor]:
        return own(mode, device, False) if mode == "legacy_pytorch" else _torchscript(mode)

    monkeypatch.setattr(fid, "build_feature_extractor", build)
    monkeypatch.setattr(fid, "frechet_distance", gm.functional.frechet_distance)
    return fid


def _torchscript(mode: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """What the file does with values in 0..255, ``legacy_tensorflow`` with its own resize."""
    from cleanfid.inception_pytorch import InceptionV3
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    network = InceptionV3([3], resize_input=False, normalize_input=False).eval()

    def features(x: torch.Tensor) -> torch.Tensor:
        if mode == "legacy_tensorflow":
            x = interpolate_bilinear_2d_like_tensorflow1x(x.float(), size=(299, 299), align_corners=False)
        return network((x.float() - 128) / 128)[0].flatten(1)

    return features


THEIRS = {"device": torch.device("cpu"), "num_workers": 0, "verbose": False, "batch_size": 1}


CASES = [(name, mode) for name in ("compute_fid", "compute_kid") for mode in MODES]


@pytest.mark.parametrize(
    ("name", "mode"), [CASES[0], *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES[1:])]
)
def test_fid_and_kid_are_the_packages(
    name: str, mode: str, folders: tuple[str, str], package: Any, options: dict[str, Any]
) -> None:
    """So few images are fewer than 1000, so every subset of KID is all of them, whatever the seed."""
    found = getattr(shim, name)(*folders, mode=mode, **options)
    expected = getattr(package, name)(*folders, mode=mode, **THEIRS)
    assert found == pytest.approx(float(expected), rel=5e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("thin")
def test_the_modes_differ(folders: tuple[str, str], options: dict[str, Any]) -> None:
    """Guards the test above."""
    values = sorted(shim.compute_fid(*folders, mode=mode, **options) for mode in MODES)
    assert all(high > low * 1.001 for low, high in pairwise(values))


def generator(z: torch.Tensor) -> torch.Tensor:
    """Whole levels in 0..255 of floating point, as clean-fid wants them."""
    return (60 * z.view(-1, 3, 4, 4) + 128).clamp(0, 255).round().repeat_interleave(8, 2).repeat_interleave(8, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compute_fid", "compute_kid"])
def test_a_generator_is_the_packages(
    name: str, folders: tuple[str, str], package: Any, options: dict[str, Any]
) -> None:
    """From equal latents, as clean-fid's would be those of the global stream."""
    latents = torch.Generator().manual_seed(2020)
    asked: dict[str, Any] = {"fdir2": folders[1], "gen": generator, "z_dim": 48, "num_gen": COUNT}
    before = torch.get_rng_state()
    found = getattr(shim, name)(**asked, **options)
    assert torch.equal(torch.get_rng_state(), before)
    asked["gen"] = lambda z: generator(torch.randn(z.shape, generator=latents))
    expected = getattr(package, name)(**asked, **{**THEIRS, "batch_size": COUNT})
    assert found == pytest.approx(float(expected), rel=5e-5)
    assert getattr(shim, name)(**asked, **options, seed=1) != found


@pytest.mark.parametrize(
    "name", ["compute_fid", "compute_kid", "make_custom_stats", "test_stats_exists", "remove_custom_stats"]
)
def test_the_functions_take_the_packages_arguments(name: str) -> None:
    from cleanfid import fid

    ours, theirs = (inspect.signature(getattr(home, name)).parameters for home in (shim, fid))
    assert list(ours)[: len(theirs)] == list(theirs)
    others = {"device", "num_workers"}  # the best there is, where clean-fid takes CUDA and 12 processes or none
    differing = {key for key in theirs if ours[key].default != theirs[key].default}
    assert differing <= others
    assert all(ours[key].kind is inspect.Parameter.KEYWORD_ONLY for key in set(ours) - set(theirs))


@pytest.mark.usefixtures("thin")
def test_fdir1_is_generated_and_fdir2_real(folders: tuple[str, str], options: dict[str, Any], tmp_path: Path) -> None:
    write_images(tmp_path / "few", COUNT - 1, 28)
    for given in ({"fdir1": tmp_path / "few"}, {"gen": generator, "z_dim": 48, "num_gen": COUNT - 1}):
        with pytest.warns(GanMetricsWarning, match=f"the counts differ, {COUNT} real and {COUNT - 1} fake"):
            shim.compute_fid(**given, fdir2=folders[1], **{**options, "verbose": True})


@pytest.mark.slow
@pytest.mark.usefixtures("thin")
def test_custom_statistics_are_kept_in_the_users_cache(
    folders: tuple[str, str], options: dict[str, Any], cache: Path
) -> None:
    fake, real = folders
    assert not shim.test_stats_exists("Mine", "clean")
    shim.make_custom_stats("Mine", real, **options)
    assert [path.name for path in cache.iterdir()] == ["mine_clean_custom_na.npz"]
    assert all(shim.test_stats_exists("Mine", "clean", metric=metric) for metric in ("FID", "KID"))
    assert not shim.test_stats_exists("Mine", "legacy_pytorch")
    custom = {"dataset_name": "Mine", "dataset_split": "custom", **options}
    for compute in (shim.compute_fid, shim.compute_kid):
        assert compute(fake, **custom) == compute(fake, real, **options)
    with pytest.raises(gm.UsageError, match=r"exist already.* Call remove_custom_stats first"):
        shim.make_custom_stats("Mine", real, **options)
    shim.remove_custom_stats("Mine")
    assert not list(cache.iterdir())
    with pytest.raises(gm.StatisticsError, match="there are no custom statistics 'Mine' of mode clean"):
        shim.remove_custom_stats("Mine")


@pytest.mark.slow
@pytest.mark.usefixtures("thin")
def test_a_file_of_clean_fids_stands_in_for_images(
    folders: tuple[str, str], options: dict[str, Any], cache: Path
) -> None:
    """By its path, or in the folder of the custom ones under the name by which it is published."""
    fake, real = folders
    measured = gm.measure(real, extractor=shim.EXTRACTORS["clean"], weights=options["weights"], device="cpu")
    assert measured.moments is not None
    cache.mkdir(parents=True)
    path = cache / "ffhq_clean_trainval_256.npz"
    np.savez(path, mu=measured.moments.mean.numpy(), sigma=measured.moments.covariance().numpy())
    expected = shim.compute_fid(fake, real, **options)
    published = {"dataset_name": "FFHQ", "dataset_res": 256, "dataset_split": "trainval"}
    assert shim.compute_fid(fake, **published, **options) == pytest.approx(expected, rel=1e-9)
    assert shim.compute_fid(fake, dataset_name=str(path), **options) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(gm.StatisticsError, match="hold no features"):
        shim.compute_kid(fake, **published, **options)
    with pytest.raises(gm.StatisticsError, match="with the features that KID reads in the cache, and clean-fid"):
        shim.compute_kid(fake, dataset_name="cifar10", dataset_res=32, **options)


@pytest.mark.slow
@pytest.mark.usefixtures("thin")
def test_what_clean_fid_publishes_is_fetched(
    folders: tuple[str, str], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment(monkeypatch, tmp_path)
    monkeypatch.delenv("GANMETRICS_STATISTICS_DIR", raising=False)
    fake, real = folders
    how = {"extractor": shim.EXTRACTORS["clean"], "weights": options["weights"], "device": "cpu"}
    measured = gm.measure(real, reads=["moments", "features"], **how)
    assert measured.moments is not None and measured.features is not None
    moments = {"mu": measured.moments.mean.numpy(), "sigma": measured.moments.covariance().numpy()}
    stem = "metfaces_clean_train_1024"
    arrays = {stem: moments, f"{stem}_kid": {"feats": measured.features.numpy()}}
    named = {"dataset_name": "MetFaces", "dataset_res": 1024, "dataset_split": "train"}
    with running() as server:
        for stem, values in arrays.items():
            stream = io.BytesIO()
            np.savez(stream, **values)
            url = server.url(f"/{stem}.npz", partial(Handler.reply, status=200, body=stream.getvalue()))
            monkeypatch.setitem(PUBLISHED, f"clean-fid:{stem}", replace(PUBLISHED[f"clean-fid:{stem}"], url=url))
        for compute in (shim.compute_fid, shim.compute_kid):
            assert compute(fake, **named, **options) == pytest.approx(compute(fake, real, **options), rel=1e-9)
    # The second time from the cache.
    assert shim.compute_fid(fake, **named, **options) > 0


@pytest.mark.usefixtures("thin")
def test_statistics_of_another_mode_are_refused(folders: tuple[str, str], options: dict[str, Any], cache: Path) -> None:
    shim.make_custom_stats("mine", folders[1], mode="legacy_tensorflow", **options)
    path = str(cache / "mine_legacy_tensorflow_custom_na.npz")
    with pytest.raises(gm.StatisticsError, match="resize: tf1-bilinear / clean-bicubic"):
        shim.compute_fid(folders[0], dataset_name=path, **options)


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({}, gm.UsageError, "the generated images are fdir1 or gen; found neither"),
        ({"fdir1": "FAKE", "gen": generator}, gm.UsageError, "found both"),
        (
            {"fdir1": "FAKE"},
            gm.StatisticsError,
            "no statistics ffhq_clean_train_1024 in the cache, and clean-fid publishes none",
        ),
        ({"fdir1": "FAKE", "dataset_name": "../up"}, gm.UsageError, r"'\.\./up' cannot name statistics"),
        ({"fdir1": "FAKE", "fdir2": "nowhere"}, gm.InputError, "there is no such file or folder"),
        ({"fdir1": "FAKE", "fdir2": "REAL", "mode": "cleen"}, gm.UsageError, "Did you mean 'clean'"),
        ({"fdir1": "FAKE", "fdir2": "REAL", "model_name": "vit"}, gm.UsageError, "unknown model_name 'vit'"),
        (
            {"fdir1": "FAKE", "fdir2": "REAL", "custom_fn_resize": abs},
            gm.UsageError,
            "custom_fn_resize is not supported",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: dict[str, Any],
    kind: type[gm.GanMetricsError],
    sentence: str,
    folders: tuple[str, str],
    options: dict[str, Any],
) -> None:
    names = dict(zip(("FAKE", "REAL"), folders, strict=True))
    given = {key: names.get(value, value) if isinstance(value, str) else value for key, value in arguments.items()}
    with pytest.raises(kind, match=sentence):
        shim.compute_fid(**given, **options)


def test_npy_files_among_images_are_not_left_out_in_silence(
    folders: tuple[str, str], options: dict[str, Any], tmp_path: Path
) -> None:
    write_images(tmp_path / "mixed", 3, 28)
    np.save(tmp_path / "mixed" / "x.npy", np.zeros((28, 28, 3), np.uint8))
    with pytest.raises(gm.InputError, match="1 npy files, which are not read one by one"):
        shim.compute_fid(str(tmp_path / "mixed"), folders[1], **options)


@pytest.mark.usefixtures("thin")
def test_values_outside_the_range_of_a_generator_are_refused(folders: tuple[str, str], options: dict[str, Any]) -> None:
    with pytest.raises(gm.InputError, match=r"lies outside value_range=\(0, 255\)"):
        shim.compute_fid(gen=lambda z: 300 * z.view(-1, 3, 4, 4), fdir2=folders[1], z_dim=48, num_gen=COUNT, **options)
