"""The progress bar, on stderr."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    TextBar = tqdm[None]

LOG_INTERVAL = 10.0  # seconds between lines where stderr is a log and not a terminal


class Bar(tqdm):
    """A bar that leaves the process as it was.

    tqdm's own lock would decide how this process starts others (``multiprocessing.set_start_method`` would then fail),
    and its monitor is a thread that stays.
    """

    _lock = threading.RLock()
    monitor_interval = 0


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
