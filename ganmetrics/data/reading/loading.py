"""The decode pipeline: items to batches, in order, in worker processes, leaving the caller's process as it was."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._process import return_memory, set_allocator, signals_held
from ganmetrics.data.reading.batches import WHOLE, Share
from ganmetrics.data.reading.decode import Decoded
from ganmetrics.data.reading.parts import TASK_IMAGES, Items, Load, Part, Parts, next_part
from ganmetrics.data.reading.preparing import prepared
from ganmetrics.data.reading.random_streams import OwnStreams
from ganmetrics.data.reading.unreadable import Unreadable, refusal_of
from ganmetrics.data.reading.workers import watched
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import Notes
from ganmetrics.errors import GanMetricsError, InputError, UsageError
from ganmetrics.numerics.memory import memory_budget

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

    from ganmetrics.types import Images, Placed

MAX_WORKERS = 8  # decode some 10,000 small JPEGs a second, more than a GPU takes in float32
FEW_IMAGES = 64  # below this, starting processes takes longer than decoding
TASK_BYTES = 16 << 20
WORKER_TASK_BYTES = 2 << 20  # eight workers, two tasks ahead each, stay within the 64 MB of a container's /dev/shm
UNREAD_BYTES = 128 << 10  # what an image is taken to have where none of those looked at can be read
NUM_PROBES = 8  # images looked at for the size of a task
SHARED_MEMORY = "/dev/shm"
M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 1 << 20  # of glibc's mallopt


def read_parts(parts: Parts, reading: Reading, notes: Notes, where: str) -> Iterator[Images]:
    """The batches of some parts; see ``read_placed``."""
    for _, images in read_placed(parts, reading, notes, where):
        yield images


def read_placed(
    parts: Parts, reading: Reading, notes: Notes, where: str, *, indices: Tensor | None = None
) -> Iterator[Placed]:
    """The batches of some parts, each with the indices of its images; what was seen goes to the notes.

    Parameters
    ----------
    indices : Tensor, int64 [N], optional
        Of the items that this reader has, where others read the rest of the set; then there may be no image among them.

    Raises
    ------
    InputError
        Images that cannot be read, counted to the end and the first ten named; or not one image is left.
    """
    import torch

    for counts in (notes.kinds, notes.formats, notes.sizes, notes.skipped):
        counts.clear()
    unreadable: list[str] = []
    num_read = first = 0
    with closing(parts):  # at once, also where the consumer stops early: a traceback would keep the workers alive
        for part in parts:
            if part.refusal is not None:
                raise part.refusal
            unreadable += part.unreadable
            num_read += part.notes.sizes.total()
            for name in ("kinds", "formats", "sizes"):
                getattr(notes, name).update(getattr(part.notes, name))
            # Where the images stand among the items, int64 [N]: those that cannot be read leave gaps.
            is_there = torch.ones(part.num_items, dtype=torch.bool)
            is_there[part.gaps] = False
            offsets = is_there.nonzero()[:, 0] + first
            first += part.num_items
            if unreadable and reading.on_error != "skip":
                continue
            placed = offsets if indices is None else indices[offsets]
            for images in part.runs():
                yield placed[: len(images)], images
                placed = placed[len(images) :]
                del images  # before the next are decoded
            del part
    # A reader's share of a set may be empty; a set may not.
    if (num_read or indices is not None) and (reading.on_error == "skip" or not unreadable):
        notes.skipped.extend(unreadable)
        return
    if not unreadable:
        raise InputError("there are no images", where=where, code="E-EMPTY")
    raise refusal_of(unreadable, num_read, where)


def placed_items(
    items: Items, share: Share, workers: int, reading: Reading, notes: Notes, where: str
) -> Iterator[Placed]:
    """The images of a share of the items, decoded by worker processes or else in this one, as ``read_placed`` has them.

    Raises
    ------
    ResourceError
        A worker process died.
    UsageError
        Processes are wanted of a daemonic one.
    """
    indices = share.places(len(items))
    if not len(indices):
        return iter(())
    if workers and multiprocessing.current_process().daemon:
        what = f"this process is daemonic and may start no others, of which {workers} are to decode images"
        raise UsageError(what, where="Reading.workers", hint="Use `workers=0`, or start it with daemon=False")
    tasks = _Tasks(items, indices, reading.prepare or "")
    plan = _planned(tasks, workers) if workers else NO_WORKERS
    parts = _worker_parts(tasks, plan) if plan.workers else serial_parts(tasks.loads(), _streams(items))
    return read_placed(parts, reading, notes, where, indices=None if share == WHOLE else indices)


def _worker_parts(tasks: _Tasks, plan: _Plan) -> Parts:
    streams, first = _streams(tasks.items), 0
    # Forked processes would hold what this one has freed and writes anew, hundreds of megabytes after a first set.
    return_memory()
    # A signal between a fork and its entry among the children would leave a process that nobody ends.
    with watched(), signals_held():
        iterator = iter(_loader(tasks, plan))
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
                yield from serial_parts(tasks.loads(first, stop), streams)
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


def serial_parts(loads: Iterator[Load], streams: AbstractContextManager[None] | None = None) -> Parts:
    """The parts of images that are loaded one after another, in this process.

    Parameters
    ----------
    loads : iterator of (str, callable)
        What messages call an image, and what loads it.
    streams : context manager, optional
        What every step runs in: random streams of their own, unless otherwise said.
    """
    streams = OwnStreams() if streams is None else streams
    num_bytes = min(TASK_BYTES, memory_budget() // 16)
    while True:
        with streams:
            part = next_part(loads, num_bytes)
        if not part.num_items and part.refusal is None:
            return
        yield part
        del part  # before the next is made


class _Plan(NamedTuple):
    """How worker processes share the decoding: how many, with how many tasks ahead each, of how many images."""

    workers: int
    ahead: int = 1
    images: int = 1
    num_bytes: int = 0  # of the images of a task at most, where they prove larger than those looked at


NO_WORKERS = _Plan(0)


def _planned(tasks: _Tasks, workers: int) -> _Plan:
    """The plan whose images on their way take half of the memory limit at most, and half of the shared memory."""
    most = tasks.look()
    free = shutil.disk_usage(SHARED_MEMORY).free if os.path.isdir(SHARED_MEMORY) else sys.maxsize
    room = min(memory_budget(), free) // 2
    workers = min(workers, room // most)
    if not workers:
        return NO_WORKERS
    ahead = 2 if 2 * workers * most <= room else 1
    num_bytes = room // (workers * ahead)
    return _Plan(workers, ahead, max(1, min(TASK_IMAGES, WORKER_TASK_BYTES // most)), num_bytes)


def _loader(tasks: _Tasks, plan: _Plan) -> DataLoader[Any]:
    import torch
    from torch.utils.data import DataLoader

    tasks.num_bytes = plan.num_bytes
    dataset: Any = tasks
    return DataLoader(
        dataset,
        batch_size=plan.images,
        num_workers=plan.workers,
        prefetch_factor=plan.ahead,
        collate_fn=_as_it_is,
        worker_init_fn=_detach_quietly if tasks.items.is_quiet else _detach,
        generator=torch.Generator().manual_seed(0),  # its own, so that starting it draws nothing from the caller's
    )


def _as_it_is(part: Any) -> Any:
    return part


def _detach(worker: int) -> None:
    """Leave Ctrl-C and termination to the main process, which ends its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # PyTorch's watch sees only a death from here on
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # glibc would keep a new piece of the heap for every large image, and gives back what is mapped alone.
    set_allocator(M_MMAP_THRESHOLD, MAPPED_BYTES)


