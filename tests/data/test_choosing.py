"""Which images of a set are taken: patterns of names, samples, several places, lists of names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler, TensorDataset

import ganmetrics as gm
from ganmetrics.data import Source, open_source
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.measurement.recipe import Signature


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders a, b, c/x and c/y, an archive and an array of four images each, of which each has one level."""
    root = tmp_path_factory.mktemp("place")
    level = 0
    for folder in ("a", "b", "c/x", "c/y"):
        (root / folder).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (8, 8), (level,) * 3).save(root / folder / f"{number}.png")
            level += 1
    shutil.make_archive(str(root / "z"), "zip", root / "a")
    np.savez(root / "n.npz", np.full((4, 8, 8, 3), 99, np.uint8))
    return root


@pytest.fixture(autouse=True)
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def levels(source: Source) -> list[int]:
    return [int(image[0, 0, 0]) for batch in source.batches() for image in batch]


def places_of(source: Source, share: Share) -> list[int]:
    return [place for places, _ in source.share(share) for place in places.tolist()]


def opened(value: object, **choices: object) -> Source:
    return open_source(value, reading=gm.Reading(workers=0, **choices))  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "wanted"), [
    ("a,b", range(8)),
    ("b/, a/", [4, 5, 6, 7, 0, 1, 2, 3]),
    ("a/*.png,c/x", [0, 1, 2, 3, 8, 9, 10, 11]),
    ("{a,b}/1.png,c/y", [1, 5, 12, 13, 14, 15]),
    ("a/2.png,b", [2, 4, 5, 6, 7]),
    ("z.zip,n.npz", [0, 1, 2, 3, 99, 99, 99, 99]),
    (["a", "b/3.png"], [0, 1, 2, 3, 7]),
    ([Path("c/x"), "z.zip"], [8, 9, 10, 11, 0, 1, 2, 3]),
    (["a/3.png", "b/0.png"], [3, 4]),
])  # fmt: skip
def test_several_places_are_one_set_in_their_order(value: object, wanted: list[int]) -> None:
    source = opened(value)
    assert source.count == len(list(wanted))
    assert levels(source) == list(wanted)
    assert levels(source) == list(wanted), "read again"
    assert source.notes.sizes.total() == len(list(wanted))


def test_a_folder_whose_name_holds_a_comma_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a,b").mkdir()
    Image.new("RGB", (4, 4), (7, 7, 7)).save("a,b/1.png")
    assert levels(opened("a,b")) == [7]


@pytest.mark.parametrize(("value", "said"), [
    ("a,nowhere", r"no such file or folder \(nowhere\)"),
    ("a,a/", "the same place stands in the list more than once"),
    (["a", 3], "element 1 is of type int"),
    ("a,huggingface:x", "named huggingface:NAME:SPLIT"),
    (["a", iter(())], "element 1 is of type"),
])  # fmt: skip
def test_places_that_cannot_be_joined_are_refused(value: object, said: str) -> None:
    with pytest.raises(gm.GanMetricsError, match=said):
        opened(value)


def test_shares_of_a_joined_or_chosen_set_make_up_the_whole(tmp_path: Path) -> None:
    """Blocks of 512 are dealt out, so that 1,200 images make several."""
    for part in ("p", "q"):
        (tmp_path / part).mkdir()
        Image.new("RGB", (1, 1)).save(tmp_path / part / "0.png")
        for number in range(1, 600):
            os.link(tmp_path / part / "0.png", tmp_path / part / f"{number}.png")
    for choices in ({}, {"sample": 1100}, {"exclude": "*7.png"}):
        source = opened(f"{tmp_path / 'p'},{tmp_path / 'q'}", **choices)
        every = list(range(source.count or 0))
        shares = [places_of(source, Share(rank, 3)) for rank in range(3)]
        assert all(shares)
        assert sorted(place for share in shares for place in share) == every
        assert places_of(source, WHOLE) == every


def test_names_and_classes_of_joined_places() -> None:
    source = opened("a,c/x")
    assert source.item_names() == [*(f"a/{n}.png" for n in range(4)), *(f"c/x/{n}.png" for n in range(4))]
    assert source.class_names() is None
    both = gm.source("a,b", labels=["1", "2"] * 4)
    assert both.class_names() == ["1", "2"] * 4
    assert opened("c,c/../c/x", classes="folders").class_names() is None
    assert gm.source("c", reading=gm.Reading(include="1.png")).class_names() == ["x", "y"]


