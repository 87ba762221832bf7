"""How much memory a run may take for its buffers: images on their way, and blocks of distances and kernels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ganmetrics._arguments import described
from ganmetrics.errors import UsageError

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30, "t": 10**12, "ti": 2**40}
LEAST = 16 * 2**20
DEFAULT = 256 * 2**20
# Bytes that a block takes for each pair of its rows (squares, their bounds, candidates, in float64), and for each
# number of the rows on its two sides.
OF_PAIR = 48
OF_NUMBER = 32
_limit: ContextVar[int | None] = ContextVar("limit", default=None)


@contextmanager
def memory_limit(limit: int | str) -> Iterator[None]:
    """Limit the memory that the buffers of runs take inside a ``with`` block, beyond PyTorch and the features.

    Buffers are images on their way from their files to the network, and blocks of distances and kernels. One image, and
    one batch of the network, are taken in any case. Results stay the same to the last digits. With more memory large
    images are decoded by more processes, and blocks are a little faster; the default is 256 MiB.

    Parameters
    ----------
    limit : int or str
        Bytes, or a text such as ``"500MB"`` or ``"2GiB"``; at least 16 MiB.

    Raises
    ------
    UsageError
        The text is no amount of memory, or it is too little.

    Examples
    --------
    >>> import ganmetrics as gm
    >>> with gm.memory_limit("1GB"):
    ...     gm.functional.prdc([[0.0], [1.0]], [[0.0], [1.0]], neighbors=1).coverage
    1.0
    """
    size = parse_size(limit, where="max_memory")
    if size < LEAST:
        what = f"{limit} is {size:,} bytes; buffers need at least {LEAST:,}"
        raise UsageError(what, where="max_memory", hint="Allow more memory")
    token = _limit.set(size)
    try:
        yield
    finally:
        _limit.reset(token)


def memory_budget(default: int = DEFAULT) -> int:
    """Return the bytes that ``memory_limit`` allows, or a default where no limit is set."""
    limit = _limit.get()
    return default if limit is None else limit


def parse_size(limit: int | str, *, where: str) -> int:
    """Read a number of bytes from a text such as ``"2GB"`` (UsageError)."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kmgt]i?|)b?\s*", str(limit)[:40].lower())
    size = float(match[1]) * UNITS[match[2]] if match else math.inf
    if not math.isfinite(size):
        hint = "Write it as 500MB or 2GiB"
        raise UsageError(f"{described(limit)} is no amount of memory", where=where, hint=hint)
    return int(size)


def block_rows(dim: int) -> int:
    """Return how many rows each side of a block of pairs has, for rows of ``dim`` numbers: at least 32."""
    # The positive root of OF_PAIR · rows² + OF_NUMBER · dim · rows = budget, rounded down to whole groups of 32.
    linear = OF_NUMBER * dim
    rows = ((linear**2 + 4 * OF_PAIR * memory_budget()) ** 0.5 - linear) / (2 * OF_PAIR)
    return max(32, int(rows) // 32 * 32)
