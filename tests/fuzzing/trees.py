"""Changes to plain data, as JSON and PyTorch's files hold it: other values, missing and renamed keys, other shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import torch

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 255, 2**31, 2**63, 10**400, -(10**30), 0.5, -0.0, 1e308, float("nan"), float("inf"),
    "", "0", "nan", "x" * 5000, "\0", "\n", "\x1b[2J", "a|b", "#:~", "\ud800", "../x", [], {}, [[]], [None], {"": None},
)  # fmt: skip
STRANGE_FLOATS = (float("nan"), float("inf"), -1.0, 1e308, 1e-320, 0.0)
DEPTH = 5000  # more than any reader of nested data takes


def changed_json(data: bytes, rng: Random) -> bytes:
    """JSON text with one value changed, or nested deeper than a stack is."""
    text = json.dumps(changed(json.loads(data), rng)).encode()
    if rng.random() < 0.03:
        number = text.find(b"0")
        return text[:number] + b"[" * DEPTH + b"]" * DEPTH + text[number + 1 :]
    return text


def changed(tree: Any, rng: Random) -> Any:
    """The same data with one change somewhere."""
    places = list(_places(tree))
    if not places:
        return rng.choice(STRANGE)
    container, key = rng.choice(places)
    rng.choice(CHANGES)(container, key, rng)
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key or index that it has."""
    if isinstance(tree, dict):
        keys: Any = list(tree)
    elif isinstance(tree, list):
        keys = range(len(tree))
    else:
        return
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _replaced(container: Any, key: Any, rng: Random) -> None:
    old = container[key]
    container[key] = other_tensor(old, rng) if isinstance(old, torch.Tensor) else rng.choice(STRANGE)


def _nudged(container: Any, key: Any, rng: Random) -> None:
    old = container[key]
    if isinstance(old, (int, float)) and not isinstance(old, bool):
        container[key] = rng.choice([old + 1, old - 1, -old, old * 1000, float(old), str(old)])
    elif isinstance(old, str):
        place = rng.randrange(len(old) + 1)
        container[key] = old[:place] + rng.choice(["", "|", "#", ":", "9", "\0", "é"]) + old[place + rng.randrange(3) :]
    else:
        _replaced(container, key, rng)


def _removed(container: Any, key: Any, rng: Random) -> None:
    del container[key]


def _renamed(container: Any, key: Any, rng: Random) -> None:
    value = container[key]
    if isinstance(container, dict):
        del container[key]
        container[rng.choice(["", f"{key}x", "schema", "__class__", "\ud800"])] = value
    else:
        container.insert(rng.randrange(len(container) + 1), value)


def _wrapped(container: Any, key: Any, rng: Random) -> None:
    container[key] = rng.choice([lambda value: [value], lambda value: {"value": value}])(container[key])


def _exchanged(container: Any, key: Any, rng: Random) -> None:
    other = rng.choice(list(container) if isinstance(container, dict) else range(len(container)))
    container[key], container[other] = container[other], container[key]


CHANGES: tuple[Callable[[Any, Any, Random], None], ...] = (
    _replaced, _replaced, _nudged, _nudged, _removed, _renamed, _wrapped, _exchanged,
)  # fmt: skip


def other_tensor(tensor: torch.Tensor, rng: Random) -> Any:
    """A tensor of another type, shape or content; at times none at all."""
    kinds = (torch.float16, torch.float64, torch.int64, torch.int8, torch.bool, torch.complex64)
    kind = rng.randrange(6)
    if kind == 0:
        return tensor.to(rng.choice(kinds))
    if kind == 1:
        return rng.choice([tensor.reshape(-1), tensor[None], tensor[:0] if tensor.dim() else tensor.reshape(1)])
    if kind == 2 and tensor.numel():
        flat = tensor.flatten().double()
        flat[rng.randrange(len(flat))] = rng.choice(STRANGE_FLOATS)
        return flat.nan_to_num().reshape(tensor.shape).to(tensor.dtype) if not tensor.is_floating_point() else (
            flat.reshape(tensor.shape).to(tensor.dtype)
        )  # fmt: skip
    if kind == 3:
        return torch.cat([tensor, tensor]) if tensor.dim() else tensor.expand(3).clone()
    return rng.choice(STRANGE) if kind == 4 else torch.zeros(rng.choice([0, 1, 7]), dtype=rng.choice(kinds))
