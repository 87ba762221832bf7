"""The record by which a file of this folder offers its kind of source."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from ganmetrics._arguments import interval, whole
from ganmetrics.data.source import Reading, Source

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What the caller said beside the value; see ``open_source``."""

    reading: Reading = field(default_factory=Reading)
    value_range: tuple[float, float] | None = None
    num_images: int | None = None
    latents: int | Callable[[int, torch.Generator], Tensor] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.value_range is not None:
            interval(self.value_range, "value_range", "Usual ranges are (0, 1) and (-1, 1)", code="E-RANGE")
        if self.num_images is not None:
            whole(self.num_images, "num_images", 1, code="E-SOURCE")


class Drawing(TypedDict, total=False):
    """Keywords of functions that take a generator: how many images it draws, from what, in which range."""

    value_range: tuple[float, float] | None
    num_images: int | None
    latents: int | Callable[[int, torch.Generator], Tensor] | None
    seed: int


DEFAULT_DRAWING = MappingProxyType({"value_range": None, "num_images": None, "latents": None, "seed": 0})
DEFAULT_READING = Reading()
DEFAULT_OPENING = Opening()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of source: what it is called in a list, which values are of it, and how one is opened.

    ``matches`` is true for no value that another kind matches, so that the order of kinds has no meaning.
    """

    accepts: str
    matches: Callable[[Any], bool]
    open: Callable[[Any, Opening], Source]
    is_counted_by_caller: bool = False
    takes_latents: bool = False


def is_instance(value: Any, module: str, name: str) -> bool:
    """``isinstance(value, module.name)`` without importing the module: where it is not loaded, nothing is of it."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)
