"""Boards that score images with one pinned recipe, rank with uncertainty, and can be recomputed by anyone.

A board is a folder (``Board``) with a store (SQLite, or PostgreSQL by URL). Submissions are images, never statistics;
they wait in the store's queue until a worker scores them in child processes with limits, and every outcome is appended
to a chain of hashes.
"""

from __future__ import annotations

from ganmetrics.leaderboard.board import Board
from ganmetrics.leaderboard.ranking import Row, ranked
from ganmetrics.leaderboard.rules import Rules

__all__ = ["Board", "Row", "Rules", "ranked"]
