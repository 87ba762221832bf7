"""Disks that are full, files that may not grow, folders that cannot be written, users without a home."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from nursery import Ending, Nursery

import ganmetrics

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits of Linux")
STRANGER = 54321  # a user that no machine knows
READABLE = all(path.stat().st_mode & 0o5 == 0o5 for path in Path(ganmetrics.__file__).parents)
as_stranger = pytest.mark.skipif(
    os.geteuid() != 0 or not READABLE,
    reason="only the superuser becomes another, who must be allowed to read the package",
)
HOMELESS = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TORCH_HOME", "GANMETRICS_CACHE_DIR"))
CACHED = {"GANMETRICS_CACHE": "1"}
Apart = tuple[dict[str, str], Callable[[], None]]  # an environment, and what makes its cache read-only
NOTE = "warning: 20 real and 20 fake images for 192 dimensions: the covariance is singular and FID is mostly bias\n"


@contextmanager
def mounted(place: Path, size: str) -> Iterator[Callable[[], None]]:
    """A file system in memory; calling what is given makes it read-only. A skip where nothing may be mounted."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.strip()}")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,ro", place], check=True) and None
    finally:
        subprocess.run(["umount", place], check=True)


def fid(sets: tuple[Path, Path]) -> list[str]:
    return ["command", "fid", *map(str, sets), "--extractor", "pixels", "-q"]


def statistics(sets: tuple[Path, Path], target: Path) -> list[str]:
    how = ["--keep", "features", "--force", "--extractor", "pixels", "-q"]
    return ["command", "stats", "build", str(sets[0]), "-o", str(target), *how]


def refused(ending: Ending, where: Path | str, why: str = "No space left on device") -> None:
    assert (ending.code, ending.stdout) == (6, "")
    assert ending.stderr.startswith("error[E-WRITE]: cannot write the file: "), ending.stderr
    assert f"{why} ({where})" in ending.stderr
    assert ending.stderr.count("\n") == 1


def noted(ending: Ending, wanted: Ending, *notes: str) -> None:
    """The score comes as ever, with these notes and no other line."""
    assert (ending.code, ending.stdout) == (0, wanted.stdout)
    lines = ending.stderr.splitlines()
    assert len(lines) == len(notes) + 1, lines
    assert all(note in line for note, line in zip(notes, lines, strict=False)), lines
    assert f"{lines[-1]}\n" == NOTE


@pytest.fixture(scope="module")
def wanted(nursery: Nursery, sets: tuple[Path, Path]) -> Ending:
    ending = nursery.run(*fid(sets))
    assert (ending.code, ending.stderr) == (0, NOTE)
    return ending


