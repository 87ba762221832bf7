"""Every kind of source, each with its own file in this folder, and which of them a value is of."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ganmetrics.data.source import Kind

# These kinds are looked at first, since their files import little.
LIKELY = ("folder", "tensor", "zip_file", "array_file")


def kind_of(value: Any) -> Kind | None:
    """The kind of source that a value is of; ``None`` where it is of none."""
    return next((kind for kind in kinds() if kind.matches(value)), None)


def kinds() -> Iterator[Kind]:
    """Every kind of source, each imported when its turn comes.

    No value is of two kinds, so that their order decides nothing but how many files are imported.
    """
    names = {info.name for info in pkgutil.iter_modules(import_module(__name__.rpartition(".")[0]).__path__)}
    for name in (*LIKELY, *sorted(names - set(LIKELY))):
        kind: Kind | None = getattr(import_module(f"{__package__}.{name}"), "KIND", None)
        if kind is not None:
            yield kind
