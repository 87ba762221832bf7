"""What the whole suite shares: synthetic Inception weights, folders of images, the data sets beside the repository."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each of several processes; libraries read it at their import
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from commands import Done, Run

from ganmetrics.cli import main

ROOT = Path(__file__).parent.parent


def _make_importable(name: str) -> None:
    """Import a folder of the repository as a package.

    Not through ``sys.path``: the repository's root there would hide the installed package behind its sources, which
    hold no ``ganmetrics.cli``.
    """
    place = ROOT / name
    spec = spec_from_file_location(name, place / "__init__.py", submodule_search_locations=[str(place)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


_make_importable("benchmarks")

DATA = ROOT.parent / "shared" / "data"
SIZES = (28, 64, 150, 299, 400, 600)


@pytest.fixture(scope="session", autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reaches for the network by accident, and no shared fixture for the user's cache."""
    os.environ["GANMETRICS_OFFLINE"] = "1"
    os.environ["GANMETRICS_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def _new_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("caches")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_cache(_new_caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the features of another, or of its user."""
    monkeypatch.setenv("GANMETRICS_CACHE_DIR", str(next(_new_caches)))


@pytest.fixture(scope="session")
def synthetic_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeded Inception weights in the published layout."""
    from benchmarks.synthetic import write_weights  # here and below: pytest-xdist's first process needs no PyTorch

    return write_weights(tmp_path_factory.mktemp("weights") / "synthetic.pth", seed=0)


@pytest.fixture(scope="session")
def mixed_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A real and a fake folder of PNG and JPEG files from 28 to 600 pixels."""
    from benchmarks.synthetic import write_images

    root = tmp_path_factory.mktemp("mixed")
    for name, shift, seed in (("real", 0.0, 1), ("fake", 0.6, 2)):
        write_images(root / name, 12, SIZES, seed, "png", shift)
        write_images(root / name / "jpeg", 6, SIZES, seed + 10, "jpeg", shift)
    return root / "real", root / "fake"


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torchvision root with MNIST and Fashion-MNIST, or a skip where the data is not there."""
    if not (DATA / "MNIST").is_dir():
        pytest.skip("the data sets of ../shared/data are not here")
    from torchvision import datasets  # here, because importing torchvision costs two seconds

    root = tmp_path_factory.mktemp("data")
    for name in ("MNIST", "FashionMNIST"):
        raw = root / name / "raw"
        raw.mkdir(parents=True)
        for file in (DATA / name / "raw").iterdir():
            (raw / file.name).symlink_to(file)
        getattr(datasets, name)(str(root), download=True)  # only unpacks: the checksums match
    return root


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    import torch

    torch.set_num_threads(min(int(os.environ.get("OMP_NUM_THREADS", 2)), os.cpu_count() or 1))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command in this process, which saves importing PyTorch each time; what it installs is put back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers, shower = [signal.getsignal(number) for number in numbers], warnings.showwarning

    def call(*arguments: object) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ending:
            main([str(argument) for argument in arguments])
        out, errors = capfd.readouterr()
        assert isinstance(ending.value.code, int)
        return Done(ending.value.code, out, errors)

    yield call
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
    warnings.showwarning = shower
