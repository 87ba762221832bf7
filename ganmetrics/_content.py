"""The digest of nested plain data, by which what was saved is known again when it is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from hashlib import _Hash


def content_digest(value: Any) -> str:
    """Return the SHA-256 of mappings, sequences, arrays, tensors, texts and numbers, whatever the order of keys.

    Raises
    ------
    TypeError
        The data hold anything else.
    """
    found = hashlib.sha256()
    _add(value, found)
    return found.hexdigest()


def _add(value: Any, found: _Hash) -> None:
    """Add one value with its type and size, so that no two different values give the same bytes."""
    if isinstance(value, Mapping):
        found.update(f"mapping {len(value)};".encode())
        for name in sorted(value):
            _add(name, found)
            _add(value[name], found)
    elif isinstance(value, (list, tuple)):
        found.update(f"sequence {len(value)};".encode())
        for each in value:
            _add(each, found)
    elif isinstance(value, (np.ndarray, torch.Tensor)):
        array = np.ascontiguousarray(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value)
        found.update(f"array {array.dtype.str} {list(array.shape)};".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    elif value is None or isinstance(value, (str, bool, int, float)):
        text = _text(value).encode()
        found.update(f"text {len(text)};".encode() + text)
    else:
        raise TypeError(f"a {type(value).__name__} has no digest")


def _text(value: str | bool | int | float | None) -> str:
    """Return a text that no value of another kind has; numbers of NumPy give that of Python's."""
    if isinstance(value, str):
        return f"str {value}"
    if value is None or isinstance(value, bool):
        return f"{value}"
    return f"int {int(value)}" if isinstance(value, int) else f"float {float(value).hex()}"
