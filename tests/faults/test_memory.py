"""Memory that runs out ends in exit code 6 and one sentence, and a decoding process that dies does too."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from nursery import Child, Nursery
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")


def room(nursery: Nursery, more: int) -> dict[str, int]:
    """A limit on the address space: what a child has at its birth, and so many bytes more."""
    nursery.run("python", "")  # until it answers it is still importing
    pages = int(Path(f"/proc/{nursery.process.pid}/statm").read_text().split()[0])
    return {"RLIMIT_AS": pages * os.sysconf("SC_PAGE_SIZE") + more}


GREEDY = """
import numpy as np
import torch
from ganmetrics.evaluation import evaluate
evaluate.scored = lambda *_, **__: torch.empty(1 << 33) if arguments[0] == "torch" else np.empty(1 << 33)
command(*arguments[1:])
"""


@pytest.mark.parametrize("whose", ["torch", "numpy"])
@pytest.mark.parametrize("json_option", [[], ["--json", "-"]], ids=["table", "json"])
def test_89_memory_that_runs_out_is_one_sentence(
    whose: str, json_option: list[str], nursery: Nursery, sets: tuple[Path, Path]
) -> None:
    """PyTorch has no class of error for it and NumPy has."""
    words = ["fid", *map(str, sets), "--extractor", "pixels", "-q", *json_option]
    ending = nursery.run("python", GREEDY, whose, *words, limits=room(nursery, 1 << 30))
    assert (ending.code, ending.stdout) == (6, "")
    assert ending.stderr.count("\n") == 1
    assert "E-MEMORY" in ending.stderr
    assert "--max-memory" in ending.stderr


HEAPS = """
import ctypes
import threading
from contextlib import suppress

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
everybody = threading.Barrier(4)

def allocate():
    libc.malloc(1000)
    everybody.wait()

with suppress(SystemExit):
    command("--version")
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(arguments[0].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the allocator of glibc"
)
def test_a_command_keeps_one_heap(nursery: Nursery, tmp_path: Path) -> None:
    """Each thread of a pipeline would keep what it has freed in a heap of its own."""
    ending = nursery.run("python", HEAPS, tmp_path / "heaps.xml")
    assert ending.code == 0, ending.stderr
    assert (tmp_path / "heaps.xml").read_text().count("<heap ") == 1


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Two images of 17 MB each, in small files."""
    folder = tmp_path / "large"
    folder.mkdir()
    for index in range(2):
        Image.new("RGB", (2400, 2400), (index, 9, 9)).save(folder / f"{index}.png", compress_level=1)
    return folder


def test_89_an_image_that_does_not_fit_is_one_sentence(nursery: Nursery, large: Path) -> None:
    words = ["command", "fid", str(large), str(large), "--extractor", "pixels", "-q"]
    assert nursery.run(*words).code == 0
    ending = nursery.run(*words, limits=room(nursery, 10 << 20))
    assert (ending.code, ending.stdout) == (6, "")
    assert ending.stderr.startswith("error[E-MEMORY]: "), ending.stderr
    assert ending.stderr.count("\n") == 1
    skipping = nursery.run(*words, "--on-error", "skip", limits=room(nursery, 10 << 20))
    assert skipping == ending, "what does not fit is not left out"


def linked(source: Path, folder: Path, count: int) -> Path:
    """A folder of so many names for the files of another."""
    folder.mkdir()
    files = sorted(source.iterdir())
    for index in range(count):
        os.link(files[index % len(files)], folder / f"{index:06}.png")
    return folder


def workers_of(child: Child) -> list[int]:
    """Its processes that decode images, once there are some."""
    for _ in range(6000):
        found = [int(path.name) for path in Path("/proc").glob("[0-9]*") if parent(path) == child.pid]
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"it has no workers: {child.stderr()}")


def parent(place: Path) -> int:
    try:
        return int((place / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_87_a_killed_worker_ends_the_command(nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path) -> None:
    folder = linked(sets[0], tmp_path / "many", 15_000)
    target = tmp_path / "x.npz"
    child = nursery.start(
        "command", "stats", "build", folder, "-o", target, "--extractor", "pixels", "--workers", "2", "-q"
    )
    os.kill(workers_of(child)[0], signal.SIGKILL)
    ending = child.wait()
    assert (ending.code, ending.stdout) == (6, "")
    assert ending.stderr.startswith("error[E-RESOURCE]: a process that decodes images ended "), ending.stderr
    assert "--workers 0" in ending.stderr
    assert "--shm-size" in ending.stderr
    assert ending.stderr.count("\n") == 1
    assert not child.orphans()
    assert os.listdir(tmp_path) == ["many"]
