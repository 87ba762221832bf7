"""The options that say which images are read, and how: of every set, or of one that stands before a colon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganmetrics import Reading

SIDES = ("real", "fake", "test")
PATTERNS = ("include", "exclude")
# Options that stand for one value of each set, by the parameters of the library.
SINGLE = ("sample", "prepare", "labels", "label_column", "value_range")
EVERY = ""


@dataclass(frozen=True)
class SetChoice:
    """What the options say about one set."""

    reading: Reading
    labels: str | None = None
    value_range: tuple[float, float] | None = None


def by_side(given: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
    """Return the values of each option by the set that they are for (UsageError for one that is given twice)."""
    from ganmetrics import UsageError

    found: dict[str, dict[str, list[str]]] = {}
    for name, values in given.items():
        for value in values:
            side, _, rest = value.partition(":")
            side, text = (side, rest) if side in SIDES else (EVERY, value)
            # Classes that are named for no set are those of the first, as everywhere in the library.
            side = SIDES[0] if name == "labels" and side == EVERY else side
            found.setdefault(side, {}).setdefault(name, []).append(text)
            if name in SINGLE and len(found[side][name]) > 1:
                what = f"{_spelled(name)} is given twice{f' for the {side} set' if side else ''}"
                raise UsageError(what, where=_spelled(name), hint="Give it once for each set: real:…, fake:…, test:…")
    return found


def readings(base: Callable[..., Reading], given: Mapping[str, Sequence[str]]) -> tuple[Reading, dict[str, SetChoice]]:
    """Return how sets are read, and the choices for those that options name.

    Parameters
    ----------
    base : callable
        Makes a reading of further keywords.
    given : mapping
        The values of each option of this file.
    """
    values = by_side(given)
    common = values.pop(EVERY, {})
    reading = base(**_of_reading(common))
    ranges = common.get("value_range", [])
    named = SIDES if ranges else [side for side in SIDES if side in values]
    choices = {}
    for side in named:
        own = values.get(side, {})
        labels = own.get("labels", [None])[0]
        choices[side] = SetChoice(replace(reading, **_of_reading(own)), labels, _range(own.get("value_range", ranges)))
    return reading, choices


def opened(
    sides: Sequence[tuple[str, Any]],
    choices: Mapping[str, SetChoice],
    given: Mapping[str, Sequence[str]],
    extractor: str | None,
    protocol: str | None,
) -> list[Any]:
    """Return the sets of a command, each opened as its options say; a set without such options stays as it is.

    Raises
    ------
    UsageError
        Options for a set that the command was not given, or for saved statistics.
    """
    from ganmetrics import UsageError
    from ganmetrics.measurement.sides import open_side
    from ganmetrics.measurement.statistics import Statistics

    there = {role for role, value in sides if value is not None}
    for name, values in given.items():
        odd = next((value for value in values if value.partition(":")[0] in set(SIDES) - there), None)
        if odd is not None:
            what = f"{_spelled(name)} {odd}: there is no {odd.partition(':')[0]} set here"
            raise UsageError(what, where=_spelled(name), hint=f"Name one of {', '.join(sorted(there))}")
    found = []
    for role, value in sides:
        choice = choices.get(role)
        if value is None or choice is None:
            found.append(value)
            continue
        labels, value_range = choice.labels, choice.value_range
        side = open_side(value, choice.reading, extractor, protocol=protocol, labels=labels, value_range=value_range)
        named = [name for name, values in given.items() if any(each.startswith(f"{role}:") for each in values)]
        if isinstance(side, Statistics) and side.features is not None:
            # Rows of features have classes, and nothing else that options choose.
            named = [name for name in named if name not in ("labels", "label_column")]
        if named and isinstance(side, Statistics):
            what = f"{_spelled(named[0])} goes with images, and the {role} set is saved statistics"
            raise UsageError(what, where=side.source or side.name, hint="Name the images, or leave the option out")
        found.append(side)
    if given.get("value_range") and all(isinstance(side, Statistics) for side in found if side is not None):
        what = "every set is saved statistics or features, which have no value range"
        raise UsageError(what, where="--value-range", hint="Leave it out, or name the images")
    return found


def _of_reading(values: Mapping[str, list[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {name: tuple(values[name]) for name in PATTERNS if name in values}
    return found | {name: values[name][0] for name in ("sample", "prepare", "label_column") if name in values}


def _range(values: Sequence[str]) -> tuple[float, float] | None:
    return bounds(values[0], "--value-range", "Usual ranges are 0:1 and -1:1") if values else None


def bounds(text: str, option: str, hint: str) -> tuple[float, float]:
    """Return the two numbers of LOW:HIGH (UsageError)."""
    from ganmetrics import UsageError

    try:
        low, high = map(float, text.split(":"))
    except ValueError as error:
        what = f"{option} {text}: expected LOW:HIGH, the numbers that are black and white"
        raise UsageError(what, where=option, hint=hint) from error
    return low, high


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"
