"""Folders: what is found, in which order, what is ignored, and the sentence for what cannot be read."""

from __future__ import annotations

import os
import socket

import numpy as np
import pytest
from PIL import Image

from ganmetrics.data import Reading, open_source
from ganmetrics.data.folder import FolderSource
from ganmetrics.errors import InputError


def refusal(path, **fields):
    with pytest.raises(InputError) as caught:
        list(open_source(path, **fields).batches())
    return caught.value


def test_images_come_in_the_order_of_their_paths_bytes(folder, kit):
    root, arrays = folder
    source = open_source(root)
    assert source.count == 5
    assert source.name == str(root)
    assert source.identity == os.path.realpath(root)
    assert kit["same"](kit["all_images"](source), arrays)
    assert source.notes.sizes == {(6, 7): 5}
    assert source.notes.formats == {"PNG": 5}


def test_the_order_does_not_depend_on_the_listing(folder, kit, monkeypatch):
    root, arrays = folder
    (root / "z").symlink_to(root / "b")  # the first of two names of a folder must not depend on it either
    (root / "0").symlink_to(root / "b")
    expected = kit["all_images"](open_source(root))
    listing = os.scandir

    class Backwards:
        def __init__(self, path):
            self.entries = list(listing(path))[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    again = kit["all_images"](open_source(root))
    assert all(np.array_equal(one, two) for one, two in zip(expected, again, strict=True))
    assert len(again) == len(arrays)


def test_reading_twice_gives_the_same_and_counts_once(folder, kit):
    source = open_source(folder[0])
    assert kit["same"](kit["all_images"](source), folder[1])
    assert kit["same"](kit["all_images"](source), folder[1])
    assert source.notes.formats == {"PNG": 5}


def test_1_missing_folder_names_the_nearest_parent_and_a_near_name(folder):
    error = refusal(folder[0].parent / "imagse" / "deep")
    assert error.code == "E-MISSING"
    assert error.exit_code == 3
    assert f"'{folder[0].parent}'" in error.hint
    assert f"Did you mean '{folder[0]}'?" in error.hint


def test_2_empty_folder(tmp_path):
    error = refusal(tmp_path)
    assert error.code == "E-EMPTY"
    assert "it is empty" in error.what


def test_2_folder_without_images_says_what_it_holds(tmp_path):
    for name in ("1.npy", "2.npy", "notes.txt", "README", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    error = refusal(tmp_path)
    assert "found 5 files, of which .npy 2" in error.what
    assert ".txt 1" in error.what
    assert "no suffix 1" in error.what
    assert "hidden 1" in error.what
    assert error.hint.startswith("Stack the arrays into one file")  # two array files: no single guess


def test_2_folder_of_one_archive_suggests_it(tmp_path):
    (tmp_path / "samples.npz").write_bytes(b"x")
    assert f"Did you mean '{tmp_path / 'samples.npz'}'?" in refusal(tmp_path).hint


def test_4_the_same_place_has_the_same_identity(folder):
    root, _ = folder
    link = root.parent / "link"
    link.symlink_to(root)
    places = (root, f"{root}/", link, os.path.join(root, "b", ".."))
    assert len({open_source(place).identity for place in places}) == 1


def test_5_class_folders_only(tmp_path, kit):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(kit["encoded"](kit["noise"](4, 4, 3)))
    assert open_source(tmp_path).count == 2


@pytest.mark.timeout(20)
def test_6_symlink_loop_counts_each_image_once(folder, kit):
    (folder[0] / "b" / "loop").symlink_to(folder[0])
    source = open_source(folder[0])
    assert len(kit["all_images"](source)) == 5
    assert source.notes.ignored == {"folder reached twice": 1}


def test_7_dangling_link_is_a_bad_file(folder):
    (folder[0] / "gone.png").symlink_to(folder[0] / "nowhere")
    (folder[0] / "gone.txt").symlink_to(folder[0] / "nowhere")
    error = refusal(folder[0])
    assert error.code == "E-UNREADABLE"
    assert "1 of 6 images cannot be read: gone.png is a link to a missing file" in error.what


def test_9_every_suffix_in_any_case(tmp_path, kit):
    suffixes = ["png", "PNG", "Jpg", "JPEG", "webp", "BMP", "ppm", "PGM", "tif", "TIFF", "gif"]
    for number, suffix in enumerate(suffixes):
        (tmp_path / f"{number}.{suffix}").write_bytes(kit["encoded"](kit["noise"](4, 4, 3)))
    assert open_source(tmp_path).count == len(suffixes)


def test_10_11_hidden_and_foreign_files_are_ignored_and_counted(folder, kit):
    root, _ = folder
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "list.txt", "more.TXT"):
        (root / name).write_bytes(b"x")
    for name in ("__MACOSX", ".cache"):
        (root / name).mkdir()
        (root / name / "x.png").write_bytes(b"x")
    source = open_source(root)
    assert len(kit["all_images"](source)) == 5
    expected = {"hidden": 3, "Thumbs.db": 1, "desktop.ini": 1, ".txt": 2, "__MACOSX": 1}
    assert source.notes.ignored == expected


ODD_NAMES = {
    "12 folder called x.png": "x.png",
    "13 brackets and stars": "run[1] *?",
    "14 .zip inside the path": "foo.zip.d",
    "14 .zip at the end": "foo.zip",
    "14 .npz at the end": "foo.npz",
    "15 emoji": "\N{SNOWMAN} \U0001f600",
    "15 NFD": "e\u0301",
    "15 newline": "a\nb",
    "15 leading dash": "-rf",
    "15 a torchvision name": "torchvision:MNIST:test",
    "16 no UTF-8": os.fsdecode(b"caf\xe9"),
}


@pytest.mark.parametrize("case", ODD_NAMES)
def test_odd_folder_and_file_names_work(case, tmp_path, kit, monkeypatch):
    name = ODD_NAMES[case]
    arrays = [kit["noise"](4, 4, 3, seed=seed) for seed in (1, 2)]
    (tmp_path / name).mkdir()
    for number, array in enumerate(arrays):
        (tmp_path / name / f"{name}{number}.png").write_bytes(kit["encoded"](array))
    assert kit["same"](kit["all_images"](open_source(tmp_path / name)), arrays)
    monkeypatch.chdir(tmp_path)
    source = open_source(name)
    assert kit["same"](kit["all_images"](source), arrays)
    assert source.name.isprintable()
    (tmp_path / name / f"{name}.png").write_bytes(b"")
    assert str(refusal(name)).isprintable()


def test_12_a_folder_called_x_png_is_searched(folder, kit):
    (folder[0] / "x.png").mkdir()
    (folder[0] / "x.png" / "1.png").write_bytes(kit["encoded"](kit["noise"](6, 7, 3)))
    assert open_source(folder[0]).count == 6


@pytest.mark.parametrize("name", ["n" * 300, "/".join(["deep"] * 2000), "nul\0byte", ""])
def test_17_impossible_paths_are_refused_clearly(name):
    error = refusal(name)
    assert error.code == "E-MISSING"
    assert str(error).isprintable()


def test_18_unreadable_file_gives_name_and_mode(folder, monkeypatch):
    (folder[0] / "c.png").chmod(0)

    def denied(path, *rest, **named):
        if path.endswith(b"c.png"):
            raise PermissionError(13, "Permission denied")
        return opening(path, *rest, **named)

    opening = os.open
    monkeypatch.setattr(os, "open", denied)  # so that the test holds for root too
    assert "c.png may not be read (mode 0000)" in refusal(folder[0]).what


def test_18_unreadable_sub_folder_is_a_bad_file(folder, monkeypatch):
    deny(monkeypatch, b"b")
    error = refusal(folder[0])
    assert "1 of 4 images cannot be read: b is a folder that could not be listed" in error.what


def test_18_unreadable_root(folder, monkeypatch):
    deny(monkeypatch, b"images/")
    error = refusal(folder[0])
    assert error.code == "E-UNREADABLE"
    assert "may not be read (mode" in error.what


def deny(monkeypatch, end):
    listing = os.scandir

    def denied(path):
        if path.endswith(end):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", denied)


def test_19_file_that_vanishes(folder):
    source = open_source(folder[0])
    (folder[0] / "d.png").unlink()
    with pytest.raises(InputError, match=r"1 of 5 .* d\.png disappeared after the folder was listed"):
        list(source.batches())


@pytest.mark.parametrize("change", ["touch", "grow"])
def test_20_file_that_changes(folder, change):
    source, path = open_source(folder[0]), folder[0] / "d.png"
    if change == "touch":
        os.utime(path, ns=(1, 1))
    else:
        path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputError, match=r"d\.png changed after the folder was listed"):
        list(source.batches())


