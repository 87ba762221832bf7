"""Classes that images bring along: one rule, whatever holds them; what are no classes; and what is said about it."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset

import ganmetrics as gm

Files = dict[str, bytes]


def png(number: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.full((4, 4, 3), number % 251, dtype=np.uint8)
    pixels[0, 0] = number // 251
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def images(*names: str) -> Files:
    return {name: png(number) for number, name in enumerate(names)}


def with_classes(names: list[str], labels: Any, place: str = "") -> Files:
    return {**images(*names), f"{place}dataset.json": json.dumps({"labels": labels}).encode()}


def a_folder(files: Files, at: Path, prefix: str = "") -> str:
    for name, content in files.items():
        path = at / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(at / "folder")


def a_zip(files: Files, at: Path, prefix: str = "") -> str:
    with zipfile.ZipFile(at / "x.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
    return str(at / "x.zip")


def a_tar(files: Files, at: Path, prefix: str = "") -> str:
    with tarfile.open(at / "x.tar", "w") as archive:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(prefix + name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return str(at / "x.tar")


def a_remote_folder(files: Files, at: Path, prefix: str = "") -> str:
    system = pytest.importorskip("fsspec").filesystem("memory")
    for name, content in files.items():
        system.pipe_file(f"{at}/{name}", content)
    return f"memory:/{at}"


HOLDERS: dict[str, Callable[[Files, Path], str]] = {
    "folder": a_folder,
    "zip": a_zip,
    "zip of ./": lambda files, at: a_zip(files, at, "./"),
    "zip of a folder": lambda files, at: a_zip(files, at, "set/"),
    "tar": a_tar,
    "tar of ./": lambda files, at: a_tar(files, at, "./"),
    "remote folder": a_remote_folder,
}
CHUNKS = [f"{number // 3:05d}/img{number:08d}.png" for number in range(8)]
TREES: dict[str, tuple[Files, list[str] | None, str]] = {  # case: (files, classes, what is said)
    "names": (images("cat/1.png", "cat/2.png", "dog/1.png"), ["cat", "cat", "dog"], ""),
    "digits": (images("0/5.png", "1/3.png", "1/9.png", "9/4.png"), ["0", "1", "1", "9"], ""),
    "ImageNet's numbers": (images("0/a.png", "10/b.png", "999/a.png"), ["0", "10", "999"], ""),
    "below another folder": (images("train/cat/1.png", "train/dog/1.png"), ["cat", "dog"], ""),
    "traffic signs": (
        images("00000/00000_00000.png", "00000/00000_00001.png", "00001/00000_00000.png", "00002/00000_00000.png"),
        ["00000", "00000", "00001", "00002"],
        "taken for classes, though such names are mostly those of numbered chunks",
    ),
    "numbers that run on": (
        images("0/000.png", "0/001.png", "1/002.png", "2/003.png"),
        ["0", "0", "1", "2"],
        'the sub-folders 0, 1, 2 are taken for classes, though file numbers run on .*classes="none"',
    ),
    "StyleGAN's chunks": (images(*CHUNKS), None, "the sub-folders 00000, 00001, 00002 are numbered chunks"),
    "FFHQ's": (images("00000/00000.png", "01000/01000.png", "02000/02000.png"), None, "numbered chunks, not classes"),
    "FFHQ's test split": (images("60000/60000.png", "61000/61001.png"), None, "are numbered chunks, not classes"),
    "edm2's": (images("000000/000000.png", "000000/000999.png", "001000/001000.png"), None, "numbered chunks"),
    "img2dataset's": (images("00000/000000007.png", "00003/000030002.png"), None, "are numbered chunks"),
    "chunks with images missing": (images(*CHUNKS[1:4], *CHUNKS[6:]), None, "are numbered chunks"),
    "chunks whose files start again": (images("00000/0.png", "00000/1.png", "00001/0.png"), None, "numbered chunks"),
    "many chunks": (images(*(f"{k:05d}/img{k:08d}.png" for k in range(12))), None, "00000 to 00011 are numbered"),
    "splits": (images("train/1.png", "test/1.png"), None, "the sub-folders test, train are splits of a data set"),
    "parts": (images("rank0/1.png", "rank1/1.png", "rank10/1.png"), None, "are numbered parts, not classes"),
    "chunks without padding": (images("0/7.png", "1000/1007.png", "2000/2007.png"), None, "are numbered chunks, not"),
    "classes of one image each": (images("0/a.png", "10/b.png", "20/c.png"), ["0", "10", "20"], ""),
    "hashes": (
        images("0a/0a9c8d7e6f.png", "b1/b1aaaaaaaa.png"),
        None,
        "0a, b1 are the first characters of the names of",
    ),
    "letters of two levels": (images("a/b/abc.png", "c/d/cde.png"), None, "a, c are the first characters of the names"),
    "many hashes": (
        images(*(f"{k:02x}/1.png" for k in range(0, 256, 9))),
        None,
        "taken for the first digits of hashes, not",
    ),
    "few hashes": (
        images("2d/1.png", "a7/1.png"),
        ["2d", "a7"],
        "taken for classes, though .* also the first digits of h",
    ),
    "ImageNet's files": (
        images("n01440764/n01440764_1.png", "n01443537/n01443537_2.png"),
        ["n01440764", "n01443537"],
        "",
    ),
    "letters": (images("A/A1.png", "B/B1.png"), ["A", "B"], ""),
    "padded numbers": (images("000/1.png", "001/1.png"), ["000", "001"], "such numbers are also those of chunks"),
    "numbers before words": (images("2d/1.png", "30d/1.png"), ["2d", "30d"], ""),
    "years": (images("1999/1.png", "2000/1.png"), ["1999", "2000"], ""),
    "dates": (
        images("2024-01-01/1.png", "2024-01-02/1.png"),
        None,
        "taken for pieces of one set, of which each has a range",
    ),
    "subjects by a letter": (
        images("s1/1.png", "s2/1.png"),
        None,
        "s1, s2 are taken for pieces of one set, whose names diff",
    ),
    "a piece among classes": (
        images("cat/1.png", "seed0/1.png"),
        ["cat", "seed0"],
        "though seed0 is named like a piece",
    ),
    "kinds of pictures": (
        images("fake/1.png", "real/1.png"),
        ["fake", "real"],
        "though these are names of kinds of pictures",
    ),
    "splits by domain": (images("trainA/1.png", "testB/1.png"), None, "testB, trainA are splits of a data set, not"),
    "one sub-folder": (images("cat/1.png", "cat/2.png"), None, "all images lie in one sub-folder, .*cat/"),
    "none": (images("1.png", "2.png"), None, "no image lies in a sub-folder|all images lie in one sub-folder, set/"),
    "some in none": (images("1.png", "cat/2.png", "dog/1.png"), None, "1 of 3 images lie in no sub-folder"),
    "dataset.json": (
        with_classes(CHUNKS, [[name, k % 2] for k, name in reversed(list(enumerate(CHUNKS)))]),
        ["0", "1", "0", "1", "0", "1", "0", "1"],
        "",
    ),
    "dataset.json before sub-folders": (
        with_classes(["cat/1.png", "dog/1.png"], [["cat/1.png", "fur"], ["./dog/1.png", "fur"], ["gone.png", 3]]),
        ["fur", "fur"],
        "",
    ),
    "FFHQ's dataset.json": (with_classes(CHUNKS, None), None, "are numbered chunks, not classes"),
    "another dataset.json": ({**images("a/1.png", "b/1.png"), "dataset.json": b'{"name": "x"}'}, ["a", "b"], ""),
    "one without an entry": (
        with_classes(["a/1.png", "b/1.png"], [["a/1.png", 0]]),
        None,
        "in .*dataset.json no class is given for 1 of 2 images, such as .*b/1.png",
    ),
    "one name with two classes": (
        with_classes(["a/1.png"], [["a/1.png", 0], ["a/1.png", 1]]),
        None,
        "'a/1.png' is named twice, with the classes 0 and 1",
    ),
    "one name in two spellings": (
        with_classes(["a/1.png"], [["a/1.png", 0], ["b/..\\a/1.png", 1]]),
        None,
        "'a/1.png' is named twice, with the classes 0 and 1",
    ),
    "an empty class": (
        with_classes(["a/1.png"], [["a/1.png", " "]]),
        None,
        "dataset.json is of another form .*: a class is empty",
    ),
    "labels twice": (
        {**images("a/1.png"), "dataset.json": b'{"labels": [["a/1.png", 0]], "labels": [["a/1.png", 1]]}'},
        None,
        "dataset.json is of another form .*: the key 'labels' stands 2 times",
    ),
    "camera poses": (with_classes(["a/1.png"], [["a/1.png", [0.5, 1.0]]]), None, "several numbers for an image"),
    "another form": (with_classes(["a/1.png"], [["a/1.png", 0.5]]), None, "of another form than StyleGAN's"),
    "no JSON": ({**images("a/1.png", "b/1.png"), "dataset.json": b"{"}, None, "dataset.json is no JSON"),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("case", TREES)
def test_one_rule_for_classes_whatever_holds_the_images(case: str, holder: str, tmp_path: Path) -> None:
    files, classes, words = TREES[case]
    source = gm.source(HOLDERS[holder](files, tmp_path), reading=gm.Reading(workers=0))
    found = source.known_classes()
    assert found.names == classes == source.class_names()
    assert (found.remark == "") == (words == "")
    assert (found.hint == "") == (classes is not None)
    assert re.search(words, found.remark), found.remark


PIECES = [
    *("seed{}/1", "process_{}/1", "step{}000/1", "cuda{}/1", "job-{}/1", "run_{}/1", "subset{}/1", "fold{}/1"),
    *("epoch_00{}/1", "rank{}/cat/1", "sa_00{}/1", "images_00{}/images/1", "part-0000{}-of-00003/1", "batch {} of 3/1"),
    *("00{}000-00{}999/1", "2024-01-0{}/1", "Shard.{}/1", "cfg{}.5/1"),
]


@pytest.mark.parametrize("name", PIECES)
def test_pieces_of_one_set_are_no_classes(name: str, tmp_path: Path) -> None:
    place = a_folder(images(*(f"{name}.png".replace("{}", str(k)) for k in range(3))), tmp_path)
    found = gm.source(place).known_classes()
    assert (found.names, found.is_caution) == (None, True)
    assert re.search(
        "the sub-folders .* (are numbered parts|are taken for pieces of one set).*, not (for )?classes", found.remark
    )
    assert 'If they are classes, pass `gm.Reading(classes="folders")`' in found.hint
    assert gm.source(place, reading=gm.Reading(classes="folders")).class_names()


@pytest.mark.parametrize("stem", ["class", "Class ", "digit_", "label-", "n0144076", "id1000", "person_", "c", ""])
def test_numbered_classes_stay_classes(stem: str, tmp_path: Path) -> None:
    place = a_folder(images(*(f"{stem}{k}/img{j}.png" for k in range(10) for j in range(2))), tmp_path)
    found = gm.source(place).known_classes()
    assert found.names == sorted(f"{stem}{k}" for k in range(10) for _ in range(2))
    assert found.remark == ""


def test_what_holds_the_images_changes_neither_their_digest_nor_their_order(tmp_path: Path) -> None:
    files = images("b/1.png", "a/2.png", "a-b/3.png", "c.png", "b/10.png")
    places = [HOLDERS[holder](files, tmp_path) for holder in ("folder", "zip", "tar", "remote folder")]
    places.append(a_zip(files, tmp_path / "folder", "./"))
    found = [gm.measure(place, extractor="pixels", reading=gm.Reading(workers=0)) for place in places]
    assert len({(each.digest, each.order) for each in found}) == 1


def test_a_name_that_an_archive_writes_in_two_ways_is_one_name(tmp_path: Path) -> None:
    for place in (
        a_zip({"1.png": png(1), "./1.png": png(2)}, tmp_path),
        a_tar({"1.png": b"", "./1.png": b""}, tmp_path),
    ):
        with pytest.raises(gm.InputError, match=r"stands in it (2 times|twice)"):
            gm.source(place)


def test_sub_folders_are_classes_where_the_caller_says_so(tmp_path: Path) -> None:
    place = a_folder(with_classes(CHUNKS, [[name, 0] for name in CHUNKS]), tmp_path)
    forced, none = (gm.source(place, reading=gm.Reading(classes=rule)).class_names() for rule in ("folders", "none"))
    assert (forced, none) == ([name[:5] for name in CHUNKS], None)
    with pytest.raises(gm.UsageError, match=r"classes is 'folder'; it must be one of auto, folders, none"):
        gm.Reading(classes="folder")


def test_several_archives_are_judged_together(tmp_path: Path) -> None:
    for number, name in enumerate(("cat", "dog")):
        a_tar(images(f"{name}/1.png"), tmp_path)
        (tmp_path / "x.tar").rename(tmp_path / f"s-{number}.tar")
    assert gm.source(str(tmp_path / "s-{0..1}.tar")).class_names() == ["cat", "dog"]
    a_tar(with_classes(["ant/1.png"], [["ant/1.png", 0]]), tmp_path)
    (tmp_path / "x.tar").rename(tmp_path / "s-2.tar")
    assert "where it lies in one archive" in gm.source(str(tmp_path / "s-{0..2}.tar")).known_classes().remark


class Pairs(Dataset):
    def __init__(self, labels: Any, name: str = "targets", classes: list[str] | None = None) -> None:
        self.images = torch.arange(len(labels) * 48, dtype=torch.uint8).reshape(-1, 3, 4, 4)
        setattr(self, name, labels)
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], 0


TARGETS = [3, 1, 2, 1]
SETS: dict[str, tuple[Any, list[str] | None, str]] = {
    "targets": (Pairs(TARGETS), ["3", "1", "2", "1"], ""),
    "a tensor": (Pairs(torch.tensor(TARGETS)), ["3", "1", "2", "1"], ""),
    "labels [N, 1]": (Pairs(np.array(TARGETS)[:, None], "labels"), ["3", "1", "2", "1"], ""),
    "names": (Pairs(["a", "b"], "labels"), ["a", "b"], ""),
    "subset": (Subset(Pairs(TARGETS), [2, 0]), ["2", "3"], ""),
    "subset of a subset": (Subset(Subset(Pairs(TARGETS), [2, 0, 1]), [1]), ["3"], ""),
    "concatenation": (ConcatDataset([Pairs([1, 2]), Subset(Pairs(TARGETS), [0])]), ["1", "2", "3"], ""),
    "tensors": (TensorDataset(Pairs(TARGETS).images, torch.tensor(TARGETS)), ["3", "1", "2", "1"], ""),
    "loader": (DataLoader(Pairs(TARGETS), batch_size=3), ["3", "1", "2", "1"], ""),
    "loader that drops": (DataLoader(Pairs(TARGETS), batch_size=3, drop_last=True), ["3", "1", "2"], ""),
    "loader that shuffles": (DataLoader(Pairs(TARGETS), shuffle=True), None, "another order"),
    "several of each": (Pairs(torch.zeros(4, 40)), None, r"targets are several for each image, of shape \[4, 40\]"),
    "lists of several": (Pairs([[0, 1], [1, 0]]), None, "several for an image, such as 2"),
    "unlabelled": (Pairs(np.array([0, -1, 2]), "labels"), None, "negative for 1 of 3 images"),
    "two signs": (Pairs([1, -1]), ["1", "-1"], ""),
    "private labels": (Pairs([1, 0], "_labels"), ["1", "0"], ""),
    "fractions": (Pairs([0.5, 1.0]), None, "of type float, not whole numbers"),
    "several in a subset": (Subset(Pairs(np.zeros((4, 14), int), "labels"), [0]), None, r"of shape \[4, 14\]"),
    "parts that number otherwise": (
        ConcatDataset([Pairs([0], classes=["cat"]), Pairs([0], classes=["dog"])]),
        None,
        "number different classes",
    ),
    "nothing": (TensorDataset(Pairs(TARGETS).images), None, "no targets or labels"),
}


@pytest.mark.parametrize("case", SETS)
def test_the_classes_of_a_data_set(case: str) -> None:
    dataset, classes, words = SETS[case]
    found = gm.source(dataset).known_classes()
    assert found.names == classes
    assert re.search(words, found.remark), found.remark


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        (np.array([0, 1, 1, 10]), ["0", "1", "1", "10"], ""),
        (np.array([[0], [1], [1], [0]], np.uint8), ["0", "1", "1", "0"], ""),
        (np.zeros((4, 1000), np.int64), None, r"arr_1 is int64 \[4, 1000\]; expected whole numbers \[4\]"),
        (np.zeros(3, np.int64), None, r"arr_1 is int64 \[3\]"),
        (np.zeros(4), None, r"arr_1 is float64 \[4\]"),
        (None, None, "no array arr_1 of classes beside arr_0"),
    ],
)
def test_the_classes_of_an_array_file(tmp_path: Path, labels: Any, classes: Any, words: str) -> None:
    arrays = [np.zeros((4, 4, 4, 3), np.uint8)] + ([] if labels is None else [labels])
    np.savez(tmp_path / "x.npz", *arrays)
    found = gm.source(tmp_path / "x.npz").known_classes()
    assert found.names == classes
    assert re.search(words, found.remark)


def by_class(kind: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, kind]).integers(0, 100, (28, 28, 3), dtype=np.uint8) + np.uint8(150 * kind)


@pytest.fixture
def chunked(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two folders of numbered chunks of 20 images, dark and bright ones in turn, and the classes in dataset.json."""
    places = []
    for seed in range(2):
        names = [f"{number // 20:05d}/img{number:08d}.png" for number in range(60)]
        files = {name: io.BytesIO() for name in names}
        for number, name in enumerate(names):
            Image.fromarray(by_class(number % 2, 100 * seed + number)).save(files[name], "PNG")
        content = {name: stream.getvalue() for name, stream in files.items()}
        content["dataset.json"] = with_classes([], [[name, k % 2] for k, name in enumerate(names)])["dataset.json"]
        at = tmp_path / str(seed)
        at.mkdir()
        places.append(a_folder(content, at))
    return places[0], places[1]


