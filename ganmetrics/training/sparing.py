"""A guard that keeps the errors of a monitor away from the training that it watches."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ganmetrics.errors import GanMetricsWarning


class Sparing:
    """Turns the errors of each part of some work into one warning, and keeps silent about later ones of that part."""

    def __init__(self) -> None:
        self._failed: set[str] = set()

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        try:
            yield
        # An error of any class: a training must not end because it was watched.
        except Exception as error:
            if part not in self._failed:
                self._failed.add(part)
                what = f"the monitor's {part} failed ({type(error).__name__}: {error}); the training goes on"
                _warn(f"{what}, and later failures of this part are not told")


def _warn(text: str) -> None:
    try:
        warnings.warn(text, GanMetricsWarning, stacklevel=5)
    except GanMetricsWarning:
        # Under a filter that turns warnings into errors this one would end the training after all.
        print(f"warning: {text}", file=sys.stderr)
