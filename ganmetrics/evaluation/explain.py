"""Why a published FID differs from one's own: the recipes that come nearest to it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._arguments import described
from ganmetrics._report import Report
from ganmetrics._table import Table, of_words
from ganmetrics.distributed import require
from ganmetrics.errors import UsageError
from ganmetrics.evaluation.recipes import (
    FAKE,
    REAL,
    SEARCHES,
    Change,
    Recipes,
    Setup,
    changes_of,
    nearest_pairs,
)
from ganmetrics.evaluation.set_meter import SetMeter
from ganmetrics.evaluation.several_inputs import Way
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors.inception import Inception
from ganmetrics.measurement.sides import open_side
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.registry import unknown
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.keywords import MeasuringKeywords, Settings, shows
from ganmetrics.scoring.result import readable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.numerics.interval_ends import Interval

SCHEMA = 1
# Recipes that are shown, and pairs of changes that are tried.
MOST_SHOWN = 5
MOST_PAIRS = 24
# Digits of a computed FID that another package's rounding leaves.
SAME = 2e-5
HEADS = ("FID", "95 % interval", "match", "what differs from your command")


@dataclass(frozen=True)
class Trial:
    """FID under one recipe.

    Attributes
    ----------
    changes : tuple of str
        What differs from the caller's recipe, in words; empty for the caller's own.
    options : tuple of tuple of str
        For each change the parameter that makes it and its value; empty where there is no such parameter.
    value : float
    interval : Interval or None
    match : str
        ``equal as printed``, ``within its interval`` (the published number lies in it) or empty.
    """

    changes: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    value: float
    interval: Interval | None
    match: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The trial as a row of a table under ``HEADS``."""
        around = "" if self.interval is None else self.interval.words(self.value).removesuffix(", 95%")
        return readable(self.value), around, self.match, "; ".join(self.changes) or "nothing: your command"

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data."""
        interval = None if self.interval is None else [self.interval.low, self.interval.high]
        return {"changes": list(self.changes), "options": [list(each) for each in self.options], "value": self.value,
                "interval": interval, "match": self.match}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Explanation(Report):
    """The recipes that come nearest to a published FID.

    Attributes
    ----------
    published : str
        As it was printed.
    own : Trial
        FID under the caller's recipe.
    nearest : tuple of Trial
        The simplest that are equal as printed, else the nearest.
    num_tried : int
    warnings : tuple of str
    """

    published: str
    own: Trial
    nearest: tuple[Trial, ...]
    num_tried: int
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One sentence: which recipe reaches the number, or how far the nearest is."""
        if self.own.match == "equal as printed":
            return f"your recipe gives {self.published} too"
        best = self.nearest[0]
        told = " and ".join(best.changes) or "your own recipe"
        if best.match == "equal as printed":
            return f"{self.published} is reached where {told}"
        if best.match:
            return f"nothing equals {self.published}; it lies within the interval where {told}"
        gap = best.value - float(self.published)
        where = "above" if gap > 0 else "below"
        return f"no recipe here reaches {self.published}; the nearest is {abs(gap):.4g} {where}"

    def __str__(self) -> str:
        rows = [HEADS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
                 for row in rows]  # fmt: skip
        return "\n".join([self.verdict, "", *lines])

    def table(self) -> Table:
        """Return the caller's recipe and the nearest ones as a table."""
        return of_words(HEADS, self._rows(), [self.verdict])

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [self.own.cells, *(each.cells for each in self.nearest if each.changes)]

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain data."""
        return {"schema": SCHEMA, "published": self.published, "verdict": self.verdict, "own": self.own.to_dict(),
                "nearest": [each.to_dict() for each in self.nearest], "num_tried": self.num_tried,
                "warnings": list(self.warnings)}  # fmt: skip


@shows(MeasuringKeywords)
def explain(
    published: str | float,
    real: Any,
    fake: Any,
    *,
    references: Mapping[str, Any] | None = None,
    search: Sequence[str] = SEARCHES,
    **settings: Unpack[MeasuringKeywords],
) -> Explanation:
    """Find the recipe under which a published FID was computed: which difference makes one's own number another.

    The images are decoded once, and FID is computed under each single difference from the caller's recipe and under the
    likeliest pairs: the resize of each package, other references, crops, JPEG, the number of images, balanced classes,
    the denominator and the precision of covariances, and mixed sets. Features of every image and resize are held in
    memory, about 8 kB each.

    Parameters
    ----------
    published : str or float
        The number as it was printed: ``"12.30"`` says that it was rounded to two digits.
    real, fake : path, array, tensor, Dataset, DataLoader or Source
        Two sets of images, in this order.
    references : mapping of str to path, array, tensor, Dataset, DataLoader, Source or Statistics
        Other sets that may have been the reference, by the names that the answer gives them, such as the validation
        images. Saved statistics count where they are of the same network.
    search : sequence of str
        Differences that are looked at: ``protocol``, ``reference``, ``crop``, ``format``, ``number``, ``classes``,
        ``denominator``, ``precision``, ``mixture``. Fewer take less time.
    extractor : str, optional
        ``"inception"`` or a layer of it, as ``"inception:768"``.
    device, batch_size, weights, reading
        ``evaluate`` takes the same.

    Returns
    -------
    Explanation

    Raises
    ------
    UsageError
        A number that is none, another network than Inception, or an unknown difference.
    InputError, WeightsError, ResourceError
        Images or weights that cannot be read.
    """
    chosen = Settings.of(explain, settings)
    text, tolerance = _printed(published)
    require(chosen.reading.engine, ("local",), "an explanation")
    for kind in search:
        if kind not in SEARCHES:
            raise unknown("difference", kind, list(SEARCHES))
    network = load_extractor(chosen.extractor or "inception", chosen.weights)
    if not isinstance(network, Inception):
        what = "published FIDs are explained under Inception"
        raise UsageError(what, where="extractor", hint="Leave the extractor out, or name a layer of inception")
    given = {REAL: real, FAKE: fake, **(references or {})}
    sides = {name: open_side(value, chosen.reading, None) for name, value in given.items()}
    for name in (REAL, FAKE):
        side = sides[name]
        if isinstance(side, Statistics):
            what = "saved statistics are of one recipe; an explanation needs the images"
            hint = "Name the images, or pass it as a reference"
            raise UsageError(what, where=side.source or side.name or name, hint=hint)
    with_classes = "classes" in search
    meter = SetMeter(sides, network, chosen, with_classes=with_classes)
    measured = {name: meter.first(name, set(search)) for name in sides}
    base = Setup(network.resize)
    found = _found(Recipes(measured), meter, Changes(base, changes_of(measured, base, search)), (text, tolerance))
    own = {name: measured[name][Way(base.resize)] for name in (REAL, FAKE)}
    return replace(found, warnings=tuple(caution.sentence for caution in alarms(own)))


def _printed(published: str | float) -> tuple[str, float]:
    """A number as it was printed, and half a unit of its last digit (UsageError)."""
    text = str(published).strip()
    if isinstance(published, bool) or not re.fullmatch(r"\d+(\.\d*)?", text) or not math.isfinite(float(text)):
        what = f"the published number is {described(published)}; expected one such as 12.34"
        raise UsageError(what, where="published")
    digits = len(text.partition(".")[2])
    return text, 0.5 * 10.0**-digits


class Changes(NamedTuple):
    """The caller's recipe, and the differences from it that are tried."""

    base: Setup
    single: Sequence[Change]

    def setup(self, *group: Change) -> Setup:
        return replace(self.base, **{name: value for change in group for name, value in change.fields.items()})


