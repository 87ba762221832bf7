"""Array files: streamed, never unpickled, refused before anything large is allocated."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from ganmetrics.data import open_source
from ganmetrics.errors import InputError, StatisticsError


def header(shape, dtype="|u1", order=False):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"shape": shape, "fortran_order": order, "descr": dtype})
    return stream.getvalue()


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(path, data):
    path.write_bytes(data)
    return path


def refusal(path, kind=InputError):
    with pytest.raises(kind) as caught:
        list(open_source(path).batches())
    assert str(path) in caught.value.where
    return caught.value


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("form", ["npy", "npz", "compressed", "only array"])
def test_images_of_either_layout_and_form(tmp_path, kit, layout, form):
    images = kit["noise"](150, 5, 7, 3)
    saved = images if layout == "NHWC" else np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    path = tmp_path / ("x.npy" if form == "npy" else "x.NPZ")
    with open(path, "wb") as stream:
        if form == "npy":
            np.save(stream, saved)
        elif form == "npz":
            np.savez(stream, saved, np.arange(150))  # arr_0, and labels beside it
        elif form == "compressed":
            np.savez_compressed(stream, saved)
        else:
            np.savez(stream, images=saved)
    source = open_source(path)
    assert source.count == 150
    assert source.identity == os.path.realpath(path)
    assert [len(batch) for batch in source.batches()] == [64, 64, 22]
    assert kit["same"](kit["all_images"](source), images)
    assert source.notes.sizes == {(5, 7): 150}


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_large_file_is_read_in_pieces(tmp_path, suffix):
    images = np.zeros((4000, 32, 32, 3), np.uint8)  # 12 MB
    path = tmp_path / f"x.{suffix}"
    np.save(path, images) if suffix == "npy" else np.savez_compressed(path, images)
    list(open_source(path).batches())
    tracemalloc.start()
    count = sum(len(batch) for batch in open_source(path).batches())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 4000
    assert peak < 2 << 20


GOOD = bytes(4 * 5 * 5 * 3)
SHAPE = (4, 5, 5, 3)
BAD_ARRAYS = {  # case: (bytes of the .npy, code, words)
    "48 objects": (header((2,), "|O") + b"\x80\x04.", "E-ARRAY", "Python objects"),
    "48 a field of objects": (header((2,), [("x", "|O")]) + bytes(16), "E-ARRAY", "Python objects"),
    "49 seven terabytes": (header((1 << 40, 5, 5, 3)) + GOOD, "E-ARRAY", "the header claims"),
    "49 an overflowing shape": (header((1 << 62, 1 << 62, 5, 3)) + GOOD, "E-ARRAY", "the header claims"),
    "50 truncated data": (header(SHAPE) + GOOD[:-1], "E-ARRAY", "the header claims 300 bytes"),
    "50 truncated header": (header(SHAPE)[:40], "E-ARRAY", "damaged or incomplete"),
    "50 too much data": (header(SHAPE) + GOOD + b"x", "E-ARRAY", "the file holds 301"),
    "50 a pickle": (b"\x80\x04\x95" + bytes(50), "E-ARRAY", "damaged or incomplete"),
    "50 empty": (b"", "E-ARRAY", "damaged or incomplete"),
    "50 code in the header": (header(SHAPE).replace(b"{'descr'", b"{open()  "), "E-ARRAY", "damaged or incomplete"),
    "50 negative shape": (header((-4, 5, 5, 3)) + GOOD, "E-ARRAY", "damaged or incomplete"),
    "column order": (header(SHAPE, order=True) + GOOD, "E-ARRAY", "column (Fortran) order"),
    "68 float": (header(SHAPE, "<f4") + GOOD * 4, "E-DTYPE", "dtype float32"),
    "68 int64": (header(SHAPE, "<i8") + GOOD * 8, "E-DTYPE", "dtype int64"),
    "68 bool": (header(SHAPE, "|b1") + GOOD, "E-DTYPE", "dtype bool"),
    "68 one channel": (header((4, 5, 15, 1)) + GOOD, "E-SHAPE", "1 channel;"),
    "68 four channels": (header((3, 5, 5, 4)) + GOOD, "E-SHAPE", "4 channels;"),
    "68 no channels": (header((4, 5, 15)) + GOOD, "E-SHAPE", "expected [N, 3, H, W]"),
    "68 a scalar": (header(()) + b"x", "E-SHAPE", "the shape is []"),
    "71 no images": (header((0, 5, 5, 3)), "E-EMPTY", "empty"),
    "71 no pixels": (header((4, 0, 5, 3)), "E-EMPTY", "empty"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("form", ["npy", "npz"])
@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused(case, form, tmp_path):
    data, code, words = BAD_ARRAYS[case]
    path = npy(tmp_path / "x.npy", data) if form == "npy" else npz(tmp_path / "x.npz", arr_0=data)
    error = refusal(path)
    assert error.code == code
    assert words in error.what
    assert str(error).isprintable()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"\x80\x04.", b"<html>"])
def test_50_an_npz_that_is_no_zip(tmp_path, data):
    assert refusal(npy(tmp_path / "x.npz", data)).code == "E-ARRAY"


def test_50_truncated_npz(tmp_path):
    path = npz(tmp_path / "x.npz", arr_0=header(SHAPE) + GOOD)
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(path).code == "E-ARRAY"


def test_50_damage_that_shows_while_reading(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, 40 * 32 * 32 * 3, dtype=np.uint8).tobytes()
    path = npz(tmp_path / "x.npz", arr_0=header((40, 32, 32, 3)) + noise)
    data = bytearray(path.read_bytes())
    data[100_000] ^= 255
    path.write_bytes(data)
    source = open_source(path)
    with pytest.raises(InputError, match="damaged or incomplete"):
        list(source.batches())


def test_50_a_file_cut_after_it_was_opened(tmp_path):
    path = npy(tmp_path / "x.npy", header(SHAPE) + GOOD)
    source = open_source(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="100 bytes are missing"):
        list(source.batches())


def test_51_a_directory_that_claims_the_impossible(tmp_path):
    path = npz(tmp_path / "x.npz", arr_0=header((1 << 20, 32, 32, 3)) + GOOD)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (3 << 30).to_bytes(4, "little")
    path.write_bytes(data)
    assert "times its size" in refusal(path).what


def test_44_several_arrays_are_named(tmp_path):
    path = npz(tmp_path / "x.npz", train=header(SHAPE) + GOOD, test=header(SHAPE) + GOOD)
    assert "its arrays are train, test" in refusal(path).what


def test_saved_statistics_are_told_apart(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, mu=np.zeros(4), sigma=np.eye(4), arr_0=np.zeros(SHAPE, np.uint8))
    error = refusal(path, StatisticsError)
    assert error.exit_code == 4
    assert "saved statistics" in error.what
