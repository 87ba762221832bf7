"""The colours of figures: real colours for plots, and marks that the style sheet of a page replaces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """One colour for each role.

    Attributes
    ----------
    ink, muted, grid : str
        Text, less important text, lines behind the data.
    real, fake : str
        The two sides, the same everywhere.
    bad, warn : str
        What is missing, and what is short.
    """

    ink: str
    muted: str
    grid: str
    real: str
    fake: str
    bad: str
    warn: str


PLAIN = Palette("#1b1f24", "#57606a", "#d0d7de", "#0a5fb4", "#b4500a", "#b3261e", "#8a6100")
MARKS = Palette("#010101", "#010102", "#010103", "#010104", "#010105", "#010106", "#010107")
VARIABLES = {mark: f"var(--{role})" for role, mark in vars(MARKS).items()}
