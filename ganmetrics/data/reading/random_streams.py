"""The global random streams as the caller's code sees them: a copy, so that the caller's own do not move."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from typing import Any

from ganmetrics._process import Held

_TURNS = Held()


class OwnStreams:
    """Inside the ``with`` block Python, NumPy and torch draw from a copy; it goes on in the next block.

    The copy starts where the caller's streams stand, so that a seed set by the caller still decides what a random
    transform or a shuffled loader does. The streams are those of the process, so that threads take turns.
    """

    def __init__(self) -> None:
        with _TURNS.alone():
            self._own = _states()

    def __enter__(self) -> None:
        self._turn: AbstractContextManager[None] = _TURNS.alone()
        self._turn.__enter__()
        self._callers = _states()
        _set(self._own)

    def __exit__(self, *_: object) -> None:
        try:
            self._own = _states()
            _set(self._callers)
        finally:
            self._turn.__exit__(None, None, None)


def _states() -> tuple[Any, Any, Any]:
    import numpy as np
    import torch

    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def _set(states: tuple[Any, Any, Any]) -> None:
    import numpy as np
    import torch

    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