# --- full disks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [None, b"the old file"], ids=["new", "replaced"])
def test_79_a_full_disk_keeps_the_old_file(
    old: bytes | None, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    place = tmp_path / "small"
    with mounted(place, "64k"):
        target = place / "x.npz"
        if old is not None:
            target.write_bytes(old)
        refused(nursery.run(*statistics(sets, target)), target)
        assert {path.name: path.read_bytes() for path in place.iterdir()} == ({} if old is None else {"x.npz": old})


def test_79_a_full_disk_for_results_and_reports(nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path) -> None:
    place = tmp_path / "small"
    score = ["command", "evaluate", *map(str, sets), "--metrics", "fid", "--extractor", "pixels", "-q"]
    with mounted(place, "64k"):
        (place / "filler").write_bytes(bytes(64 << 10))
        refused_json = nursery.run(*score, "--json", place / "x.json")
        assert refused_json.code == 6
        error = json.loads(refused_json.stderr.splitlines()[-1])["error"]
        assert (error["code"], error["where"]) == ("E-WRITE", str(place / "x.json"))
        report = nursery.run(*score, "--html", place / "x.html")
        assert report.code == 6
        assert "No space left on device" in report.stderr.splitlines()[-1]
        assert report.stdout.startswith("FID(pixels)"), "the scores do not wait for a report"
        assert os.listdir(place) == ["filler"]


def test_79_a_full_disk_costs_the_cache_and_no_score(
    nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, wanted: Ending
) -> None:
    place = tmp_path / "small"
    with mounted(place, "8k"):
        env = {**CACHED, "GANMETRICS_CACHE_DIR": str(place)}
        noted(nursery.run(*fid(sets), env=env), wanted, "features are not kept in the cache")
        assert [path for path in place.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_79_a_full_disk_ends_a_training_and_its_samples_whole(nursery: Nursery, tmp_path: Path) -> None:
    place = tmp_path / "small"
    train = ["command", "generators", "train", "gan-ring", "--watch-every", "0", "-q", "-o", str(place / "run")]
    with mounted(place, "64k"):
        refused(nursery.run(*train, "--iterations", 3), place / "run" / "checkpoint.pt")
        assert sorted(os.listdir(place / "run")) == ["log.jsonl", "run.json"]
        (place / "filler").write_bytes(bytes(40 << 10))
        drawn = nursery.run("command", "generators", "sample", "dcgan-mnist", "-n", 50, "-o", place / "fake", "-q")
        assert drawn.code == 6
        assert all(path.suffix == ".png" for path in (place / "fake").iterdir())
        assert drawn.stderr.count("\n") == 1
        (place / "filler").unlink()
        assert nursery.run("command", "fid", place / "fake", place / "fake", "--extractor", "pixels", "-q").code == 0


def test_79_a_limit_on_files_is_a_full_disk(nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path) -> None:
    limits = {"RLIMIT_FSIZE": 20_000}
    target = tmp_path / "x.npz"
    refused(nursery.run(*statistics(sets, target), limits=limits), target, "File too large")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_79_a_log_that_may_not_grow_ends_a_training(nursery: Nursery, tmp_path: Path) -> None:
    train = ["command", "generators", "train", "gan-ring", "--watch-every", "0", "-q", "-o", str(tmp_path / "run")]
    ending = nursery.run(*train, "--iterations", 300, limits={"RLIMIT_FSIZE": 300})
    refused(ending, tmp_path / "run" / "log.jsonl", "File too large")


@pytest.mark.slow
@pytest.mark.parametrize("json_option", [["--json", "-"], []], ids=["json", "table"])
def test_79_a_full_device_behind_stdout(json_option: list[str], sets: tuple[Path, Path], tmp_path: Path) -> None:
    """A process of its own: what is left in a buffer is written when the interpreter ends."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ganmetrics", *fid(sets)[1:], *json_option],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert done.returncode == 6
    last = done.stderr.splitlines()[-1]
    said = json.loads(last)["error"]["what"] if json_option else last.removeprefix("error[E-WRITE]: ")
    assert said == "cannot write the output: No space left on device"
    assert "Exception ignored" not in done.stderr


# --- folders that cannot be written ----------------------------------------------------------------------------------


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    """A cache on a file system of its own, and what makes that one that nobody may write, the superuser neither."""
    with mounted(tmp_path / "cache", "1m") as freeze:
        yield {**CACHED, "GANMETRICS_CACHE_DIR": str(tmp_path / "cache")}, freeze


def test_82_a_read_only_cache_costs_one_note(
    nursery: Nursery, sets: tuple[Path, Path], apart: Apart, wanted: Ending
) -> None:
    env, freeze = apart
    freeze()
    note = f"not kept in the cache ({env['GANMETRICS_CACHE_DIR']}): Read-only file system"
    noted(nursery.run(*fid(sets), env=env), wanted, note)


def test_82_a_read_only_cache_is_read(nursery: Nursery, sets: tuple[Path, Path], apart: Apart, wanted: Ending) -> None:
    env, freeze = apart
    assert nursery.run(*fid(sets), env=env).code == 0
    freeze()
    noted(nursery.run(*fid(sets), env=env), wanted)


@as_stranger
@pytest.mark.parametrize(
    ("env", "note"),
    [
        ({"GANMETRICS_CACHE_DIR": "LOCKED/cache"}, "not kept in the cache (LOCKED/cache): Permission denied"),
        ({"HOME": "LOCKED"}, "not kept in the cache (LOCKED/.cache/ganmetrics/features): Permission denied"),
        ({"XDG_CACHE_HOME": "LOCKED/none"}, "not kept in the cache (LOCKED/none/ganmetrics/features): Permission"),
        ({}, "this user has no home folder to keep features in; the scores are not affected"),
    ],
    ids=["folder", "home", "cache", "homeless"],
)
def test_82_a_user_without_a_place_to_write(
    env: dict[str, str], note: str, nursery: Nursery, open_folder: Path, wanted: Ending
) -> None:
    locked = open_folder / "locked"
    locked.mkdir(mode=0o755)
    env = {name: value.replace("LOCKED", str(locked)) for name, value in env.items()}
    words = fid((open_folder / "real", open_folder / "fake"))
    ending = nursery.run(*words, env={**HOMELESS, **CACHED, **env}, user=STRANGER, cwd=open_folder)
    noted(ending, wanted, note.replace("LOCKED", str(locked)))
    assert sorted(os.listdir(open_folder)) == ["fake", "locked", "real"], "no folder that is called ~"
    assert os.listdir(locked) == []


@pytest.fixture
def open_folder(sets: tuple[Path, Path]) -> Iterator[Path]:
    """A folder with both sets that anybody may enter and write to, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        for each in sets:
            shutil.copytree(each, Path(folder, each.name))
        yield Path(folder)


@as_stranger
def test_82_weights_are_looked_for_without_a_home(nursery: Nursery, open_folder: Path) -> None:
    ending = nursery.run("command", "fid", "real", "fake", "-q", env=HOMELESS, user=STRANGER, cwd=open_folder)
    assert (ending.code, ending.stdout) == (5, "")
    assert ending.stderr.startswith("error[E-OFFLINE]: the weights inception-2015-12-05 are not here")
    assert "put it at $GANMETRICS_WEIGHTS_DIR/pt_inception-2015-12-05-6726825d.pth" in ending.stderr
    fetched = nursery.run(
        "command", "weights", "fetch", "vgg16", env={**HOMELESS, "GANMETRICS_OFFLINE": "0"}, user=STRANGER,
        cwd=open_folder,
    )  # fmt: skip
    assert (fetched.code, fetched.stdout) == (6, "")
    assert "this user has no home folder to keep weights in" in fetched.stderr
    listed = nursery.run("command", "cache", "list", env=HOMELESS, user=STRANGER, cwd=open_folder)
    assert (listed.code, listed.stdout) == (6, "")
    assert "Set GANMETRICS_CACHE_DIR" in listed.stderr
    assert sorted(os.listdir(open_folder)) == ["fake", "real"]


@pytest.mark.parametrize("place", ["a file", "below a file", "missing"])
def test_82_a_cache_that_is_no_folder(
    place: str, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, wanted: Ending
) -> None:
    (tmp_path / "file").write_text("mine")
    where = tmp_path / {"a file": "file", "below a file": "file/x", "missing": "a/b"}[place]
    ending = nursery.run(*fid(sets), env={**CACHED, "GANMETRICS_CACHE_DIR": str(where)})
    noted(ending, wanted, *([] if place == "missing" else [f"not kept in the cache ({where}): Not a directory"]))
    assert (tmp_path / "file").read_text() == "mine"
    assert where.is_dir() == (place == "missing")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_82_a_temporary_folder_that_is_missing(
    workers: str, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, wanted: Ending
) -> None:
    env = {name: str(tmp_path / "none") for name in ("TMPDIR", "TEMP", "TMP")}
    noted(nursery.run(*fid(sets), "--workers", workers, env=env), wanted)


NO_LOCKS = """
import errno, fcntl
def flock(*_):
    raise OSError(getattr(errno, arguments[0]), "no locks here")
fcntl.flock = flock
command(*arguments[1:])
"""


@pytest.mark.parametrize(("fault", "notes"), [("ENOLCK", ()), ("ENOSYS", ["falling back to SoftFileLock"])])
def test_82_a_file_system_without_locks(
    fault: str, notes: Sequence[str], nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, wanted: Ending
) -> None:
    env = {**CACHED, "GANMETRICS_CACHE_DIR": str(tmp_path / "cache")}
    noted(nursery.run("python", NO_LOCKS, fault, *fid(sets)[1:], env=env), wanted, *notes)
    assert len(list(tmp_path.glob("cache/*/??/*.features"))) == 2


def test_82_few_open_files_are_enough(nursery: Nursery, sets: tuple[Path, Path], wanted: Ending) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft > 32
    noted(nursery.run(*fid(sets), limits={"RLIMIT_NOFILE": 32}), wanted)
