"""Images in tables, databases and videos: Parquet, HDF5, LMDB, video files."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.data import Source, open_source

NUM = 10
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (NUM, 16, 12, 3), dtype=np.uint8)
LABELS = [number % 3 for number in range(NUM)]


def encoded(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PNGS = [encoded(pixels) for pixels in PIXELS]


def opened(value: object, **choices: object) -> Source:
    return open_source(value, reading=gm.Reading(**choices))  # type: ignore[arg-type]


def check(source: Source, wanted: np.ndarray = PIXELS) -> None:
    assert source.count == len(wanted)
    for _ in range(2):
        found = torch.cat(list(source.batches())).permute(0, 2, 3, 1).numpy()
        assert np.array_equal(found, wanted)


# --- Parquet ---------------------------------------------------------------------------------------------------------


def table(path: Path, rows: int = NUM, **columns: object) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    parquet.write_table(arrow.table(columns).slice(0, rows), path, row_group_size=3)


@pytest.mark.parametrize("columns", [
    {"image": PNGS},
    {"whatever": PNGS, "text": ["a caption"] * NUM},
    {"image": [{"bytes": png, "path": None} for png in PNGS], "other": PNGS},
    {"file_name": [f"{number}.png" for number in range(NUM)]},
    {"image": [{"bytes": None, "path": f"{number}.png"} for number in range(NUM)]},
])  # fmt: skip
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_parquet_file_of_encoded_images_or_of_paths(tmp_path: Path, columns: dict[str, object], workers: int) -> None:
    for number, png in enumerate(PNGS):
        (tmp_path / f"{number}.png").write_bytes(png)
    table(tmp_path / "x.parquet", label=LABELS, **columns)
    source = opened(tmp_path / "x.parquet", workers=workers)
    check(source)
    assert source.class_names() == [str(label) for label in LABELS]
    assert (source.item_names() or [])[4] == "x.parquet/000004"
    assert opened(tmp_path / "x.parquet", classes="none").class_names() is None


def test_parquet_files_by_a_pattern_and_the_names_of_classes(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "owl"])})
    rows = {"image": [{"bytes": png, "path": None} for png in PNGS], "label": LABELS}
    data = datasets.Dataset.from_dict(rows, features=features)
    data.select(range(6)).to_parquet(str(tmp_path / "train-0.parquet"))
    data.select(range(6, NUM)).to_parquet(str(tmp_path / "train-1.parquet"))
    source = opened(tmp_path / "train-*.parquet")
    check(source)
    assert source.class_names() == [["cat", "dog", "owl"][label] for label in LABELS]
    check(opened(f"{tmp_path / 'train-0.parquet'},{tmp_path / 'train-1.parquet'}"))
    check(opened(tmp_path / "train-*.parquet", sample="first:4"), PIXELS[:4])


def test_bad_parquet_files_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing PAR1")
    table(tmp_path / "text.parquet", text=["a"] * NUM)
    table(tmp_path / "two.parquet", left=PNGS, right=PNGS)
    table(tmp_path / "cells.parquet", image=[*PNGS[:4], None, b"no image", *PNGS[6:]])
    table(tmp_path / "other.parquet", rows=0, image=PNGS)
    for name, said in {
        "broken": "damaged or no Parquet file",
        "text": "no column of images, or several; its columns are text",
        "two": "no column of images, or several; its columns are left, right",
        "other": "no rows",
    }.items():
        with pytest.raises(gm.InputError, match=said):
            opened(tmp_path / f"{name}.parquet")
    with pytest.raises(gm.InputError, match=r"2 of 10 images cannot be read: cells.parquet/000004 is an empty cell; "):
        list(opened(tmp_path / "cells.parquet").batches())
    with pytest.raises(gm.InputError, match="names no file"):
        opened(tmp_path / "none-*.parquet")


def test_a_dictionary_of_splits_is_refused_with_their_names() -> None:
    import datasets

    data = datasets.Dataset.from_dict({"image": [Image.fromarray(pixels) for pixels in PIXELS]})
    with pytest.raises(gm.UsageError, match=r"the splits train, test; .* as in dataset\['train'\]"):
        gm.source(datasets.DatasetDict({"train": data, "test": data}))
    check(gm.source(data["image"]))


# --- HDF5 ------------------------------------------------------------------------------------------------------------


def hdf5(path: Path, **arrays: np.ndarray) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name.replace("__", "/")] = values
    return path


def test_an_hdf5_file_of_images(tmp_path: Path) -> None:
    check(opened(hdf5(tmp_path / "a.h5", images=PIXELS, other=np.zeros(3))))
    first = opened(hdf5(tmp_path / "b.hdf5", imgs=PIXELS.transpose(0, 3, 1, 2).copy(), labels=np.array(LABELS)))
    check(first)
    assert first.class_names() == [str(label) for label in LABELS]
    several = hdf5(tmp_path / "c.h5", real__images=PIXELS, fake__images=PIXELS[::-1].copy())
    check(opened(f"{several}:fake/images"), PIXELS[::-1])
    floats = hdf5(tmp_path / "d.h5", x=PIXELS.astype(np.float32) / 255)
    check(gm.source(floats, value_range=(0, 1)))
    assert opened(tmp_path / "a.h5").class_names() is None


@pytest.mark.parametrize(("name", "key", "error", "said"), [
    ("c", "", gm.InputError, r"2 data sets of images .* it has fake \[10, 16, 12, 3\], real"),
    ("c", ":mine", gm.UsageError, "no data set mine; it has fake"),
    ("d", "", gm.InputError, "float images need their value_range"),
    ("e", "", gm.InputError, "0 data sets of images"),
    ("f", "", gm.InputError, "damaged or no HDF5 file"),
])  # fmt: skip
def test_bad_hdf5_files_are_told_in_a_sentence(tmp_path: Path, name: str, key: str, error: type, said: str) -> None:
    hdf5(tmp_path / "c.h5", real=PIXELS, fake=PIXELS)
    hdf5(tmp_path / "d.h5", x=PIXELS.astype(np.float32))
    hdf5(tmp_path / "e.h5", x=np.zeros((4, 9)))
    (tmp_path / "f.h5").write_bytes(b"nothing")
    with pytest.raises(error, match=said):
        opened(f"{tmp_path / name}.h5{key}")


# --- LMDB ------------------------------------------------------------------------------------------------------------


def lmdb_folder(path: Path, values: dict[str, bytes]) -> Path:
    import lmdb

    with lmdb.open(str(path), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    return path


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_lmdb_of_encoded_images(tmp_path: Path, workers: int) -> None:
    values = {f"image-{number:04}": png for number, png in enumerate(PNGS)}
    source = opened(lmdb_folder(tmp_path / "set", {**values, "num-samples": b"10"}), workers=workers)
    check(source)
    assert (source.item_names() or [])[:2] == ["image-0000", "image-0001"]
    assert source.notes.ignored == {"value that is no image": 1}


def test_bad_lmdbs_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(gm.InputError, match=r"no value of the database is an image .* \(1 values\)"):
        opened(lmdb_folder(tmp_path / "set", {"a": b"text"}))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "data.mdb").write_bytes(b"nothing at all" * 1000)
    with pytest.raises(gm.InputError, match="the database cannot be opened"):
        opened(tmp_path / "broken")


# --- videos ----------------------------------------------------------------------------------------------------------


def video(path: Path, num: int) -> Path:
    """A video of flat frames whose level rises by ten, which lossy codecs keep within a few levels."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(num):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number + 20, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def frame_levels(source: Source) -> list[int]:
    return [round(float(image.float().mean()) / 10) - 2 for batch in source.batches() for image in batch]


