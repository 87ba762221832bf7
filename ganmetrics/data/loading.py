"""The decode pipeline: items to batches, in order, in worker processes, leaving the caller's process as it was."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from ganmetrics.data.base import Notes, Reading
from ganmetrics.data.decode import Decoded
from ganmetrics.data.parts import Outcome, Part, Parts, joined
from ganmetrics.data.randomness import OwnStreams
from ganmetrics.data.workers import watched
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

    from ganmetrics.types import Images, Placed

MAX_WORKERS = 8  # decode some 10,000 small JPEGs a second, more than a GPU takes in float32
FEW_IMAGES = 64  # below this, starting processes takes longer than decoding
TASK_IMAGES = 64
TASK_BYTES = 64 << 20
WORKER_TASK_BYTES = 2 << 20  # eight workers, two tasks ahead each, stay within the 64 MB of a container's /dev/shm
NUM_PROBES = 8  # images looked at for the size of a task; where sizes vary wildly, a task may still be several times it
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
    """
    streams = _streams(items)
    iterator = _started(items, workers)
    try:
        while True:
            with streams, watched():
                part = next(iterator, None)
            if part is None:
                return
            if workers:  # a copy gives the shared memory and its file handle back at once
                part.pixels = part.pixels.clone()
            yield part
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


def serial_parts(outcomes: Iterator[Outcome]) -> Parts:
    """The parts of outcomes that arrive one after another and cannot be split over processes."""
    streams = OwnStreams()
    while True:
        with streams:
            chunk = list(islice(outcomes, TASK_IMAGES))
        if not chunk:
            return
        yield joined(chunk)


def _started(items: Items, workers: int) -> Iterator[Part]:
    with watched():
        return iter(_loader(items, workers))


def _loader(items: Items, workers: int) -> DataLoader[Any]:
    import torch
    from torch.utils.data import DataLoader

    dataset: Any = _Outcomes(items)
    return DataLoader(
        dataset,
        batch_size=_task_images(items, WORKER_TASK_BYTES if workers else TASK_BYTES),
        num_workers=workers,
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


def _detach_quietly(worker: int) -> None:
    _detach(worker)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _streams(items: Items) -> AbstractContextManager[None]:
    # without them threads read side by side
    return nullcontext() if items.is_quiet else OwnStreams()


class _Outcomes:
    # the form in which DataLoader wants a data set; at the top of the module so that it can be pickled

    def __init__(self, items: Items) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Outcome:
        return self.items.outcome(index)


def _task_images(items: Items, num_bytes: int) -> int:
    # by the largest of a few images across the set, in streams of its own so that looking at them changes nothing
    with _streams(items):
        places = {index * len(items) // NUM_PROBES for index in range(NUM_PROBES)}
        probes = [items.outcome(place) for place in sorted(places)]
    sizes = [probe.pixels.size for probe in probes if isinstance(probe, Decoded)]
    return max(1, min(TASK_IMAGES, num_bytes // max(sizes, default=num_bytes // 16)))
