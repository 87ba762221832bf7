"""The decode pipeline: items to batches, in order, in worker processes, leaving the caller's process as it was."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ganmetrics.data.reading.decode import Decoded
from ganmetrics.data.reading.parts import Outcome, Part, Parts, joined
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.data.reading.workers import watched
from ganmetrics.data.source import Notes, Reading
from ganmetrics.errors import InputError, UsageError
from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

    from ganmetrics.types import Images, Placed

MAX_WORKERS = 8  # decode some 10,000 small JPEGs a second, more than a GPU takes in float32
FEW_IMAGES = 64  # below this, starting processes takes longer than decoding
TASK_IMAGES = 64
TASK_BYTES = 16 << 20
WORKER_TASK_BYTES = 2 << 20  # eight workers, two tasks ahead each, stay within the 64 MB of a container's /dev/shm
UNREAD_BYTES = 128 << 10  # what an image is taken to have where none of those looked at can be read
NUM_PROBES = 8  # images looked at for the size of a task
SHARED_MEMORY = "/dev/shm"
M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 1 << 20  # of glibc's mallopt
NUM_LISTED = 10


class Items(Protocol):
    """Images that can be loaded one by one, in any process.

    ``is_quiet`` says that nothing of the caller's runs in a worker, whose stderr may then be closed: C libraries write
    about corrupt files there, and a worker that is ended complains of its lost connection.
    """

    is_quiet: bool

    def __len__(self) -> int: ...

    def outcome(self, index: int) -> Outcome:
        """The image, the line that says why it cannot be read, or the error that ends the whole reading."""


def read_parts(parts: Parts, reading: Reading, notes: Notes, where: str) -> Iterator[Images]:
    """The batches of some parts; see ``read_placed``."""
    for _, images in read_placed(parts, reading, notes, where):
        yield images


def read_placed(
    parts: Parts, reading: Reading, notes: Notes, where: str, *, may_be_empty: bool = False
) -> Iterator[Placed]:
    """The batches of some parts, each with its places among the items; what was seen goes to the notes.

    Raises
    ------
    InputError
        Images that cannot be read, counted to the end and the first ten named; or not one image is left, unless
        there ``may_be_empty`` be none because others read other items.
    """
    for counts in (notes.kinds, notes.formats, notes.sizes, notes.skipped):
        counts.clear()
    unreadable: list[str] = []
    num_read = first = 0
    with closing(parts):  # at once, also where the consumer stops early: a traceback would keep the workers alive
        for part in parts:
            if part.refusal is not None:
                raise part.refusal
            unreadable += part.unreadable
            num_read += sum(part.notes.sizes.values())
            _add(part.notes, notes)
            offsets = part.offsets() + first
            first += len(offsets) + len(part.gaps)
            if not unreadable or reading.on_error == "skip":
                yield from _placed(part, offsets)
    if num_read or unreadable or not may_be_empty:
        _settle(unreadable, num_read, reading, notes, where, may_be_empty)


def _placed(part: Part, offsets: Tensor) -> Iterator[Placed]:
    start = 0
    for images in part.runs():
        yield offsets[start : start + len(images)], images
        start += len(images)


def _add(seen: Notes, notes: Notes) -> None:
    notes.kinds.update(seen.kinds)
    notes.formats.update(seen.formats)
    notes.sizes.update(seen.sizes)


def _settle(
    unreadable: list[str], num_read: int, reading: Reading, notes: Notes, where: str, may_be_empty: bool
) -> None:
    if (num_read or may_be_empty) and (reading.on_error == "skip" or not unreadable):
        notes.skipped.extend(unreadable)
        return
    if not unreadable:
        raise InputError("there are no images", where=where, code="E-EMPTY")
    listed = "; ".join(unreadable[:NUM_LISTED])
    more = f"; and {len(unreadable) - NUM_LISTED} more" if len(unreadable) > NUM_LISTED else ""
    what = f"{len(unreadable)} of {len(unreadable) + num_read} images cannot be read: {listed}{more}"
    fixes = list(dict.fromkeys(getattr(line, "fix", "") or "Repair or remove them" for line in unreadable))
    skip = ['`on_error="skip"` leaves them out'] if num_read else []
    raise InputError(what, where=where, hint="; ".join(fixes[:3] + skip), code="E-UNREADABLE")


def item_parts(items: Items, workers: int) -> Parts:
    """The parts of some items in their order, made by worker processes or, if there are none, in this one.

    Raises
    ------
    ResourceError
        A worker process died.
    UsageError
        Processes are wanted of a daemonic one.
    """
    if workers and multiprocessing.current_process().daemon:
        what = f"this process is daemonic and may start no others, of which {workers} are to decode images"
        raise UsageError(what, where="Reading.workers", hint="Use workers=0, or start it with daemon=False")
    plan = _planned(items, workers) if workers else NO_WORKERS
    if not plan.workers:
        yield from serial_parts(map(items.outcome, range(len(items))), _streams(items))
        return
    streams, first = _streams(items), 0
    with watched():
        iterator = iter(_loader(items, plan))
    try:
        while True:
            with streams, watched():
                part = next(iterator, None)
            if part is None:
                return
            part.pixels = part.pixels.clone()  # a copy gives the shared memory and its file handle back at once
            stop, first = first + plan.images, first + part.num_items
            yield part
            if part.refusal is None:  # what did not fit into the worker's part
                rest = range(first, min(stop, len(items)))
                yield from serial_parts(map(items.outcome, rest), streams)
            first = stop
    finally:
        del iterator  # ends the workers also where the consumer stopped early


def chosen_workers(reading: Reading, count: int) -> int:
    """The number of worker processes: the caller's choice, else by the number of images and of usable cores."""
    if reading.workers is not None:
        return reading.workers
    if count < FEW_IMAGES or multiprocessing.current_process().daemon:  # a daemon may not have children
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MAX_WORKERS, cores)


