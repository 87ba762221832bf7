"""Arguments of public functions that cannot be meant, refused in one sentence where the function begins."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from ganmetrics.errors import UsageError
from ganmetrics.registry import unknown


def described(value: Any) -> str:
    """A value in a message: as it is written where that is short, else its type."""
    is_plain = value is None or isinstance(value, (bool, int, float, str, tuple))
    text = repr(value)[:60] if is_plain else ""
    return text or f"of type {type(value).__name__}"


def path(value: Any, where: str) -> str:
    """The text of a path (UsageError for what is none)."""
    if not isinstance(value, (str, os.PathLike)):
        what = f"{where} is {described(value)}; it must be a path"
        hint = "Arrays of images are scored by gm.evaluate and gm.fid" if hasattr(value, "dtype") else ""
        raise UsageError(what, where=where, hint=hint)
    text = os.fsdecode(value)
    if "\0" in text:
        raise UsageError(f"{where} holds a null byte", where=where)
    return text


def whole(value: Any, where: str, least: int, *, code: str = "") -> int:
    """A whole number of at least ``least`` (UsageError)."""
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool) and getattr(value, "ndim", 0) == 0
    if not is_whole or int(value) < least:
        what = f"{where} is {described(value)}; it must be a whole number of at least {least}"
        raise UsageError(what, where=where, code=code)
    return int(value)


def one_of(value: Any, kind: str, choices: Collection[str]) -> str:
    """One of several words (UsageError)."""
    if not isinstance(value, str) or value not in choices:
        raise unknown(kind, value, list(choices))
    return value
