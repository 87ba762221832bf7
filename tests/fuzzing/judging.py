"""What a reader did with bytes: it took them, refused them in one sentence of ours, or did what none may."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from memory import peak

from ganmetrics.errors import GanMetricsError, GanMetricsWarning, NumericalError

SECONDS = 20.0  # of a processor, for one input
MEMORY = 512 << 20  # bytes that one input may add
LONGEST = 20_000  # characters of a message
FORBIDDEN = {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect"}


class Verdict(NamedTuple):
    """``finding`` is empty where the reader did what it may; ``is_taken`` tells whether it took the bytes."""

    is_taken: bool
    finding: str


class TookTooLong(BaseException):
    """Not caught by a reader that catches every ``Exception``."""


def judged(read: Callable[[Path], object], path: Path, *, is_noisy: bool = False) -> Verdict:
    """What reading the file does; a noisy reader's libraries may write to standard error."""
    with _watched() as seen:
        is_taken, finding = _read(read, path)
    if is_noisy:
        seen.printed = ""
    return Verdict(is_taken, finding or seen.finding())


def _read(read: Callable[[Path], object], path: Path) -> tuple[bool, str]:
    try:
        with _limited_time():
            read(path)
        return True, ""
    except NumericalError as error:  # of ours, but it says that mathematics was broken
        return False, f"NumericalError: {error}"
    except GanMetricsError as error:
        return False, _of_message(error)
    except TookTooLong:
        return False, f"it took more than {SECONDS:g} seconds"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        ours = next((one for one in reversed(where) if "ganmetrics" in one.filename), where[-1])
        place = f"{Path(ours.filename).name}:{ours.lineno}"
        return False, f"{type(error).__name__} through {place}: {str(error)[:200]}"


def _of_message(error: GanMetricsError) -> str:
    lines = [error.what, error.where, *error.hint.splitlines()]
    if not all(line.isprintable() for line in lines):
        return f"a message that does not print: {lines!r:.300}"
    return f"a message of {len(str(error))} characters: {error!s:.200}" if len(str(error)) > LONGEST else ""


class Seen:
    """What else happened while a reader ran."""

    def __init__(self) -> None:
        self.warnings: list[warnings.WarningMessage] = []
        self.printed, self.forbidden, self.memory = "", "", 0

    def finding(self) -> str:
        foreign = [one for one in self.warnings if not issubclass(one.category, GanMetricsWarning)]
        if self.forbidden:
            return f"the reader did {self.forbidden}"
        if foreign:
            return f"a warning: {foreign[0].category.__name__} {str(foreign[0].message)[:200]} ({foreign[0].filename})"
        if self.printed.strip():
            return f"it printed: {self.printed.strip()[:200]!r}"
        return f"it took {self.memory >> 20} MiB of memory" if self.memory > MEMORY else ""


@contextmanager
def _watched() -> Iterator[Seen]:
    seen, said = Seen(), io.StringIO()
    before = _reset_peak()
    with _stderr_file() as noise, redirect_stdout(said), redirect_stderr(said), _audited(seen):
        with warnings.catch_warnings(record=True) as seen.warnings:
            warnings.simplefilter("always")
            yield seen
        gc.collect(0)  # what a broken object prints as it goes
    seen.memory = peak() - before
    noise.seek(0)
    seen.printed = said.getvalue() + noise.read().decode("utf-8", "replace")
    noise.close()


@contextmanager
def _limited_time() -> Iterator[None]:
    """A limit of processor time, which a busy machine does not shorten."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _stderr_file() -> Iterator[io.BufferedRandom]:
    """A file for what libraries in C write to the process's standard error."""
    kept, noise = os.dup(2), tempfile.TemporaryFile()  # noqa: SIM115  closed by who reads it
    os.dup2(noise.fileno(), 2)
    try:
        yield noise  # type: ignore[misc]
    finally:
        os.dup2(kept, 2)
        os.close(kept)


_auditing: list[Seen] = []  # of the reader that runs


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _auditing and event in FORBIDDEN and not _auditing[0].forbidden:
        _auditing[0].forbidden = f"{event}{arguments!r:.100}"


sys.addaudithook(_audit)


@contextmanager
def _audited(seen: Seen) -> Iterator[None]:
    _auditing.append(seen)
    try:
        yield
    finally:
        _auditing.clear()


def _reset_peak() -> int:
    """The memory in use, from which the peak counts from now on; bytes."""
    with suppress(OSError):  # on another system the peak of the whole process must do
        Path("/proc/self/clear_refs").write_text("5")
    return peak()
