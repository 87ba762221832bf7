"""What surrounds a program and changes no number: interpreter options, locales, clocks, closed streams, many files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from memory import IMPORT
from nursery import Nursery

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")
SCORE = ["--metrics", "fid,kid(subset_size=20),prdc", "--extractor", "pixels", "-q", "--json", "-"]
SPAWN = """
import multiprocessing, sys
from ganmetrics.cli import main
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main(sys.argv[1:])
"""
STRICT = [sys.executable, "-O", "-bb", "-W", "error", "-m", "ganmetrics"]
PLAIN = [sys.executable, "-m", "ganmetrics"]
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "all at once": (STRICT, {"PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}),
    "-OO": ([*PLAIN[:1], "-OO", *PLAIN[1:]], {"PYTHONHASHSEED": "0", "PYTHONUTF8": "0"}),
    "cp1252": (PLAIN, {"PYTHONHASHSEED": "4242", "PYTHONIOENCODING": "cp1252"}),
    "spawn": ([sys.executable, "spawn.py"], {}),
}


@pytest.fixture(scope="module")
def wanted(nursery: Nursery, sets: tuple[Path, Path]) -> str:
    """The JSON of a forked child."""
    ending = nursery.run("command", "evaluate", *sets, *SCORE)
    assert (ending.code, ending.stderr) == (0, "")
    return ending.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_98_every_way_to_start_prints_the_same_bytes(
    name: str, sets: tuple[Path, Path], tmp_path: Path, wanted: str
) -> None:
    command, env = WAYS[name]
    (tmp_path / "spawn.py").write_text(SPAWN)
    workers = ["--workers", "1"] if name == "spawn" else []
    done = subprocess.run(
        [*command, "evaluate", *map(str, sets), *SCORE, *workers],
        cwd=tmp_path, env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == wanted


@pytest.mark.slow
@pytest.mark.parametrize("env", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}])
def test_98_names_and_signs_that_a_console_does_not_know(
    env: dict[str, str], sets: tuple[Path, Path], tmp_path: Path
) -> None:
    """A folder in Greek and with a snowman: an ASCII console shows escapes, and the score all the same."""
    (tmp_path / "Ωμέγα-\N{SNOWMAN}").symlink_to(sets[0])
    words = ["fid", "Ωμέγα-\N{SNOWMAN}", str(sets[1]), "--extractor", "pixels", "-q"]
    done = subprocess.run(
        [*PLAIN, *words], cwd=tmp_path, env={**os.environ, **env}, capture_output=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"FID(pixels)" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "closing", ["<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.slow) for one in (">&-", "2>&-"))]
)
def test_99_streams_that_are_closed_at_the_start(closing: str, sets: tuple[Path, Path], tmp_path: Path) -> None:
    """What is written to them is lost and nothing else: no file gets it in their place."""
    words = f'exec "$@" --json out.json {closing}'
    score = ["evaluate", *map(str, sets), "--metrics", "fid", "--extractor", "pixels", "-q"]
    done = subprocess.run(
        ["sh", "-c", words, "sh", *PLAIN, *score], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "GANMETRICS_CACHE": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["scores"]["fid"]["value"] > 0
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_99_a_reader_that_takes_one_byte(tmp_path: Path) -> None:
    """A pipe that is full and then closed."""
    words = 'set -o pipefail; "$@" | head -c1'
    listing = [*PLAIN, "generators", "list", "--json"]
    done = subprocess.run(
        ["bash", "-c", words, "bash", *listing], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0, pytest.param(4_000_000_000, marks=pytest.mark.slow)], ids=["1970", "2096"])
def test_97_clocks_do_not_matter(
    moment: int, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, wanted: str
) -> None:
    """Files, folders and kept features of long ago and of the future: the same score, from the cache too."""
    env = {"GANMETRICS_CACHE": "1", "GANMETRICS_CACHE_DIR": str(tmp_path / "cache"), "GANMETRICS_CACHE_SIZE": "1MB"}
    before = [path.stat() for path in sets]
    try:
        for turn in range(2):
            for path in [*sets, *(tmp_path / "cache").rglob("*")]:
                os.utime(path, (moment, moment))
            ending = nursery.run("command", "evaluate", *sets, *SCORE, env=env)
            assert (ending.code, ending.stdout, ending.stderr) == (0, wanted, ""), turn
            assert len(list((tmp_path / "cache").glob("*/??/*.features"))) == 2
        assert nursery.run("command", "cache", "list", env=env).code == 0
    finally:
        for path, status in zip(sets, before, strict=True):
            os.utime(path, (status.st_atime, status.st_mtime))


SCAN = f"""
{IMPORT}; import time
import torch
import ganmetrics as gm
from ganmetrics.data import open_source
reading = gm.Reading(**eval(sys.argv[2]))
base = peak()
start = time.process_time()
source = open_source(sys.argv[1], reading=reading)
print(source.count, time.process_time() - start, peak() - base)
"""


def scan(place: str, root: Path, **choices: object) -> tuple[int, float, int]:
    """The number of images, the seconds and the bytes that it took to find them."""
    done = subprocess.run(
        [sys.executable, "-c", SCAN, place, repr(choices)], capture_output=True, text=True, check=True, cwd=root
    )
    count, seconds, memory = done.stdout.split()
    return int(count), float(seconds), int(memory)


@pytest.mark.slow
def test_100_a_hundred_thousand_files_are_found_in_little_memory(sets: tuple[Path, Path], tmp_path: Path) -> None:
    """A million of them, at ten times this, must stay below a gigabyte."""
    files = sorted(sets[0].iterdir())
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(100_000):
        os.link(files[index % len(files)], folder / f"{index:07}.png")
    (tmp_path / "names.txt").write_text("".join(f"many/{index:07}.png\n" for index in range(100_000)))
    for place, choices, expected in (
        ("many", {}, 100_000),
        ("many", {"include": "*1.png", "sample": 1000}, 1000),
        ("many", {"sample": 50_000}, 50_000),
        ("many/*.png", {}, 100_000),
        ("man?/**/*.png", {"exclude": "*1.png"}, 90_000),
        ("@names.txt", {"sample": 50_000}, 50_000),
    ):
        count, _, memory = scan(place, tmp_path, **choices)
        assert count == expected
        assert memory < 100e6, (place, choices)
