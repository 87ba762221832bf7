"""Pairs of sets of fakes, scored alike: at one number of images, where the score depends on it."""

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
from ganmetrics.scoring.score import MetricValues, Sides, score_metric

if TYPE_CHECKING:
    from ganmetrics.metrics import Metric, Part

    Pair = tuple[MetricValues, MetricValues]

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
    values : mapping of str to mapping of Metric to MetricValues
        The values of the whole sets.
    ci : str
    """

    def __init__(self, sets: Mapping[str, Sides], values: Mapping[str, Mapping[Metric, MetricValues]], ci: str) -> None:
        self.sets, self.values, self.ci = sets, values, ci
        self._cut: dict[tuple[str, Metric, int], MetricValues] = {}

    def differences(self, metric: Metric, pair: tuple[str, str], titles: Mapping[str, str]) -> list[Difference]:
        """Compare two sets by every part of one metric."""
        paired = self.paired(metric, pair)
        return [_difference(part, titles[part.name], pair, paired) for part in metric.parts]

    def num_images(self, metric: Metric, paired: Paired) -> int:
        """Return the number of images of both scores of a pair."""
        return paired.num_images or min(_rows(sides.fake, metric) for sides in self.sets.values())

    def paired(self, metric: Metric, pair: tuple[str, str]) -> Paired:
        """Score two sets by one metric at one number of images, where the score depends on it."""
        whole = self.values[pair[0]][metric], self.values[pair[1]][metric]
        counts = [_rows(self.sets[name].fake, metric) for name in pair]
        if not metric.depends_on_count or counts[0] == counts[1]:
            return Paired(whole)
        reason = f"the sets have {counts[0]} and {counts[1]} images and this score depends on the number"
        # Scores that depend on the number of images compare at the largest number that both sets have.
        size = min(*counts, *(_most(self.sets[name].fake, metric) for name in pair))
        if size < metric.least_count:
            return Paired(whole, reason=reason)
        try:
            scores = self._scored(metric, pair[0], size), self._scored(metric, pair[1], size)
        except GanMetricsError as error:
            return Paired(whole, reason=f"{reason}; of {size} images of each: {error.what}")
        return Paired(scores, size)

    def _scored(self, metric: Metric, name: str, size: int) -> MetricValues:
        """Score a set cut to so many fakes; the whole set where it has as many."""
        sides = self.sets[name]
        if _rows(sides.fake, metric) == size:
            return self.values[name][metric]
        key = (name, metric, size)
        if key not in self._cut:
            self._cut[key] = score_metric(metric, dataclasses.replace(sides, fake=cut(sides.fake, size)), self.ci)
        return self._cut[key]


def _difference(part: Part, title: str, pair: tuple[str, str], paired: Paired) -> Difference:
    first, second = paired.scores
    value = first.estimates[part.name].value - second.estimates[part.name].value
    plain = Difference(part.name, title, *pair, value, None, part.higher_is_better)
    if paired.reason:
        return dataclasses.replace(plain, reason=paired.reason)
    plain = dataclasses.replace(plain, num_images=paired.num_images)
    own, other = (one.uncertainty.get(part.name) for one in paired.scores)
    contrast = own.contrast(other) if own is not None and other is not None else None
    if contrast is None:
        return dataclasses.replace(plain, reason=NO_INTERVAL)
    return dataclasses.replace(
        plain, value=contrast.value, interval=contrast.interval, is_ratio=contrast.is_ratio, reason=contrast.doubt
    )


def cut(side: Statistics, size: int) -> Statistics:
    """Draw so many images of a set, seeded, as a set of its own."""
    kept = {need: rows for need in of_kind(Kind.ROWS) if (rows := need.of(side)) is not None}
    count = min((len(rows) for rows in kept.values()), default=0)
    index = torch.from_numpy(np.sort(np.random.RandomState(SEED).permutation(count)[:size]))
    # Moments are taken again: of the rows where they are kept, else of the sample, which is in random order already.
    drawn: dict[Need, Any] = {need: rows[index] for need, rows in kept.items() if count >= size}
    for need in of_kind(Kind.MOMENTS):
        drawn[need] = None
        sample = need.also_as(Kind.SAMPLE)
        if sample is not None:
            # Where rows were drawn the sample follows from them.
            follows = need.also_as(Kind.ROWS) in drawn
            drawn[sample] = None if follows or sample.of(side) is None else sample.of(side)[:size]
    part = dataclasses.replace(side, count=size, digest="unknown", order="").holding(drawn)
    pairs = [(need, need.also_as(Kind.SAMPLE)) for need in of_kind(Kind.MOMENTS)]
    samples = {need: sample.of(part) for need, sample in pairs if sample is not None}
    return part.holding({need: Moments.of(rows) for need, rows in samples.items() if rows is not None})


def _rows(side: Statistics, metric: Metric) -> int:
    """Count the images that a score is of: in a long stream the rows that were kept, where the metric reads rows."""
    kept = [len(rows) for need in metric.reads if need.kind is Kind.ROWS and (rows := need.of(side)) is not None]
    return min(kept, default=side.count)


def _most(side: Statistics, metric: Metric) -> int:
    """Say to how many images a set can be cut for a metric; 0 where what it reads cannot be cut."""
    return min(_available(side, need) for need in metric.reads)


def _available(side: Statistics, need: Need) -> int:
    """Count the rows at hand for a need; moments can be taken of rows or of a sample again."""
    kinds = (Kind.ROWS, Kind.SAMPLE) if need.kind is Kind.MOMENTS else (Kind.ROWS,)
    sources = [source for kind in kinds if (source := need.also_as(kind)) is not None]
    return next((len(rows) for source in sources if (rows := source.of(side)) is not None), 0)


def sizes_said(sets: Mapping[str, Sides], differences: Sequence[Difference]) -> list[str]:
    """Say which scores were compared at fewer images than the sets have."""
    titles_at: dict[tuple[str, str, int], list[str]] = {}
    for one in differences:
        if one.num_images is not None:
            titles_at.setdefault((one.first, one.second, one.num_images), []).append(one.title)
    return [
        f"the sets differ in size ({', '.join(f'{name} {sets[name].fake.count}' for name in pair)}): "
        f"{', '.join(titles)} depend on it and are compared at a seeded subset of {size} images of each"
        for (*pair, size), titles in titles_at.items()
    ]
