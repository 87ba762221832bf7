"""How networks compute: in true float32 or TF32, and on the CPU in pieces of a batch, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from ganmetrics._process import Held, Undo, no_warnings

if TYPE_CHECKING:
    from torch import Tensor

    Layers: TypeAlias = dict[str, Tensor]
    # What sets a switch, its value inside and its value outside.
    Row = tuple[Callable[[Any], None], Any, Any]

_SWITCHES, _NUMBER = Held(), Held()
# With fewer images, putting the weights in order for each pass costs more; with more, cores stand idle.
PIECE = 16


@contextmanager
def arithmetic(precision: str = "float32") -> Iterator[None]:
    """Run the body in one precision under inference mode; every global switch is put back afterwards.

    No TF32 unless asked for, no bfloat16, no autocast leaking in, deterministic kernels, no gradients: PyTorch lets
    cuDNN's convolutions use TF32 by default, and a caller's autocast or ``set_float32_matmul_precision`` would reach
    the extractor. The switches are those of the process: threads inside share them, and the last to leave puts them
    back.

    Parameters
    ----------
    precision : {"float32", "tf32"}
        TF32 has 8 bits of exponent and 10 of mantissa in products, on NVIDIA GPUs; sums are in float32.
    """
    with ExitStack() as stack:
        stack.enter_context(_SWITCHES.at(precision, partial(_switched, precision == "tf32")))
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode())
        yield


def _switched(is_tf32: bool) -> Undo:
    """Set the switches, and return what sets them back.

    Since torch 2.9 there is a switch for each operation beside the older ones, whose reading is an error where the two
    disagree. So both are set, the newer ones last, as the older ones set them too.
    """
    backends: Any = torch.backends
    older: list[Row] = []
    # Where the caller has set the newer switch alone, the older one cannot be read.
    with suppress(RuntimeError):
        older.append((partial(setattr, backends.cudnn, "allow_tf32"), is_tf32, backends.cudnn.allow_tf32))
    with suppress(RuntimeError):
        wanted = "high" if is_tf32 else "highest"
        older.append((torch.set_float32_matmul_precision, wanted, torch.get_float32_matmul_precision()))
    older = [row for row in older if row[1] != row[2]]
    switches: list[tuple[Any, str, Any]] = [
        (backends.cudnn, "benchmark", False),
        (backends.cudnn, "deterministic", True),
    ]
    if hasattr(getattr(backends.cudnn, "conv", None), "fp32_precision"):
        on_gpu = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
        on_cpu = (backends.mkldnn.conv, backends.mkldnn.matmul)
        switches += [(switch, "fp32_precision", "tf32" if is_tf32 else "ieee") for switch in on_gpu]
        switches += [(switch, "fp32_precision", "ieee") for switch in on_cpu]
    newer: list[Row] = [(partial(setattr, owner, name), value, getattr(owner, name)) for owner, name, value in switches]

    def assign(column: int) -> None:
        # torch warns of its older switches, which are the only ones that the caller may know.
        with no_warnings():
            for setter, *values in (*older, *newer):
                setter(values[column])

    try:
        assign(0)
    except BaseException:
        assign(1)
        raise
    return partial(assign, 1)


def in_pieces(run: Callable[[Tensor], Layers], inputs: Tensor) -> Layers:
    """The layers of a batch [N, ...], from pieces of at most 16 images on as many threads as torch may use.

    Where each operation is split over all threads, they wait for the slowest of them at every one; pieces never wait.
    """
    with _NUMBER.alone():
        threads = torch.get_num_threads()
    if threads == 1 or len(inputs) == 1:
        return _joined([run(piece) for piece in inputs.split(PIECE)])
    is_inference, is_grad = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def alone(piece: Tensor) -> Layers:  # these modes belong to a thread
        with torch.inference_mode(is_inference), torch.set_grad_enabled(is_grad):
            return run(piece)

    with _threads(threads) as pool:
        return _joined(list(pool.map(alone, inputs.split(min(PIECE, -(-len(inputs) // threads))))))


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads each of whose operations runs on it alone.

    torch keeps the number for each thread, and the last number that was set for those that are new to it: that one is
    put back as soon as all threads of the pool are there.
    """
    pool, everybody = ThreadPoolExecutor(count, initializer=_start_alone), Barrier(count + 1)
    try:
        with _NUMBER.alone():
            for _ in range(count):
                pool.submit(everybody.wait)
            everybody.wait()
            torch.set_num_threads(count)
        yield pool
    finally:
        # Where a thread could not be started, the others still wait for it.
        everybody.abort()
        pool.shutdown(cancel_futures=True)


def begin_as_caller(gpu: int | None) -> None:
    """Have a new thread compute as its caller's does: with its number of threads, and on its GPU."""
    # Taken now, before another thread's pieces can set the number to one for a moment.
    with _NUMBER.alone():
        torch.get_num_threads()
    if gpu is not None:
        torch.cuda.set_device(gpu)


def _start_alone() -> None:
    # The first question takes the last number that was set, and would do so later too.
    torch.get_num_threads()
    torch.set_num_threads(1)


def _joined(found: list[Layers]) -> Layers:
    return {name: torch.cat([each[name] for each in found]) for name in found[0]}
