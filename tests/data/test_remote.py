"""Images behind a URL, in tar shards and in Hugging Face data sets: the pixels of the same files on this machine."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.data import Source, open_source
from ganmetrics.data.tar_shards import TarSource
from ganmetrics.data.zip_file import Caps
from ganmetrics.errors import InputError, UsageError

NAMES = [f"{kind}/{number}.png" for kind in ("cats", "dogs") for number in range(5)]


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.RandomState(seed).randint(0, 256, (6, 6, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for seed, name in enumerate(NAMES):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(png(seed))
    return tmp_path / "set"


@pytest.fixture
def there() -> Iterator[str]:
    """The same in fsspec's file system in memory."""
    system = fsspec.filesystem("memory")
    for seed, name in enumerate(NAMES):
        system.pipe_file(f"/bucket/set/{name}", png(seed))
    yield "memory://bucket/set"
    system.rm("/bucket", recursive=True)


def pixels(source: Source) -> torch.Tensor:
    return torch.cat(list(source.batches()))


def test_a_remote_folder_is_the_local_one(here: Path, there: str) -> None:
    local, remote, url = open_source(here), open_source(there), open_source(f"file://{here}")
    assert remote.count == url.count == 10
    assert pixels(remote).equal(pixels(local))
    assert pixels(url).equal(pixels(local))
    assert remote.item_names() == local.item_names() == NAMES
    assert remote.class_names() == local.class_names() == ["cats"] * 5 + ["dogs"] * 5
    found = gm.evaluate(str(here), there, extractor="pixels")
    assert found["fid"].value == pytest.approx(0, abs=1e-9)
    assert any("exactly the same images" in warning for warning in found.warnings)