@pytest.mark.timeout(20)
def test_21_pipes_and_sockets_are_never_opened(folder, kit, monkeypatch):
    root, _ = folder
    os.mkfifo(root / "pipe.png")
    monkeypatch.chdir(root)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.png")
        (root / "null.png").symlink_to("/dev/null")
        source = open_source(root)
        assert len(kit["all_images"](source)) == 5
    assert source.notes.ignored == {"pipe, socket or device": 3}


@pytest.mark.timeout(20)
def test_21_an_image_that_becomes_a_pipe_is_not_waited_for(folder):
    source, path = open_source(folder[0]), folder[0] / "d.png"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="changed after the folder was listed"):
        list(source.batches())


def test_21_the_path_itself_is_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").code == "E-NOT-FOLDER"


def test_bad_files_are_counted_to_the_end_and_ten_are_named(tmp_path, kit):
    for number in range(30):
        good = number % 2
        (tmp_path / f"{number:02}.png").write_bytes(kit["encoded"](kit["noise"](4, 4, 3)) if good else b"")
    error = refusal(tmp_path)
    assert error.code == "E-UNREADABLE"
    assert error.what.startswith("15 of 30 images cannot be read: 00.png is empty (0 bytes); 02.png")
    assert error.what.count("is empty") == 10
    assert error.what.endswith("and 5 more")
    assert '`on_error="skip"` leaves them out' in error.hint


