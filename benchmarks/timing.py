"""How costs are measured: actions in turn within this process, and whole processes with their workers."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.report import Comparison

INTERVAL = 0.05  # seconds between two readings of memory
SHARE = 20  # a reading may take one part in so many of the time, so that it does not slow what it measures
ROOT = Path(__file__).parents[1]
MIB = 2**20


@dataclass(frozen=True)
class Goal:
    """What is wanted of a row: the largest ours / peer, the largest value of ours, or neither."""

    ratio: float | None = None
    value: float | None = None


@dataclass(frozen=True)
class Usage:
    """What one process and its children cost: seconds, seconds of CPU, peak memory in MiB, and what it printed."""

    wall: float
    cpu: float
    memory: float
    output: str


class ProcessFailed(Exception):
    """A measured command ended with an error; the message holds the end of what it said."""


def in_turn(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each action, A B C A B C, after one turn that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(rounds + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def against_peers(
    what: str, unit: str, values: Mapping[str, Sequence[float]], command: str, goals: Mapping[str, Goal]
) -> list[Comparison]:
    """One row for each peer, from values by name, ours under ``"ganmetrics"``."""
    rows = []
    for name in values.keys() - {"ganmetrics"}:
        goal = goals.get(name, Goal())
        rows.append(Comparison(what, unit, values["ganmetrics"], values[name], name, command, goal.ratio, goal.value))
    return sorted(rows, key=lambda row: list(values).index(row.peer_name))


def program(name: str) -> str:
    """The path of an installed command, that of this environment first (ProcessFailed)."""
    found = shutil.which(name, path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
    if found is None:
        raise ProcessFailed(f"the command {name} is not installed; pip install 'ganmetrics[test]' brings the peers")
    return found


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end and measure it with its children (ProcessFailed).

    CPU seconds come from ``getrusage(RUSAGE_CHILDREN)``, which counts the workers that the command waited for. Memory
    is the peak of ``tree_memory``.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        environ = {**os.environ, **(environment or {})}
        child = subprocess.Popen(command, stdout=output, stderr=errors, env=environ, cwd=ROOT, start_new_session=True)
        memory = _peak_until_end(child)
        wall = time.perf_counter() - start
        if child.returncode:
            raise ProcessFailed(f"{Path(command[0]).name} ended with {child.returncode}: {_content(errors)[-500:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return Usage(wall, cpu, memory / MIB, _content(output))


def tree_memory(session: int) -> int:
    """Bytes that the processes of a session hold together.

    Anonymous and shared memory by proportional share, so that pages a worker inherited from its parent count once;
    mapped files (libraries, weights) by the process that has the most of them resident, which is the parent.
    """
    own, files = 0, [0]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if _session_of((folder / "stat").read_text()) != session:
                continue
            shares, status = (folder / "smaps_rollup").read_text(), (folder / "status").read_text()
        except OSError:  # it ended meanwhile
            continue
        own += sum(kilobytes(shares, name) for name in ("Pss_Anon", "Pss_Shmem"))
        files.append(kilobytes(status, "RssFile"))
    return (own + max(files)) * 1024


def kilobytes(text: str, name: str) -> int:
    """The number of one line of a file of ``/proc``, such as ``VmHWM:  1984 kB``; 0 where there is none."""
    match = re.search(rf"^{name}:\s+(\d+) kB", text, flags=re.MULTILINE)
    return int(match[1]) if match else 0


def _peak_until_end(child: subprocess.Popen[bytes]) -> int:
    peak, pause = 0, INTERVAL
    try:
        while child.poll() is None:
            start = time.perf_counter()
            peak = max(peak, tree_memory(child.pid))
            pause = max(INTERVAL, SHARE * (time.perf_counter() - start))
            try:
                child.wait(timeout=pause)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
    return peak


def _session_of(stat: str) -> int:  # the name, in brackets, may hold anything; state, parent, group, session follow
    return int(stat.rpartition(")")[2].split()[3])


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
