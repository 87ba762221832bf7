"""Two sets of fakes scored alike: at one number of images, where the score depends on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ganmetrics.errors import GanMetricsError
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.needs import Kind, Need, of_kind
from ganmetrics.numerics.moments import Moments
from ganmetrics.scoring.difference import NO_INTERVAL, Difference
from ganmetrics.scoring.score import Measured, Sides, measured

if TYPE_CHECKING:
    from ganmetrics.metrics import Metric, Part

    Pair = tuple[Measured, Measured]

SEED = 2020


class Paired(NamedTuple):
    """Two sets under one metric: ``num_images`` where one was cut, ``reason`` where they do not compare."""

    scores: Pair
    num_images: int | None = None
    reason: str = ""


class Pairing:
    """Pairs of measured sets, each set of which is cut and scored once for each size.

    Parameters
    ----------
    sets : mapping of str to Sides
    found : mapping of str to mapping of Metric to Measured
        What the whole sets score.
    ci : str
    """

    def __init__(self, sets: Mapping[str, Sides], found: Mapping[str, Mapping[Metric, Measured]], ci: str) -> None:
        self.sets, self.found, self.ci = sets, found, ci
        self._cut: dict[tuple[str, Metric, int], Measured] = {}

    def differences(self, each: Metric, pair: tuple[str, str], titles: Mapping[str, str]) -> list[Difference]:
        """Every part of one metric for two sets."""
        paired = self._paired(each, pair)
        return [_difference(part, titles[part.name], pair, paired) for part in each.parts]

    def _paired(self, each: Metric, pair: tuple[str, str]) -> Paired:
        whole = self.found[pair[0]][each], self.found[pair[1]][each]
        counts = [_rows(self.sets[name].fake, each) for name in pair]
        if not each.depends_on_count or counts[0] == counts[1]:
            return Paired(whole)
        reason = f"the sets have {counts[0]} and {counts[1]} images and this score depends on the number"
        size = min(*counts, *(_most(self.sets[name].fake, each) for name in pair))
        if size < each.least_count:
            return Paired(whole, reason=reason)
        try:
            scores = self._scored(each, pair[0], size), self._scored(each, pair[1], size)
        except GanMetricsError as error:
            return Paired(whole, reason=f"{reason}; of {size} images of each: {error.what}")
        return Paired(scores, size)

    def _scored(self, each: Metric, name: str, size: int) -> Measured:
        """A set cut to that many fakes; the whole one where it has as many."""
        sides = self.sets[name]
        if _rows(sides.fake, each) == size:
            return self.found[name][each]
        key = (name, each, size)
        if key not in self._cut:
            self._cut[key] = measured(each, dataclasses.replace(sides, fake=cut(sides.fake, size)), self.ci)
        return self._cut[key]


def _difference(part: Part, title: str, pair: tuple[str, str], paired: Paired) -> Difference:
    first, second = paired.scores
    value = first.estimates[part.name].value - second.estimates[part.name].value
    plain = Difference(part.name, title, *pair, value, None, part.higher_is_better)
    if paired.reason:
        return dataclasses.replace(plain, reason=paired.reason)
    plain = dataclasses.replace(plain, num_images=paired.num_images)
    own, other = (one.uncertainty.get(part.name) for one in paired.scores)
    found = own.contrast(other) if own is not None and other is not None else None
    if found is None:
        return dataclasses.replace(plain, reason=NO_INTERVAL)
    return dataclasses.replace(
        plain, value=found.value, interval=found.interval, is_ratio=found.is_ratio, reason=found.doubt
    )


def cut(side: Statistics, size: int) -> Statistics:
    """A seeded draw of so many images of a set, as a set of its own."""
    kept = {need: rows for need in of_kind(Kind.ROWS) if (rows := need.of(side)) is not None}
    count = min((len(rows) for rows in kept.values()), default=0)
    index = torch.from_numpy(np.sort(np.random.RandomState(SEED).permutation(count)[:size]))
    drawn: dict[Need, Any] = {need: rows[index] for need, rows in kept.items() if count >= size}
    for need in of_kind(Kind.MOMENTS):
        drawn[need] = None
        sample = need.also_as(Kind.SAMPLE)
        if sample is not None:
            follows = need.also_as(Kind.ROWS) in drawn  # from the rows, whose sample is another
            drawn[sample] = None if follows or sample.of(side) is None else sample.of(side)[:size]
    found = dataclasses.replace(side, count=size, digest="unknown", order="").holding(drawn)
    pairs = [(need, need.also_as(Kind.SAMPLE)) for need in of_kind(Kind.MOMENTS)]
    samples = {need: sample.of(found) for need, sample in pairs if sample is not None}
    return found.holding({need: Moments.of(rows) for need, rows in samples.items() if rows is not None})


def _rows(side: Statistics, each: Metric) -> int:
    """The images that a score is of: of a long stream, the rows that were kept where the metric reads such."""
    kept = [len(rows) for need in each.reads if need.kind is Kind.ROWS and (rows := need.of(side)) is not None]
    return min(kept, default=side.count)


def _most(side: Statistics, each: Metric) -> int:
    """To how many images a set can be cut for a metric; 0 where what it reads cannot be cut."""
    return min(_available(side, need) for need in each.reads)


def _available(side: Statistics, need: Need) -> int:
    """The rows at hand, of which moments can be taken again too."""
    kinds = (Kind.ROWS, Kind.SAMPLE) if need.kind is Kind.MOMENTS else (Kind.ROWS,)
    sources = [source for kind in kinds if (source := need.also_as(kind)) is not None]
    return next((len(rows) for source in sources if (rows := source.of(side)) is not None), 0)


def sizes_said(sets: Mapping[str, Sides], differences: Sequence[Difference]) -> list[str]:
    """Which scores were compared at fewer images than the sets have."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for one in differences:
        if one.num_images is not None:
            found.setdefault((one.first, one.second, one.num_images), []).append(one.title)
    return [
        f"the sets differ in size ({', '.join(f'{name} {sets[name].fake.count}' for name in pair)}): "
        f"{', '.join(titles)} depend on it and are compared at a seeded subset of {size} images of each"
        for (*pair, size), titles in found.items()
    ]
