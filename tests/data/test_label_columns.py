"""Images with several labels each, as attributes of faces: one column is chosen, or it is said that none was."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (8, 9, 7, 3), dtype=np.uint8)
TABLE = RNG.integers(0, 2, (8, 3))
NAMES = ("Smiling", "Male", "Hat")
SEVERAL = "several for each image|gives several numbers|have 3 columns|several for an image"


def encoded(pixels: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def folder(place: Path) -> Path:
    (place / "images").mkdir()
    for index, pixels in enumerate(PIXELS):
        (place / "images" / f"{index}.png").write_bytes(encoded(pixels))
    return place / "images"


class Faces(torch.utils.data.Dataset[Any]):
    """As torchvision's CelebA: targets [N, K] and the names of their columns."""

    attr_names: ClassVar = list(NAMES)
    targets = torch.from_numpy(TABLE)

    def __len__(self) -> int:
        return len(PIXELS)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return Image.fromarray(PIXELS[index]), self.targets[index]


def subset(_: Path, reading: gm.Reading) -> gm.Source:
    return gm.source(torch.utils.data.Subset(Faces(), range(8)), reading=reading)


def joined(_: Path, reading: gm.Reading) -> gm.Source:
    return gm.source(torch.utils.data.ConcatDataset([Faces()]), reading=reading)


def loader(_: Path, reading: gm.Reading) -> gm.Source:
    return gm.source(torch.utils.data.DataLoader(Faces(), batch_size=3, collate_fn=list), reading=reading)


def pairs(_: Path, reading: gm.Reading) -> gm.Source:
    return gm.source([(Image.fromarray(each), row) for each, row in zip(PIXELS, TABLE, strict=True)], reading=reading)


def stylegan(place: Path, reading: gm.Reading) -> gm.Source:
    rows = [[f"{index}.png", row.tolist()] for index, row in enumerate(TABLE)]
    (folder(place) / "dataset.json").write_text(json.dumps({"labels": rows}))
    return gm.source(place / "images", reading=reading)


def stylegan_zip(place: Path, reading: gm.Reading) -> gm.Source:
    rows = [[f"{index}.png", row.tolist()] for index, row in enumerate(TABLE)]
    with zipfile.ZipFile(place / "images.zip", "w") as archive:
        archive.writestr("dataset.json", json.dumps({"labels": rows}))
        for index, pixels in enumerate(PIXELS):
            archive.writestr(f"{index}.png", encoded(pixels))
    return gm.source(place / "images.zip", reading=reading)


def array_file(place: Path, reading: gm.Reading) -> gm.Source:
    np.save(place / "labels.npy", TABLE)
    return gm.source(folder(place), labels=place / "labels.npy", reading=reading)


def json_file(place: Path, reading: gm.Reading) -> gm.Source:
    (place / "labels.json").write_text(json.dumps(TABLE.tolist()))
    return gm.source(PIXELS, labels=place / "labels.json", reading=reading)


def table_in_memory(_: Path, reading: gm.Reading) -> gm.Source:
    return gm.source(PIXELS, labels=TABLE, reading=reading)


def hdf5(place: Path, reading: gm.Reading) -> gm.Source:
    h5py = pytest.importorskip("h5py")
    with h5py.File(place / "images.h5", "w") as file:
        file["images"], file["labels"] = PIXELS, TABLE
    return gm.source(place / "images.h5", reading=reading)


def parquet(place: Path, reading: gm.Reading) -> gm.Source:
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"image": [encoded(each) for each in PIXELS], "label": TABLE.tolist()}
    tables.write_table(arrow.table(columns), place / "images.parquet")
    return gm.source(place / "images.parquet", reading=reading)


BY_NUMBER: dict[str, Callable[[Path, gm.Reading], gm.Source]] = {
    each.__name__: each
    for each in (
        *(subset, joined, loader, pairs, stylegan, stylegan_zip, array_file, json_file, table_in_memory),
        *(hdf5, parquet),
    )
}


def scored(way: Callable[[Path, gm.Reading], gm.Source], place: Path, reading: gm.Reading) -> gm.Result:
    source = way(place, reading)
    return gm.evaluate(source, source, metrics=["class_fid"], extractor="pixels")


@pytest.mark.parametrize("way", BY_NUMBER)
def test_a_number_chooses_among_several_labels(way: str, tmp_path: Path) -> None:
    found = BY_NUMBER[way](tmp_path, gm.Reading(label_column=1))
    assert found.class_names() == [str(each) for each in TABLE[:, 1]]


@pytest.mark.parametrize("way", BY_NUMBER)
def test_several_labels_without_a_choice_are_told(way: str, tmp_path: Path) -> None:
    with pytest.raises(gm.GanMetricsError, match=SEVERAL) as error:
        scored(BY_NUMBER[way], tmp_path, gm.Reading())
    assert "`label_column`" in str(error.value)


