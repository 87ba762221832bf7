"""The difference of two scores of one metric, and whether it tells two sets of fakes apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganmetrics.numerics.interval_ends import LEVEL, Interval, readable

if TYPE_CHECKING:
    from ganmetrics._table import Table

# Differences that a terminal lists below the table, whose marks say the rest.
LISTED = 6
NO_INTERVAL = "this score has no interval"


@dataclass(frozen=True)
class Difference:
    """One score of a set of fakes beside the score of another set.

    Attributes
    ----------
    name, title : str
        The name and the title of the score.
    first, second : str
        The two sets.
    value : float
        The first score less the second; the first over the second where ``is_ratio``.
    interval : Interval or None
        The 95 % interval of ``value``.
    higher_is_better : bool
    is_ratio : bool
        Whether the scores are compared by their ratio, as sizes are.
    reason : str
        Why nobody can tell, where that is not for an interval that holds equality.
    num_images : int or None
        To how many fakes a set was cut, where the sets differ in size and the score depends on it.
    family : int
        How many comparisons of this score the verdict is corrected for (Holm); 1 where it stands alone.
    """

    name: str
    title: str
    first: str
    second: str
    value: float
    interval: Interval | None
    higher_is_better: bool
    is_ratio: bool = False
    reason: str = ""
    num_images: int | None = None
    family: int = 1

    @property
    def verdict(self) -> str:
        """Say whether the first set is ``"better"`` or ``"worse"``, or that one ``"cannot tell"``."""
        even = 1.0 if self.is_ratio else 0.0
        if self.reason or self.interval is None or not (self.interval.low > even or self.interval.high < even):
            return "cannot tell"
        return "better" if (self.interval.low > even) == self.higher_is_better else "worse"

    @property
    def shown_value(self) -> str:
        """The difference as text: with a sign, or as a multiple."""
        text = readable(self.value) if self.interval is None else self.interval.rounded(self.value)
        return f"{self.value:.3g}" if self.is_ratio else f"{'' if text.startswith('-') else '+'}{text}"

    @property
    def why(self) -> str:
        """Why nobody can tell; empty where there is a verdict or the interval holds equality."""
        return self.reason or (NO_INTERVAL if self.interval is None else "")

    def __str__(self) -> str:
        around = "" if self.interval is None else f" ({self.interval.words(self.value)}, {LEVEL:.0%})"
        cut = "" if self.num_images is None else f", at {self.num_images} images of each"
        sign = "/" if self.is_ratio else "-"
        return f"{self.title}: {self.first} {sign} {self.second} = {self.shown_value}{around}{cut}: {self._words()}"

    def _words(self) -> str:
        if self.verdict != "cannot tell":
            return f"{self.first} is {self.verdict}"
        return f"cannot tell: {self.why}" if self.why else "cannot tell"

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain data."""
        facts = {"metric": self.name, "first": self.first, "second": self.second}
        value = {"ratio" if self.is_ratio else "difference": self.value}
        around = None if self.interval is None else self.interval.to_dict()
        cut = {} if self.num_images is None else {"num_images": self.num_images}
        family = {} if self.family == 1 else {"comparisons": self.family}
        why = {"reason": self.why} if self.why else {}
        return {**facts, **value, "interval": around, "verdict": self.verdict, **cut, **family, **why}


def tabled(table: Table, differences: Sequence[Difference], baseline: str = "") -> str:
    """Return a table as text with the differences below it, where they are few or the baseline's."""
    if len(differences) <= LISTED or baseline:
        return "\n\n".join([table.text(), "\n".join(map(str, differences))])
    hint = f"{len(differences)} differences with their intervals stand in the JSON and in the HTML report."
    return "\n\n".join([table.text(), hint])
