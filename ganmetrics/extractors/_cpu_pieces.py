"""Running a network on the CPU in pieces of a batch side by side, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TYPE_CHECKING, TypeAlias

import torch

from ganmetrics._process import Held

if TYPE_CHECKING:
    from torch import Tensor

    Layers: TypeAlias = dict[str, Tensor]

_NUMBER = Held()
PIECE = 16  # images: with fewer, putting the weights in order for each pass costs more; with more, cores stand idle


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
        everybody.abort()  # where a thread could not be started, the others still wait for it
        pool.shutdown(cancel_futures=True)


def know_number_of_threads() -> None:
    """Have this thread take the caller's number of threads, before another's pieces can set it to one for a moment."""
    with _NUMBER.alone():
        torch.get_num_threads()


def _start_alone() -> None:
    torch.get_num_threads()  # the first question takes the last number that was set, and would do so later too
    torch.set_num_threads(1)


def _joined(found: list[Layers]) -> Layers:
    return {name: torch.cat([each[name] for each in found]) for name in found[0]}
