"""Lists and iterators of images, and patterns of image files: what is read, in which order, what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import Run
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import ganmetrics as gm

ARRAYS = [np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8) for seed in range(70)]
TENSORS = [torch.from_numpy(array).permute(2, 0, 1) for array in ARRAYS]
STACK = torch.stack(TENSORS)


def pictures() -> list[Image.Image]:
    return [Image.fromarray(array) for array in ARRAYS]


def measured(source: Any, **options: Any) -> gm.Statistics:
    return gm.measure(source, extractor="pixels", **options)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("files")
    for number, picture in enumerate(pictures()):
        picture.save(place / f"{number:03d}_fake_B.png")
    Image.fromarray(ARRAYS[0]).save(place / "000_real_A.png")
    return sorted(place.glob("*_fake_B.png"))


LISTS: dict[str, Callable[[list[Path]], Any]] = {
    "PIL images": lambda paths: pictures(),
    "arrays": lambda paths: ARRAYS,
    "tensors": lambda paths: tuple(TENSORS),
    "pairs": lambda paths: [(image, 0) for image in ARRAYS],
    "dictionaries": lambda paths: [{"image": image} for image in ARRAYS],
    "batches": lambda paths: list(STACK.split(32)),
    "lists of images": lambda paths: [pictures()[:20], pictures()[20:]],
    "paths": lambda paths: paths,
    "paths as text": lambda paths: list(map(str, paths)),
    "an iterator": lambda paths: iter(ARRAYS),
    "a generator": lambda paths: (image for image in pictures()),
    "a generator of pairs": lambda paths: ((image, 0) for image in TENSORS),
    "a generator of batches": lambda paths: (batch for batch in STACK.split(32)),
    "a loader's iterator": lambda paths: iter(DataLoader(TensorDataset(STACK, torch.zeros(70)), batch_size=32)),
    "a generator of paths": lambda paths: (path for path in paths),
    "a pattern": lambda paths: str(paths[0].parent / "*_fake_B.png"),
    "a pattern as path": lambda paths: paths[0].parent / "*_fake_?.png",
    "a pattern of any depth": lambda paths: str(paths[0].parent.parent / "**" / "*0??_[f]ake_B.png"),
    "braces": lambda paths: str(paths[0].parent / "{000..069}_fake_B.png"),
}


@pytest.mark.parametrize("case", LISTS)
def test_a_list_an_iterator_and_a_pattern_are_the_images_that_they_hold(case: str, paths: list[Path]) -> None:
    expected, found = measured(STACK), measured(LISTS[case](paths))
    assert (found.count, found.digest, found.order) == (70, expected.digest, expected.order)


def test_the_metric_is_that_of_the_folder_and_the_command_takes_patterns(run: Run, paths: list[Path]) -> None:
    place = paths[0].parent
    value = gm.fid(STACK, pictures()[:40], extractor="pixels").value
    assert gm.fid(paths, place / "{000..039}_fake_B.png", extractor="pixels").value == pytest.approx(value, rel=1e-9)
    done = run("fid", place / "*_fake_B.png", place / "{000..039}_fake_B.png", "--extractor", "pixels")
    assert done.returncode == 0, done.stderr
    assert "fake:#40:" in done.stdout


def test_a_pattern_that_the_shell_took_apart_is_explained(run: Run, paths: list[Path]) -> None:
    done = run("fid", *paths[:4], "--extractor", "pixels")
    assert done.returncode == 2
    assert "A pattern of image files goes in quotes" in done.stderr


def test_a_remote_pattern_is_the_local_one(tmp_path: Path, paths: list[Path]) -> None:
    system = pytest.importorskip("fsspec").filesystem("memory")
    for path in (*paths[:6], paths[0].parent / "000_real_A.png"):
        system.pipe_file(f"{tmp_path}/{int(path.name[:3]) // 2}/{path.name}", path.read_bytes())
    found = gm.source(f"memory:/{tmp_path}/*/*_fake_B.png")
    assert found.class_names() == ["0", "0", "1", "1", "2", "2"]
    assert measured(found).digest == measured(STACK[:6]).digest
    assert gm.source(f"memory:/{tmp_path}/**/*_{{real_A,fake_B}}.png").count == 7
    with pytest.raises(gm.InputError, match="the pattern names no file"):
        gm.source(f"memory:/{tmp_path}/*.jpg")


def test_evaluations_of_batches_take_a_list_as_reference(paths: list[Path]) -> None:
    found = []
    for reference in (STACK, pictures(), iter(ARRAYS), paths, str(paths[0].parent / "*_B.png")):
        evaluation = gm.Evaluation(["fid"], reference, extractor="pixels")
        evaluation.update(STACK[:40])
        found.append(evaluation.compute())
    assert len({result["fid"].signature.real for result in found}) == 1


@pytest.mark.parametrize("case", ["PIL images", "paths", "a generator", "batches", "a pattern"])
def test_shares_are_parts_of_one_order(case: str, paths: list[Path]) -> None:
    from ganmetrics.data.reading.batches import Share

    places: list[int] = []
    for rank in range(2):
        for chosen, images in gm.source(LISTS[case](paths)).share(Share(rank, 2)):
            assert torch.equal(images, STACK[chosen])
            places += chosen.tolist()
    assert sorted(places) == list(range(70))


def test_pairs_and_sub_folders_give_classes(tmp_path: Path) -> None:
    assert gm.source([(image, number % 2) for number, image in enumerate(ARRAYS[:3])]).class_names() == ["0", "1", "0"]
    assert "images alone" in gm.source(ARRAYS).known_classes().remark
    assert "several" in gm.source([(ARRAYS[0], [1, 2])]).known_classes().remark
    for name in ("cat/1.png", "dog/2.png", "dog/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(ARRAYS[0]).save(tmp_path / name, "PNG")
    found = gm.source(str(tmp_path / "*" / "*"))
    assert (found.class_names(), found.item_names()) == (["cat", "dog"], ["cat/1.png", "dog/2.png"])
    assert found.notes.ignored == {".txt": 1}
    assert gm.source([tmp_path / "dog/2.png", tmp_path / "cat/1.png"]).class_names() == ["dog", "cat"]


def test_an_iterator_gives_its_images_once() -> None:
    source = gm.source(iter(ARRAYS))
    assert sum(map(len, source.batches())) == 70
    with pytest.raises(gm.InputError, match=r"were read before.*Pass list\(iterator\)"):
        list(source.batches())


def test_float_images_need_their_range_and_may_carry_gradients() -> None:
    images = [tensor.float().div(255).requires_grad_() for tensor in TENSORS]
    for value in (images, iter(images)):
        found = measured(gm.source(value, value_range=(0, 1)))
        assert found.digest == measured(STACK).digest
    with pytest.raises(gm.InputError, match="range"):
        measured(images)


def failing() -> Iterator[np.ndarray]:
    yield ARRAYS[0]
    raise RuntimeError("the disk of the pipeline is full")


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {  # case: (value, words)
    "no element": (lambda at: [], "there are no images"),
    "no element of an iterator": (lambda at: iter([]), "there are no images"),
    "numbers": (lambda at: [1, 2], "element 0 is of type int; a list or an iterator holds PIL images"),
    "bytes": (lambda at: [b"\x89PNG"], "element 0 is of type bytes"),
    "nothing first": (lambda at: [None] * 3, "element 0 is of type NoneType"),
    "a path among images": (lambda at: [ARRAYS[0], at / "1.png"], "element 1 is a path, and those before it are"),
    "an odd one": (lambda at: [ARRAYS[0], None], "element 1 is of type NoneType"),
    "an odd one among paths": (lambda at: [at / "1.png", ARRAYS[0]], "element 1 is of type ndarray; a list of paths"),
    "a folder twice": (lambda at: [at, at], "the same place stands in the list more than once"),
    "URLs": (lambda at: ["s3://bucket/1.png"], "the place is on the network, which GANMETRICS_OFFLINE forbids"),
    "missing files": (lambda at: [at / "1.png", at / "x.png"], "1 of 2 files are not there, such as '.*x.png'"),
    "a generator that fails": (lambda at: failing(), "it raised RuntimeError: the disk of the pipeline is full"),
    "a pattern of nothing": (lambda at: str(at / "sub*" / "*.png"), "names no file .*nearest existing folder is"),
    "a pattern of folders": (lambda at: str(at.parent / f"{at.name}*"), "names 1 folder and no image"),
    "a pattern of other files": (lambda at: str(at / "*.txt"), r"names no image \(found 1 file, of which .txt 1\)"),
    "a missing name in braces": (lambda at: str(at / "{1,7}.png"), "1 of 2 files are not there, such as '7.png'"),
    "a word with a star": (lambda at: "nowhere*", "the pattern names no file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_list_of_images_is_refused_in_a_sentence(case: str, tmp_path: Path) -> None:
    Image.fromarray(ARRAYS[0]).save(tmp_path / "1.png")
    (tmp_path / "note.txt").write_text("x")
    value, words = REFUSED[case]
    with pytest.raises(gm.GanMetricsError, match=words) as caught:
        gm.evaluate(STACK, value(tmp_path), extractor="pixels")
    assert len(str(caught.value)) < 400


def test_signs_in_names_of_folders_are_no_pattern(tmp_path: Path) -> None:
    place = tmp_path / "run[1]"
    (place / "again").mkdir(parents=True)
    for name in ("1.png", "2.jpg", ".3.png", "again/4.png"):
        Image.fromarray(ARRAYS[0]).save(place / name)
    (place / "loop").symlink_to(place)
    assert gm.source(str(place)).count == 3
    assert gm.source(str(place / "*.png")).item_names() == ["1.png"]
    found = gm.source(str(place / "**" / "*.png"))
    assert found.item_names() == ["1.png", "again/4.png"]
    assert set(found.notes.ignored) == {"file reached twice"}


def test_a_relative_pattern_starts_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("1.png", "2.png"):
        Image.fromarray(ARRAYS[0]).save(name)
    source = gm.source("*.png")
    monkeypatch.chdir(os.sep)
    assert sum(map(len, source.batches())) == 2