class Tried(NamedTuple):
    """One recipe, how it differs from the caller's, and FID under it."""

    setup: Setup
    group: tuple[Change, ...]
    value: float


def _found(recipes: Recipes, meter: SetMeter, changes: Changes, printed: tuple[str, float]) -> Explanation:
    text, tolerance = printed
    wanted = float(text)
    slack = tolerance + SAME * wanted
    tried = list(_tried(recipes, changes, [(), *((change,) for change in changes.single)]))
    if not any(abs(each.value - wanted) <= slack for each in tried):
        values = {each.group[0]: each.value for each in tried if each.group}
        pairs = nearest_pairs(values, tried[0].value, wanted, MOST_PAIRS)
        further: dict[str, list[Way]] = {}
        for pair in pairs:
            for name, way in recipes.missing(changes.setup(*pair)):
                further.setdefault(name, []).append(way)
        for name, ways in further.items():
            recipes.add(name, meter(name, ways))
        tried += _tried(recipes, changes, pairs)

    def rank(each: Tried) -> tuple[bool, int, float]:
        gap = abs(each.value - wanted)
        return gap > slack, len(each.group) if gap <= slack else 0, gap

    best = sorted(tried, key=rank)[:MOST_SHOWN]
    shown = [_trial(recipes, each, wanted, slack) for each in (tried[0], *best)]
    return Explanation(text, shown[0], tuple(shown[1:]), len(tried))


def _tried(recipes: Recipes, changes: Changes, groups: Iterable[tuple[Change, ...]]) -> Iterator[Tried]:
    """FID under each recipe that the sets allow."""
    for group in groups:
        setup = changes.setup(*group)
        value = recipes.value(setup)
        if value is not None:
            yield Tried(setup, tuple(group), value)


def _trial(recipes: Recipes, tried: Tried, wanted: float, slack: float) -> Trial:
    interval = recipes.interval(tried.setup)
    match = "equal as printed" if abs(tried.value - wanted) <= slack else ""
    if not match and interval is not None and interval.low <= wanted <= interval.high:
        match = "within its interval"
    words, options = tuple(each.words for each in tried.group), tuple(each.option for each in tried.group)
    return Trial(words, options, tried.value, interval, match)
