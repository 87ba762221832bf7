"""What a diagnosis says: one fault, how bad it is, the numbers that say so, and what to try."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

VERDICTS = ("none", "some", "severe")


@dataclass(frozen=True)
class Evidence:
    """One number behind a verdict.

    Attributes
    ----------
    name : str
        What was measured, in words.
    value : float
    some, severe : float
        Where the verdicts begin.
    """

    name: str
    value: float
    some: float
    severe: float

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4g} (some from {self.some:.4g}, severe from {self.severe:.4g})"


@dataclass(frozen=True)
class Finding:
    """One fault that was looked for.

    Attributes
    ----------
    name : str
    verdict : {"none", "some", "severe"}
    sentence : str
        What was found, plainly.
    evidence : tuple of Evidence
    advice : tuple of str
        What to try, the likeliest first; empty where nothing is wrong.
    """

    name: str
    verdict: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    advice: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.verdict:<6}  {self.name}: {self.sentence}"]
        lines += [f"        {each}" for each in self.evidence]
        return "\n".join(lines + [f"        try: {each}" for each in self.advice])

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data."""
        return asdict(self)


def graded(value: float, some: float, severe: float) -> str:
    """The verdict of a number that is worse the further it lies from ``some`` beyond ``severe``."""
    sign = 1 if severe >= some else -1
    return VERDICTS[(sign * value >= sign * some) + (sign * value >= sign * severe)]
