"""Files that are written whole or not at all, and paths that any terminal can show."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganmetrics._files import (
    SECONDS_TO_FINISH,
    atomic_write,
    check_writable,
    remove_abandoned,
    shown,
    user_folder,
)
from ganmetrics.compat.cleanfid import stats_folder
from ganmetrics.data.torchvision_set import data_folder
from ganmetrics.errors import ResourceError, UsageError


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("plain/name.png", "plain/name.png"),
        ("with space", "with space"),
        ("línea-\N{SNOWMAN}-\N{GRINNING FACE}", "línea-\N{SNOWMAN}-\N{GRINNING FACE}"),
        ("two\nlines", "two\\nlines"),
        ("tab\there", "tab\\there"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x7f", "\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        (os.fsdecode(b"latin-\xff.png"), "latin-\\udcff.png"),
        (Path("a") / "b\r", str(Path("a") / "b\\r")),
    ],
)
def test_paths_are_shown_as_one_printable_line(path, text):
    assert shown(path) == text
    assert shown(path).isprintable()
    shown(path).encode()


def refusal(path, **options):
    with pytest.raises((UsageError, ResourceError)) as caught:
        check_writable(path, **options)
    return type(caught.value), caught.value.code, caught.value.where


def test_a_new_file_in_a_folder_is_fine(tmp_path):
    assert check_writable(str(tmp_path / "new.json")) == tmp_path / "new.json"
    assert not list(tmp_path.iterdir())


def test_an_existing_file_needs_force(tmp_path):
    old = tmp_path / "old.json"
    old.write_text("old")
    assert refusal(old) == (UsageError, "E-EXISTS", str(old))
    assert check_writable(old, force=True) == old
    assert old.read_text() == "old"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_is_no_file(tmp_path, force):
    assert refusal(tmp_path, force=force) == (UsageError, "E-OUTPUT", str(tmp_path))


@pytest.mark.parametrize("force", [False, True])
def test_the_folder_must_exist(tmp_path, force):
    missing = tmp_path / "missing"
    assert refusal(missing / "x.json", force=force) == (ResourceError, "E-OUTPUT", str(missing))


def test_a_file_is_no_folder_to_write_into(tmp_path):
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file" / "x.json") == (ResourceError, "E-OUTPUT", str(tmp_path / "file"))


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    """An access check that says no, since the superuser may write anywhere."""
    asked = []
    monkeypatch.setattr(os, "access", lambda path, mode: asked.append((path, mode)))
    assert refusal(tmp_path / "x.json") == (ResourceError, "E-OUTPUT", str(tmp_path))
    assert asked == [(tmp_path, os.W_OK)]


def test_a_name_that_is_too_long(tmp_path):
    kind, code, where = refusal(tmp_path / ("n" * 300))
    assert (kind, code, where) == (ResourceError, "E-WRITE", str(tmp_path / ("n" * 300)))
    assert refusal(tmp_path / ("n" * 300), force=True) == (kind, code, where)


@pytest.mark.parametrize("force", [False, True])
def test_a_null_byte_in_a_name(tmp_path, force):
    assert refusal(f"{tmp_path}/a\0b", force=force) == (UsageError, "E-OUTPUT", f"{tmp_path}/a\\x00b")


LONG_NAMES = {"emoji": "\N{GRINNING FACE}" * 60, "letters": "n" * 255, "accents": "é" * 127}  # up to 255 bytes


@pytest.mark.parametrize("name", LONG_NAMES.values(), ids=LONG_NAMES)
def test_the_longest_names_are_written(tmp_path, name):
    """The temporary file has a short name of its own."""
    assert 240 <= len(name.encode()) <= 255
    with atomic_write(check_writable(tmp_path / name)) as stream:
        stream.write(b"new")
    assert contents(tmp_path) == {name: b"new"}


@pytest.fixture(params=[None, b"old"], ids=["new file", "old file"])
def target(tmp_path, request):
    path = tmp_path / "target.bin"
    if request.param is not None:
        path.write_bytes(request.param)
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_finished_file_takes_its_name(target):
    with atomic_write(target) as stream:
        stream.write(b"ne")
        stream.write(b"w")
    assert contents(target.parent) == {"target.bin": b"new"}


def test_until_then_the_name_is_as_it_was(target):
    before = contents(target.parent)
    with atomic_write(target) as stream:
        stream.write(b"x" * 100_000)
        stream.flush()
        during = contents(target.parent)
        assert {name: data for name, data in during.items() if not name.endswith(".part")} == before
        assert len(during) == len(before) + 1


def write_half_and_fail(path, failure):
    with atomic_write(path) as stream:
        stream.write(b"half")
        raise failure


FAILURES = [ZeroDivisionError(), KeyboardInterrupt(), SystemExit(1), UsageError("no")]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failure_leaves_what_was_there(target, failure):
    before = contents(target.parent)
    with pytest.raises(type(failure)) as caught:
        write_half_and_fail(target, failure)
    assert caught.value is failure
    assert contents(target.parent) == before


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(target, step, monkeypatch):
    before = contents(target.parent)
    monkeypatch.setattr(os, step, no_space)
    with pytest.raises(ResourceError, match="No space left on device") as caught, atomic_write(target) as stream:
        stream.write(b"new")
    assert (caught.value.code, caught.value.where) == ("E-WRITE", str(target))
    assert contents(target.parent) == before


@pytest.mark.parametrize(
    "name", ["missing/x.bin", "file/x.bin", "folder", "n" * 300], ids=["missing", "file", "folder", "long"]
)
def test_what_cannot_be_written_is_one_error(tmp_path, name):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResourceError) as caught, atomic_write(tmp_path / name) as stream:
        stream.write(b"new")
    assert caught.value.code == "E-WRITE"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="no umask")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "x") as stream:
            stream.write(b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~umask


ABANDONED = ".123-0123456789abcdef.part"


def test_what_killed_writers_left_goes_after_an_hour(tmp_path):
    old, young, foreign = (tmp_path / name for name in (ABANDONED, ".9-00112233aabbccdd.part", ".download.part"))
    for path in (old, young, foreign):
        path.write_bytes(b"half")
    for path in (old, foreign):
        os.utime(path, (time.time() - SECONDS_TO_FINISH - 60,) * 2)
    with atomic_write(tmp_path / "x", is_one_of_many=True):
        pass
    assert old.exists(), "a set is not looked through again for each of its images"
    with atomic_write(tmp_path / "x"):
        pass
    assert contents(tmp_path) == {"x": b"", young.name: b"half", ".download.part": b"half"}


def test_what_cannot_be_removed_stays_and_harms_nothing(tmp_path):
    """As another user's file in a shared folder, which a folder of that name stands for."""
    (tmp_path / ABANDONED).mkdir()
    os.utime(tmp_path / ABANDONED, (0, 0))
    with atomic_write(tmp_path / "x") as stream:
        stream.write(b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert (tmp_path / ABANDONED).is_dir()
    remove_abandoned(tmp_path / "missing")


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_a_secret_is_never_readable_by_others(tmp_path):
    with atomic_write(tmp_path / "x", mode=0o600) as stream:
        [path] = tmp_path.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        stream.write(b"new")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("env", "folder"), [({"XDG_CACHE_HOME": "/xdg", "HOME": "/me"}, "/xdg"), ({"HOME": "/me"}, "/me/.cache")]
)
def test_the_folder_for_caches(monkeypatch, env, folder):
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
        if name in env:
            monkeypatch.setenv(name, env[name])
    assert user_folder("ours") == Path(folder, "ours")


@pytest.mark.skipif(os.name == "nt", reason="homes are found otherwise")
def test_a_user_without_a_home_has_no_folder_for_caches(monkeypatch):
    import pwd

    for name in ("XDG_CACHE_HOME", "HOME", "GANMETRICS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert user_folder("ours") is None
    with pytest.raises(ResourceError, match="Set GANMETRICS_DATA_DIR"):
        data_folder()
    with pytest.raises(ResourceError, match="Set XDG_CACHE_HOME"):
        stats_folder()


KILLED = """
import os, signal, sys
from ganmetrics._files import atomic_write
with atomic_write(sys.argv[1]) as stream:
    stream.write(b"half")
    stream.flush()
    if sys.argv[2] == "renaming":
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("moment", ["writing", "renaming"])
def test_a_killed_process_leaves_what_was_there(target, moment):
    before = contents(target.parent)
    done = subprocess.run([sys.executable, "-I", "-c", KILLED, str(target), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    after = contents(target.parent)
    assert {name: data for name, data in after.items() if not name.endswith(".part")} == before
