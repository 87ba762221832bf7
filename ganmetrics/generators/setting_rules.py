"""What each setting of a training may be: a rule beside its default, checked and told in one place."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ganmetrics.errors import UsageError

Settings = TypeVar("Settings")
RULE = "rule"
# Most channels or units of a layer, images of a step, and steps.
WIDEST, LARGEST_BATCH, LONGEST = 4096, 65_536, 10_000_000


class Rule(Protocol):
    """A rule for the values of a setting.

    ``expected`` completes "it must be". ``read`` turns text into a value, and raises ValueError for text of another
    form.
    """

    @property
    def expected(self) -> str: ...

    def read(self, text: str) -> Any: ...

    def fits(self, value: Any) -> bool: ...


@dataclass(frozen=True)
class _Whole:
    low: int
    high: int

    @property
    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def read(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise ValueError(text)
        return int(text)

    def fits(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True)
class _Real:
    low: float
    high: float
    # Which ends do not belong to the range: "", "low" or "high".
    is_open: str

    @property
    def expected(self) -> str:
        start = f"above {self.low:g}" if self.is_open == "low" else f"at least {self.low:g}"
        return f"a number {start} and {'below' if self.is_open == 'high' else 'at most'} {self.high:g}"

    def read(self, text: str) -> float:
        # Python takes it for a separator of digits.
        if "_" in text:
            raise ValueError(text)
        return float(text)

    def fits(self, value: Any) -> bool:
        is_number = type(value) in (int, float) and math.isfinite(value)
        is_end = (self.is_open == "low" and value == self.low) or (self.is_open == "high" and value == self.high)
        return is_number and self.low <= value <= self.high and not is_end


@dataclass(frozen=True)
class _Text:
    expected: str
    is_right: Callable[[str], bool]

    def read(self, text: str) -> str:
        return text

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and self.is_right(value)


def whole(default: int, low: int, high: int) -> Any:
    """Declare a setting that is a whole number in ``low..high``."""
    return _setting(default, _Whole(low, high))


def real(default: float, low: float, high: float, *, is_open: str = "") -> Any:
    """Declare a setting that is a number in ``low..high``, without the end that ``is_open`` names."""
    return _setting(default, _Real(low, high, is_open))


def rate(default: float) -> Any:
    """Declare a setting that is a learning rate."""
    return real(default, 0, 10, is_open="low")


def text(default: str, expected: str, is_right: Callable[[str], bool]) -> Any:
    """Declare a setting that is a text; ``expected`` completes "it must be"."""
    return _setting(default, _Text(expected, is_right))


def choice(default: str, *choices: str) -> Any:
    """Declare a setting that is one of several words."""
    return text(default, f"one of {', '.join(choices)}", choices.__contains__)


def sizes(default: str, separator: str = " ", *, high: int = WIDEST) -> Any:
    """Declare a setting that is a text of four whole numbers, for 4, 8, 16 and 32 pixels."""
    expected = f"four whole numbers from 1 to {high}, for 4, 8, 16 and 32 pixels, such as {default!r}"
    number = re.compile("[0-9]{1,9}")

    def are_sizes(words: list[str]) -> bool:
        return len(words) == 4 and all(number.fullmatch(word) and 1 <= int(word) <= high for word in words)

    return text(default, expected, lambda value: are_sizes(value.split(separator)))


def digits(default: str) -> Any:
    """Declare a setting that is a text of the digits of classes; an empty one stands for all classes."""
    expected = "the digits of classes, each once, such as 017, or empty for all"
    return text(default, expected, lambda value: bool(re.fullmatch("[0-9]*", value)) and len(set(value)) == len(value))


def rules_of(settings: Any) -> dict[str, Rule]:
    """Return the rule of each setting, by its name."""
    return {each.name: each.metadata[RULE] for each in dataclasses.fields(settings)}


def changed(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """Change settings by values that are read from text (UsageError for a value that cannot be)."""
    values, rules = {}, rules_of(settings)
    for name, text in changes.items():
        try:
            values[name] = rules[name].read(text)
        except ValueError:
            raise _refused(name, text, rules[name]) from None
    return checked(dataclasses.replace(settings, **values))  # type: ignore[type-var]


def checked(settings: Settings) -> Settings:
    """Check each setting, and that they go together (UsageError); 0 becomes 0.0 for a number."""
    numbers = {}
    for name, rule in rules_of(settings).items():
        if not rule.fits(value := getattr(settings, name)):
            raise _refused(name, value, rule)
        if isinstance(rule, _Real):
            numbers[name] = float(value)
    if conflict := getattr(settings, "conflict", str)():
        raise UsageError(conflict, code="E-SETTING")
    return dataclasses.replace(settings, **numbers)  # type: ignore[type-var]


def _setting(default: Any, rule: Rule) -> Any:
    return dataclasses.field(default=default, metadata={RULE: rule})


def _refused(name: str, value: Any, rule: Rule) -> UsageError:
    return UsageError(f"the setting {name} is {value!r:.60}; it must be {rule.expected}", code="E-SETTING")