def test_bad_files_are_skipped_on_request(folder, kit):
    (folder[0] / "b" / "0.png").write_bytes(b"text")
    source = open_source(folder[0], reading=Reading(on_error="skip"))
    assert kit["same"](kit["all_images"](source), folder[1])
    assert [line.split(" is ")[0] for line in source.notes.skipped] == ["b/0.png"]


def test_everything_skipped_is_an_error(tmp_path):
    (tmp_path / "1.png").write_bytes(b"")
    error = refusal(tmp_path, reading=Reading(on_error="skip"))
    assert error.what.startswith("1 of 1 images cannot be read")
    assert "skip" not in error.hint


def test_29_mixed_sizes_start_new_batches(tmp_path, kit):
    sizes = [(4, 4), (4, 4), (5, 4), (4, 4)]
    for number, size in enumerate(sizes):
        (tmp_path / f"{number}.png").write_bytes(kit["encoded"](kit["noise"](*size, 3)))
    source = open_source(tmp_path)
    assert [tuple(batch.shape) for batch in source.batches()] == [(2, 3, 4, 4), (1, 3, 5, 4), (1, 3, 4, 4)]
    assert source.notes.sizes == {(4, 4): 3, (5, 4): 1}


def test_kinds_are_counted(tmp_path, kit):
    (tmp_path / "1.png").write_bytes(kit["encoded"](kit["noise"](4, 4)))
    (tmp_path / "2.png").write_bytes(kit["encoded"](kit["noise"](4, 4), "JPEG"))
    source = open_source(tmp_path)
    list(source.batches())
    assert source.notes.kinds == {"grey": 2, "wrong-extension": 1}
    assert source.notes.formats == {"PNG": 1, "JPEG": 1}


def test_files_past_the_size_cap_are_not_read(folder, monkeypatch):
    monkeypatch.setattr("ganmetrics.data.reading.item_source.MAX_FILE_BYTES", 50)
    assert "5 of 5 images cannot be read: a.png is a file of" in refusal(folder[0]).what


def test_the_scan_is_lean(tmp_path):
    import tracemalloc

    for number in range(2000):
        os.symlink("/nowhere", tmp_path / f"{number:06}.png")
    FolderSource(tmp_path)  # whatever is loaded the first time
    tracemalloc.start()
    source = FolderSource(tmp_path)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert source.count == 2000
    assert kept < 2000 * 60 + 20_000  # so that 10^6 files keep about 50 MB
    assert peak < 2000 * 400 + 100_000


def test_one_image_that_needs_a_plugin_that_pillow_loads_late(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "1.webp")
    assert open_source(tmp_path).count == 1
