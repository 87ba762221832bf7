"""Subsets and splits, drawn from a seeded generator that the caller hands in.

The generator is NumPy's ``RandomState``: its stream is frozen by NumPy's compatibility policy, so a seed means the
same draws in every version, and the peers' published numbers were drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ganmetrics.errors import UsageError

Indices = np.ndarray[Any, np.dtype[np.int64]]


def seeded(seed: int) -> np.random.RandomState:
    """Return the random generator of a seed in 0..2**32 - 1 (UsageError)."""
    if not 0 <= seed < 2**32:
        raise UsageError(f"the seed {seed} is not in 0..{2**32 - 1}", where="seed")
    return np.random.RandomState(seed)


def paired_subsets(
    count_real: int, count_fake: int, subset_size: int, num_subsets: int, rng: np.random.RandomState
) -> Iterator[tuple[Indices, Indices]]:
    """Draw pairs of index subsets without replacement, (real, fake).

    In each pair the fake subset is drawn first: torch-fidelity takes its first input, the fakes, first, and the same
    seed then gives the same subsets.
    """
    for _ in range(num_subsets):
        fake = rng.choice(count_fake, subset_size, replace=False)
        yield rng.choice(count_real, subset_size, replace=False), fake


def split_bounds(count: int, splits: int) -> list[tuple[int, int]]:
    """Return consecutive ranges that cover 0..count, as equal as can be."""
    return [(i * count // splits, (i + 1) * count // splits) for i in range(splits)]