def test_every_use_of_classes_follows_the_rule(chunked: tuple[str, str]) -> None:
    real, fake = chunked
    with_json = gm.evaluate(real, fake, metrics=["class_fid"], extractor="pixels", ci="off")["class_fid"].value
    digests = [gm.measure(place, extractor="pixels").digest for place in chunked]
    for place in chunked:
        Path(place, "dataset.json").unlink()
    assert [gm.measure(place, extractor="pixels").digest for place in chunked] == digests
    with pytest.raises(gm.InputError, match=r"numbered chunks, not classes.*classes=\"folders\"") as caught:
        gm.evaluate(real, fake, metrics=["class_fid"], extractor="pixels")
    assert caught.value.code == "E-LABELS"
    result = gm.evaluate(real, fake, metrics=["class_fid", "fid"], extractor="pixels", ci="off",
                         reading=gm.Reading(classes="folders"))  # fmt: skip
    assert result["class_fid"].value != pytest.approx(with_json)
    attribution = gm.attribute(real, fake, extractor="pixels")
    [caution] = [each for each in attribution.warnings if "chunks" in each]
    assert caution.startswith("fake: the sub-folders 00000, 00001, 00002 are numbered chunks, not classes")
    assert '`gm.Reading(classes="folders")`' in caution
    plain = gm.evaluate(real, fake, extractor="pixels", ci="off")
    assert not any("chunks" in each for each in plain.warnings)  # nobody asked for classes


