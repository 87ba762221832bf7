"""Data sets of torchvision by name, without the network."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from PIL import Image

from ganmetrics.data import open_source
from ganmetrics.data.torchvision_set import data_folder
from ganmetrics.errors import InputError, UsageError

datasets = pytest.importorskip("torchvision.datasets")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("GANMETRICS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GANMETRICS_OFFLINE", "1")
    return tmp_path


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize(("split", "prefix"), [("test", "t10k"), ("train", "train")])
def test_mnist_by_its_files(place, kit, split, prefix):
    images = kit["noise"](5, 28, 28)
    (place / "MNIST" / "raw").mkdir(parents=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", np.zeros(5, np.uint8))):
        path = place / "MNIST" / "raw" / f"{prefix}-{kind}-ubyte"
        path.write_bytes(idx(array))
        path.with_suffix(".gz").write_bytes(gzip.compress(idx(array)))
    for other in {"t10k", "train"} - {prefix}:
        for kind in ("images-idx3", "labels-idx1"):
            (place / "MNIST" / "raw" / f"{other}-{kind}-ubyte").write_bytes(b"")
    source = open_source(f"torchvision:MNIST:{split}")
    assert (source.name, source.count) == (f"torchvision:MNIST:{split}", 5)
    assert source.identity == source.name
    assert kit["same"](kit["all_images"](source), [np.repeat(image[..., None], 3, 2) for image in images])
    assert source.notes.kinds == {"grey": 5}


class Talkative:
    """Like a data set with a split; prints as torchvision does."""

    def __init__(self, root, split="train", download=False):
        print("Using downloaded and verified file")
        if split not in ("train", "extra"):
            raise ValueError(f"Unknown value '{split}' for argument split.")
        self.download = download

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return Image.new("RGB", (3, 3), (index, 0, self.download)), 0


@pytest.fixture
def talkative(monkeypatch):
    from torch.utils.data import Dataset

    monkeypatch.setattr(datasets, "SVHN", type("SVHN", (Talkative, Dataset), {}))


@pytest.mark.usefixtures("talkative")
def test_a_named_split_and_no_word_on_stdout(kit, capsys, monkeypatch):
    images = kit["all_images"](open_source("torchvision:SVHN:extra"))
    assert [image[:, 0, 0].tolist() for image in images] == [[0, 0, 0], [1, 0, 0]]
    monkeypatch.setenv("GANMETRICS_OFFLINE", "0")
    assert kit["all_images"](open_source("torchvision:SVHN:extra"))[0][2, 0, 0] == 1  # download=True
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Using downloaded" in captured.err


@pytest.mark.usefixtures("talkative")
@pytest.mark.parametrize(
    ("value", "words", "hint"),
    [
        ("torchvision:MNITS:test", "no data set 'MNITS'", "Did you mean MNIST?"),
        ("torchvision:mnist:test", "no data set 'mnist'", "Did you mean MNIST?"),
        ("torchvision:ImageFolder:test", "no data set", ""),
        ("torchvision:os:test", "no data set", ""),
        ("torchvision:MNIST:validation", "has the splits train and test", ""),
        ("torchvision:SVHN:tset", "Unknown value 'tset'", ""),
        ("torchvision:VOCDetection:train", "does not name its splits", ""),
        ("torchvision:MNIST", "torchvision:NAME:SPLIT", "torchvision:MNIST:test"),
        ("torchvision::test", "torchvision:NAME:SPLIT", "torchvision:MNIST:test"),
    ],
)
def test_names_that_cannot_be_meant(value, words, hint):
    with pytest.raises(UsageError) as caught:
        open_source(value)
    assert words in caught.value.what
    assert hint in caught.value.hint


def test_missing_data_offline_say_where_to_put_them(place):
    with pytest.raises(InputError) as caught:
        open_source("torchvision:MNIST:test")
    assert caught.value.code == "E-MISSING"
    assert "GANMETRICS_OFFLINE" in caught.value.what
    assert str(place / "MNIST") in caught.value.hint


def test_failed_download_is_one_sentence(monkeypatch):
    monkeypatch.setenv("GANMETRICS_OFFLINE", "0")

    def unreachable(self):
        raise RuntimeError("Error downloading x.gz:\nTried ...")

    monkeypatch.setattr(datasets.MNIST, "download", unreachable)
    with pytest.raises(InputError, match="cannot be had: Error downloading"):
        open_source("torchvision:MNIST:test")


def test_data_folder(monkeypatch, place):
    assert data_folder() == str(place)
    monkeypatch.delenv("GANMETRICS_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert data_folder() == "/xdg/ganmetrics/data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert data_folder() == "/home/someone/.cache/ganmetrics/data"
