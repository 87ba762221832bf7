"""The judge sees what no reader may do, and the run keeps the file that shows it."""

from __future__ import annotations

import mmap
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzzing import campaign, judging
from fuzzing.judging import judged
from fuzzing.readers import READERS, Reader

from ganmetrics.errors import GanMetricsWarning, InputError, NumericalError


def unpickled(path: Path) -> None:
    pickle.loads(pickle.dumps(Path))


def endless(path: Path) -> None:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def large(path: Path) -> None:
    with mmap.mmap(-1, 64 << 20) as pages:  # new ones: an allocator may have as much at hand
        pages.write(b"x" * len(pages))


def refused(error: Exception) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "finding"),
    [
        (lambda path: {}["x"], "KeyError through test_judging.py"),
        (lambda path: warnings.warn("said", stacklevel=1), "a warning: UserWarning said"),
        (lambda path: print("said"), "it printed: 'said'"),
        (lambda path: print("said", file=sys.stderr), "it printed: 'said'"),
        (lambda path: os.write(2, b"said"), "it printed: 'said'"),
        (unpickled, "the reader did pickle.find_class"),
        (lambda path: os.system("true"), "the reader did os.system"),
        (endless, "it took more than"),
        (large, "MiB of memory"),
        (refused(NumericalError("negative")), "NumericalError: negative"),
        (refused(InputError("two\nlines")), "a message that does not print"),
        (refused(InputError("x", where="\x1b[2J")), "a message that does not print"),
        (refused(InputError("x" * 30_000)), "a message of 30000 characters"),
    ],
)
def test_what_no_reader_may_do(
    read: Callable[[Path], object], finding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "SECONDS", 0.2 if read is endless else 60.0)
    monkeypatch.setattr(judging, "MEMORY", 32 << 20)
    assert finding in judged(read, tmp_path).finding


def test_what_a_reader_may_do(tmp_path: Path) -> None:
    assert judged(lambda path: None, tmp_path) == (True, "")
    assert judged(lambda path: warnings.warn("x", GanMetricsWarning, stacklevel=1), tmp_path) == (True, "")
    assert judged(refused(InputError("x", hint="one\ntwo")), tmp_path) == (False, "")
    assert judged(lambda path: os.write(2, b"said"), tmp_path, is_noisy=True) == (True, "")


def test_the_file_of_each_kind_of_fault_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> None:
        if b"x" in path.read_bytes():
            raise KeyError(path.read_bytes())

    monkeypatch.setitem(READERS, "broken", Reader(read, lambda: [b"sound"], "file"))
    run = campaign.Campaign("broken", tmp_path)
    assert [bool(run.give(data)) for data in (b"sound", b"x1", b"x2")] == [False, True, True]
    assert [path.read_bytes() for path in run.findings.values()] == [b"x1"]
    assert f"--reader broken --replay {tmp_path / 'broken-0'}" in run.report() and "base64 eDE=" in run.report()
