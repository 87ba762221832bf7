"""The recipes under which one FID may have been computed, and FID under each from one measurement of the sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch

from ganmetrics.evaluation.several_inputs import Way
from ganmetrics.measurement.gathering import sampled
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.fid import fid_of_moments, fid_uncertainty
from ganmetrics.numerics.moments import Moments, narrow_moments
from ganmetrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    from ganmetrics.numerics.interval_ends import Interval

# Numbers of images that papers and packages take.
COUNTS = (1000, 2048, 5000, 10_000, 30_000, 50_000)
# Shares of a set that splits take, and sizes of batches.
PERCENTS = (10, 20, 25, 50, 75, 80, 90)
BATCHES = (16, 32, 50, 64, 100, 128, 256, 500)
JPEG_STEPS = ("jpeg:75", "jpeg:95")
SEARCHES = ("protocol", "reference", "crop", "format", "number", "classes", "denominator", "precision", "mixture")
REAL, FAKE = "real", "fake"


@dataclass(frozen=True)
class Setup:
    """One way to compute FID of some sets; the default is what the caller did."""

    resize: str
    real_set: str = REAL
    fake_set: str = FAKE
    real_steps: str = ""
    fake_steps: str = ""
    real_count: int = 0
    fake_count: int = 0
    is_real_balanced: bool = False
    is_fake_balanced: bool = False
    is_mixed: bool = False
    denominator: str = "n-1"
    is_narrow: bool = False


@dataclass(frozen=True, eq=False)
class Change:
    """One difference between two recipes.

    Attributes
    ----------
    kind : str
        One of ``SEARCHES``.
    words : str
        What differs, in words.
    option : tuple of str
        The parameter that makes the difference and its value, with the set before a colon where one alone is meant;
        empty where there is no such parameter.
    fields : mapping
        The fields of ``Setup`` that differ.
    """

    kind: str
    words: str
    option: tuple[str, ...]
    fields: Mapping[str, Any]


def changes_of(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup, kinds: Iterable[str]) -> list[Change]:
    """List the changes of a recipe that these sets allow, those of the kinds that are asked for."""
    makers = {
        "protocol": _protocols,
        "reference": _references,
        "crop": _steps,
        "format": _steps,
        "number": _numbers,
        "classes": _classes,
        "denominator": _denominators,
        "precision": _precisions,
        "mixture": _mixtures,
    }
    found = [change for kind in kinds for change in makers[kind](measured, base) if change.kind == kind]
    return [change for change in found if replace(base, **change.fields) != base]


def _protocols(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    packages: dict[str, list[str]] = {}
    for name, record in PROTOCOLS.records().items():
        packages.setdefault(record.resize, []).append(name)
    rules = [way.resize for way in measured[FAKE] if way.resize != base.resize]
    return [
        Change("protocol", f"the resize is that of {', '.join(packages[rule])}", ("protocol", packages[rule][0]),
               {"resize": rule})
        for rule in dict.fromkeys(rules)
    ]  # fmt: skip


def _references(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    others = [name for name in measured if name not in (REAL, FAKE)]
    return [Change("reference", f"the reference is {name}", ("real", name), {"real_set": name}) for name in others]


def _steps(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    found = []
    steps = {side: dict.fromkeys(way.steps for way in measured[side] if way.steps) for side in (REAL, FAKE)}
    for side, title in ((REAL, "the real images"), (FAKE, "the generated images")):
        for text in steps[side]:
            is_jpeg = text.startswith("jpeg:")
            told = f"were saved as JPEG of quality {text[5:]}" if is_jpeg else f"were cut by {text}"
            kind = "format" if is_jpeg else "crop"
            found.append(Change(kind, f"{title} {told}", ("prepare", f"{side}:{text}"), {f"{side}_steps": text}))
    for text in steps[REAL]:
        if text in steps[FAKE] and not text.startswith("jpeg:"):
            both = {"real_steps": text, "fake_steps": text}
            found.append(Change("crop", f"both sets were cut by {text}", ("prepare", text), both))
    return found


def _numbers(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    real, fake = (_any(measured[side]).count for side in (REAL, FAKE))
    # Splits of a set, and whole batches of it where a loader drops the last one.
    parts = {count * percent // 100 for count in (real, fake) for percent in PERCENTS}
    parts |= {count - count % size for count in (real, fake) for size in BATCHES}
    counts = sorted(count for count in {*COUNTS, real, fake, *parts} if count > 1)
    found = []
    for count in counts:
        option = ("sample", f"first:{count}")
        if count < min(real, fake):
            both = {"real_count": count, "fake_count": count}
            found.append(Change("number", f"both sets are their first {count} images", option, both))
        if count < fake:
            words = f"the generated images are the first {count}"
            found.append(Change("number", words, ("sample", f"fake:first:{count}"), {"fake_count": count}))
        if count < real:
            words = f"the real images are the first {count}"
            found.append(Change("number", words, ("sample", f"real:first:{count}"), {"real_count": count}))
    return found


def _classes(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    found = []
    known = {side: _any(measured[side]).labels is not None for side in (REAL, FAKE)}
    for side, title in ((REAL, "real"), (FAKE, "generated")):
        if known[side]:
            words = f"each class has as many {title} images"
            found.append(Change("classes", words, (), {f"is_{side}_balanced": True}))
    return found


def _denominators(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    return [Change("denominator", "covariances are over N in place of N - 1 (stylegan3)", ("set", "fid.denominator=n"),
                   {"denominator": "n"})]  # fmt: skip


def _precisions(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    return [Change("precision", "means and covariances are in float32", (), {"is_narrow": True})]


def _mixtures(measured: Mapping[str, Mapping[Way, Statistics]], base: Setup) -> list[Change]:
    found = [Change("mixture", "the real images lie among the generated ones", (), {"is_mixed": True})]
    for name in measured:
        if name not in (REAL, FAKE):
            words = f"two real sets were compared: {name} stands for the generated images"
            found.append(Change("mixture", words, ("fake", name), {"fake_set": name}))
    return found


def _any(sides: Mapping[Way, Statistics]) -> Statistics:
    return next(iter(sides.values()))


class Rows(NamedTuple):
    """A set under one recipe: its moments, and its features where they are at hand."""

    moments: Moments
    features: torch.Tensor | None


# A set by its name, how it is prepared, how many of its images are taken and whether its classes are balanced.
Key: TypeAlias = tuple[str, Way, int, bool]


class Recipes:
    """FID of measured sets under any recipe that they allow.

    Parameters
    ----------
    measured : mapping of str to mapping of Way to Statistics
        The sets by name: ``real``, ``fake`` and further references.
    """

    def __init__(self, measured: Mapping[str, Mapping[Way, Statistics]]) -> None:
        self._measured = dict(measured)
        self._sides: dict[Key, Rows | None] = {}
        self._values: dict[Setup, float | None] = {}

    def value(self, setup: Setup) -> float | None:
        """FID under a recipe; ``None`` where the sets do not hold what it needs."""
        if setup not in self._values:
            real, fake = self._both(setup)
            self._values[setup] = None
            if setup.is_narrow:
                real, fake = _narrow(real), _narrow(fake)
            if real is not None and fake is not None:
                self._values[setup] = fid_of_moments(real.moments, fake.moments, denominator=setup.denominator)
        return self._values[setup]

    def interval(self, setup: Setup) -> Interval | None:
        """The 95 % interval of FID under a recipe."""
        value, (real, fake) = self.value(setup), self._both(setup)
        if value is None or real is None or fake is None or fake.features is None:
            return None
        sides = [(side.moments, None if side.features is None else sampled(side.features)) for side in (real, fake)]
        estimated = fid_uncertainty(value, *sides)
        return None if estimated is None else estimated.interval()

    def missing(self, setup: Setup) -> Iterator[tuple[str, Way]]:
        """The sets, with the ways to prepare them, that were not measured and that a recipe needs."""
        for name, way, *_ in self._keys(setup):
            is_of_images = any(side.features is not None for side in self._measured[name].values())
            if is_of_images and way not in self._measured[name]:
                yield name, way

    def add(self, name: str, found: Mapping[Way, Statistics]) -> None:
        """Take in a set that was measured in further ways."""
        self._measured[name] = {**self._measured[name], **found}
        self._sides.clear()
        self._values = {setup: value for setup, value in self._values.items() if value is not None}

    def _keys(self, setup: Setup) -> tuple[Key, Key]:
        real = (setup.real_set, Way(setup.resize, setup.real_steps), setup.real_count, setup.is_real_balanced)
        return real, (setup.fake_set, Way(setup.resize, setup.fake_steps), setup.fake_count, setup.is_fake_balanced)

    def _both(self, setup: Setup) -> tuple[Rows | None, Rows | None]:
        real, fake = map(self._side, self._keys(setup))
        if not setup.is_mixed or real is None or fake is None:
            return real, fake
        if real.features is None or fake.features is None:
            return real, None
        rows = torch.cat([fake.features, real.features])
        return real, Rows(Moments.of(rows), rows)

    def _side(self, key: Key) -> Rows | None:
        if key not in self._sides:
            self._sides[key] = self._made(*key)
        return self._sides[key]

    def _made(self, name: str, way: Way, count: int, is_balanced: bool) -> Rows | None:
        side = self._measured[name].get(way)
        if side is None or side.moments is None:
            return None
        rows = side.features
        if not count and not is_balanced:
            return Rows(side.moments, rows)
        if rows is None or (is_balanced and side.labels is None):
            return None
        if is_balanced and side.labels is not None:
            rows = rows[balanced(side.labels)]
        rows = rows[:count] if count else rows
        return Rows(Moments.of(rows), rows) if len(rows) > 1 else None


def _narrow(side: Rows | None) -> Rows | None:
    """A set with moments as float32 gives them; ``None`` where its features are not at hand."""
    features = None if side is None else side.features
    return None if side is None or features is None else side._replace(moments=narrow_moments(features))


def balanced(labels: torch.Tensor) -> torch.Tensor:  # int64 [N] -> int64 [n]
    """The places of the first so many images of each class, as many as the rarest class has."""
    classes = labels.unique()
    least = min(int((labels == each).sum()) for each in classes)
    places = torch.cat([(labels == each).nonzero()[:least, 0] for each in classes])
    return places.sort().values


def nearest_pairs(values: Mapping[Change, float], base: float, wanted: float, most: int) -> list[tuple[Change, Change]]:
    """Pairs of changes that should come nearest to a value if the effects of both add up, the likeliest first.

    Parameters
    ----------
    values : mapping of Change to float
        FID after each single change.
    base, wanted : float
        FID without a change, and the value to be reached.
    most : int
    """
    pairs = [
        (one, other)
        for one, other in combinations(values, 2)
        if one.kind != other.kind and not set(one.fields) & set(other.fields)
    ]
    return sorted(pairs, key=lambda pair: abs(values[pair[0]] + values[pair[1]] - base - wanted))[:most]
