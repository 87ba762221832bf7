"""Classes that a caller gives: every form of file, and every way in which they do not fit."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.data.labels import labelled

NAMES = ["a/0.png", "a/1.png", "b/2.png"]


@pytest.fixture
def folder(tmp_path: Path) -> gm.Source:
    for name in NAMES:
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / name)
    return gm.source(tmp_path / "images")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", "b/2.png,dog\na/0.png,cat\na/1.png,cat\n"),
        ("l.csv", "\ufeffa/0.png, cat\na/1.png,cat\n\nb/2.png,dog\n"),
        ("l.csv", "b/2.png,dog\na/0.png,cat\na/1.png,cat\nb/2.png,dog\n"),
        ("l.json", json.dumps({"labels": {"./a/0.png": "cat", "a/1.png": "cat", "b/2.png": "dog"}})),
        ("dataset.json", json.dumps({"labels": [["a/0.png", "cat"], ["b/2.png", "dog"], ["a/1.png", "cat"]]})),
        ("l.json", json.dumps({"a/0.png": "cat", "a/1.png": "cat", "b/2.png": "dog"})),
        ("l.json", json.dumps(["cat", "cat", "dog"])),
        ("l.txt", "cat\ncat\ndog\n"),
        ("l.txt", "cat\ncat\ndog\n \n\n"),
        ("l.txt", "b/2.png dog\na/0.png\tcat\n./a/1.png, cat\n"),
        ("l.csv", "b\\2.png,dog\nx/../a/0.png,cat\na//1.png,cat\n"),
    ],
)
def test_every_form_of_file_gives_the_same_classes(folder: gm.Source, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = labelled(folder, tmp_path / name)
    assert found.class_names() == ["cat", "cat", "dog"]
    assert (found.name, found.count, found.item_names()) == (folder.name, 3, NAMES)
    assert sum(len(batch) for batch in found.batches()) == 3
    assert found.notes.formats["PNG"] == 3


@pytest.mark.parametrize("labels", [["cat", "dog", "cow"], "l.csv", "l.npy"])
def test_labels_are_those_of_the_whole_set_of_which_some_are_picked(
    labels: object, tmp_path: Path, folder: gm.Source
) -> None:
    (tmp_path / "l.csv").write_text("".join(f"{name},{word}\n" for name, word in zip(NAMES, "012", strict=True)))
    np.save(tmp_path / "l.npy", [0, 1, 2])
    place, given = tmp_path / "images", tmp_path / labels if isinstance(labels, str) else labels
    every = gm.source(place, labels=given).class_names()
    assert every is not None
    first = gm.source(place, labels=given, reading=gm.Reading(sample="first:2"))
    assert (first.count, first.class_names()) == (2, every[:2])
    assert gm.source(place, labels=given, reading=gm.Reading(include="b/*")).class_names() == every[2:]
    again = gm.source(gm.source(place, reading=gm.Reading(include="b/*")), labels=given)
    assert again.class_names() == every[2:]
    drawn = gm.source(place, labels=given, reading=gm.Reading(sample=2))
    assert drawn.class_names() == [every[NAMES.index(name)] for name in drawn.item_names() or ()]
    with pytest.raises(gm.InputError, match="there are 2 classes for 3 images"):
        gm.source(place, labels=[0, 1], reading=gm.Reading(sample=2))


def test_sets_without_a_class_in_common_are_told_so() -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    real, fake = gm.source(images, labels=["cat", "dog"] * 4), gm.source(images[::-1].copy(), labels=[0, 1] * 4)
    with pytest.raises(gm.InputError, match="no class is in both sets: the real images have cat, dog, the fake"):
        gm.evaluate(real, fake, metrics=["class_fid"], extractor="pixels")


@pytest.mark.parametrize("labels", [[0, 0, 1], np.array([0, 0, 1]), torch.tensor([0, 0, 1]), ("0", "0", "1")])
def test_a_sequence_gives_them_in_order(folder: gm.Source, labels: object) -> None:
    assert labelled(folder, labels).class_names() == ["0", "0", "1"]


def test_an_array_file_of_whole_numbers(folder: gm.Source, tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.array([3, 3, 10]))
    assert labelled(folder, str(tmp_path / "l.npy")).class_names() == ["3", "3", "10"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.csv", b"a/0.png,cat\n", "2 of 3 images have no class, such as a/1.png"),
        ("l.csv", b"a/0.png\n", "another form"),
        ("l.csv", b"a/0.png,cat\na/1.png,cat\nb/2.png,cat\na/0.png,dog\n", "'a/0.png' is named twice, .* cat and dog"),
        ("l.csv", b"a/0.png,cat\na/1.png,cat\nb/2.png,cat\n./a/0.png,dog\n", "named twice"),
        ("l.json", b'[["a/0.png", 0], ["a/1.png", 0], ["b/2.png", 1], ["a/0.png", 1]]', "named twice"),
        ("l.json", b'{"a/0.png": 0, "a/1.png": 0, "b/2.png": 1, "a/0.png": 1}', "named twice"),
        ("l.json", b'{"labels": [["b/2.png", 0], ["b/2.png", 1]]}', "named twice"),
        ("l.json", b'{"labels": [["a/0.png", 0]], "labels": [["a/0.png", 1]]}', "the key 'labels' stands 2 times"),
        ("l.csv", b"a/0.png,cat\nx/../a/0.png,dog\n", "'a/0.png' is named twice, with the classes cat and dog"),
        ("l.csv", b"a/0.png,cat\n.\\a\\0.png,dog\n", "'a/0.png' is named twice, with the classes cat and dog"),
        ("l.csv", b"a/0.png,cat\na/1.png,\nb/2.png,dog\n", "a class is empty"),
        ("l.json", b'["cat", " ", "dog"]', "a class is empty"),
        ("l.json", b"[0.5, 1, 2]", r"a class is 0\.5; expected whole numbers or names"),
        ("l.txt", b"cat\n\ncat\ndog\n", "line 2 is empty, and the lines behind it would be those of other images"),
        ("l.txt", b"a/0.png cat\ncat\ndog\n", "some lines name an image and no class, or a class and no image"),
        ("l.txt", b"a/0.png\na/1.png\nb/2.png\n", "some lines name an image and no class"),
        ("l.txt", b"a/0.png cat\na/0.png dog\n", "named twice"),
        ("l.csv", b"\xff\xfe\x00", "another form"),
        ("l.json", b"{", "another form"),
        ("l.json", b"[[[1]]]", "another form"),
        ("l.json", b"3", "another form"),
        ("l.json", b'{"labels": null}', "another form"),
        ("l.json", b"[" * 100_000, "another form"),
        ("l.txt", b"cat\n", "1 classes for 3 images"),
        ("l.npy", b"no array", "another form"),
        ("l.xls", b"", "read from .csv, .json, .txt and .npy"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    folder: gm.Source, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((gm.InputError, gm.UsageError), match=words):
        labelled(folder, tmp_path / name)


def test_a_missing_file_pickles_and_fractions_are_refused(folder: gm.Source, tmp_path: Path) -> None:
    with pytest.raises(gm.InputError, match="No such file"):
        labelled(folder, tmp_path / "none.csv")
    np.save(tmp_path / "l.npy", np.array([{}, {}, {}]), allow_pickle=True)
    with pytest.raises(gm.InputError, match="another form"):
        labelled(folder, tmp_path / "l.npy")
    with pytest.raises(gm.UsageError, match="type float"):
        labelled(folder, 3.5)
    with pytest.raises(gm.UsageError, match="a class is empty; expected whole numbers or names"):
        labelled(folder, ["cat", "", "dog"])
    with pytest.raises(gm.UsageError, match=r"class is 0\.5"):
        labelled(folder, [0.5, 1.0, 2.0])


def test_names_need_a_source_with_names(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("a,b\n")
    with pytest.raises(gm.InputError, match="no names to look up"):
        labelled(gm.source(np.zeros((3, 8, 8, 3), dtype=np.uint8)), tmp_path / "l.csv")


def test_an_archive_takes_the_labels_that_stylegan_puts_beside_it(folder: gm.Source, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in NAMES:
            archive.write(tmp_path / "images" / name, name)
    rows = [[name, index // 2] for index, name in enumerate(NAMES)]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": rows}))
    found = labelled(gm.source(tmp_path / "set.zip"), tmp_path / "dataset.json")
    assert found.class_names() == ["0", "0", "1"]
