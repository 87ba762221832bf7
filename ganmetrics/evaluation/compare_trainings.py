"""Compare methods by several trainings of each: is a method better, or has one training been lucky?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganmetrics._arguments import described
from ganmetrics._report import Report
from ganmetrics._table import Cell, Note, Table
from ganmetrics.distributed import at_one_place
from ganmetrics.errors import UsageError
from ganmetrics.evaluation.saved_scores import count_of, depends_on_count, saved_scores
from ganmetrics.numerics.interval_ends import readable
from ganmetrics.scoring.difference import Difference
from ganmetrics.scoring.keywords import ScoringKeywords, Settings, shows
from ganmetrics.scoring.plan import agreed_protocol, chosen_metrics, measured_sets, under_protocol
from ganmetrics.scoring.score import Sides, result_of, score_metric
from ganmetrics.scoring.score_table import signature_notes
from ganmetrics.scoring.trainings import Spread, Trained, difference_of_means, spread_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.metrics import Metric
    from ganmetrics.scoring.result import Score

SCHEMA = 1
ONE = "one training says nothing about another: this is about these checkpoints, not about these methods"
NO_REALS = "the noise of the real images is not in these intervals, because the images were not read"


@dataclass(frozen=True, repr=False)
class TrainingComparison(Report):
    """The scores of several trainings of two methods, and the difference of the methods.

    Attributes
    ----------
    scores : mapping of str to mapping of str to Score
        The scores of each training.
    spreads : mapping of str to mapping of str to Spread
        Of each method: mean and spread over its trainings, by the name of the score.
    differences : tuple of Difference
        The first method less the second.
    warnings : tuple of str
    """

    scores: Mapping[str, Mapping[str, Score]]
    spreads: Mapping[str, Mapping[str, Spread]]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n\n".join([self.table().text(), "\n".join(map(str, self.differences))])

    def by_set(self) -> Mapping[str, Mapping[str, Score]]:
        """Return the scores of each training."""
        return self.scores

    def table(self) -> Table:
        """Return a table with a row for each method: its mean and the interval over trainings."""
        heads, rows, records = ["Method", "Trainings"], [], []
        for one in self.differences:
            heads += [f"{one.title} {'↑' if one.higher_is_better else '↓'}", "± training", "± sampling"]
        for method, spreads in self.spreads.items():
            count = next(iter(spreads.values())).num_trainings
            row, record = [Cell(method), Cell(str(count), is_number=True)], {"method": method, "trainings": count}
            for name, each in spreads.items():
                row += [Cell(text, is_number=True) for text in _cells(each)]
                record |= {name: each.mean, f"{name}_low": each.interval and each.interval.low,
                           f"{name}_high": each.interval and each.interval.high, f"{name}_std": each.std,
                           f"{name}_training_std": each.training_std,
                           f"{name}_sampling_std": each.sampling_std}  # fmt: skip
            rows.append(tuple(row))
            records.append(record)
        notes = (
            Note("Means over trainings with the 95 % interval of the mean over all trainings (Student's t)"),
            Note("± training and ± sampling: standard deviations of one score, from the training and from the images"),
            *signature_notes(self.scores),
        )
        return Table(tuple(heads), tuple(rows), notes, tuple(records))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        spreads = {
            method: {name: _plain(each) for name, each in spreads.items()} for method, spreads in self.spreads.items()
        }
        scores = {run: {name: score.to_dict() for name, score in of.items()} for run, of in self.scores.items()}
        differences = [each.to_dict() for each in self.differences]
        return {
            **{"schema": SCHEMA, "methods": spreads, "differences": differences},
            **{"trainings": scores, "warnings": list(self.warnings)},
        }


def _cells(each: Spread) -> tuple[str, str, str]:
    mean = readable(each.mean) if each.interval is None else each.interval.cell(each.mean)
    return mean, f"{each.training_std:.2g}" if each.num_trainings > 1 else "–", f"{each.sampling_std:.2g}"


def _plain(each: Spread) -> dict[str, Any]:
    """Return a spread as plain data; what is not known is ``None``."""
    numbers = {"mean": each.mean, "std": each.std, "training_std": each.training_std, "sampling_std": each.sampling_std}
    known = {name: value if value == value else None for name, value in numbers.items()}
    return {**known, "count": each.num_trainings, "interval": each.interval and each.interval.to_dict()}


@shows(ScoringKeywords)
def compare_trainings(
    real: Any,
    runs: Sequence[Any],
    against: Sequence[Any],
    *,
    metrics: str | Sequence[str | Metric] = ("fid",),
    protocol: str | None = None,
    **settings: Unpack[ScoringKeywords],
) -> TrainingComparison:
    """Say which of two methods is better, from several trainings of each.

    ``compare`` is about two sets of images. Another training of the same method, with another seed, may move a score
    more than the difference that it found. Here the spread over trainings decides.

    Parameters
    ----------
    real : path, array, tensor, Dataset, DataLoader, Source or Statistics
        The real images.
    runs, against : sequence of path, array, tensor, Dataset, DataLoader, Source or Statistics
        The images of each training of the one and of the other method. Two trainings of each method are the least for a
        verdict; give both methods the same number.
    metrics : sequence of str
    protocol : str, optional
        The package whose numbers are reproduced, as in ``evaluate``.
    extractor, device, batch_size, seed, weights, ci, reading
        ``evaluate`` takes the same; only ``ci="off"`` is refused here.

    Returns
    -------
    TrainingComparison

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        All of them are ``GanMetricsError``, raised before a network is loaded wherever possible.
    """
    chosen = Settings.of(compare_trainings, settings)
    if chosen.ci == "off":
        raise UsageError("a comparison is made of intervals", where="ci", hint='Use `ci="fast"` or `ci="bootstrap"`')
    methods = methods_of(runs, against)
    names = {f"fake{i}": name for i, name in enumerate(name for each in methods.values() for name in each)}
    sets = [one for each in methods.values() for one in each.values()]
    given = {"real": real, **dict(zip(names, sets, strict=True))}
    protocol = agreed_protocol(given, protocol)
    choice, extractor = under_protocol(chosen_metrics(metrics, chosen.seed), chosen.extractor, protocol)
    sides, fitting, _ = measured_sets(given, choice, replace(chosen, extractor=extractor), protocol=protocol)
    sets_of = {names[role]: Sides(sides.get("real"), side) for role, side in sides.items() if role in names}

    def compared() -> TrainingComparison:
        values = {name: {each: score_metric(each, one, chosen.ci) for each in fitting} for name, one in sets_of.items()}
        results = {name: result_of(one, values[name], protocol) for name, one in sets_of.items()}
        scores = {name: result.scores for name, result in results.items()}
        found = {
            name: {
                part.name: Trained.of(scores[name][part.name].value, own[each].uncertainty.get(part.name))
                for each in fitting
                for part in each.parts
            }
            for name, own in values.items()
        }
        warnings = dict.fromkeys(warning for result in results.values() for warning in result.warnings)
        return _comparison(methods, scores, found, tuple(warnings))

    return at_one_place(chosen.reading.engine, compared, lambda found: found)


def compare_saved_trainings(runs: Sequence[Any], against: Sequence[Any]) -> TrainingComparison:
    """Say which of two methods is better, from saved results of several trainings of each.

    Parameters
    ----------
    runs, against : sequence of path
        JSON files of ``ganmetrics evaluate --json FILE`` or ``Result.save``, one for each training.

    Returns
    -------
    TrainingComparison
        Without the noise of the real images, which a warning says.

    Raises
    ------
    UsageError, InputError
        Files that hold no result, or results of different protocols.
    """
    methods = methods_of(runs, against)
    scores = {name: saved_scores(name) for each in methods.values() for name in each}
    first_name, first = next(iter(scores.items()))
    common = [name for name in first if all(name in each for each in scores.values())]
    if not common:
        raise UsageError("the saved results have no score in common", where="results", code="E-RESULT")
    for name, each in scores.items():
        rows = [row for key in common for row in first[key].signature.differences(each[key].signature)]
        if odd := [row for row in rows if not row.startswith("fake:")]:
            what = f"{first_name} and {name} were made by different protocols: {'; '.join(dict.fromkeys(odd))}"
            raise UsageError(what, where="results", hint="Score both alike", code="E-RECIPE")
    found = {run: {name: Trained(each[name].value) for name in common} for run, each in scores.items()}
    alike = {run: {name: each[name] for name in common} for run, each in scores.items()}
    return _comparison(methods, alike, found, (NO_REALS,))


def methods_of(runs: Sequence[Any], against: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return the sets of each method by their names, under a name that the sets of the method share."""
    for role, sets in (("runs", runs), ("against", against)):
        if isinstance(sets, (str, os.PathLike)) or not isinstance(sets, Sequence) or not sets:
            what = f"{role} is {described(sets)}; it must be a list with a set of images for each training"
            raise UsageError(what, where=role)
    sides = [list(runs), list(against)]
    paths = [[os.fspath(one) if isinstance(one, (str, os.PathLike)) else "" for one in side] for side in sides]
    if not all(map(all, paths)) or len({*paths[0], *paths[1]}) < len(sides[0]) + len(sides[1]):
        paths = [[f"{letter}{i + 1}" for i in range(len(side))] for letter, side in zip("AB", sides, strict=True)]
    names = [_common_name(side) for side in paths]
    if names[0] == names[1] or not all(names):
        names = ["runs", "against"]
    return {name: dict(zip(*each, strict=True)) for name, *each in zip(names, paths, sides, strict=True)}


