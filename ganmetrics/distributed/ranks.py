"""Ranks of ``torch.distributed``: each reads its share, the states merge as a tree, the first has the whole.

States travel through a group of their own on the CPU (gloo), whatever backend the training uses.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import distributed as dist

from ganmetrics.data.reading.batches import Share
from ganmetrics.distributed import LAUNCHED
from ganmetrics.errors import GanMetricsError, ResourceError, UsageError

if TYPE_CHECKING:
    from ganmetrics.distributed import Mergeable

    Part = TypeVar("Part", bound=Mergeable)

Value = TypeVar("Value")
# PyTorch waits as long for gloo.
SECONDS = 1800.0
# One for each default group, which a process may replace.
_groups: dict[int, Any] = {}


def is_joined() -> bool:
    """Whether this process is one of several ranks."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rank() -> int:
    """The number of this process among the ranks; 0 where it is alone."""
    return dist.get_rank() if is_joined() else 0


def world() -> int:
    """The number of ranks, 1 where there is only this process."""
    return dist.get_world_size() if is_joined() else 1


@contextmanager
def joined() -> Iterator[None]:
    """Within it the ranks that torchrun started know of each other (ResourceError where they do not meet)."""
    if dist.is_initialized():
        yield
        return
    if not all(name in os.environ for name in LAUNCHED):
        raise _alone()
    with _named("the ranks did not find each other"):
        dist.init_process_group("gloo", timeout=timedelta(seconds=seconds()))
    try:
        yield
    finally:
        _groups.clear()
        dist.destroy_process_group()


def seconds() -> float:
    """How long ranks wait for each other: GANMETRICS_TIMEOUT, else half an hour (UsageError)."""
    text = os.environ.get("GANMETRICS_TIMEOUT", str(SECONDS))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise UsageError(f"{text!r} is no number of seconds", where="GANMETRICS_TIMEOUT", hint="Such as 600")
    return value


class Ranks:
    """The engine; every rank must make the same calls."""

    def gathered(self, reader: Callable[[Share], Part], count: int | None) -> Part | None:
        """What all ranks read, on the first; an error of any rank is raised on all."""
        if not dist.is_initialized():
            raise _alone()
        found, error = _tried(lambda: reader(Share(rank(), world())))
        return merged(found, error)


ENGINE = Ranks()


def merged(mine: Part | None, error: GanMetricsError | None = None) -> Part | None:
    """The states of all ranks merged, on the first; ``None`` on the others.

    Parameters
    ----------
    mine : a state with ``merge``
    error : GanMetricsError, optional
        What kept this rank from having one; it is raised on every rank.

    Raises
    ------
    GanMetricsError
        That of the first rank that has one.
    ResourceError
        A rank died or did not come in time.
    """
    for number, found in enumerate(told(error)):
        if found is not None:
            raise _of_rank(found, number)
    with _named("a rank is missing"):
        return _tree(mine, _group())


def from_first(work: Callable[[], Value], small: Callable[[Value], Value]) -> Value:
    """What the work gives on the first rank, where alone it is done; the others get it made ``small`` for the way."""
    if not is_joined():
        return work()
    found, error = _tried(work) if rank() == 0 else (None, None)
    sent: list[Any] = [(None if found is None else small(found), error)]
    with _named("the first rank is missing"):
        dist.broadcast_object_list(sent, src=0, group=_group())
    if sent[0][1] is not None:
        raise sent[0][1]
    value: Value = sent[0][0] if found is None else found
    return value


def together(work: Callable[[], None]) -> None:
    """Do each rank's work; what fails on one fails on all, which would else wait for it.

    Raises
    ------
    ResourceError
        Another rank's work failed.
    Exception
        What this rank's own work raised.
    """
    if not is_joined():
        work()
        return
    failure = None
    try:
        work()
    except Exception as error:
        failure = error
    texts = told("" if failure is None else f"{type(failure).__name__}: {failure}")
    if failure is not None:
        raise failure
    for number, text in enumerate(texts):
        if text:
            raise ResourceError(f"rank {number} failed: {text}", where=f"rank {number}")


def told(value: Value) -> list[Value]:
    """The small values of all ranks, in their order."""
    found: list[Any] = [None] * world()
    with _named("a rank is missing"):
        group = _group()
        _meet(group)
        dist.all_gather_object(found, value, group=group)
    return found


def _alone() -> UsageError:
    what = "there are no ranks: torch.distributed is not initialised, or has one process"
    return UsageError(what, where="engine", hint='Start it by torchrun with several processes, or use `engine="local"`')


def _tried(work: Callable[[], Value]) -> tuple[Value | None, GanMetricsError | None]:
    try:
        return work(), None
    except GanMetricsError as error:
        return None, error


def _of_rank(error: GanMetricsError, number: int) -> GanMetricsError:
    """The error as the other ranks have it; whom it befell reports it."""
    if number != rank():
        error.is_told = True
    return error


def _group() -> Any:
    default = id(dist.group.WORLD)
    if default not in _groups:
        _groups[default] = dist.new_group(backend="gloo", timeout=timedelta(seconds=seconds()))
    return _groups[default]


def _meet(group: Any) -> None:
    """Wait until every rank is here, and name those that are not."""
    dist.monitored_barrier(group, timeout=timedelta(seconds=seconds()), wait_all_ranks=True)


def _tree(mine: Part | None, group: Any) -> Part | None:
    """Pairs merge, then pairs of pairs: the first rank has all after log2 of their number of rounds."""
    me, step = rank(), 1
    while step < world():
        if me % (2 * step):
            _send(mine, me - step, group)
            return None
        if me + step < world():
            assert mine is not None
            mine = mine.merge(_receive(me + step, group))
        step *= 2
    return mine


def _send(value: Any, to: int, group: Any) -> None:
    content = torch.frombuffer(bytearray(pickle.dumps(value, protocol=5)), dtype=torch.uint8)
    dist.send(torch.tensor([len(content)]), to, group=group)
    dist.send(content, to, group=group)


def _receive(origin: int, group: Any) -> Any:
    size = torch.zeros(1, dtype=torch.int64)
    dist.recv(size, origin, group=group)
    content = torch.empty(int(size), dtype=torch.uint8)
    dist.recv(content, origin, group=group)
    # The bytes come from a rank of the same training.
    return pickle.loads(content.numpy().data)


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Turn what PyTorch says of a lost or late rank into one sentence."""
    try:
        yield
    except GanMetricsError:
        raise
    except (RuntimeError, ValueError) as error:  # DistBackendError and its kin are RuntimeErrors
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        hint = f"Look at what the other ranks printed last; ranks wait {seconds():g} s (GANMETRICS_TIMEOUT)"
        raise ResourceError(f"{what}: {first}", where=f"rank {rank()}", hint=hint, code="E-RANK") from error
