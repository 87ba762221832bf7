"""The progress bar, on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    TextBar = tqdm[None]

# Updates from which the rate is taken: the first one waits for processes, weights and kernels to start.
RECENT = 8
# Seconds between lines where stderr is a log and not a terminal.
LOG_INTERVAL = 10.0


class Bar(tqdm):
    """A bar that leaves the process as it was.

    tqdm's own lock would decide how this process starts others (``multiprocessing.set_start_method`` would then fail),
    and its monitor is a thread that stays.
    """

    _lock = threading.RLock()
    monitor_interval = 0

    def update(self, n: float | None = 1) -> bool | None:
        """Count more images, which are done at this moment."""
        if not self.disable:
            self.recent.append((time.monotonic(), self.n + (n or 0)))
        return super().update(n)

    @property
    def format_dict(self) -> dict[str, Any]:
        """What is printed; the rate is that of the last few updates, as soon as there are two."""
        shown = dict(super().format_dict)
        if not self.disable and len(self.recent) > 1 and self.recent[-1][0] > self.recent[0][0]:
            (start, before), (end, after) = self.recent[0], self.recent[-1]
            shown["rate"] = (after - before) / (end - start)
        return shown

    @property
    def recent(self) -> deque[tuple[float, float]]:
        """The last updates: when, and how many images were done by then."""
        marks: deque[tuple[float, float]] = self.__dict__.setdefault("_recent", deque(maxlen=RECENT))
        return marks


def progress_bar(description: str, total: int | None, shown: bool, *, unit: str = "img") -> TextBar:
    """A bar counting images or another unit; in a log it prints rarely, hidden it prints nothing."""
    interval = 0.1 if sys.stderr is not None and sys.stderr.isatty() else LOG_INTERVAL
    bar: Any = Bar(
        total=total,
        desc=description,
        unit=unit,
        disable=not shown,
        dynamic_ncols=True,
        mininterval=interval,
        miniters=1,
    )
    return bar
