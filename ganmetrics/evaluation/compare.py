"""Compare generators: is one better than another against the same real set, whose own noise cancels?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ganmetrics._report import Report
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import UsageError
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.difference import Difference
from ganmetrics.scoring.keywords import ScoringKeywords, Settings, shows
from ganmetrics.scoring.pairing import Pairing, sizes_said
from ganmetrics.scoring.plan import chosen_metrics, measured_sets
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides, result_of, score_metric

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.metrics import Metric

SCHEMA = 2


@dataclass(frozen=True)
class Comparison(Report):
    """The scores of several generated sets against one real set, and the differences of every pair.

    Attributes
    ----------
    results : mapping of str to Result
        The scores by the name of the generated set, in the order in which the sets were given.
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
        """Return the comparison without the features of its sets, which may be large."""
        return replace(self, results={name: result.without_rows() for name, result in self.results.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data; ``docs/json.md`` describes it."""
        return {
            "schema": SCHEMA,
            "results": {name: result.to_dict() for name, result in self.results.items()},
            "differences": [each.to_dict() for each in self.differences],
            "warnings": list(self.warnings),
        }


@shows(ScoringKeywords)
def compare(
    real: Any,
    *fakes: Any,
    test: Any = None,
    metrics: str | Sequence[str | Metric] = ("fid",),
    **settings: Unpack[ScoringKeywords],
) -> Comparison:
    """Score several generated sets against one real set and say which are better.

    A verdict is wrong for two samples of one generator in at most 5 % of cases, for each pair and metric on its own.
    Most scores depend on the number of generated images. Sets of different sizes are then compared at a seeded subset
    of the larger, which the difference and the warnings say, or not at all.

    Parameters
    ----------
    real : path, array, tensor, Dataset, DataLoader, Source or Statistics
        The real images; ``None`` where no metric needs them.
    fakes : path, array, tensor, Dataset, DataLoader, Source or Statistics
        At least two sets of generated images. They are called by their paths, else A, B, C.
    test : path, array, tensor, Dataset, DataLoader, Source or Statistics, optional
        Real images that no generator was trained on, for metrics such as ``ct`` and ``fld``.
    metrics, extractor, device, batch_size, seed, weights, ci, reading
        ``evaluate`` takes the same; only ``ci="off"`` is refused here.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        All of them are ``GanMetricsError``, raised before a network is loaded wherever possible.
    """
    chosen = Settings.of(compare, settings)
    if len(fakes) < 2:
        raise UsageError(f"{len(fakes)} set of fakes was given; a comparison needs at least two", where="fakes")
    # The verdict is read off the interval of the difference.
    if chosen.ci == "off":
        raise UsageError("a comparison is made of intervals", where="ci", hint='Use `ci="fast"` or `ci="bootstrap"`')
    choice = chosen_metrics(metrics, chosen.seed)
    given = {"real": real, "test": test, **{f"fake{i}": fake for i, fake in enumerate(fakes)}}
    names = _names(fakes)
    sides, fitting, _ = measured_sets(given, choice, chosen)
    sets = {name: Sides(sides.get("real"), sides[f"fake{i}"], sides.get("test")) for i, name in enumerate(names)}
    return at_one_place(chosen.reading.engine, lambda: compared(sets, fitting, chosen.ci), Comparison.without_rows)


def compared(sets: Mapping[str, Sides], chosen: Sequence[Metric], ci: str) -> Comparison:
    """Compare sets whose statistics are already computed."""
    # Each metric of each set is computed once; pairs reuse it.
    found = {name: {metric: score_metric(metric, sides, ci) for metric in chosen} for name, sides in sets.items()}
    results = {name: result_of(sets[name], found[name]) for name in sets}
    pairing = Pairing(sets, found, ci)
    titles = {name: {part: score.title for part, score in result.scores.items()} for name, result in results.items()}
    # Differences are listed pair by pair, in the order in which the sets were given.
    pairs = combinations(sets, 2)
    differences = [one for pair in pairs for each in chosen for one in pairing.differences(each, pair, titles[pair[0]])]
    fakes = {name: sides.fake for name, sides in sets.items()}
    # Cautions that make every score doubtful stand before the others.
    first = [each.sentence for each in alarms({"real": next(iter(sets.values())).real, **fakes})]
    warnings = [*first, *_warnings(fakes), *sizes_said(sets, differences)]
    return Comparison(results, tuple(differences), tuple(warnings))


def _warnings(fakes: Mapping[str, Statistics]) -> Iterator[str]:
    for (one, a), (other, b) in combinations(fakes.items(), 2):
        if a.digest == b.digest != "unknown":
            yield f"{one} and {other} hold exactly the same images"


def _names(fakes: Sequence[Any]) -> list[str]:
    """Name the sets by their paths where these differ, else by letters."""
    places = [fake.source if isinstance(fake, Statistics) else fake for fake in fakes]
    paths = [str(place) for place in places if (isinstance(place, str) and place) or hasattr(place, "__fspath__")]
    if len(paths) == len(fakes) == len(set(paths)):
        return paths
    return [chr(ord("A") + i) if i < 26 else f"set {i + 1}" for i in range(len(fakes))]
