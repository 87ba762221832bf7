"""The command line: one file for each command, no logic."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
