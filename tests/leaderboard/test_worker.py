"""Workers that are killed, stores that go away: every submission is scored exactly once and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boards
import pytest
from boards import ended, npz, pictures, started

from ganmetrics.leaderboard import Board
from ganmetrics.leaderboard.worker import Worker

NUM_IMAGES = 20


def queued(board: Board, folder: Path, count: int) -> list[str]:
    path = npz(folder / "fake.npz", pictures(NUM_IMAGES, 3))
    return [board.submit(path, team="t", model=f"m{number}") for number in range(count)]


def check_scored_once(board: Board, entries: list[str]) -> None:
    kinds = Counter(record.facts["entry"] for record in board.store.records() if record.kind == "score")
    assert kinds == dict.fromkeys(entries, 1)
    assert board.check() == len(entries) + 1
    assert board.store.counts() == {"scored": len(entries)}


def scored_count(board: Board) -> int:
    return board.store.counts().get("scored", 0)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_worker_that_is_killed_thrice_loses_nothing(tmp_path: Path) -> None:
    """Eight submissions wait; the worker is killed by SIGKILL three times at random moments."""
    rng = random.Random(0)
    with boards.board(tmp_path / "board", num_images=NUM_IMAGES, metrics=("fid",), has_diagnosis=False) as board:
        entries = queued(board, tmp_path, 8)
        worker = started(board.folder)
        for kill in range(3):
            boards.until(lambda kill=kill: scored_count(board) >= 1 + 2 * kill, 600)
            time.sleep(rng.uniform(0, 3))
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            worker = started(board.folder)
        boards.until(lambda: scored_count(board) == 8, 1200)
        ended(worker)
        check_scored_once(board, entries)
        assert not list(board.folder.glob("**/*.part")) and not list(board.places["scratch"].iterdir())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_workers_share_a_queue_that_survives_a_restart(tmp_path: Path, server: boards.Server) -> None:
    """Two workers on one PostgreSQL board; the server is stopped in the middle and started again."""
    with boards.board(
        tmp_path / "board", num_images=NUM_IMAGES, metrics=("fid",), has_diagnosis=False, store=server.url()
    ) as board:
        entries = queued(board, tmp_path, 8)
        workers = [started(board.folder) for _ in range(2)]
        boards.until(lambda: scored_count(board) >= 3, 300)
        server.stop()
        time.sleep(3)
        assert all(worker.poll() is None for worker in workers), "they wait"
        server.start()
        boards.until(lambda: scored_count(board) == 8, 600)
        holders = {each.worker for each in board.store.submissions()}
        ended(*workers)
        assert len(holders) == 2, "both had work"
        check_scored_once(board, entries)


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_gives_its_submission_back(tmp_path: Path) -> None:
    with boards.board(tmp_path / "board", num_images=NUM_IMAGES, metrics=("fid",), has_diagnosis=False) as board:
        queued(board, tmp_path, 1)
        worker = started(board.folder)
        boards.until(lambda: "scoring" in board.store.counts())
        ended(worker)
        assert worker.returncode == 143
        assert board.store.counts() == {"queued": 1}
        again = started(board.folder, "--until-empty")
        assert again.wait(120) == 0 and board.store.counts() == {"scored": 1}


def test_a_worker_removes_uploads_that_were_cut_off(tmp_path: Path) -> None:
    with boards.board(tmp_path / "board", num_images=NUM_IMAGES, metrics=("fid",), has_diagnosis=False) as board:
        part = board.places["submissions"] / ".7-0123456789abcdef.part"
        part.write_bytes(b"half")
        os.utime(part, (0, 0))
        Worker(board).run(until_empty=True)
        assert not part.exists()


def test_an_empty_queue_ends_a_worker_that_is_told_so(tmp_path: Path, run: Any) -> None:
    boards.board(tmp_path / "board", num_images=NUM_IMAGES, metrics=("fid",), has_diagnosis=False).close()
    assert run("leaderboard", "work", tmp_path / "board", "--until-empty").returncode == 0


PARENT = """
import subprocess, sys
code = "import os, sys, time; from ganmetrics.leaderboard.worker import end_with; end_with(int(sys.argv[1])); "
code += "print(flush=True); time.sleep(60)"
import os
child = subprocess.Popen([sys.executable, "-c", code, str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_worker_ends_with_the_server_that_was_killed() -> None:
    """A killed server cannot end its workers; they look whether it is there."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split()[2]:
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker is still there")
