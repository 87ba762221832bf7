"""State of the whole process that must change for a while: threads share one change, and the last to leave undoes it.

In one thread a ``with`` block that saves and restores is enough. With several, one would save what another had changed,
and the process would keep it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from torch import nn

Undo = Callable[[], None]
ENDING = (signal.SIGINT, signal.SIGTERM)


def nothing() -> None:
    """Undo of a change that was not needed."""


def assigned(rows: Iterable[tuple[object, str, Any]]) -> Undo:
    """Set attributes of objects where they are not as wanted.

    Parameters
    ----------
    rows : iterable of (object, attribute, value)

    Returns
    -------
    callable
        What sets them back, except those that somebody else has set meanwhile.
    """
    changed = [(owner, name, value, getattr(owner, name)) for owner, name, value in rows]
    changed = [row for row in changed if row[2] != row[3]]

    def undo() -> None:
        for owner, name, value, before in changed:
            if getattr(owner, name) == value:
                setattr(owner, name, before)

    for owner, name, value, _ in changed:
        setattr(owner, name, value)
    return undo


class Held:
    """A change of process-wide state: the first thread to enter makes it, the last to leave undoes it.

    Threads that want the same value are inside together. One that wants another value waits until they have left, in
    the order of arrival. A thread that is inside may enter again, with another value too.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # How often each thread is inside.
        self._inside: Counter[int] = Counter()
        self._waiting: deque[object] = deque()
        self._value: Hashable = None
        self._undo: Undo = nothing
        _EVERY.add(self)

    @contextmanager
    def at(self, value: Hashable, change: Callable[[], Undo]) -> Iterator[None]:
        """Inside, the state has a value; ``change`` brings it there and returns what brings it back."""
        me, ticket, outer = threading.get_ident(), object(), None
        with self._changed:
            if not self._inside[me]:
                # In line: the first comes in as soon as nobody, or only threads that want its value, are inside.
                self._waiting.append(ticket)
                try:
                    self._changed.wait_for(
                        lambda: self._waiting[0] is ticket and (not self._inside or self._value == value)
                    )
                finally:
                    self._waiting.remove(ticket)
                    self._changed.notify_all()
            elif self._value != value:
                # This value lies within another, which comes back when the thread leaves.
                self._changed.wait_for(lambda: len(self._inside) == 1)
                outer = self._value, self._undo
            if outer or not self._inside:
                self._undo = change()
                # Nobody else comes in where a value lies within another.
                self._value = object() if outer else value
            self._inside[me] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[me] -= 1
                if not self._inside[me]:
                    del self._inside[me]
                if outer or not self._inside:
                    self._undo()
                    self._value, self._undo = outer or (None, nothing)
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside, there is one thread at a time."""
        with self.at(threading.get_ident(), lambda: nothing):
            yield

    def after_fork(self) -> None:
        """In a child process there is only the thread that forked: what the others held has ended."""
        me = threading.get_ident()
        self._changed = threading.Condition()
        self._waiting.clear()
        self._inside = Counter({me: self._inside[me]} if self._inside[me] else {})
        if not self._inside:
            self._undo()
            self._value, self._undo = None, nothing


def _after_fork() -> None:
    for each in list(_EVERY):
        each.after_fork()


_EVERY: WeakSet[Held] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
_FILTER, _STREAM, _TABLE = Held(), Held(), Held()
_MODES: WeakKeyDictionary[nn.Module, Held] = WeakKeyDictionary()


class _Silenced(threading.local):
    """The pattern of a warnings filter that matches everything in some threads and nothing in the others."""

    depth = 0

    def match(self, text: str, /) -> bool:
        return self.depth > 0


_SILENCED = _Silenced()
_IGNORED: Any = ("ignore", _SILENCED, Warning, None, 0)


@contextmanager
def no_warnings() -> Iterator[None]:
    """Inside, this thread's warnings are not shown and are not errors; those of other threads are as they were.

    ``warnings.catch_warnings`` would silence every thread, and two at once would leave the process silent.
    """
    with _FILTER.at(True, _add_filter):
        _SILENCED.depth += 1
        try:
            yield
        finally:
            _SILENCED.depth -= 1


def _add_filter() -> Undo:
    # An entry that ignores needs no further call: what it ignores is not kept among the warnings that were shown.
    filters: Any = warnings.filters
    filters.insert(0, _IGNORED)

    def remove() -> None:
        # This is another list where somebody else came into or out of catch_warnings.
        current: Any = warnings.filters
        for each in (filters, current):
            while _IGNORED in each:
                each.remove(_IGNORED)

    return remove


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Inside, what the process prints goes to stderr: stdout is for results."""
    with _STREAM.at(True, _redirect):
        yield


def _redirect() -> Undo:
    return assigned([(sys, "stdout", sys.stderr)])


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Every module of a network in evaluation mode, and each in its own afterwards.

    The flags are set by hand: a ``train`` of the network's own may do more, such as merge weights.
    """
    with _TABLE.alone():
        mode = _MODES.setdefault(net, Held())
    with mode.at(False, lambda: assigned((module, "training", False) for module in net.modules())):
        yield


def set_allocator(option: int, value: int) -> None:
    """Change a setting of the C library's allocator, where it has such (glibc's ``mallopt``)."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(option, value)


def return_memory() -> None:
    """Give back to the system what the C library's allocator keeps of freed memory, where it can (glibc's)."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def signals_held() -> Iterator[None]:
    """Inside, Ctrl-C and termination wait; they come at the end, as if they were sent then.

    A process that is forked inside leaves Ctrl-C to its parent and ends at once when it is terminated.
    """
    waiting: list[int] = []
    owner = os.getpid()
    # No other thread may set handlers, or gets signals.
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in ENDING if is_main}

    def hold(number: int, _: object) -> None:
        if os.getpid() == owner:
            waiting.append(number)
        elif number == signal.SIGTERM:
            os._exit(128 + number)

    for number, handler in before.items():
        # A handler that was not set from Python could not be put back.
        if handler is not None:
            signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
    for came in waiting:
        signal.raise_signal(came)
