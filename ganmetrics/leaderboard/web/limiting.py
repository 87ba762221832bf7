"""A limit to how often one client may do something, counted in this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

MOST_CLIENTS = 10_000


class Limiter:
    """Lets each client cause at most ``most`` events within ``seconds``.

    Parameters
    ----------
    most : int
    seconds : float
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self.lock = threading.Lock()
        self.events: OrderedDict[str, list[float]] = OrderedDict()

    def is_full(self, client: str) -> bool:
        """Return whether the client has reached the limit."""
        with self.lock:
            return len(self._recent(client)) >= self.most

    def add(self, client: str) -> bool:
        """Count an event unless the client has reached the limit; return whether it was counted."""
        with self.lock:
            recent = self._recent(client)
            if len(recent) >= self.most:
                return False
            recent.append(time.monotonic())
            self.events[client] = recent
            self.events.move_to_end(client)
            while len(self.events) > MOST_CLIENTS:
                self.events.popitem(last=False)
            return True

    def _recent(self, client: str) -> list[float]:
        since = time.monotonic() - self.seconds
        return [when for when in self.events.get(client, []) if when > since]