def _detach_quietly(worker: int) -> None:
    _detach(worker)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _streams(items: Items) -> AbstractContextManager[None]:
    # without them threads read side by side
    return nullcontext() if items.is_quiet else OwnStreams()


class _Tasks:
    """Some items in the form that DataLoader wants; at the top of the module so that it can be pickled."""

    def __init__(self, items: Items, indices: Tensor, steps: str) -> None:
        self.items, self.indices, self.steps = items, indices, steps
        self.num_bytes = 0  # of the images that a worker decodes together
        self.known: dict[int, Decoded] = {}  # images that were looked at

    def __len__(self) -> int:
        return len(self.indices)

    def __getitems__(self, places: list[int]) -> Part:
        """The first of the items at some places, as many as fit."""
        return next_part(self.loads(places[0], places[-1] + 1), self.num_bytes)

    def loads(self, start: int = 0, stop: int | None = None) -> Iterator[Load]:
        for number in self.indices[start:stop].numpy():
            index = int(number)
            load = partial(self.known.pop if index in self.known else self.items.load, index)
            yield self.items.title(index), partial(self._prepared, load) if self.steps else load

    def _prepared(self, load: Callable[[], Decoded]) -> Decoded:
        return prepared(load(), self.steps)

    def look(self) -> int:
        """The bytes of the largest of a few images across the set, which are kept where they are small.

        A data set of the caller's is asked again: in a worker its random transforms draw other numbers.
        """
        most, spare = 0, min(TASK_BYTES, memory_budget() // 16)
        with _streams(self.items):  # so that looking at them changes nothing
            for place in sorted({index * len(self) // NUM_PROBES for index in range(NUM_PROBES)}):
                index = int(self.indices[place])
                with suppress(Unreadable, GanMetricsError, MemoryError):
                    image = self.items.load(index)
                    most, spare = max(most, image.pixels.nbytes), spare - image.pixels.nbytes
                    if self.items.is_quiet and spare > 0:
                        self.known[index] = image
        return most or UNREAD_BYTES