def test_frames_of_videos(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", 9)
    video(tmp_path / "b.mp4", 4)
    assert frame_levels(opened(path)) == list(range(9))
    assert frame_levels(opened(path, every=4)) == [0, 4, 8]
    both = opened(tmp_path / "*.mp4", every=2, classes="folders", prepare="resize:24x24")
    assert frame_levels(both) == [0, 2, 4, 6, 8, 0, 2]
    assert both.class_names() == ["a.mp4"] * 5 + ["b.mp4"] * 2
    assert dict(both.notes.sizes) == {(24, 24): 7}
    found = gm.evaluate(path, opened(path, every=2), extractor="pixels")
    assert "|real:#9:" in str(found["fid"].signature) and ":every=2|" in str(found["fid"].signature)
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    mixed = gm.fid(images, path, extractor="pixels", reading=gm.Reading(every=2))
    assert str(mixed.signature).count("every=2") == 1, "images have no frames"
    with pytest.raises(gm.UsageError, match="every is for videos, and no set holds any"):
        gm.fid(images, images, extractor="pixels", reading=gm.Reading(every=2))


def test_some_frames_of_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video(tmp_path / "a.mp4", 9)
    video(tmp_path / "b.mp4", 4)
    drawn = frame_levels(opened(tmp_path / "*.mp4", sample=5))
    assert len(drawn) == 5 and drawn != frame_levels(opened(tmp_path / "*.mp4", sample="first:5")) == list(range(5))
    monkeypatch.chdir(tmp_path)
    assert frame_levels(opened("*.mp4", sample=5)) == drawn, "whatever the spelling of the place"
    chosen = opened("*.mp4", include="b*", every=2, classes="folders")
    assert (chosen.count, chosen.item_names(), chosen.class_names()) == (2, ["b.mp4:0", "b.mp4:2"], ["b.mp4"] * 2)
    assert frame_levels(chosen) == [0, 2]


def test_bad_videos_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"nothing")
    with pytest.raises(gm.InputError, match="damaged or of a kind that is not read"):
        list(opened(tmp_path / "x.mp4").batches())
    with pytest.raises(gm.InputError, match="names no file"):
        opened(tmp_path / "*.mkv")
    with pytest.raises(gm.InputError, match="a sample of 5 is asked for, and there are 4 images"):
        opened(video(tmp_path / "a.mp4", 4), sample=5)
    with pytest.raises(gm.InputError, match="Score the frames of videos by a pattern in quotes"):
        opened(tmp_path)


@pytest.mark.parametrize(("module", "name"), [
    ("pyarrow.parquet", "x.parquet"), ("h5py", "x.h5"), ("lmdb", "set"), ("av", "x.mp4")])  # fmt: skip
def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    (tmp_path / "set").mkdir()
    for file in ("x.parquet", "x.h5", "x.mp4", "set/data.mdb"):
        (tmp_path / file).write_bytes(b"x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(gm.UsageError, match=r"is not installed .* pip install 'ganmetrics\["):
        opened(tmp_path / name)
