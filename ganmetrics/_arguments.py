"""Check the arguments of public functions; a wrong one is refused in one sentence before any work."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ganmetrics.errors import KeywordError, UsageError
from ganmetrics.registry import unknown

Function = TypeVar("Function", bound=Callable[..., Any])


def with_keywords(keywords: type, defaults: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Show what a function takes as ``**settings: Unpack[keywords]`` in its signature, one by one with defaults.

    Parameters
    ----------
    keywords : type
        A ``TypedDict``.
    defaults : mapping
        The default of each keyword by its name.
    """

    order = list(defaults)

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        shared = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=_text_of(annotation)
            )
            for name, annotation in sorted(keywords.__annotations__.items(), key=lambda item: order.index(item[0]))
        ]
        function.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
        return function

    return decorate


def check_keywords(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Refuse a keyword that a function does not show, with the nearest that it does (KeywordError)."""
    known = [name for name in inspect.signature(function).parameters if name != "self"]
    for name in given:
        if name not in known:
            called = function.__qualname__.removesuffix(".__init__")
            error = unknown(f"argument of {called}", name, known)
            raise KeywordError(error.what, hint=error.hint, code=error.code)


def interval(value: Any, name: str, hint: str, *, where: str = "", code: str = "") -> tuple[float, float]:
    """Return two finite numbers (low, high) with low < high (UsageError)."""
    try:
        low, high = (float(bound) for bound in value if not isinstance(bound, str))
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        what = f"{name} is {described(value)}; it must be (low, high), two finite numbers with low < high"
        raise UsageError(what, where=where, hint=hint, code=code)
    return low, high


def _text_of(annotation: Any) -> Any:
    return getattr(annotation, "__forward_arg__", annotation)


def described(value: Any) -> str:
    """Describe a value in a message: as it is written where that is short, else by its type."""
    is_plain = value is None or isinstance(value, (bool, int, float, str, tuple))
    text = repr(value)[:60] if is_plain else ""
    return text or f"of type {type(value).__name__}"


def path(value: Any, where: str) -> str:
    """Return the text of a path (UsageError for what is none)."""
    if not isinstance(value, (str, os.PathLike)):
        what = f"{where} is {described(value)}; it must be a path"
        hint = "Arrays of images are scored by gm.evaluate and gm.fid" if hasattr(value, "dtype") else ""
        raise UsageError(what, where=where, hint=hint)
    text = os.fsdecode(value)
    if "\0" in text:
        raise UsageError(f"{where} holds a null byte", where=where)
    return text


def whole(value: Any, where: str, least: int, *, code: str = "") -> int:
    """Return a whole number of at least ``least`` (UsageError)."""
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool) and getattr(value, "ndim", 0) == 0
    if not is_whole or int(value) < least:
        what = f"{where} is {described(value)}; it must be a whole number of at least {least}"
        raise UsageError(what, where=where, code=code)
    return int(value)


def one_of(value: Any, kind: str, choices: Collection[str]) -> str:
    """Return a word that must be one of several (UsageError)."""
    if not isinstance(value, str) or value not in choices:
        raise unknown(kind, value, list(choices))
    return value
