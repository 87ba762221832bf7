"""One check of a self-test: a number beside the one it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """A computed number, the expected one, and how far apart they may be.

    Attributes
    ----------
    name : str
    found, expected, tolerance : float
        The tolerance is absolute.
    error : str
        The error that kept the number from being computed; empty where there was none.
    """

    name: str
    found: float
    expected: float
    tolerance: float
    error: str = ""

    @property
    def difference(self) -> float:
        """The computed number less the expected one."""
        return self.found - self.expected

    @property
    def passed(self) -> bool:
        """Whether the number was computed and is within the tolerance."""
        # NaN is within no tolerance, so that a check without a number fails.
        return not self.error and abs(self.difference) <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain data; a number that is not finite becomes ``None``."""
        numbers = {"found": self.found, "expected": self.expected, "difference": self.difference}
        finite = {name: value if abs(value) < float("inf") else None for name, value in numbers.items()}
        return {"name": self.name, **finite, "tolerance": self.tolerance, "passed": self.passed, "error": self.error}


def failed(name: str, error: Exception) -> Check:
    """Return a check that gave no number."""
    return Check(name, float("nan"), float("nan"), 0.0, f"{type(error).__name__}: {error}")
