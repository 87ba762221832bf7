"""The shim of torch-fidelity beside the installed package: arguments, printed lines, and scores of the same files."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset
from torchvision import models

import ganmetrics as gm
from benchmarks.synthetic import write_images
from ganmetrics.compat import _fidelity_inputs, fidelity
from ganmetrics.errors import GanMetricsWarning
from ganmetrics.extractors.random_vgg16 import draw_weights

pytestmark = pytest.mark.filterwarnings(
    "ignore::ganmetrics.errors.GanMetricsWarning", "ignore::UserWarning", "ignore::FutureWarning"
)
COUNT = 6  # images of a set, which each meet a network of 299 pixels
METRICS = ["-f", "-k", "-r", "--feature-extractor", "inception-v3-compat", "--kid-subset-size", str(COUNT - 2)]
LAYERS = ["--feature-layer-fid", "64", "--feature-layer-kid", "64", "--feature-layer-prc", "64"]
# so few images in 2048 dimensions leave covariances singular, and the package sums kernels in float32
OF_FORKS = "fid_statistics_file"  # a parameter of torch-fidelity's widespread forks
TOLERANCES = {
    "inception_score_mean": 1e-6,
    "inception_score_std": 1e-4,
    "frechet_inception_distance": 1e-5,
    "kernel_inception_distance_mean": 1e-4,
    "kernel_inception_distance_std": 1e-3,
    "precision": 1e-6,
    "recall": 1e-6,
    "f_score": 1e-6,
}


def written(root: Path, count: int) -> tuple[str, str]:
    for name, seed, shift in (("fake", 2, 0.3), ("real", 1, 0.0)):
        write_images(root / name, count, 40, seed, "png", shift)
    return str(root / "fake"), str(root / "real")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return written(tmp_path_factory.mktemp("sets"), COUNT)


@pytest.fixture(scope="module")
def options(folders: tuple[str, str], synthetic_weights: Path) -> dict[str, Any]:
    return {
        "input1": folders[0],
        "input2": folders[1],
        "cuda": False,
        "feature_extractor_weights_path": str(synthetic_weights),
        "verbose": False,
    }


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ending:
        fidelity.main([str(argument) for argument in arguments])
    assert isinstance(ending.value.code, int)
    return ending.value.code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("count", "metrics"),
    [
        (COUNT, [*METRICS, *LAYERS]),
        pytest.param(14, ["-i", *METRICS, "--kid-subset-size", "12"], marks=pytest.mark.slow),
    ],
)
def test_the_command_prints_what_the_packages_does(
    count: int,
    metrics: list[str],
    tmp_path: Path,
    synthetic_weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from torch_fidelity.fidelity import main

    fake, real = written(tmp_path, count)
    given = ["--input1", fake, "--input2", real, *metrics, "--cpu", "--silent"]
    given += ["--feature-extractor-weights-path", str(synthetic_weights), "--no-cache", "--save-cpu-ram"]
    monkeypatch.setattr(sys, "argv", ["fidelity", *given])
    main()
    theirs = capsys.readouterr().out.splitlines()
    code, out, errors = run(capsys, *given)
    assert (code, errors) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()] == list(TOLERANCES)[0 if "-i" in metrics else 2 :]
    for mine, peer in zip(out.splitlines(), theirs, strict=True):
        (name, found), (expected_name, expected) = (line.split(": ") for line in (mine, peer))
        assert name == expected_name
        assert float(found) == pytest.approx(float(expected), rel=TOLERANCES[name]), name
        assert found == f"{float(found):.7g}"


def test_json_holds_what_the_function_returns(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    found = fidelity.calculate_metrics(**options, fid=True, feature_layer_fid="64")
    sides = ["--input1", options["input1"], "--input2", options["input2"]]
    weights = ["--feature-extractor-weights-path", options["feature_extractor_weights_path"]]
    code, out, errors = run(capsys, *sides, "-f", "--feature-layer-fid", "64", *weights, "-c", "-j")
    assert code == 0
    assert json.loads(out) == found
    assert out == json.dumps(found, indent=4) + "\n"
    assert f"{COUNT}/{COUNT}" in errors


def test_every_argument_is_the_packages() -> None:
    from torch_fidelity.defaults import DEFAULTS

    parameters = dict(inspect.signature(fidelity.calculate_metrics).parameters)
    assert parameters.pop("unknown").kind is inspect.Parameter.VAR_KEYWORD
    for name, parameter in parameters.items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default == (None if name == OF_FORKS else DEFAULTS[name]), name
    assert set(DEFAULTS) <= set(parameters)


def test_every_option_is_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity import fidelity as package

    caught: list[argparse.ArgumentParser] = []

    def stop(parser: argparse.ArgumentParser, *_: Any) -> None:
        caught.append(parser)
        raise KeyboardInterrupt

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", stop)
    with pytest.raises(KeyboardInterrupt):
        package.main()
    ours, theirs = (
        {option for action in parser._actions for option in action.option_strings}
        for parser in (fidelity._parser(), caught[0])
    )
    assert ours - theirs == {f"--{OF_FORKS.replace('_', '-')}"}
    assert not theirs - ours


def test_the_named_data_sets_are_the_packages() -> None:
    from torch_fidelity.registry import DATASETS_REGISTRY

    assert set(_fidelity_inputs.DATA_SETS) == set(DATASETS_REGISTRY)


def test_a_named_data_set_is_looked_for_under_its_root(tmp_path: Path) -> None:
    with pytest.raises(gm.InputError, match="GANMETRICS_OFFLINE forbids") as caught:
        fidelity.calculate_metrics(input1="cifar10-val", isc=True, datasets_root=tmp_path)
    assert (caught.value.where, str(tmp_path) in caught.value.hint) == ("cifar10-val", True)


class Pictures(Dataset[torch.Tensor]):
    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]


@pytest.mark.slow
def test_data_sets_and_tensors_score_as_they_do_in_the_package(options: dict[str, Any]) -> None:
    from torch_fidelity import calculate_metrics

    sets = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, COUNT, 3, 16, 16), dtype=np.uint8))
    sets[1] //= 2
    asked = {**options, "fid": True, "feature_layer_fid": "64"}
    given = {**asked, "input1": Pictures(sets[0]), "input2": Pictures(sets[1])}
    expected = calculate_metrics(**given, save_cpu_ram=True)["frechet_inception_distance"]
    for kind in (Pictures, torch.Tensor.clone):
        found = fidelity.calculate_metrics(**{**asked, "input1": kind(sets[0]), "input2": kind(sets[1])})
        assert found["frechet_inception_distance"] == pytest.approx(expected, rel=1e-5)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(12, 3 * 16 * 16, generator=torch.Generator().manual_seed(0)))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (40 * z @ self.weight + 128).clamp(0, 255).to(torch.uint8).view(-1, 3, 16, 16)


@pytest.mark.slow
@pytest.mark.parametrize("noise", _fidelity_inputs.NOISES)
def test_a_generative_model_draws_the_packages_samples(noise: str, options: dict[str, Any]) -> None:
    from torch_fidelity import GenerativeModelModuleWrapper, calculate_metrics

    model = GenerativeModelModuleWrapper(Net(), 12, noise, 0)
    asked = {**options, "input1": model, "input1_model_num_samples": COUNT, "fid": True, "feature_layer_fid": "64"}
    expected = calculate_metrics(**asked)["frechet_inception_distance"]
    assert fidelity.calculate_metrics(**asked)["frechet_inception_distance"] == pytest.approx(expected, rel=1e-5)


def test_input1_is_the_generated_set(options: dict[str, Any]) -> None:
    """Fakes of a single kind among reals of two: all fakes are real, half of the reals are missed."""
    rng = np.random.default_rng(0)
    faint, strong = (torch.from_numpy(rng.integers(0, top, (COUNT, 3, 8, 8), dtype=np.uint8)) for top in (20, 256))
    asked = {**options, "prc": True, "feature_extractor": "inception-v3-compat", "feature_layer_prc": "64"}
    found = fidelity.calculate_metrics(**{**asked, "input1": faint, "input2": torch.cat([faint, strong])})
    assert found == {"precision": 1.0, "recall": 0.5, "f_score": pytest.approx(2 / 3)}


@pytest.mark.slow
def test_precision_and_recall_are_of_vgg16(options: dict[str, Any], tmp_path: Path) -> None:
    from torch_fidelity import calculate_metrics

    net = models.vgg16(weights=None, init_weights=False)
    with torch.no_grad():
        draw_weights(net, torch.Generator().manual_seed(0))
    torch.save(net.state_dict(), tmp_path / "vgg16.pth")
    fake, real = written(tmp_path, 12)
    asked = {**options, "input1": fake, "input2": real, "prc": True}
    asked["feature_extractor_weights_path"] = str(tmp_path / "vgg16.pth")
    found = fidelity.calculate_metrics(**asked)
    assert found == pytest.approx(calculate_metrics(**asked, save_cpu_ram=True), rel=1e-6)
    assert 0 < found["precision"] < 1


@pytest.mark.slow
def test_a_seed_chooses_the_subsets(options: dict[str, Any]) -> None:
    asked = {**options, "kid": True, "kid_subset_size": COUNT - 2, "kid_subsets": 3, "feature_layer_kid": "64"}
    scores = [fidelity.calculate_metrics(**asked, rng_seed=seed) for seed in (1, 1, 2)]
    assert scores[0] == scores[1] != scores[2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ppl": True}, r"ppl is True, which is not supported \(ppl\)\. Use gm\.ppl"),
        ({"kid_kernel": "laplace"}, "unknown kid_kernel 'laplace'"),
        ({"kid_kernel": "rbf", "kid_kernel_rbf_sigma": 0}, "kid_kernel_rbf_sigma is 0; it must be above 0"),
        ({"feature_extractor_internal_dtype": "float64"}, "float64"),
        ({"feature_extractor": "dinov2-vit-l-14"}, "unknown feature_extractor .* Known: inception-v3-compat, vgg16"),
        ({"feature_extractor": "vgg16", "isc": True}, "VGG16's Inception Score is not supported"),
        ({"feature_layer_fid": "65"}, "unknown layer of inception '65'"),
        ({"fid": False}, "no metric was asked for"),
        ({"input1": None}, "there is no input1"),
        ({"input2": None}, "there is no input2"),
        ({"input1": "generator.onnx"}, "a generator in a file is not supported"),
    ],
)
def test_what_is_not_done_is_refused(change: dict[str, Any], sentence: str, options: dict[str, Any]) -> None:
    with pytest.raises(gm.UsageError, match=sentence):
        fidelity.calculate_metrics(**{**options, "fid": True, **change})


class TooLarge(Pictures):
    def __getitem__(self, index: int) -> torch.Tensor:
        raise MemoryError


def test_a_hint_names_no_parameter_that_the_package_lacks(options: dict[str, Any]) -> None:
    pictures = torch.zeros(20, 3, 16, 16, dtype=torch.uint8)
    with pytest.raises(gm.ResourceError, match="needs more memory") as caught:
        fidelity.calculate_metrics(**{**options, "input1": TooLarge(pictures), "isc": True})
    assert "`ganmetrics evaluate --workers=1` takes less" in caught.value.hint


def test_models_that_cannot_be_run_are_refused(options: dict[str, Any]) -> None:
    from torch_fidelity import GenerativeModelModuleWrapper

    cases = [(GenerativeModelModuleWrapper(Net(), 12, "normal", 10), 4, "conditional"),
             (GenerativeModelModuleWrapper(Net(), 12, "normal", 0), None, "number of samples")]  # fmt: skip
    for model, count, sentence in cases:
        with pytest.raises(gm.UsageError, match=sentence):
            fidelity.calculate_metrics(**{**options, "input1": model}, input1_model_num_samples=count, isc=True)


def test_files_that_the_package_would_leave_out_are_left_out(options: dict[str, Any], tmp_path: Path) -> None:
    write_images(tmp_path / "a", 3, 28, 1)
    write_images(tmp_path / "a" / "more", 3, 28, 2)
    (tmp_path / "a" / "00000.png").rename(tmp_path / "a" / "00000.bmp")
    told = "the files are those of torch-fidelity; there are {} that torch-fidelity leaves out, such as {}"
    how = {**options, "input1": tmp_path / "a", "isc": True, "isc_splits": 1}
    with pytest.warns(GanMetricsWarning, match=told.format(4, "00000.bmp")):
        flat = fidelity.calculate_metrics(**how)
    with pytest.warns(GanMetricsWarning, match=told.format(1, "00000.bmp")):
        deep = fidelity.calculate_metrics(**how, samples_find_deep=True)
    assert flat != deep
    assert fidelity.calculate_metrics(**how, samples_find_deep=True, samples_find_ext="png,bmp") != deep


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["-k"], 3, r"error\[E-TOO-FEW\]: kid needs at least 1000 images .* lower `--kid-subset-size`.*\n"),
        (["-f", "--ppl-epsilom", "1"], 2, r"error\[E-USAGE\]: unrecognized arguments: --ppl-epsilom 1\. See .*\n"),
        (["-f", "-c", "-g", "0"], 2, r"error\[E-USAGE\]: argument -g/--gpu: not allowed with argument -c/--cpu.*\n"),
        (["-p"], 2, r"error\[E-USAGE\]: ppl is True.*\n"),
        ([], 2, r"error\[E-USAGE\]: no metric was asked for.*\n"),
    ],
)
def test_errors_of_the_command(
    arguments: list[str], code: int, sentence: str, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ["--feature-extractor-weights-path", options["feature_extractor_weights_path"]]
    found, out, errors = run(capsys, "--input1", options["input1"], "--input2", options["input2"], *weights, *arguments)
    assert (found, out) == (code, "")
    assert re.fullmatch(sentence, errors), errors


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_not_there_is_refused(
    options: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found, _, errors = run(capsys, "--input1", options["input1"], "-i", "-g", "0")
    assert found == 2
    assert "error[E-DEVICE]: there is no CUDA device 0 (--gpu). Pass `--cpu`, or leave `--gpu` out" in errors


@pytest.mark.slow
def test_the_module_runs(options: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "ganmetrics.compat.fidelity", "--cpu", "--fid", "--silent"]
    command += ["--input1", options["input1"], "--input2", options["input2"], "--feature-layer-fid", "64"]
    command += ["--feature-extractor-weights-path", options["feature_extractor_weights_path"]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"frechet_inception_distance: \d\.\d+\n", done.stdout)


@pytest.mark.parametrize("given", [{"input2": "stats.npz"}, {"fid_statistics_file": "stats.npz"}])
def test_statistics_of_another_network_are_refused(given: dict[str, str], options: Any, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    gm.save_statistics(gm.measure(images, extractor="pixels"), tmp_path / "stats.npz")
    paths = {name: str(tmp_path / value) for name, value in given.items()}
    with pytest.raises(gm.StatisticsError, match="pixels-8x8"):
        fidelity.calculate_metrics(**{**options, "input1": images, "feature_layer_fid": "64", "fid": True, **paths})


LAYER_64 = {"feature_layer_fid": "64", "feature_layer_kid": "64"}


@pytest.mark.slow
@pytest.mark.parametrize("change", [
    {"kid": True, "kid_kernel": "rbf", "kid_kernel_rbf_sigma": 3.0},
    {"kid": True, "kid_kernel_poly_degree": 2, "kid_kernel_poly_gamma": 0.5, "kid_kernel_poly_coef0": 2.0},
    {"isc": True, "isc_splits": 2, "samples_shuffle": False},
    {"fid": True, "samples_resize_and_crop": 24},
])  # fmt: skip
def test_what_changes_a_number_changes_it_as_there(change: dict[str, Any], options: dict[str, Any]) -> None:
    from torch_fidelity import calculate_metrics

    asked = {**options, **LAYER_64, "kid_subset_size": COUNT - 2, "kid_subsets": 3, **change}
    found, expected = fidelity.calculate_metrics(**asked), calculate_metrics(**asked, cache=False, save_cpu_ram=True)
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
    plain = {name: value for name, value in asked.items() if not name.startswith(("kid_kernel", "samples_"))}
    assert fidelity.calculate_metrics(**plain) != found


def test_statistics_stand_for_the_reals(options: dict[str, Any], tmp_path: Path) -> None:
    asked = {**options, **LAYER_64, "fid": True}
    wanted = fidelity.calculate_metrics(**asked)
    how: Any = {"extractor": "inception:64", "weights": options["feature_extractor_weights_path"], "device": "cpu"}
    moments = gm.measure(options["input2"], reads="moments", **how).moments
    assert moments is not None
    np.savez(tmp_path / "real.npz", mu=moments.mean.numpy(), sigma=moments.covariance().numpy())
    for change in ({"input2": tmp_path / "real.npz"}, {"input2": None, "fid_statistics_file": tmp_path / "real.npz"}):
        assert fidelity.calculate_metrics(**{**asked, **change}) == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(gm.UsageError, match="statistics, which FID alone reads"):
        fidelity.calculate_metrics(**{**asked, "input2": tmp_path / "real.npz", "kid": True})


def test_an_unknown_keyword_is_warned_of(options: dict[str, Any]) -> None:
    with pytest.warns(GanMetricsWarning, match="fids is no argument of calculate_metrics, and moves nothing"):
        fidelity.calculate_metrics(**{**options, **LAYER_64, "fid": True}, fids=True)


def test_registered_data_sets_are_inputs(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fidelity_inputs, "_REGISTERED", {})
    images = torch.randint(0, 256, (COUNT, 3, 16, 16), dtype=torch.uint8)
    fidelity.register_dataset("mine", lambda root, download: Pictures(images))
    asked = {**options, **LAYER_64, "fid": True}
    assert fidelity.calculate_metrics(**{**asked, "input2": "mine"}) == fidelity.calculate_metrics(
        **{**asked, "input2": Pictures(images)}
    )
    for name in ("mine", "a/b", "cifar10-val", " x"):
        with pytest.raises(ValueError, match=r"registered already|cannot name a data set"):
            fidelity.register_dataset(name, lambda root, download: None)


def test_names_that_public_code_imports() -> None:
    import torch_fidelity

    for name in dir(torch_fidelity):
        if name.startswith("KEY_METRIC_") and "PPL" not in name:
            assert getattr(fidelity, name) == getattr(torch_fidelity, name)
    model = fidelity.GenerativeModelModuleWrapper(Net(), 12, "normal", 0)
    assert isinstance(model, fidelity.GenerativeModelBase)
    assert (model.z_size, model.z_type, model.num_classes) == (12, "normal", 0)
    assert model(torch.zeros(2, 12)).shape == (2, 3, 16, 16)
    with pytest.raises(ValueError, match="z_type is 'cauchy'"):
        fidelity.GenerativeModelModuleWrapper(Net(), 12, "cauchy", 0)
    with pytest.raises(AttributeError):
        _ = fidelity.GenerativeModelONNX