@pytest.mark.parametrize(("text", "choices", "wanted"), [
    ("a/1.png\nb/2.png\n", {}, [1, 6]),
    ("\ufeff# a comment\n\n  b/2.png  \na/1.png\n", {}, [6, 1]),
    ("x\ny/0.png\n", {"root": "c"}, [8, 9, 10, 11, 12]),
    ("c/*/1.png\nz.zip\n", {}, [9, 13, 0, 1, 2, 3]),
])  # fmt: skip
def test_a_list_of_names(text: str, choices: dict[str, str], wanted: list[int]) -> None:
    Path("names.txt").write_text(text, encoding="utf-8")
    assert levels(opened("@names.txt", **choices)) == wanted


def test_names_in_a_list_start_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (place / "a" / "names.lst").write_text("1.png\n0.png\n")
    assert levels(opened(f"@{place / 'a' / 'names.lst'}")) == [1, 0]


@pytest.mark.parametrize(("content", "said"), [
    (b"a/1.png\nq/2.png\n", r"1 of 2 files are not there.*\(@bad.txt\).*`root` names another folder"),
    (b"", "the list names no image"),
    (b"# nothing\n", "the list names no image"),
    (b"\xff\xfe\x00", "no UTF-8 text"),
    (None, "the list of names cannot be read"),
])  # fmt: skip
def test_bad_lists_of_names_are_refused(content: bytes | None, said: str) -> None:
    Path("bad.txt").unlink(missing_ok=True)
    if content is not None:
        Path("bad.txt").write_bytes(content)
    with pytest.raises(gm.InputError, match=said):
        opened("@bad.txt")


@pytest.mark.parametrize(("choices", "wanted"), [
    ({"include": "1.png"}, [9, 13]),
    ({"include": "x/*"}, [8, 9, 10, 11]),
    ({"include": ["x/0.png", "y/[!12].png"]}, [8, 12, 15]),
    ({"exclude": "**/[0-2].png"}, [11, 15]),
    ({"include": "*.png", "exclude": ("y/**", "?.png.bak")}, [8, 9, 10, 11]),
    ({"include": "*", "exclude": "[01].*"}, [10, 11, 14, 15]),
])  # fmt: skip
def test_patterns_of_names(choices: dict[str, object], wanted: list[int]) -> None:
    assert levels(opened("c", **choices)) == wanted


def test_patterns_that_leave_nothing_or_go_with_no_names() -> None:
    with pytest.raises(gm.InputError, match=r"none of 4 images is left by include=\*.jpg; one of them is 0.png"):
        opened("a", include="*.jpg")
    with pytest.raises(gm.InputError, match="the images have no names"):
        opened("n.npz", exclude="1*")


def test_a_sample_depends_on_names_and_seed_alone(tmp_path: Path) -> None:
    drawn = levels(opened("c", sample=3))
    assert len(drawn) == 3 and drawn == sorted(drawn)
    assert levels(opened("c", sample="3@2020")) == drawn
    assert any(levels(opened("c", sample=f"3@{seed}")) != drawn for seed in range(5))
    assert set(drawn) <= set(levels(opened("c", sample=5))), "a larger sample holds the smaller one"
    shutil.make_archive(str(tmp_path / "c"), "zip", "c")
    assert levels(opened(tmp_path / "c.zip", sample=3)) == drawn
    assert levels(opened("c", sample="first:3")) == [8, 9, 10]
    assert len(levels(opened("c", sample=2, include="x/*"))) == 2


def test_a_sample_of_images_without_names() -> None:
    images = torch.arange(100, dtype=torch.uint8)[:, None, None, None].expand(100, 3, 4, 4)
    drawn = levels(opened(images, sample=20))
    assert len(set(drawn)) == 20
    assert levels(opened(images, sample=20)) == drawn
    assert levels(opened(list(images), sample=20)) == drawn
    assert levels(opened(list(images), sample="first:3")) == [0, 1, 2]


class Streamed(IterableDataset):
    """Images of a rising level, whose number nobody tells."""

    def __init__(self, num: int) -> None:
        self.num, self.given = num, 0

    def __iter__(self) -> Iterator[torch.Tensor]:
        for level in range(self.num):
            self.given += 1
            yield torch.full((3, 4, 4), level % 256, dtype=torch.uint8)


