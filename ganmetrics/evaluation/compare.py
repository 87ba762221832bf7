"""Compare generators: is one better than another against the same real set, whose own noise cancels?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._report import Report
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import InputError, NumericalError, StatisticsError, UsageError
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.registry import unknown
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.difference import Difference, tabled
from ganmetrics.scoring.floors import floors_of
from ganmetrics.scoring.headline import headline
from ganmetrics.scoring.keywords import ScoringKeywords, Settings, shows
from ganmetrics.scoring.multiplicity import corrected
from ganmetrics.scoring.pairing import Pairing, sizes_said
from ganmetrics.scoring.plan import HELD_OUT, agreed_protocol, chosen_metrics, measured_sets, under_protocol
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import MetricValues, Sides, result_of, score_metric
from ganmetrics.scoring.score_table import Verdicts, score_table

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics._table import Table
    from ganmetrics.metrics import Metric
    from ganmetrics.scoring.result import Score

SCHEMA = 2


@dataclass(frozen=True, repr=False)
class Comparison(Report):
    """The scores of several generated sets against one real set, and their differences.

    Attributes
    ----------
    results : mapping of str to Result
        The scores by the name of the generated set, in the order in which the sets were given.
    differences : tuple of Difference
        Of every pair; with a baseline, of every other set and the baseline.
    warnings : tuple of str
        What makes a difference easily misread.
    baseline : str
        The set that the others are compared with; empty where every pair is compared.
    left_out : mapping of str to str
        The metrics that the sets do not allow, with the reason, where ``"all"`` or ``"default"`` was asked for.
    """

    results: Mapping[str, Result]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()
    baseline: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return tabled(self.table(), self.differences, self.baseline)

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return the scores by the name of the generated set."""
        return {name: result.scores for name, result in self.results.items()}

    @property
    def headline(self) -> str:
        """One sentence: which set is the best on which scores, and which cannot be told apart."""
        return headline(self.by_set(), Verdicts(self.differences, self.baseline))

    def table(self) -> Table:
        """Return the scores as a table with a row for each set."""
        return score_table(self.by_set(), Verdicts(self.differences, self.baseline), left_out=self.left_out)

    def without_rows(self) -> Comparison:
        """Return the comparison without the features of its sets, which may be large."""
        return replace(self, results={name: result.without_rows() for name, result in self.results.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data; ``docs/json.md`` describes it."""
        return {
            "schema": SCHEMA,
            "results": {name: result.to_dict() for name, result in self.results.items()},
            "differences": [each.to_dict() for each in self.differences],
            **({"baseline": self.baseline} if self.baseline else {}),
            **({"left_out": dict(self.left_out)} if self.left_out else {}),
            "warnings": list(self.warnings),
        }


@shows(ScoringKeywords)
def compare(
    real: Any,
    *fakes: Any,
    test: Any = None,
    metrics: str | Sequence[str | Metric] = ("fid",),
    protocol: str | None = None,
    baseline: str = "",
    **settings: Unpack[ScoringKeywords],
) -> Comparison:
    """Score several generated sets against one real set and say which are better.

    The verdicts on one score are wrong for samples of one generator in at most 5 % of cases. With more than two sets
    they are corrected for their number (Holm), for each metric on its own. Most scores depend on the number of
    generated images. Sets of different sizes are then compared at a seeded subset of the larger, which the difference
    and the warnings say, or not at all.

    Parameters
    ----------
    real : path, array, tensor, Dataset, DataLoader, Source or Statistics
        The real images; ``None`` where no metric needs them.
    fakes : path, array, tensor, Dataset, DataLoader, Source or Statistics
        At least two sets of generated images. They are called by their paths, else A, B, C.
    test : path, array, tensor, Dataset, DataLoader, Source or Statistics, optional
        Real images that no generator was trained on, for metrics such as ``ct`` and ``fld``.
    protocol : str, optional
        The package whose numbers are reproduced, as in ``evaluate``.
    baseline : str
        The name of a set. The others are compared with it alone, so that fewer comparisons are corrected for.
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
    given = {"real": real, "test": test, **{f"fake{i}": fake for i, fake in enumerate(fakes)}}
    names = _names(fakes)
    if baseline and baseline not in names:
        raise unknown("set", baseline, names)
    protocol = agreed_protocol(given, protocol)
    choice, extractor = under_protocol(chosen_metrics(metrics, chosen.seed), chosen.extractor, protocol)
    sides, fitting, left_out = measured_sets(
        given, choice, replace(chosen, extractor=extractor), protocol=protocol, like=HELD_OUT
    )
    sets = {name: Sides(sides.get("real"), sides[f"fake{i}"], sides.get("test")) for i, name in enumerate(names)}
    terms = Terms(baseline, protocol, left_out if choice.is_lenient else None)
    return at_one_place(
        chosen.reading.engine, lambda: compared(sets, fitting, chosen.ci, terms), Comparison.without_rows
    )


class Terms(NamedTuple):
    """The terms of a comparison.

    Attributes
    ----------
    baseline : str
        The set that the others are compared with; empty for every pair.
    protocol : str, optional
    left_out : mapping of str to str, optional
        The metrics that were left out, and why. More may follow; ``None`` where each metric must fit the sets.
    """

    baseline: str = ""
    protocol: str | None = None
    left_out: Mapping[str, str] | None = None


EVERY_PAIR = Terms()


def compared(sets: Mapping[str, Sides], asked: Sequence[Metric], ci: str, terms: Terms = EVERY_PAIR) -> Comparison:
    """Compare sets whose statistics are already computed."""
    baseline, protocol = terms.baseline, terms.protocol
    found, left_out = _values(sets, asked, ci, terms.left_out)
    chosen = list(next(iter(found.values())))
    results = {
        name: floors_of(sides, found[name], ci).beside(result_of(sides, found[name], protocol))
        for name, sides in sets.items()
    }
    pairing = Pairing(sets, found, ci)
    titles = {name: {part: score.title for part, score in result.scores.items()} for name, result in results.items()}
    # Differences are listed pair by pair, in the order in which the sets were given.
    pairs = [(name, baseline) for name in sets if name != baseline] if baseline else list(combinations(sets, 2))
    alone = [one for pair in pairs for each in chosen for one in pairing.differences(each, pair, titles[pair[0]])]
    differences = corrected(alone)
    fakes = {name: sides.fake for name, sides in sets.items()}
    # Cautions that make every score doubtful stand before the others.
    first = [each.sentence for each in alarms({"real": next(iter(sets.values())).real, **fakes})]
    warnings = [*first, *_warnings(fakes), *sizes_said(sets, differences)]
    return Comparison(results, tuple(differences), tuple(warnings), baseline, left_out)


def _values(
    sets: Mapping[str, Sides], asked: Sequence[Metric], ci: str, left_out: Mapping[str, str] | None
) -> tuple[dict[str, dict[Metric, MetricValues]], dict[str, str]]:
    """Score every set by every metric once; a metric that some set does not allow may be left out, but not the last."""
    found: dict[str, dict[Metric, MetricValues]] = {name: {} for name in sets}
    gone = dict(left_out or {})
    for metric in asked:
        try:
            values = {name: score_metric(metric, sides, ci) for name, sides in sets.items()}
        except (UsageError, InputError, StatisticsError, NumericalError) as error:
            if left_out is None or (metric is asked[-1] and not any(found.values())):
                raise
            gone[metric.name] = error.what
            continue
        for name, value in values.items():
            found[name][metric] = value
    return found, gone


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