def _common_name(paths: Sequence[str]) -> str:
    """Return what the names of several trainings begin with, such as ``a/seed*``."""
    if len(paths) == 1:
        return paths[0]
    low, high = min(paths), max(paths)
    same = next((i for i, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), len(low))
    return f"{low[:same]}*" if same else ""


def _comparison(
    methods: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, Mapping[str, Score]],
    found: Mapping[str, Mapping[str, Trained]],
    warnings: tuple[str, ...],
) -> TrainingComparison:
    """Compare the means of two methods by every score."""
    (one, first), (other, second) = methods.items()
    spreads: dict[str, dict[str, Spread]] = {one: {}, other: {}}
    differences = []
    for name, score in next(iter(scores.values())).items():
        sides = [[found[run][name] for run in method] for method in (first, second)]
        for method, side in zip((one, other), sides, strict=True):
            spreads[method][name] = spread_of(side)
        value = spreads[one][name].mean - spreads[other][name].mean
        interval = difference_of_means(sides[0], sides[1])
        counts = {count_of(scores[run][name].signature.fake) for method in (first, second) for run in method}
        reason = ONE if min(map(len, sides)) < 2 else ""
        if len(counts) > 1 and depends_on_count(name):
            interval, reason = None, f"the sets have {' and '.join(sorted(counts))} images and this score depends on it"
        differences.append(
            Difference(name, score.title, one, other, value, interval, score.higher_is_better, reason=reason)
        )
    return TrainingComparison(scores, spreads, tuple(differences), warnings)
