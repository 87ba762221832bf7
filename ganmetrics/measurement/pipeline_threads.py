"""Steps of one road that run at the same time, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any

# Seconds that a thread may take to begin.
PATIENCE = 60.0

# A step is called with ``None`` at the end, for what it still keeps.
Step = Callable[[Any], Iterator[Any]]


class SideBySide:
    """Hands items from step to step in their order; no step is more than one item ahead of the next.

    Parameters
    ----------
    steps : sequence of callable
        Each makes any number of items out of one; those of the last are dropped.
    begin : callable
        Runs first on every thread.
    """

    def __init__(self, steps: Sequence[Step], begin: Callable[[], None]) -> None:
        self._steps, self._begin = steps, begin
        self._handovers = [_Handover() for _ in steps]
        self._threads: list[Thread] = []
        self._failure: BaseException | None = None

    def put(self, item: Any) -> None:
        """Hand an item to the first step; what failed in a later one is raised here."""
        # Not before there are images: processes that decode are forked by then. Threads know the caller's limit of
        # memory by a copy of its context. They are daemons, since a second Ctrl-C may end the process while one of them
        # still waits. The last step starts first: whatever runs can hand its items on, also where the system refuses
        # another thread or a signal comes in between.
        for number in () if self._threads else reversed(range(len(self._steps))):
            thread = Thread(target=copy_context().run, args=(self._work, number), daemon=True)
            vars(thread)["_started"] = _Begun()
            thread.start()
            self._threads.insert(0, thread)
        self._handovers[0].put(item)
        if self._failure is not None:
            raise self._failure

    def settle(self) -> None:
        """Wait until the first step has done what it was handed."""
        self._handovers[0].settle()

    def finish(self) -> None:
        """Wait until every step has done all items (whatever a step raised)."""
        if self._threads:
            self._handovers[0].put(None)
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the threads as soon as each is through with what it has in hand."""
        self._failure = self._failure or InterruptedError()
        if self._threads:
            self._handovers[-len(self._threads)].items.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        after = self._handovers[number + 1] if number + 1 < len(self._steps) else None
        is_over = False
        try:
            self._begin()
        except BaseException as error:
            self._failure = error
        while not is_over:
            item = self._handovers[number].get()
            is_over = item is None
            # After a failure items are taken and dropped, so that nobody waits for ever.
            try:
                if self._failure is None:
                    for found in self._steps[number](item):
                        if after is not None and self._failure is None:
                            after.put(found)
            except BaseException as error:
                self._failure = self._failure or error
            # The names would keep a batch in memory while the thread waits for the next.
            item = found = None
        if after is not None:
            after.items.put(None)


class InTurn:
    """Does the same steps in the caller's thread, one after the other: for code of the caller's among them."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def put(self, item: Any, number: int = 0) -> None:
        """Hand an item to a step, and what it makes of it to those after it."""
        for found in self._steps[number](item):
            if number + 1 < len(self._steps):
                self.put(found, number + 1)

    def settle(self) -> None:
        """What was handed to the first step has been done."""

    def finish(self) -> None:
        """Have each step make something of what it still keeps; more may follow."""
        for number in range(len(self._steps)):
            self.put(None, number)

    def stop(self) -> None:
        """Nothing runs on its own here."""


class _Begun(Event):
    """Is set by a thread as it begins, and ``Thread.start`` waits for it.

    Where memory ends at that moment the thread dies silently, and ``start`` would wait for ever (CPython issue 140746).
    """

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the thread; an end of patience is an error (MemoryError)."""
        if not super().wait(PATIENCE if timeout is None else timeout):
            raise MemoryError("there is none for another thread")
        return True


class _Handover:
    """Passes one item at a time from a thread to the next."""

    def __init__(self) -> None:
        self.items: SimpleQueue[Any] = SimpleQueue()
        self._taken = Semaphore(0)
        self._is_idle = Event()

    def put(self, item: Any) -> None:
        """Give an item, and wait until it is taken: a queue would hold one more batch in memory."""
        self.items.put(item)
        self._taken.acquire()

    def settle(self) -> None:
        """Wait until the item that was put is done with."""
        self._is_idle.wait()

    def get(self) -> Any:
        self._is_idle.set()
        item = self.items.get()
        self._is_idle.clear()
        self._taken.release()
        return item
