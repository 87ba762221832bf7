"""What goes wrong in the processes of a DataLoader, ours or the caller's, told in one sentence with its cause."""

from __future__ import annotations

import multiprocessing
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from traceback import walk_tb

from ganmetrics._files import shown
from ganmetrics._process import no_warnings
from ganmetrics.errors import GanMetricsError, InputError, ResourceError, UsageError, is_out_of_memory

# PyTorch begins so where a worker died; of an error raised in a worker it says "Caught …".
DEAD = re.compile(r"DataLoader worker \(pid")
SHARED_MEMORY = ("shared memory", "No space left on device", "/torch_", "Bus error")
OTHER_SIZES = "stack expects each tensor to be equal size"
FORKED_CUDA = "Cannot re-initialize CUDA"


@contextmanager
def watched(loader: str = "") -> Iterator[None]:
    """Around a step of a DataLoader: its errors become ours, and warnings about processes are silent.

    Python 3.12 warns of a fork beside threads, torch of more workers than cores; neither helps the caller.

    Parameters
    ----------
    loader : str
        The name of a loader of the caller's; empty for one of ours, whose data sets tell their own errors.

    Raises
    ------
    ResourceError
        A process died, or memory ran out.
    UsageError
        The data set cannot be sent to other processes.
    InputError
        Whatever else the caller's data set or loader raised.
    """
    try:
        with no_warnings():
            yield
    except Exception as error:
        _let_go(error)
        told = _told(error, loader)
        if told is error:
            raise
        raise told from error


def _let_go(error: Exception) -> None:
    """Clear what PyTorch's frames of an error hold: the DataLoader's iterator, which ends its processes when it goes.

    Held by a traceback it goes with the garbage, whose queues are closed before it: it waits five seconds then.
    """
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") == "torch.utils.data.dataloader":
            # One that still runs cannot be cleared.
            with suppress(RuntimeError):
                frame.clear()


def _told(error: Exception, loader: str) -> Exception:
    fewer = "Make the loader with num_workers=0" if loader else "Use `workers=0`"
    kind, text = _cause(error)
    if isinstance(error, RuntimeError) and DEAD.match(str(error)):
        return _dead(f"{error} {error.__cause__ or ''}", fewer, loader)
    if any(sign in text for sign in SHARED_MEMORY):
        what = f"processes that decode cannot pass images on: {text}"
        return ResourceError(what, where=loader, hint=f"{fewer}, or enlarge /dev/shm (docker --shm-size)")
    if isinstance(error, pickle.PicklingError) or "pickle" in text:
        what = f"the data set cannot be sent to other processes: {text}"
        return UsageError(what, where=loader, hint=f"{fewer}, or keep lambdas, open files and local classes out of it")
    if not loader or (isinstance(error, GanMetricsError) and kind == ""):
        return error
    if is_out_of_memory(error):
        return ResourceError(f"the loader ran out of memory: {text}", where=loader, hint=fewer, code="E-MEMORY")
    return InputError(f"the loader raised {kind or type(error).__name__}: {text}", where=loader, hint=_hint(text))


def _cause(error: Exception) -> tuple[str, str]:
    """The type and the words of what a worker raised; of an error of this process its words alone."""
    lines = str(error).strip().splitlines() or [""]
    if not lines[0].startswith("Caught "):
        return "", shown(lines[0][:300])
    kind, _, text = lines[-1].partition(": ")
    return kind.rpartition(".")[2], shown(text[:300])


def _dead(text: str, fewer: str, loader: str) -> ResourceError:
    signal, code = re.search(r"signal: ([\w ]+)", text), re.search(r"exit code (-?\d+)", text)
    how = f"by the signal {signal[1].strip()}" if signal else f"with exit code {code[1]}" if code else "unexpectedly"
    what = f"a process that decodes images ended {how}"
    hint = fewer
    if signal[1].strip() in ("Killed", "Bus error") if signal else code is None:
        what += ", most often for lack of memory or shared memory"
        hint += " or enlarge /dev/shm (docker --shm-size)"
    if multiprocessing.get_start_method(allow_none=True) != "fork":
        hint += "; a script needs its `if __name__ == '__main__':` guard where processes are not forked"
    return ResourceError(what, where=loader, hint=hint)


def _hint(text: str) -> str:
    if OTHER_SIZES in text:
        return "Pass the data set itself, or a loader whose collate_fn returns the images of a batch as a list"
    if FORKED_CUDA in text:
        return "Keep the data set's tensors on the CPU, or make the loader with multiprocessing_context='spawn'"
    return "It is an error of the data set or of its collate_fn; the traceback above says where"
