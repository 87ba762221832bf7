"""What every page and the API read: one view of the board, made again when the store has changed."""

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

FRESH = 0.5  # seconds for which the store is not asked again
MOST_PAGES = 200  # that are kept made


@dataclass(frozen=True)
class View:
    """The public side of a board at one moment.

    Attributes
    ----------
    rows : list of Row
    entries : list of mapping
        The same as everyone may see them.
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
        return {entry["entry"]: entry for entry in self.entries}


class Site:
    """A board that is served.

    Parameters
    ----------
    board : Board
    is_secure : bool
        Whether browsers reach it by https, so that cookies must too.
    """

    def __init__(self, board: Board, *, is_secure: bool = False) -> None:
        self.board, self.is_secure = board, is_secure
        self.failures = Limiter(10, 60.0)  # tokens that were wrong
        self.uploads = Limiter(30, 60.0)
        self._lock = threading.Lock()
        self._looked, self._stamp, self._view = 0.0, (-1, -1.0), View([], [], {}, 0, "")
        self._pages: dict[tuple[Any, ...], bytes] = {}

    def view(self, *, is_new: bool = False) -> View:
        """The board as it is, or was half a second ago where it need not be new."""
        if self.is_fresh() and not is_new:
            return self._view
        with self._lock:
            if is_new or not self.is_fresh():
                self._refresh()
        return self._view

    def is_fresh(self) -> bool:
        """Whether ``view`` answers without asking the store."""
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
        """A page that is made once for each view."""
        pages, view = self._pages, self.view()
        if key not in pages:
            text = make(view)
            if len(pages) >= MOST_PAGES:
                pages.clear()
            pages[key] = text.encode()
        return pages[key]

    @cached_property
    def public_rules(self) -> dict[str, Any]:
        """The rules without what names the hidden reference."""
        rules: dict[str, Any] = json.loads(self.board.rules.to_json())
        rules["has_hidden"] = bool(rules.pop("hidden"))
        return rules


def csrf_of(session: str) -> str:
    """What a form of a session must bring along."""
    return hashlib.sha256(f"csrf:{session}".encode()).hexdigest()
