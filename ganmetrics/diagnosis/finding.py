"""A finding of a diagnosis: one fault, how bad it is, the numbers behind that, and what to try."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from ganmetrics.numerics.interval_ends import Interval

# From the best to the worst. A check that is blind clears nobody, so "cannot tell" outranks "ok".
VERDICTS = ("ok", "cannot tell", "some", "severe")
GRADES = ("ok", "some", "severe")


@dataclass(frozen=True)
class Evidence:
    """One number behind a verdict.

    Attributes
    ----------
    name : str
        What was measured, in words.
    value : float
    some, severe : float or None
        Where the verdicts begin; ``None`` for a number that only informs.
    interval : Interval or None
    key : str
        A short name for programs, where it has one.
    """

    name: str
    value: float
    some: float | None = None
    severe: float | None = None
    interval: Interval | None = None
    key: str = ""

    @property
    def mild(self) -> float:
        """The end of its interval that accuses least: few images must not accuse by chance."""
        if self.some is None or self.severe is None or self.interval is None:
            return self.value
        return self.interval.low if self.severe >= self.some else self.interval.high

    @property
    def verdict(self) -> str:
        """What the number alone says, by the mild end of its interval; ``cannot tell`` of NaN or without limits."""
        if self.some is None or self.severe is None or math.isnan(self.value):
            return "cannot tell"
        return graded(self.mild, self.some, self.severe)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as plain data; a number that is not finite is ``None``."""
        facts = {name: value if is_finite(value) else None for name, value in asdict(self).items()}
        return {**facts, "interval": self.interval and self.interval.to_dict()}

    def __str__(self) -> str:
        around = "" if self.interval is None else f"({self.interval.words(self.value)})"
        limits = "" if self.some is None else f" (some from {self.some:.4g}, severe from {self.severe:.4g})"
        return f"{self.value:>7.4g} {around:<18} {self.name}{limits}"


@dataclass(frozen=True)
class Finding:
    """One fault that was looked for.

    Attributes
    ----------
    name : str
    verdict : {"ok", "cannot tell", "some", "severe"}
    sentence : str
        What was found, plainly.
    evidence : tuple of Evidence
    advice : tuple of str
        What to try, the likeliest first; empty where nothing is wrong.
    is_cause : bool
        Whether other findings may follow from it, as they do from wrong pixel values.
    """

    name: str
    verdict: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    advice: tuple[str, ...] = ()
    is_cause: bool = False

    @property
    def is_fault(self) -> bool:
        """Whether the verdict accuses: ``some`` or ``severe``."""
        return is_fault(self.verdict)

    def __str__(self) -> str:
        lines = [f"{self.verdict:<6}  {self.name}: {self.sentence}"]
        lines += [f"        {each}" for each in self.evidence]
        return "\n".join(lines + [f"        try: {each}" for each in self.advice])

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return {**asdict(self), "evidence": [each.to_dict() for each in self.evidence]}


class Fault(NamedTuple):
    """One fault that a diagnosis looks for; a file of this folder offers it as ``FINDING``.

    Attributes
    ----------
    name : str
    find : callable
        Takes a ``Pair`` and returns the ``Finding``.
    place : int
        Where the finding stands among those of the same verdict, from 1.
    """

    name: str
    find: Callable[[Any], Finding]
    place: int


def is_finite(value: Any) -> bool:
    """Return whether JSON can hold a value: anything but an infinite number or NaN."""
    return not isinstance(value, float) or math.isfinite(value)


def graded(value: float, some: float, severe: float) -> str:
    """Return the verdict of a number that is worse the further it lies from ``some`` beyond ``severe``."""
    sign = 1 if severe >= some else -1
    return GRADES[(sign * value >= sign * some) + (sign * value >= sign * severe)]


def rank(verdict: str) -> int:
    """Return the place of a verdict in ``VERDICTS``: the worse it is, the larger."""
    return VERDICTS.index(verdict)


def is_fault(verdict: str) -> bool:
    """Return whether a verdict accuses: ``some`` or ``severe``."""
    return verdict in ("some", "severe")


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts; ``cannot tell`` where there are none."""
    return max(verdicts, key=rank, default="cannot tell")


def mildest(verdicts: Iterable[str]) -> str:
    """Return the mildest of some verdicts; ``cannot tell`` where there are none."""
    return min(verdicts, key=rank, default="cannot tell")


def verdicts_of(numbers: Iterable[Evidence]) -> list[str]:
    """Return the verdicts of the numbers that can be judged: those with limits and a value."""
    return [verdict for number in numbers if (verdict := number.verdict) != "cannot tell"]
