"""Libraries that only some sources need, each an extra of the package."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ganmetrics.errors import UsageError


def library(name: str, extra: str, where: str) -> ModuleType:
    """Import a library, or say how it is installed (UsageError)."""
    try:
        return import_module(name)
    except ImportError:
        what, hint = f"the package {name.partition('.')[0]} is not installed", f"pip install 'ganmetrics[{extra}]'"
        raise UsageError(what, where=where, hint=f"Install it: {hint}", code="E-SOURCE") from None