def test_remote_files_of_other_kinds(here: Path, there: str, tmp_path: Path) -> None:
    """An array, and saved statistics, through a copy that does not stay."""
    system = fsspec.filesystem("memory")
    wanted = pixels(open_source(here))
    np.save(tmp_path / "set.npy", wanted.numpy())
    gm.save_statistics(gm.measure(here, extractor="pixels"), tmp_path / "set.npz")
    for name in ("set.npy", "set.npz"):
        system.pipe_file(f"/bucket/{name}", (tmp_path / name).read_bytes())
    assert pixels(open_source("memory://bucket/set.npy")).equal(wanted)
    assert gm.evaluate("memory://bucket/set.npz", there)["fid"].value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("memory://nowhere/set", InputError, "no such|not there|nothing"),
        ("nothing://bucket/set", UsageError, "nothing"),
        ("memory://bucket/set.tar.gz", UsageError, "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_meant_is_one_sentence(
    there: str, url: str, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GANMETRICS_OFFLINE", raising=False)  # an unknown scheme is told before any network
    with pytest.raises(error, match=words) as caught:
        pixels(open_source(url))
    assert "\n" not in str(caught.value)


def test_secrets_of_a_url_are_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        open_source("http://name:secret@127.0.0.1:9/set/?token=secret")
    assert "secret" not in str(caught.value)


def shard(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as target:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return path


def test_shards_are_read_in_their_order_with_their_classes(tmp_path: Path) -> None:
    for number in range(2):
        keys = range(3 * number, 3 * number + 3)
        members = [(f"{key:04}.png", png(key)) for key in keys] + [(f"{key:04}.cls", b"%d" % (key % 2)) for key in keys]
        shard(tmp_path / f"part-{number}.tar", dict(members))
    for pattern in ("part-{0..1}.tar", "part-*.tar"):
        source = open_source(str(tmp_path / pattern))
        assert source.count == 6
        wanted = [np.asarray(Image.open(io.BytesIO(png(key)))) for key in range(6)]
        assert np.array_equal(pixels(source).permute(0, 2, 3, 1).numpy(), np.stack(wanted))
        assert source.class_names() == ["0", "1", "0", "1", "0", "1"]
    assert open_source(tmp_path / "part-1.tar").count == 3


def test_a_tar_that_is_no_good_is_one_sentence(tmp_path: Path) -> None:
    whole = shard(tmp_path / "whole.tar", {"a.png": png(0), "b.png": png(1)})
    (tmp_path / "cut.tar").write_bytes(whole.read_bytes()[:700])
    for name, words in (
        ("cut.tar", "cut off|incomplete|truncated|ends"),
        ("text.tar", "read"),
        ("none.tar", "no images"),
    ):
        if name == "text.tar":
            (tmp_path / name).write_bytes(b"no archive" * 200)
        if name == "none.tar":
            shard(tmp_path / name, {"readme.txt": b"hello"})
        with pytest.raises(InputError, match=words) as caught:
            pixels(open_source(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_links_in_a_tar_are_the_images_that_they_name(tmp_path: Path) -> None:
    links = [
        ("b/1.png", tarfile.LNKTYPE, "a/1.png"),
        ("c/1.png", tarfile.SYMTYPE, "../a/1.png"),
        ("c/2.png", tarfile.LNKTYPE, "./a/2.png"),
        ("c/readme.txt", tarfile.LNKTYPE, "a/1.png"),
        ("d/3.png", tarfile.SYMTYPE, "/elsewhere/3.png"),
        ("d/4.png", tarfile.LNKTYPE, "c/readme.txt"),
    ]
    path = shard(tmp_path / "x.tar", {"a/1.png": png(1), "a/2.png": png(2)})
    with tarfile.open(path, "a") as archive:
        for name, kind, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    source = open_source(path)
    assert source.item_names() == ["a/1.png", "a/2.png", "b/1.png", "c/1.png", "c/2.png"]
    assert source.class_names() == ["a", "a", "b", "c", "c"]
    first, second, *more = pixels(source)
    assert [bool(image.equal(first)) for image in more] == [True, True, False]
    assert more[2].equal(second)
    assert gm.measure(path, extractor="pixels").count == 5
    caution = "2 links of .*x.tar were left out: what they name is no image file of the archive"
    assert [bool(re.search(caution, each)) for each in source.notes.warnings] == [True]
    with pytest.raises(InputError, match="its links stand for more than"):
        TarSource(path, caps=Caps(total_bytes=3 * len(png(1))))


@pytest.mark.parametrize("lost", [512, 1024])
def test_data_behind_the_end_mark_of_a_tar_are_not_lost(tmp_path: Path, lost: int) -> None:
    first, second = (shard(tmp_path / f"{seed}.tar", {f"{seed}.png": png(seed)}).read_bytes() for seed in range(2))
    (tmp_path / "joined.tar").write_bytes(first + second)
    whole = shard(tmp_path / "holed.tar", {f"{seed}.png": png(seed) for seed in range(3)})
    data = whole.read_bytes()
    place = data.index(b"1.png")
    whole.write_bytes(data[:place] + bytes(lost) + data[place + lost :])
    for name in ("joined.tar", "holed.tar"):
        with pytest.raises(InputError, match=rf"data follow the end mark at byte \d+.*{name}.*tar -A"):
            open_source(tmp_path / name)
    (tmp_path / "padded.tar").write_bytes(first + bytes(1 << 21))
    assert open_source(tmp_path / "padded.tar").count == 1


def test_a_hugging_face_folder_by_name(here: Path) -> None:
    pytest.importorskip("datasets")
    before = {name: value for name, value in os.environ.items() if name.startswith(("HF_", "GANMETRICS_"))}
    source = open_source(f"huggingface:{here}:train")
    assert pixels(source).equal(pixels(open_source(here)))
    assert source.class_names() == ["cats"] * 5 + ["dogs"] * 5
    after = {name: value for name, value in os.environ.items() if name.startswith(("HF_", "GANMETRICS_"))}
    assert after == before
    with pytest.raises(UsageError, match="nosuch"):
        open_source(f"huggingface:{here}:nosuch")
    with pytest.raises(UsageError, match="is named huggingface:NAME:SPLIT"):
        open_source("huggingface:mnist")


@pytest.mark.parametrize("form", ["one split", "splits"])
def test_a_folder_that_save_to_disk_wrote(form: str, here: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(here), split="train")
    # A split alone, of no name, and a dictionary of splits.
    alone = datasets.Dataset.from_dict({"image": loaded["image"]}, features=datasets.Features(image=datasets.Image()))
    saved = alone if form == "one split" else datasets.DatasetDict({"train": loaded})
    saved.save_to_disk(str(tmp_path / "saved"))
    assert pixels(open_source(f"huggingface:{tmp_path / 'saved'}:train")).equal(pixels(open_source(here)))
    if form == "splits":
        with pytest.raises(UsageError, match="has no split nosuch; it has train"):
            open_source(f"huggingface:{tmp_path / 'saved'}:nosuch")
        with pytest.raises(UsageError, match=r"holds the splits train; .* as in huggingface:.*saved:train"):
            open_source(tmp_path / "saved")
    else:
        for value in (tmp_path / "saved", str(tmp_path / "saved")):
            assert pixels(open_source(value)).equal(pixels(open_source(here)))