@pytest.mark.parametrize("way", BY_NUMBER)
def test_a_column_that_is_not_there_is_told(way: str, tmp_path: Path) -> None:
    with pytest.raises(gm.GanMetricsError, match="have no column 3; they have 3 columns"):
        scored(BY_NUMBER[way], tmp_path, gm.Reading(label_column=3))


def csv_file(place: Path, reading: gm.Reading) -> gm.Source:
    lines = [f"{index}.png,{','.join(map(str, row))}" for index, row in enumerate(TABLE)]
    (place / "attributes.csv").write_text("\n".join([f"image,{','.join(NAMES)}", *lines]))
    return gm.source(folder(place), labels=place / "attributes.csv", reading=reading)


def named_targets(_: Path, reading: gm.Reading) -> gm.Source:
    return gm.source(Faces(), reading=reading)


def huggingface(_: Path, reading: gm.Reading) -> gm.Source:
    datasets = pytest.importorskip("datasets")
    columns = {"image": [Image.fromarray(each) for each in PIXELS]}
    return gm.source(
        datasets.Dataset.from_dict(columns | {name: TABLE[:, place] for place, name in enumerate(NAMES)}),
        reading=reading,
    )


def parquet_columns(place: Path, reading: gm.Reading) -> gm.Source:
    arrow, tables = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"image": [encoded(each) for each in PIXELS]}
    columns |= {name: TABLE[:, column].tolist() for column, name in enumerate(NAMES)}
    tables.write_table(arrow.table(columns), place / "images.parquet")
    return gm.source(place / "images.parquet", reading=reading)


@pytest.mark.parametrize("way", [csv_file, named_targets, huggingface, parquet_columns])
def test_a_name_chooses_a_column(way: Callable[[Path, gm.Reading], gm.Source], tmp_path: Path) -> None:
    found = way(tmp_path, gm.Reading(label_column="Male"))
    assert found.class_names() == [str(each) for each in TABLE[:, 1]]


def test_a_header_may_name_the_only_attribute(tmp_path: Path) -> None:
    lines = [f"{index}.png,{row[1]}" for index, row in enumerate(TABLE)]
    (tmp_path / "male.csv").write_text("\n".join(["image,Male", *lines]))
    found = gm.source(folder(tmp_path), labels=tmp_path / "male.csv", reading=gm.Reading(label_column="Male"))
    assert found.class_names() == [str(each) for each in TABLE[:, 1]]


def test_a_column_of_single_labels_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", TABLE[:, 0])
    with pytest.raises(gm.InputError, match="have one column, and the column 1 was asked for"):
        gm.source(PIXELS, labels=tmp_path / "labels.npy", reading=gm.Reading(label_column=1))


@pytest.mark.parametrize("column", [-1, "", True, 1.5, "a|b", [1]])
def test_what_is_no_column_is_refused(column: Any) -> None:
    with pytest.raises(gm.UsageError, match="label_column is"):
        gm.Reading(label_column=column)


def test_the_signature_names_the_column() -> None:
    source = gm.source(Faces(), reading=gm.Reading(label_column="Hat"))
    score = gm.evaluate(source, source, metrics=["class_fid"], extractor="pixels")["class_fid"]
    assert "label_column=Hat" in str(score.signature)


@pytest.mark.parametrize("form", ["list", "npy", "txt"])
def test_features_take_classes(form: str, tmp_path: Path) -> None:
    rows, classes = RNG.normal(size=(60, 4)), np.arange(60) % 3
    given: Any = classes.tolist()
    if form == "npy":
        given = tmp_path / "classes.npy"
        np.save(given, classes)
    elif form == "txt":
        given = tmp_path / "classes.txt"
        given.write_text("\n".join(map(str, classes)))
    real, fake = (gm.features(each, "net", labels=given) for each in (rows, rows * 1.5))
    found = gm.evaluate(real, fake, metrics=["class_fid"])["class_fid"].value
    assert found == pytest.approx(
        gm.functional.class_fid(rows.astype("f4"), classes, (rows * 1.5).astype("f4"), classes)
    )


def test_features_refuse_classes_that_do_not_fit(tmp_path: Path) -> None:
    rows = RNG.normal(size=(60, 4))
    with pytest.raises(gm.InputError, match="there are 59 classes for 60"):
        gm.features(rows, "net", labels=[0] * 59)
    (tmp_path / "names.csv").write_text("a.png,1\n")
    with pytest.raises(gm.InputError, match="have no names to look up"):
        gm.features(rows, "net", labels=tmp_path / "names.csv")
