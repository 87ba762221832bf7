"""Zip archives: read in memory, and refused for whatever could harm."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganmetrics.data import open_source
from ganmetrics.data.zip_file import Caps, ZipSource
from ganmetrics.errors import InputError, UsageError


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as target, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of duplicate names
        for name, data in members:
            target.writestr(name, data)
    return path


def refusal(path, caps=None):
    with pytest.raises(InputError) as caught:
        list((ZipSource(path, caps=caps) if caps else open_source(path)).batches())
    assert caught.value.exit_code == 3
    return caught.value


@pytest.fixture
def image(kit):
    return kit["encoded"](kit["noise"](4, 4, 3))


def test_order_and_ignored_members(tmp_path, kit):
    arrays = [kit["noise"](4, 5, 3, seed=seed) for seed in range(3)]
    members = list(zip(["b/1.PNG", "c.png", "\N{SNOWMAN}.png"], map(kit["encoded"], arrays), strict=True))[::-1]
    junk = ["__MACOSX/._c.png", ".DS_Store", "b/.hidden.png", "inner.zip", "notes.txt", "b/Thumbs.db"]
    path = archive(tmp_path / "x.zip", [("b/", b""), *((name, b"x") for name in junk), *members])
    source = open_source(path)
    assert source.count == 3
    assert kit["same"](kit["all_images"](source), arrays)
    assert source.identity == os.path.realpath(path)
    assert source.notes.ignored == {"__MACOSX": 1, "hidden": 2, ".zip": 1, ".txt": 1, "Thumbs.db": 1}


def test_a_zip_is_known_by_its_first_bytes(tmp_path, image):
    assert open_source(archive(tmp_path / "samples", [("1.png", image)])).count == 1


def test_no_images(tmp_path):
    error = refusal(archive(tmp_path / "x.zip", [("a.zip", b"x"), ("b.zip", b"x")]))
    assert error.code == "E-EMPTY"
    assert "found 2 files, of which .zip 2" in error.what


def linked(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


BAD_MEMBERS = {  # case: (members, words)
    "56 parent": ([("../x.png", b"")], "leads out of the archive"),
    "56 parent inside": ([("a/../../x.png", b"")], "leads out of the archive"),
    "56 backslashes": ([("a\\..\\x.png", b"")], "leads out of the archive"),
    "56 absolute": ([("/x.png", b"")], "leads out of the archive"),
    "56 drive": ([("C:\\x.png", b"")], "leads out of the archive"),
    "60 repeated name": ([("x.png", b"1"), ("x.png", b"2")], "the name 'x.png' stands in it 2 times"),
    "61 symbolic link": ([(linked("x.png"), b"/etc/passwd")], "'x.png' is a symbolic link"),
    "56 even a text file": ([("ok.png", b""), ("../x.txt", b"")], "leads out of the archive"),
}


@pytest.mark.parametrize("case", BAD_MEMBERS)
def test_hostile_members_are_refused(case, tmp_path):
    members, words = BAD_MEMBERS[case]
    error = refusal(archive(tmp_path / "x.zip", members))
    assert error.code == "E-ARCHIVE"
    assert words in error.what


def patched(path, data, old, new):
    path.write_bytes(data.replace(old, new))
    return path


def test_56_nul_in_a_name(tmp_path, image):
    data = archive(tmp_path / "x.zip", [("a_b.png", image)]).read_bytes()
    assert "leads out" in refusal(patched(tmp_path / "y.zip", data, b"a_b.png", b"a\0b.png")).what


def test_59_encrypted(tmp_path, image):
    path = archive(tmp_path / "x.zip", [("x.png", image)])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"the archive is refused: 'x\.png' is encrypted"):
        open_source(path)  # before any member is read


def zeros(tmp_path, size, name="bomb.png"):
    return archive(tmp_path / "bomb.zip", [(name, bytes(size))], zipfile.ZIP_DEFLATED)


def test_57_ratio_cap(tmp_path):
    assert "times its size; the most is 200 times" in refusal(zeros(tmp_path, 5 << 20)).what


def test_57_ratio_of_one_member(tmp_path):
    path = archive(
        tmp_path / "x.zip", [("a.png", bytes(2 << 20)), ("b.png", os.urandom(1 << 20))], zipfile.ZIP_DEFLATED
    )
    assert "'a.png' claims to unpack to more than 200 times" in refusal(path).what


@pytest.mark.parametrize(
    ("caps", "words"),
    [
        (Caps(members=1), "it holds 2 files; the most is 1"),
        (Caps(member_bytes=99), "'a.png' claims 100 bytes; the most is 99"),
        (Caps(total_bytes=199), "it claims to unpack to 200 bytes; the most is 199"),
    ],
)
def test_57_each_cap_at_its_edge(tmp_path, caps, words):
    path = archive(tmp_path / "x.zip", [("a.png", os.urandom(100)), ("b.png", os.urandom(100))])
    assert words in refusal(path, caps).what
    edge = Caps(members=2, member_bytes=100, total_bytes=200)
    assert ZipSource(path, caps=edge).count == 2


def test_57_a_directory_that_lies_about_sizes_is_bounded_by_what_comes_out(tmp_path, image):
    path = zeros(tmp_path, 100_000)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (50).to_bytes(4, "little")  # claims 50 bytes
    path.write_bytes(data)
    assert "1 of 1 images cannot be read: bomb.png cannot be unpacked" in refusal(path).what


def test_57_overlapping_members(tmp_path, image):
    path = archive(tmp_path / "x.zip", [("a.png", image), ("b.png", image)])
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    entry = data[start : data.index(b"PK\x01\x02", start + 4)]
    entries = b"".join(entry.replace(b"a.png", b"%05d" % number) for number in range(20))
    end = b"PK\x05\x06" + bytes(4) + (20).to_bytes(2, "little") * 2
    end += len(entries).to_bytes(4, "little") + start.to_bytes(4, "little") + b"\0\0"
    path.write_bytes(data[:start] + entries + end)
    error = refusal(path)
    assert "overlap" in error.what


def test_57_a_huge_directory_is_not_read(tmp_path, image, monkeypatch):
    path = archive(tmp_path / "x.zip", [("a.png", image)])
    monkeypatch.setattr("ganmetrics.data.zip_file.MAX_DIRECTORY_BYTES", 40)
    assert "its directory claims" in refusal(path).what


def test_58_nested_archives_are_not_opened(tmp_path, image):
    inner = archive(tmp_path / "inner.zip", [("1.png", image)]).read_bytes()
    source = open_source(archive(tmp_path / "x.zip", [("inner.zip", inner), ("2.png", image)]))
    assert source.count == 1
    assert source.notes.ignored == {".zip": 1}


@pytest.mark.parametrize("cut", [1, 20, 60, 90])
def test_truncated_archives(tmp_path, image, cut):
    path = archive(tmp_path / "x.zip", [("1.png", image)])
    path.write_bytes(path.read_bytes()[:-cut])
    error = refusal(path)
    assert error.code == "E-ARCHIVE"
    assert "cannot be opened" in error.what


def test_damaged_member_names_the_image(tmp_path, image):
    path = archive(tmp_path / "x.zip", [("1.png", image), ("2.png", image)])
    data = bytearray(path.read_bytes())
    data[60] ^= 255
    path.write_bytes(data)
    assert "1 of 2 images cannot be read: 1.png cannot be unpacked: Bad CRC-32" in refusal(path).what


@pytest.mark.parametrize("start", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x00", b"not an archive at all"])
def test_other_content_in_a_zip_name(tmp_path, start):
    path = tmp_path / "x.zip"
    path.write_bytes(start + bytes(100))
    assert refusal(path).code == "E-ARCHIVE"


@pytest.mark.parametrize("name", ["x.tar.gz", "x.TGZ", "x.7z", "x.rar", "x.tar.xz"])
def test_63_other_archives_are_a_usage_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"content")
    with pytest.raises(UsageError, match=r"cannot be read; archives of images are \.zip files") as caught:
        open_source(tmp_path / name)
    assert caught.value.exit_code == 2


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_is_refused_or_read(tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a.ppm", b"P6 2 2 255 " + bytes(range(12)))
        target.writestr("b.ppm", b"P6 2 2 255 " + bytes(12))
    data = bytearray(stream.getvalue())
    for position, value in damage:
        data[position % len(data)] = value
    path.write_bytes(data)
    with contextlib.suppress(InputError):
        list(open_source(path).batches())
