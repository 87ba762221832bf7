"""The shim of pytorch-fid beside the installed package: the same files and weights, the same printed number.

Where few images leave covariances singular the package has our distance, as SciPy's square root is off there; the slow
test takes enough images for its own.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from PIL import Image

import ganmetrics as gm
from benchmarks.synthetic import write_images
from ganmetrics.compat import pytorch_fid as shim
from ganmetrics.errors import GanMetricsWarning

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ganmetrics.errors.GanMetricsWarning", "ignore::UserWarning"
)
PUBLISHED = "pt_inception-2015-12-05-6726825d.pth"


def written(root: Path, count: int) -> tuple[str, str]:
    for name, seed, shift in (("real", 1, 0.0), ("fake", 2, 0.6)):
        write_images(root / name, count, (40, 28, 64), seed, "png", shift)
    return str(root / "real"), str(root / "fake")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return written(tmp_path_factory.mktemp("sets"), 6)


@pytest.fixture
def package(synthetic_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The installed package, whose weights are in torch's folder, on a SciPy that still takes ``disp``."""
    from pytorch_fid import fid_score

    checkpoints = tmp_path / "home" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / PUBLISHED).symlink_to(synthetic_weights)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    new = scipy.linalg.sqrtm
    if "disp" not in inspect.signature(new).parameters:
        monkeypatch.setattr(scipy.linalg, "sqrtm", lambda x, disp=True: new(x) if disp else (new(x), 0.0))
    return fid_score


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ending:
        shim.main([str(argument) for argument in arguments])
    assert isinstance(ending.value.code, int)
    return ending.value.code, *capsys.readouterr()