def test_a_sample_of_images_that_come_one_by_one_is_that_of_their_list() -> None:
    images = list(Streamed(100))
    drawn = levels(opened(images, sample=20))
    for stream in (iter(images), Streamed(100), DataLoader(Streamed(100), 7)):
        source = opened(stream, sample=20)
        assert source.count == 20
        assert levels(source) == drawn
        assert source.notes.sizes == {(4, 4): 20}
    shares = [places_of(opened(Streamed(1200), sample=1100), Share(rank, 2)) for rank in range(2)]
    assert sorted(shares[0] + shares[1]) == list(range(1100)) and all(shares)
    endless = Streamed(10**9)
    assert levels(opened(endless, sample="first:5")) == [0, 1, 2, 3, 4]
    assert endless.given < 1000
    for sample in (101, "first:101"):
        with pytest.raises(gm.InputError, match="a sample of 101 is asked for, and there are 100 images"):
            levels(opened(Streamed(100), sample=sample))


def test_a_sample_of_what_a_function_makes() -> None:
    images = torch.arange(150, dtype=torch.uint8)[:, None, None, None].expand(150, 3, 4, 4)
    place = iter([0, 64, 128] * 2)

    def made(num: int) -> torch.Tensor:
        start = next(place)
        return images[start : start + num]

    reading = gm.Reading(sample=20)
    assert levels(gm.source(made, num_images=150, reading=reading)) == levels(opened(images, sample=20))
    assert gm.source(made, num_images=150, reading=reading).count == 20


@pytest.mark.parametrize("sample", [5, "first:5"])
def test_a_loader_of_no_fixed_order_has_no_sample(sample: object) -> None:
    data = TensorDataset(torch.zeros(20, 3, 4, 4, dtype=torch.uint8), torch.arange(20) % 2)
    assert opened(DataLoader(data, 3), sample=sample).count == 5
    shuffled = BatchSampler(RandomSampler(data), 3, drop_last=False)
    for loader in (DataLoader(data, 3, shuffle=True), DataLoader(data, batch_sampler=shuffled)):
        with pytest.raises(gm.InputError, match=r"another order each time.* Pass the data set itself"):
            opened(loader, sample=sample)
        assert opened(loader).class_names() is None


@pytest.mark.parametrize(("choices", "said"), [
    ({"sample": 1}, "sample is 1"),
    ({"sample": "first:3@4"}, "sample is"),
    ({"sample": "half"}, "sample is 'half'"),
    ({"sample": True}, "sample is True"),
    ({"include": 3}, "include is 3"),
    ({"include": ""}, "include is ''"),
    ({"exclude": ["a|b"]}, "exclude is"),
    ({"exclude": [3]}, "exclude is"),
    ({"root": 3}, "it must be a path"),
])  # fmt: skip
def test_choices_that_cannot_be_meant_are_refused(choices: dict[str, object], said: str) -> None:
    with pytest.raises(gm.UsageError, match=said):
        gm.Reading(**choices)  # type: ignore[arg-type]


def test_the_signature_names_what_picks_images() -> None:
    found = gm.evaluate(opened("a,b", sample=5, exclude="0.png"), opened("c"), extractor="pixels")
    assert ":exclude=0.png:sample=5@2020|fake:#8:" in str(found["fid"].signature)
    assert Signature.parse(str(found["fid"].signature)) == found["fid"].signature


def test_results_of_image_translation_are_noticed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        for role in ("real_A", "fake_B", "real_B"):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{number}_{role}.png")
    found = gm.evaluate(tmp_path, "c", extractor="pixels")
    [said] = [text for text in found.warnings if "inputs and results" in text]
    assert "4 *_fake_B, 4 *_real_A, 4 *_real_B" in said and "include" in said
    assert "`include='*_fake_B.*'` takes one kind" in next(
        text for text in gm.evaluate("c", tmp_path, extractor="pixels").warnings if "inputs and results" in text
    )
    assert "`include='*_real_B.*'` takes one kind" in said
    joined = gm.evaluate(f"{tmp_path},c/x", "c", extractor="pixels")
    assert any("4 *_fake_B, 4 *_real_A, 4 *_real_B, 4 others" in text for text in joined.warnings)
    left = gm.evaluate(opened(tmp_path, exclude="*_A.png"), "c", extractor="pixels")
    assert any("translation: 4 *_fake_B, 4 *_real_B. " in text for text in left.warnings)
    chosen = opened(tmp_path, include="*_real_B.png")
    assert not [text for text in gm.evaluate(chosen, "c", extractor="pixels").warnings if "inputs and results" in text]
