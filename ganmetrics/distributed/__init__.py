"""Where images are read: in this process, in torchrun's ranks, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Protocol, TypeVar

from ganmetrics.data.reading.batches import Share
from ganmetrics.errors import UsageError

# Variables that torchrun sets.
LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
Value = TypeVar("Value")
Part = TypeVar("Part", bound="Mergeable")


class Mergeable(Protocol):
    """What a reader leaves; those of several merge in any order."""

    def merge(self: Part, other: Part, /) -> Part: ...


class Engine(Protocol):
    """Has a set read in shares, and merges what is left of them."""

    def gathered(self, reader: Callable[[Share], Part], count: int | None) -> Part | None:
        """What the reader leaves of all of a set of ``count`` images, ``None`` being unknown.

        Of several processes that make the same call one has it, and the others ``None``.
        """


def engine(name: str) -> Engine:
    """The engine of a name that ``Reading`` allows, other than ``local``: that needs none."""
    chosen: Engine = import_module(f"ganmetrics.distributed.{name}").ENGINE
    return chosen


def at_one_place(name: str, work: Callable[[], Value], small: Callable[[Value], Value]) -> Value:
    """What the work on a gathered whole gives: where several processes made the call, it is done by the first of them.

    The others get it made ``small``.
    """
    if name != "ranks":
        return work()
    from ganmetrics.distributed import ranks

    return ranks.from_first(work, small)


def require(name: str, allowed: Collection[str], what: str) -> None:
    """Refuse an engine for work that has no part for it (UsageError)."""
    if name not in allowed:
        ways = " or ".join(f'`engine="{each}"`' for each in allowed)
        hint = f"Use {ways}, in one process"
        raise UsageError(f"{what} cannot be done by the engine {name}", where="engine", hint=hint)


__all__ = ["Engine", "Mergeable", "at_one_place", "engine", "require"]
