"""Running a network on the CPU in pieces of a batch side by side, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import torch

if TYPE_CHECKING:
    from torch import Tensor

    Layers: TypeAlias = dict[str, Tensor]

PIECE = 16  # images: with fewer, putting the weights in order for each pass costs more; with more, cores stand idle


def in_pieces(run: Callable[[Tensor], Layers], inputs: Tensor) -> Layers:
    """The layers of a batch [N, ...], from pieces of at most 16 images on as many threads as torch may use.

    Where each operation is split over all threads, they wait for the slowest of them at every one; pieces never wait.
    """
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
    """Threads each of whose operations runs on it alone; torch's own number is put back afterwards."""
    saved = torch.get_num_threads()
    torch.set_num_threads(1)  # MKL knows one number for the process, OpenMP one for each thread
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(saved)


def _joined(found: list[Layers]) -> Layers:
    return {name: torch.cat([each[name] for each in found]) for name in found[0]}
