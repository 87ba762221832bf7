"""Gates for scripts and CI: conditions on scores under which a command ends with an exit code of its own."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics.errors import UsageError
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.scoring.result import Score

NUMBER = r"[-+]?[\d.]+(?:e[-+]?\d+)?"
FORM = re.compile(rf"\s*(?P<name>[a-z]\w*)(?:\.(?P<part>\w+))?\s*(?P<sign>[<>]=?)\s*(?P<limit>{NUMBER})\s*")
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
PARTS = ("low", "high", "over_floor")


class Gate(NamedTuple):
    """One condition, such as ``fid > 12`` or ``fid.low > 12``.

    Attributes
    ----------
    name : str
        The name of the score.
    part : str
        ``"low"`` or ``"high"`` for an end of its interval, ``"over_floor"`` for its ratio to the score of held-out real
        images, empty for its value.
    sign : {"<", "<=", ">", ">="}
    limit : float
    """

    name: str
    part: str
    sign: str
    limit: float

    @staticmethod
    def parse(text: str) -> Gate:
        """Return the condition that a text stands for (UsageError for a text of another form)."""
        found = FORM.fullmatch(text)
        try:
            limit = float(found["limit"]) if found else math.nan
        except ValueError:
            found = None
        if found is None or (found["part"] or "low") not in PARTS:
            what = f"{text!r} is no condition on a score"
            hint = "Write it as 'fid > 12', 'fid.low > 12', 'is < 5' or 'fid.over_floor > 2'"
            raise UsageError(what, where="fail_if", hint=hint)
        return Gate(found["name"], found["part"] or "", found["sign"], limit)

    def __str__(self) -> str:
        return f"{self.name}{f'.{self.part}' if self.part else ''} {self.sign} {self.limit:g}"

    def broken_by(self, score: Score | None) -> str:
        """Say in what way a score meets the condition; empty where it does not.

        A condition that cannot be checked counts as met: silence would let anything pass.
        """
        if score is None:
            return f"{self.name} was not computed, so '{self}' cannot be checked"
        value = self._value(score)
        if value is None or math.isnan(value):
            missing = "is not a number" if not self.part else f"has no {self.part.replace('_', ' ')}"
            return f"{self.name} {missing}, so '{self}' cannot be checked"
        if not SIGNS[self.sign](value, self.limit):
            return ""
        return f"{self.name}{f'.{self.part}' if self.part else ''} is {value:.6g}, which is {self.sign} {self.limit:g}"

    def _value(self, score: Score) -> float | None:
        if self.part == "over_floor":
            return None if score.floor is None else score.floor.ratio
        if self.part:
            return None if score.interval is None else float(getattr(score.interval, self.part))
        return score.value


def checked(texts: Iterable[str], names: Sequence[str]) -> list[Gate]:
    """Return the conditions of texts on scores of these names (UsageError)."""
    gates = [Gate.parse(text) for text in texts]
    for gate in gates:
        if gate.name not in names:
            raise unknown("score", gate.name, list(names))
    return gates


def broken(gates: Iterable[Gate], sets: Mapping[str, Mapping[str, Score]]) -> list[str]:
    """Say which conditions the scores of sets meet, set by set."""
    found = []
    if not sets:
        return [f"there are no scores, so '{gate}' cannot be checked" for gate in gates]
    for gate in gates:
        for name, scores in sets.items():
            said = gate.broken_by(scores.get(gate.name))
            found += [f"{name}: {said}" if said and len(sets) > 1 else said]
    return [said for said in found if said]
