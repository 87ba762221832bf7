"""A child process with limits: a submission that crashes it or makes it hang is rejected, and harms nothing else.

The child lowers its own limits before it opens anything of a stranger's. On Linux it also loses the right to gain
others and dies with its parent. It has no network where the system lets a user take it away. Where the kernel has
Landlock, it sees no file but those it needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ganmetrics.errors import GanMetricsError, RejectedError, ResourceError
from ganmetrics.leaderboard import landlock

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
POLL = 0.5
MOST_OUTPUT = 16 << 20
KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH"),
    *("CUDA_VISIBLE_DEVICES", "GANMETRICS_CACHE_DIR", "GANMETRICS_WEIGHTS_DIR", "XDG_CACHE_HOME", "TORCH_HOME"),
)


@dataclass(frozen=True)
class Limits:
    """Limits of a child process.

    Attributes
    ----------
    memory : int
        Bytes of address space; 0 for no limit.
    seconds : int
        Seconds of CPU time; by the clock, twice as many.
    file_bytes : int
        Most bytes of each file that the process writes.
    reads : tuple of str
        Paths that stay readable beside the interpreter and its libraries; all paths where empty.
    writes : str
        The only folder in which the process may write, where ``reads`` are named.
    """

    memory: int
    seconds: int
    file_bytes: int
    reads: tuple[str, ...] = ()
    writes: str = ""


def run(
    module: str, job: Mapping[str, Any], limits: Limits, *, threads: int = 1, alive: Callable[[], bool] = lambda: True
) -> dict[str, Any]:
    """Run a module's ``answer(job)`` in a child and return its answer; ``alive`` is asked every half second.

    Raises
    ------
    RejectedError
        What the child said of the submission, or that it crashed or passed a limit.
    ResourceError
        The machine has no room for it, or ``alive`` said no: the submission is not to blame.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", "ganmetrics.leaderboard.sandbox", module]
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=errors, env=_environment(threads), cwd="/",
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ResourceError(f"no process can be started: {error.strerror}", code="E-WORKER") from error
        try:
            _ask(child, {"limits": asdict(limits), "parent": os.getpid(), "job": job})
            _wait(child, 2 * limits.seconds, alive)
        finally:
            _end(child)
        return _answer(child, output, errors)


def _ask(child: subprocess.Popen[bytes], question: Mapping[str, Any]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError), child.stdin:
        child.stdin.write(json.dumps(question).encode())


def _wait(child: subprocess.Popen[bytes], seconds: float, alive: Callable[[], bool]) -> None:
    waited = 0.0
    while True:
        try:
            child.wait(POLL)
            return
        except subprocess.TimeoutExpired:
            waited += POLL
        if waited > seconds:
            raise RejectedError(f"the submission took longer than {seconds} seconds", code="E-LIMIT")
        if not alive():
            raise ResourceError("the submission was taken by another worker", code="E-WORKER")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _answer(child: subprocess.Popen[bytes], output: Any, errors: Any) -> dict[str, Any]:
    output.seek(0)
    try:
        said: dict[str, Any] = json.loads(output.read(MOST_OUTPUT))
    except ValueError:
        said = {}
    if "answer" in said:
        return dict(said["answer"])
    if "rejected" in said:
        raise RejectedError(str(said["rejected"]), code=str(said["code"]))
    if "resource" in said:
        raise ResourceError(str(said["resource"]), code="E-WORKER")
    raise RejectedError(_crash(child.returncode, errors), code="E-LIMIT")


def _crash(code: int, errors: Any) -> str:
    # The last 4 KiB hold the end of a traceback.
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4096))
    if b"MemoryError" in errors.read():
        return "the submission needs more memory than it may have"
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "the submission needs more time or memory than it may have"
    if code == -signal.SIGXFSZ:
        return "the submission unpacks to more bytes than it may"
    name = signal.Signals(-code).name if code < 0 else f"code {code}"
    return f"the submission made the program that read it crash ({name})"


def _environment(threads: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return {**kept, **counts, "GANMETRICS_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}


# in the child


def main() -> None:
    """Read a question from stdin and print the answer of the module that the first argument names."""
    from importlib import import_module

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # What a library prints is no part of the answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    question = json.load(sys.stdin)
    module = import_module(f"ganmetrics.leaderboard.{sys.argv[1]}")
    _confine(Limits(**question["limits"]), int(question["parent"]))
    try:
        said = {"answer": module.answer(question["job"])}
    except ResourceError as error:
        said = {"resource": error.what}
    except GanMetricsError as error:
        said = {"rejected": str(error), "code": error.code}
    with answers:
        json.dump(said, answers)


def _confine(limits: Limits, parent: int) -> None:
    import resource

    for name, most in (
        ("RLIMIT_AS", limits.memory or resource.RLIM_INFINITY),
        ("RLIMIT_CPU", limits.seconds),
        ("RLIMIT_FSIZE", limits.file_bytes),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NOFILE", 256),
    ):
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = hard if most == resource.RLIM_INFINITY else most
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # macOS has no RLIMIT_AS.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(number, (value, value))
    # The web server goes first.
    os.nice(10)
    if sys.platform == "linux":
        _confine_linux(parent)
        if limits.reads:
            landlock.confine(limits.reads, [limits.writes])


def _confine_linux(parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Refused on some systems; nothing here opens a connection anyway.
    libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    # The parent died before this line, and would never end the child.
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