@pytest.mark.slow
def test_a_diagnosis_follows_the_rule_and_accuses_nobody_of_it(chunked: tuple[str, str]) -> None:
    real, fake = chunked
    assert set(gm.diagnose(real, fake, extractor="pixels").pair.classes.names) == {"0", "1"}
    for place in chunked:
        Path(place, "dataset.json").unlink()
    diagnosis = gm.diagnose(real, fake, extractor="pixels")
    assert diagnosis.pair.classes is None
    assert any("real: the sub-folders 00000" in each for each in diagnosis.result.warnings)
    assert "chunks" not in diagnosis["input trouble"].sentence


def test_all_metrics_leave_out_what_needs_a_class_of_each_image() -> None:
    rng = torch.Generator().manual_seed(0)
    sides = [Pairs(torch.zeros(64, 40, dtype=torch.long)) for _ in range(2)]
    for side in sides:
        side.images = torch.randint(256, (64, 3, 8, 8), dtype=torch.uint8, generator=rng)
    result = gm.evaluate(*sides, metrics="all", extractor="pixels", ci="off")
    assert "several for each image, of shape [64, 40]" in result.left_out["class_fid"]
    with pytest.raises(gm.InputError, match=r"one whole number or name for each image"):
        gm.evaluate(*sides, metrics=["class_fid"], extractor="pixels")