def serial_parts(outcomes: Iterator[Outcome], streams: AbstractContextManager[None] | None = None) -> Parts:
    """The parts of outcomes that arrive one after another, in this process and by default in streams of their own."""
    streams = OwnStreams() if streams is None else streams
    num_bytes = min(TASK_BYTES, memory_budget() // 16)
    while True:
        with streams:
            part = _next_part(outcomes, num_bytes)
        if part is None:
            return
        yield part


def _next_part(outcomes: Iterator[Outcome], num_bytes: int) -> Part | None:
    taken = list(_taken(islice(outcomes, TASK_IMAGES), num_bytes))
    return joined(taken) if taken else None


def _taken(outcomes: Iterator[Outcome], num_bytes: int) -> Iterator[Outcome]:
    """The first outcomes that have that many bytes together: at least one, and no more than reach it."""
    for outcome in outcomes:
        yield outcome
        num_bytes -= _num_bytes(outcome)
        if num_bytes <= 0:
            return


class _Plan(NamedTuple):
    """How worker processes share the decoding: how many, with how many tasks ahead each, of how many images."""

    workers: int
    ahead: int = 1
    images: int = 1
    num_bytes: int = 0  # of the images of a task at most, where they prove larger than those looked at


NO_WORKERS = _Plan(0)


def _planned(items: Items, workers: int) -> _Plan:
    """The plan whose images on their way take half of the memory limit at most, and half of the shared memory."""
    most = _largest(items)
    free = shutil.disk_usage(SHARED_MEMORY).free if os.path.isdir(SHARED_MEMORY) else sys.maxsize
    room = min(memory_budget(), free) // 2
    workers = min(workers, room // most)
    if not workers:
        return NO_WORKERS
    ahead = 2 if 2 * workers * most <= room else 1
    num_bytes = room // (workers * ahead)
    return _Plan(workers, ahead, max(1, min(TASK_IMAGES, WORKER_TASK_BYTES // most)), num_bytes)


def _loader(items: Items, plan: _Plan) -> DataLoader[Any]:
    import torch
    from torch.utils.data import DataLoader

    dataset: Any = _Tasks(items, plan.num_bytes)
    return DataLoader(
        dataset,
        batch_size=plan.images,
        num_workers=plan.workers,
        prefetch_factor=plan.ahead,
        collate_fn=joined,
        worker_init_fn=_detach_quietly if items.is_quiet else _detach,
        generator=torch.Generator().manual_seed(0),  # its own, so that starting it draws nothing from the caller's
    )


def _detach(worker: int) -> None:
    """Leave Ctrl-C and termination to the main process, which ends its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # PyTorch's watch sees only a death from here on
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _return_memory()


def _return_memory() -> None:
    """Have glibc give the memory of each large image back: it would keep a new piece of the heap for every one."""
    with suppress(AttributeError, OSError, TypeError):  # where the C library has no such function
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def _detach_quietly(worker: int) -> None:
    _detach(worker)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _streams(items: Items) -> AbstractContextManager[None]:
    # without them threads read side by side
    return nullcontext() if items.is_quiet else OwnStreams()


class _Tasks:
    # the form in which DataLoader wants a data set; at the top of the module so that it can be pickled

    def __init__(self, items: Items, num_bytes: int) -> None:
        self.items, self.num_bytes = items, num_bytes

    def __len__(self) -> int:
        return len(self.items)

    def __getitems__(self, places: list[int]) -> list[Outcome]:
        """The first of the outcomes, as many as fit."""
        return list(_taken(map(self.items.outcome, places), self.num_bytes))


def _largest(items: Items) -> int:
    """The bytes of the largest of a few images across the set."""
    with _streams(items):  # so that looking at them changes nothing
        places = {index * len(items) // NUM_PROBES for index in range(NUM_PROBES)}
        sizes = [_num_bytes(items.outcome(place)) for place in sorted(places)]
    return max(sizes) or UNREAD_BYTES


def _num_bytes(outcome: Outcome) -> int:
    return outcome.pixels.nbytes if isinstance(outcome, Decoded) else 0
