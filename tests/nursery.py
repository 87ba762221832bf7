"""A process that has imported everything and forks children that are killed, limited or robbed on purpose.

A child costs a tenth of a second where a new process would cost three. What goes wrong is arranged from outside the
package: by wrapping what it calls of ``os`` and ``open``, by limits of the kernel, by another user, by signals.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

STEPS = ("fsync", "replace", "rename", "link", "unlink", "mkdir")
LONGEST = 120  # seconds that a child may take
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


class Ending(NamedTuple):
    """How a child ended; a negative code is the number of the signal that killed it."""

    code: int
    stdout: str
    stderr: str


class Child:
    """A forked child, alone in its process group."""

    def __init__(self, nursery: Nursery, pid: int, outputs: list[Path]) -> None:
        self.nursery, self.pid, self.outputs = nursery, pid, outputs

    def signal(self, number: int) -> None:
        """Send a signal to the child alone."""
        os.kill(self.pid, number)

    def stderr(self) -> str:
        """What it has said so far."""
        return self.outputs[1].read_text()

    def wait(self) -> Ending:
        """How it ended."""
        code = self.nursery.ask({"wait": self.pid})
        return Ending(code, *(path.read_text(errors="replace") for path in self.outputs))

    def orphans(self) -> list[str]:
        """What of its group still runs once it has ended, as the kernel describes it."""
        there = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        described = [_description(pid) for pid in there if _group(pid) == self.pid]
        # One that has ended may wait for whoever adopted it to take notice.
        return [each for each in described if each and ") Z " not in each]


class Nursery:
    """The process that forks, asked over a pipe."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.count = scratch, 0
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.scratch,
            env={**os.environ, **ONE_THREAD},
        )

    def start(self, *call: object, **faults: Any) -> Child:
        """Fork a child for one of ``CALLS`` and its arguments.

        Parameters
        ----------
        faults
            ``env`` (a value of ``None`` unsets), ``cwd``, ``limits`` by name of the kernel, ``user`` (a number),
            ``moment`` at which it kills itself, ``closed`` descriptors.
        """
        self.count += 1
        outputs = [self.scratch / f"{self.count}.{name}" for name in ("out", "err")]
        for path in outputs:
            path.touch()
        job = {"call": [str(each) for each in call], "outputs": [str(path) for path in outputs], **faults}
        return Child(self, self.ask(job), outputs)

    def run(self, *call: object, **faults: Any) -> Ending:
        """Fork a child and wait for it."""
        return self.start(*call, **faults).wait()

    def ask(self, job: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job, default=str) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the nursery ended with {self.process.wait(LONGEST)}"
        return json.loads(answer)

    def moments(self, *call: object, stride: int = 1, **faults: Any) -> Iterator[int]:
        """Let children be killed at the first moment, the second, and so on until one gets to its end."""
        for moment in range(0, 1000, stride):
            ending = self.run(*call, moment=moment, **faults)
            if ending.code != -signal.SIGKILL:
                assert ending.code == 0, ending.stderr
                return
            yield moment
        raise AssertionError("no child got to its end")