def printed_by_both(
    folders: tuple[str, str],
    package: Any,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[float, float]:
    common = [*folders, "--dims", "64", "--device", "cpu", "--num-workers", "0", "--batch-size", "1"]
    monkeypatch.setattr(sys, "argv", ["pytorch_fid", *common])
    package.main()
    theirs = capsys.readouterr().out
    code, mine, errors = run(capsys, *common, "--weights", weights)
    assert code == 0
    assert "100%" in errors  # the bars
    found, expected = (re.fullmatch(r"FID:  (\d+\.\d+)\n", text) for text in (mine, theirs))
    assert found is not None and expected is not None
    return float(found[1]), float(expected[1])


def test_the_command_prints_what_the_packages_does(
    folders: tuple[str, str],
    package: Any,
    synthetic_weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(package, "calculate_frechet_distance", gm.functional.frechet_distance)
    found, expected = printed_by_both(folders, package, synthetic_weights, capsys, monkeypatch)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
def test_the_printed_number_is_that_of_its_own_square_root(
    tmp_path: Path,
    package: Any,
    synthetic_weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, expected = printed_by_both(written(tmp_path, 70), package, synthetic_weights, capsys, monkeypatch)
    assert found == pytest.approx(expected, rel=1e-6)


def test_every_argument_of_the_packages_command_is_there(package: Any) -> None:
    ours = {option for action in shim._parser()._actions for option in action.option_strings}
    theirs = {option for action in package.parser._actions for option in action.option_strings}
    assert ours - theirs == {"--weights"}
    assert theirs <= ours


@pytest.mark.parametrize("name", ["calculate_fid_given_paths", "calculate_frechet_distance", "save_fid_stats"])
def test_the_functions_take_the_packages_arguments(name: str, package: Any) -> None:
    ours, theirs = (inspect.signature(getattr(home, name)).parameters for home in (shim, package))
    assert list(ours)[: len(theirs)] == list(theirs)
    assert [ours[key].default for key in theirs] == [theirs[key].default for key in theirs]
    assert all(ours[key].kind is inspect.Parameter.KEYWORD_ONLY for key in set(ours) - set(theirs))


@pytest.mark.slow
def test_the_function_is_the_protocol(tmp_path: Path, synthetic_weights: Path) -> None:
    folders = written(tmp_path, 2)
    mine = shim.calculate_fid_given_paths(folders, 16, "cpu", 2048, 0, weights=synthetic_weights)
    options = {"weights": synthetic_weights, "device": "cpu", "batch_size": 16, "ci": "off"}
    expected = gm.evaluate(*folders, protocol="pytorch-fid", **options)["fid"].value
    assert mine == expected
    assert mine != pytest.approx(gm.evaluate(*folders, **options)["fid"].value, rel=1e-4)


@pytest.mark.slow
def test_statistics_pass_from_one_to_the_other(
    folders: tuple[str, str], package: Any, synthetic_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "calculate_frechet_distance", gm.functional.frechet_distance)
    real, fake = folders
    ours, theirs = str(tmp_path / "ours.npz"), str(tmp_path / "theirs.npz")
    shim.save_fid_stats([real, ours], 50, "cpu", 64, 0, weights=synthetic_weights)
    package.save_fid_stats([real, theirs], 1, "cpu", 64, 0)
    with np.load(ours) as mine, np.load(theirs) as peer:
        assert mine["mu"] == pytest.approx(peer["mu"], rel=1e-5)
        assert np.abs(mine["sigma"] - peer["sigma"]).max() <= 1e-6 * np.abs(peer["sigma"]).max()  # float32 features
    images = shim.calculate_fid_given_paths([real, fake], 50, "cpu", 64, 0, weights=synthetic_weights)
    for path in (ours, theirs):
        found = shim.calculate_fid_given_paths([path, fake], 50, "cpu", 64, 0, weights=synthetic_weights)
        assert found == pytest.approx(images, rel=1e-6), path
    assert package.calculate_fid_given_paths([ours, fake], 1, "cpu", 64, 0) == pytest.approx(images, rel=1e-6)
    assert gm.load_statistics(ours).recipe.resize == "pytorch-fid-bilinear"


def gaussian(path: Path, seed: int, dims: int = 8) -> tuple[Any, Any]:
    rows = np.random.default_rng(seed).normal(seed, 1, (50, dims))
    mu, sigma = rows.mean(axis=0), np.cov(rows, rowvar=False)
    np.savez(path, mu=mu, sigma=sigma)
    return mu, sigma


def test_two_files_need_no_network(package: Any, tmp_path: Path) -> None:
    one, other = gaussian(tmp_path / "1.npz", 1), gaussian(tmp_path / "2.npz", 2)
    expected = package.calculate_frechet_distance(*one, *other)
    paths = [tmp_path / "1.npz", tmp_path / "2.npz"]
    assert shim.calculate_fid_given_paths(paths, 50, "cpu", 2048) == pytest.approx(expected, rel=1e-9)


def test_the_distance_is_the_packages(package: Any, tmp_path: Path) -> None:
    one, other = gaussian(tmp_path / "1.npz", 1), gaussian(tmp_path / "2.npz", 2)
    expected = package.calculate_frechet_distance(*one, *other)
    assert shim.calculate_frechet_distance(*one, *other) == pytest.approx(expected, rel=1e-9)
    assert shim.calculate_frechet_distance(0.5, 2.0, 1.5, 3.0) == pytest.approx(1 + 2 + 3 - 2 * 6**0.5)


def test_images_are_converted_as_pillow_does(synthetic_weights: Path, tmp_path: Path) -> None:
    """An alpha channel is dropped, of several frames the first is taken."""
    rng = np.random.default_rng(0)
    for name in ("rgb", "rgba"):
        (tmp_path / name).mkdir()
    for i in range(4):
        pixels = rng.integers(0, 256, (20, 20, 4), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "rgba" / f"{i}.png")
        Image.fromarray(pixels).convert("RGB").save(tmp_path / "rgb" / f"{i}.png")
    found = shim.calculate_fid_given_paths(
        [tmp_path / "rgb", tmp_path / "rgba"], 4, "cpu", 64, 0, weights=synthetic_weights
    )
    assert found == pytest.approx(0, abs=1e-9)


def test_sub_folders_are_left_out_with_a_word(synthetic_weights: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "deep", 3, 28, 1)
    write_images(tmp_path / "deep" / "more", 2, 28, 2)
    told = "deep: the files are those of pytorch-fid; there are 2 that pytorch-fid leaves out, such as more/00000.png"
    with pytest.warns(GanMetricsWarning, match=told):
        shim.save_fid_stats([tmp_path / "deep", tmp_path / "deep.npz"], 50, "cpu", 64, 0, weights=synthetic_weights)
    assert gm.load_statistics(tmp_path / "deep.npz").count == 3


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["REAL", "nowhere"], 3, r"error\[E-MISSING\]: there is no such path \(nowhere\)\. Check it\n"),
        (["REAL"], 2, r"error\[E-USAGE\]: the following arguments are required: path\. See python -m .*--help\n"),
        (["REAL", "FAKE", "--dims", "65"], 2, r"error\[E-USAGE\]: argument --dims: invalid choice: 65.*\n"),
        (["REAL", "FAKE", "--weights", "no.pth"], 5, r"error\[E-MISSING\]: there is no such file of weights.*\n"),
        (["REAL", "FAKE", "--device", "tpu"], 2, r"error\[E-USAGE\]: un\w+ device .*\n"),
        (["--save-stats", "REAL", "FAKE"], 2, r"error\[E-OUTPUT\]: the output is not a regular file.*\n"),
        (["--save-stats", "REAL", "there.npz"], 2, r"error\[E-EXISTS\]: the .* \(there\.npz\)\. Choose another name\n"),
        (["8.npz", "FAKE", "--dims", "64"], 4, r"error\[E-SHAPE\]: the statistics have 8 dimensions .* layer 64.*\n"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: list[str],
    code: int,
    sentence: str,
    folders: tuple[str, str],
    synthetic_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.npz").touch()
    if arguments[-2:] == ["REAL", "FAKE"]:  # a folder of that name
        Path("out.npz").mkdir()
        arguments = [*arguments[:-1], "out.npz"]
    gaussian(Path("8.npz"), 1)
    names = dict(zip(("REAL", "FAKE"), folders, strict=True))
    given = [names.get(argument, argument) for argument in arguments]
    known = [] if "--weights" in given else ["--weights", str(synthetic_weights)]
    found, out, errors = run(capsys, *given, *known)
    assert (found, out) == (code, "")
    assert re.fullmatch(sentence, errors), errors


@pytest.mark.slow
def test_the_module_runs(tmp_path: Path) -> None:
    one, other = gaussian(tmp_path / "1.npz", 1), gaussian(tmp_path / "2.npz", 2)
    command = [sys.executable, "-m", "ganmetrics.compat.pytorch_fid", "1.npz", "2.npz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"FID:  {gm.functional.frechet_distance(*one, *other)}\n"
    assert done.stderr == "warning: the saved statistics do not say of how many images they are\n"
