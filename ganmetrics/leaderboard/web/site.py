"""One view of a board, which every page and the API read and which is renewed when the store has changed."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganmetrics.leaderboard.board import public_row
from ganmetrics.leaderboard.web.limiting import Limiter

if TYPE_CHECKING:
    from ganmetrics.leaderboard.board import Board
    from ganmetrics.leaderboard.ranking import Row

# Seconds for which the store is not asked again.
FRESH = 0.5
# Pages that are kept until the store changes.
MOST_PAGES = 200


@dataclass(frozen=True)
class View:
    """The public side of a board at one moment.

    Attributes
    ----------
    rows : list of Row
    entries : list of mapping
        The rows as everyone may see them.
    counts : mapping of str to int
        Submissions by state.
    records, head : int, str
        The chain's length and last digest.
    """

    rows: list[Row]
    entries: list[dict[str, Any]]
    counts: dict[str, int]
    records: int
    head: str

    @cached_property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The entries by their public ids."""
        return {entry["entry"]: entry for entry in self.entries}


class Site:
    """A board that is served.

    Parameters
    ----------
    board : Board
    is_secure : bool
        Whether browsers reach the board by https, so that cookies are sent by https alone.
    """

    def __init__(self, board: Board, *, is_secure: bool = False) -> None:
        self.board, self.is_secure = board, is_secure
        # Wrong tokens of one address in a minute.
        self.failures = Limiter(10, 60.0)
        self.uploads = Limiter(30, 60.0)
        self._lock = threading.Lock()
        self._looked, self._stamp, self._view = 0.0, (-1, -1.0), View([], [], {}, 0, "")
        self._pages: dict[tuple[Any, ...], bytes] = {}

    def view(self, *, is_new: bool = False) -> View:
        """Return the board as it is, or as it was half a second ago unless ``is_new`` asks for the newest."""
        if self.is_fresh() and not is_new:
            return self._view
        with self._lock:
            if is_new or not self.is_fresh():
                self._refresh()
        return self._view

    def is_fresh(self) -> bool:
        """Return whether ``view`` answers without asking the store."""
        return time.monotonic() - self._looked < FRESH

    def _refresh(self) -> None:
        stamp = self.board.store.stamp()
        if stamp != self._stamp:
            rows = self.board.table()
            number, head = self.board.store.head()
            counts = self.board.store.counts()
            self._view = View(rows, [public_row(row) for row in rows], counts, number, head)
            self._stamp, self._pages = stamp, {}
        self._looked = time.monotonic()

    def page(self, key: tuple[Any, ...], make: Any) -> bytes:
        """Return a page, which is made once for each view."""
        pages, view = self._pages, self.view()
        if key not in pages:
            text = make(view)
            if len(pages) >= MOST_PAGES:
                pages.clear()
            pages[key] = text.encode()
        return pages[key]

    @cached_property
    def public_rules(self) -> dict[str, Any]:
        """The rules without the name of the hidden reference."""
        rules: dict[str, Any] = json.loads(self.board.rules.to_json())
        rules["has_hidden"] = bool(rules.pop("hidden"))
        return rules


def csrf_of(session: str) -> str:
    """Return the token against cross-site requests that every form of a session must contain."""
    return hashlib.sha256(f"csrf:{session}".encode()).hexdigest()