@contextmanager
def opened() -> Iterator[Nursery]:
    """A nursery for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="nursery-") as scratch:
        nursery = Nursery(Path(scratch))
        with nursery.process:  # closing its pipes ends it
            yield nursery


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _description(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


# --- in the nursery's process ----------------------------------------------------------------------------------------


def _serve() -> None:
    """Fork as asked until the pipe is closed."""
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        job = json.loads(line)
        if "wait" in job:
            answer = os.waitstatus_to_exitcode(_waited(job["wait"]))
        else:
            answer = os.fork()
            if answer == 0:
                answers.close()
                _live(job)
        print(json.dumps(answer), file=answers, flush=True)


def _waited(pid: int) -> int:
    for _ in range(100 * LONGEST):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _live(job: dict[str, Any]) -> NoReturn:
    os.setsid()
    for number, path in ((0, os.devnull), *zip((1, 2), job["outputs"], strict=True)):
        descriptor = os.open(path, os.O_RDWR)
        os.dup2(descriptor, number)
        os.close(descriptor)
    for name, value in job.get("env", {}).items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    os.chdir(job.get("cwd", "."))
    name, *arguments = job["call"]
    call = CALLS[name]
    if "user" in job:
        os.setgroups([])
        os.setgid(job["user"])
        os.setuid(job["user"])
    for limit, amount in job.get("limits", {}).items():
        resource.setrlimit(getattr(resource, limit), (amount, amount))
    if "moment" in job:
        _kill_at(job["moment"])
    os._exit(_code_of(call, arguments))


def _code_of(call: Callable[..., None], arguments: list[str]) -> int:
    """The exit code, after what an interpreter does at its end but for clearing its memory, which takes a second."""
    code: Any = 0
    try:
        call(*arguments)
    except SystemExit as ending:
        code = ending.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return int(code or 0)


def _kill_at(moment: int) -> None:
    """Arrange death: before the n-th step is the moment 2n, after it 2n + 1; after a file's first write is half way."""
    count = iter(range(0, 1 << 30, 2))

    def dies(at: int) -> None:
        if at == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            at = next(count)
            dies(at)
            try:
                return step(*arguments, **options)
            finally:
                dies(at + 1)

        return call

    class Torn(io.BufferedWriter):
        is_torn = False

        def write(self, data: Any) -> int:
            if self.is_torn:
                return super().write(data)
            self.is_torn, at, view = True, next(count), memoryview(data).cast("B")
            dies(at)
            written = super().write(view[: len(view) // 2])
            if at + 1 == moment:
                self.flush()
            dies(at + 1)
            return written + super().write(view[len(view) // 2 :])

    plain = builtins.open

    def opens(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if not set("wxa") & set(mode):
            return plain(file, mode, *arguments, **options)
        stream = wrapped(plain)(file, mode, *arguments, **options)
        return Torn(stream.detach()) if type(stream) is io.BufferedWriter else stream

    for name in STEPS:
        setattr(os, name, wrapped(getattr(os, name)))
    builtins.open = opens  # type: ignore[assignment]


# --- what a child does -----------------------------------------------------------------------------------------------


def command(*arguments: str) -> None:
    """A command line, to its end."""
    from ganmetrics.cli import main

    main(list(arguments))


def python(code: str, *arguments: str) -> None:
    """A program that finds its arguments in ``arguments``."""
    exec(compile(code, "<child>", "exec"), {"arguments": list(arguments), "command": command})


CALLS: dict[str, Callable[..., None]] = {"command": command, "python": python}


def _warm_up() -> None:
    """Write and score some images, which imports all that children need, of whichever user."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("real", "fake"):
        os.mkdir(name)
        for index in range(4):
            Image.fromarray(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)).save(f"{name}/{index}.png")
    os.environ["GANMETRICS_CACHE_DIR"] = os.path.abspath("cache")
    score = ["evaluate", "real", "fake", "--metrics", "fid,kid(subset_size=4)", "--json", "-", "--html", "warm.html"]
    how = ["--extractor", "pixels", "-q"]
    for arguments in (
        [*score, *how],
        ["stats", "build", "real", "-o", "warm.npz", *how],
        ["fid", "warm.npz", "fake", *how],
        ["generators", "sample", "gan-ring", "-n", "2", "-o", "points.npz", "-q"],
        ["generators", "train", "gan-ring", "-o", "run", "--iterations", "2", "--watch-every", "0", "-q"],
    ):
        try:
            with open(os.devnull, "w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
                command(*arguments)
        except SystemExit as ending:
            if ending.code:
                raise
    os.environ["GANMETRICS_CACHE"] = "0"  # for children that are not asked to have one
    gc.freeze()  # what a child never looks at need not be copied for it


if __name__ == "__main__":
    _warm_up()
    _serve()
