"""Boards that score images with one pinned recipe, rank with uncertainty, and can be recomputed by anyone.

A board is a folder (``Board``) with a store (SQLite, or PostgreSQL by URL). Submissions are images, never statistics;
they wait in the store's queue until a worker scores them in child processes with limits, and every outcome is appended
to a chain of hashes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganmetrics.leaderboard.board import Board
    from ganmetrics.leaderboard.ranking import Row, ranked
    from ganmetrics.leaderboard.rules import Rules

__all__ = ["Board", "Row", "Rules", "ranked"]
_HOMES = {"Board": "board", "Row": "ranking", "Rules": "rules", "ranked": "ranking"}


# Lazy, so that the child process that decodes loads no database.
def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganmetrics.leaderboard' has no attribute {name!r}")
    return getattr(import_module(f"ganmetrics.leaderboard.{_HOMES[name]}"), name)
