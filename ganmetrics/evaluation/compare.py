"""Whether one generator is better than another against the same real set, with the real set's own noise cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ganmetrics._report import Report
from ganmetrics.data import Reading
from ganmetrics.data.source import chosen_reading
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import UsageError
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.difference import Difference
from ganmetrics.scoring.intervals import check_mode
from ganmetrics.scoring.pairing import Pairing, sizes_said
from ganmetrics.scoring.plan import Facts, chosen_metrics, prepared
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides, measured, result_of

if TYPE_CHECKING:
    import os

    import torch

    from ganmetrics.extractors import Extractor
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.metrics import Metric

SCHEMA = 2


@dataclass(frozen=True)
class Comparison(Report):
    """The scores of several sets of fakes against one real set, and every pair's differences.

    Attributes
    ----------
    results : mapping of str to Result
        By the name of the set, in the order in which they were given.
    differences : tuple of Difference
    warnings : tuple of str
        What makes a difference easily misread.
    """

    results: Mapping[str, Result]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        tables = [f"{name}\n{result}" for name, result in self.results.items()]
        return "\n\n".join([*tables, "\n".join(map(str, self.differences))])

    def without_rows(self) -> Comparison:
        """The same scores and verdicts; of the sets only what describes them."""
        return replace(self, results={name: result.without_rows() for name, result in self.results.items()})

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return {
            "schema": SCHEMA,
            "results": {name: result.to_dict() for name, result in self.results.items()},
            "differences": [each.to_dict() for each in self.differences],
            "warnings": list(self.warnings),
        }


def compare(
    real: Any,
    *fakes: Any,
    test: Any = None,
    metrics: str | Sequence[str | Metric] = ("fid",),
    extractor: str | Extractor | Callable[..., Any] | None = None,
    device: str | torch.device = "auto",
    batch_size: int | None = None,
    seed: int = 2020,
    weights: str | os.PathLike[str] | None = None,
    ci: str = "fast",
    reading: Reading | None = None,
) -> Comparison:
    """Score several sets of fakes against one real set and say which are better.

    A verdict is wrong for two samples of one generator in at most 5 % of cases, for each pair and metric on its own.
    Most scores depend on the number of fakes: sets of different sizes are then compared at a seeded subset of the
    larger, which the difference and the warnings say, or not at all.

    Parameters
    ----------
    real : as in ``evaluate``
        ``None`` where no metric needs it.
    fakes : as ``fake`` in ``evaluate``
        At least two. They are called by their paths, else A, B, C.
    test : as in ``evaluate``
        Real images that no generator was trained on, for metrics such as ``ct`` and ``fld``.
    metrics, extractor, device, batch_size, seed, weights, ci, reading : as in ``evaluate``
        ``ci="off"`` is refused.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        As ``evaluate``.
    """
    if len(fakes) < 2:
        raise UsageError(f"{len(fakes)} set of fakes was given; a comparison needs at least two", where="fakes")
    check_mode(ci)
    if ci == "off":
        raise UsageError("a comparison is made of intervals", where="ci", hint='Use `ci="fast"` or `ci="bootstrap"`')
    choice = chosen_metrics(metrics, seed)
    given = {"real": real, "test": test, **{f"fake{i}": fake for i, fake in enumerate(fakes)}}
    names = _names(fakes)
    facts = Facts(extractor, weights, chosen_reading(reading), choose_device(device), batch_size)
    sides, chosen, _ = prepared(given, choice, ci, facts)
    sets = {name: Sides(sides.get("real"), sides[f"fake{i}"], sides.get("test")) for i, name in enumerate(names)}
    return at_one_place(facts.reading.engine, lambda: compared(sets, chosen, ci), Comparison.without_rows)


def compared(sets: Mapping[str, Sides], chosen: Sequence[Metric], ci: str) -> Comparison:
    """The same of sets that were measured."""
    found = {name: {each: measured(each, sides, ci) for each in chosen} for name, sides in sets.items()}
    results = {name: result_of(sets[name], found[name]) for name in sets}
    pairing = Pairing(sets, found, ci)
    titles = {name: {part: score.title for part, score in result.scores.items()} for name, result in results.items()}
    pairs = combinations(sets, 2)
    differences = [one for pair in pairs for each in chosen for one in pairing.differences(each, pair, titles[pair[0]])]
    fakes = {name: sides.fake for name, sides in sets.items()}
    first = [each.sentence for each in alarms({"real": next(iter(sets.values())).real, **fakes})]
    warnings = [*first, *_warnings(fakes), *sizes_said(sets, differences)]
    return Comparison(results, tuple(differences), tuple(warnings))


def _warnings(fakes: Mapping[str, Statistics]) -> Iterator[str]:
    for (one, a), (other, b) in combinations(fakes.items(), 2):
        if a.digest == b.digest != "unknown":
            yield f"{one} and {other} hold exactly the same images"


def _names(fakes: Sequence[Any]) -> list[str]:
    """The paths where they differ, else letters."""
    paths = [str(fake) for fake in fakes if isinstance(fake, str) or hasattr(fake, "__fspath__")]
    if len(paths) == len(fakes) == len(set(paths)):
        return paths
    return [chr(ord("A") + i) if i < 26 else f"set {i + 1}" for i in range(len(fakes))]
