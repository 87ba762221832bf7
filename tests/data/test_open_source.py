"""Which source a value becomes, and the sentence for a value that is none."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import ganmetrics.data as data
from ganmetrics.data import open_source
from ganmetrics.errors import GanMetricsError, InputError, UsageError


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield IMAGES[0]


IMAGES = torch.zeros(4, 3, 5, 5).byte()
VALUES = {
    "tensor": IMAGES,
    "array": IMAGES.numpy(),
    "dataset": TensorDataset(IMAGES),
    "iterable": Endless(),
    "loader": DataLoader(TensorDataset(IMAGES)),
    "function": lambda num: IMAGES[:num],
    "torchvision": "torchvision:MNIST:test",
    "folder": "a",
    "zip": "a.zip",
    "zip without suffix": "zipped",
    "npy": "a.npy",
    "npz": "a.npz",
    "pattern": "a/*.png",
    "list": [IMAGES[0]],
    "iterator": iter([IMAGES]),
}


@pytest.fixture
def place(tmp_path, monkeypatch, kit):
    import zipfile

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(kit["encoded"](kit["noise"](4, 4, 3)))
    for name in ("a.zip", "zipped"):
        with zipfile.ZipFile(name, "w") as archive:
            archive.write("a/1.png")
    np.save("a.npy", IMAGES.numpy())
    np.savez("a.npz", IMAGES.numpy())
    return tmp_path


@pytest.mark.parametrize("case", VALUES)
@pytest.mark.usefixtures("place")
def test_each_value_is_of_exactly_one_kind(case):
    assert sum(kind.matches(VALUES[case]) for kind in data.kinds()) == 1


@pytest.mark.parametrize(
    "value", [None, 3, {"images": IMAGES}, b"a", TensorDataset, {IMAGES}, range(3), io.BytesIO(b"a")]
)
def test_other_values_are_refused_with_what_is_accepted(value):
    with pytest.raises(UsageError) as caught:
        open_source(value)
    assert caught.value.code == "E-SOURCE"
    for word in (
        "folder",
        ".zip",
        ".npz",
        "torchvision:NAME:SPLIT",
        "DataLoader",
        "Dataset",
        "function n -> images",
        "list",
        "pattern",
    ):
        assert word in caught.value.what


def test_a_source_is_returned_as_is():
    source = open_source(IMAGES)
    assert open_source(source) is source


def test_a_name_replaces_the_sources_own():
    assert open_source(IMAGES).name == "tensor of shape [4, 3, 5, 5]"
    assert open_source(IMAGES, name="ours").name == "ours"


def test_num_images_is_refused_where_it_means_nothing():
    with pytest.raises(UsageError, match="num_images is for a function"):
        open_source(IMAGES, num_images=2)


FILES = {  # case: (name, content, kind of error, code, words)
    "3 an image": ("x.png", b"\x89PNG", InputError, "E-NOT-FOLDER", "one image"),
    "a text file": ("x.txt", b"hello", InputError, "E-NOT-FOLDER", "no kind that is read"),
    "a pickle": ("x.pt", b"PK\x03\x04", InputError, "E-NOT-FOLDER", "may run code"),
    "a gzip of no name": ("x", b"\x1f\x8b\x08", UsageError, "E-SOURCE", "a gzip file"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_source(case, tmp_path):
    name, content, kind, code, words = FILES[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GanMetricsError) as caught:
        open_source(str(tmp_path / name))
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert words in caught.value.what


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import ganmetrics.data", ("torch", "torchvision", "numpy", "PIL")),
        (
            "import ganmetrics.data; ganmetrics.data.open_source(FOLDER)",
            (
                *("torch", "torchvision"),
                *(f"ganmetrics.data.{n}" for n in ("remote", "tar_shards", "torchvision_set", "huggingface_set")),
            ),
        ),
        pytest.param(
            "import ganmetrics.data; list(ganmetrics.data.open_source(FOLDER).batches())",
            ("torchvision",),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_imports_are_late(code, absent, folder):
    code = f"import sys; FOLDER = {str(folder[0])!r}; {code}; print(*(name in sys.modules for name in {absent}))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * len(absent)
