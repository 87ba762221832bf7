"""From two sets of images to verdicts: one pass over each set, then every finding with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganmetrics._report import Report
from ganmetrics._table import Table, of_words
from ganmetrics.data import Reading, Source
from ganmetrics.diagnosis.class_table import text_of
from ganmetrics.diagnosis.finding import Fault, Finding, is_finite, rank, worst
from ganmetrics.diagnosis.input_trouble import NAME as INPUT_TROUBLE
from ganmetrics.diagnosis.pair import Pair, check_counts
from ganmetrics.distributed import require
from ganmetrics.extractors import EXTRACTORS, Extractor, load_extractor
from ganmetrics.measurement.sides import open_side, with_labels
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics.needs import FEATURES, NAMES
from ganmetrics.registry import Registry, unknown
from ganmetrics.scoring.keywords import MeasuringKeywords, Settings, shows
from ganmetrics.scoring.plan import ChosenMetrics, chosen_metrics, measured_sets
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides
from ganmetrics.scoring.scored import scored

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ganmetrics.diagnosis.class_assignment import Classes
    from ganmetrics.diagnosis.class_table import ClassRow

# Schema 2 had the verdict none in place of ok.
SCHEMA = 3
# Vendi's score fits any set, so that at least one metric is left.
METRICS = ("fid", "kid", "is", "vendi")
FAULTS: Registry[Fault] = Registry("ganmetrics.diagnosis", "FINDING", "fault")
# Copies, and nearest images, that the JSON lists.
LISTED = 50


@dataclass(frozen=True, repr=False)
class Diagnosis(Report):
    """What is wrong with a set of generated images, the worst first.

    Attributes
    ----------
    findings : tuple of Finding
        Every fault that was looked for, those with the verdict ``ok`` too.
    result : Result
        The usual scores of the same pass.
    pair : Pair
        Both sets, with everything that the findings read of them.
    """

    findings: tuple[Finding, ...]
    result: Result
    pair: Pair

    def __getitem__(self, name: str) -> Finding:
        """Return a finding by its name."""
        findings = {each.name: each for each in self.findings}
        if name not in findings:
            raise KeyError(str(unknown("finding", name, list(findings))))
        return findings[name]

    @property
    def verdict(self) -> str:
        """The worst verdict of all findings: ``ok``, ``cannot tell``, ``some`` or ``severe``."""
        return worst(each.verdict for each in self.findings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the scores easily misread, a sentence each."""
        return self.result.warnings

    def __str__(self) -> str:
        classes = self.pair.classes
        table = [] if classes is None else [text_of(self.pair.class_rows, classes.noun)]
        return "\n\n".join([*map(_words, self.findings), *table, str(self.result)])

    def table(self) -> Table:
        """Return the findings as a table, with the scores of the same pass below."""
        rows = [(each.name, each.verdict, each.sentence) for each in self.findings]
        scores = [str(each) for each in self.result.scores.values()]
        return of_words(("Finding", "Verdict", "What was found"), rows, scores)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain data; ``docs/json.md`` describes it."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "findings": [each.to_dict() for each in self.findings],
            "details": _details(self.pair),
            **{name: value for name, value in self.result.to_dict().items() if name != "schema"},
        }


@shows(MeasuringKeywords)
def diagnose(
    real: Any,
    fake: Any,
    test: Any = None,
    *,
    labels: Any = None,
    seed: int = 2020,
    **settings: Unpack[MeasuringKeywords],
) -> Diagnosis:
    """Diagnose generated images: mode collapse, low diversity, low quality, memorisation and input trouble.

    Parameters
    ----------
    real, fake : as in ``evaluate``
        Reals that the generator was trained on, where memorisation is the question. Saved statistics need features.
    test : as ``real``, optional
        Real images that the generator was not trained on; without them half of the reals are held out.
    labels : path or sequence of int or str, optional
        The class of each real image, as ``data.labels.labelled`` takes it; by default sub-folders or targets, else the
        network's own classes where it is a classifier, else clusters alone.
    extractor, device, batch_size, weights, reading : as in ``evaluate``
    seed : int
        Of the halves and of the clusters.

    Returns
    -------
    Diagnosis

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        As ``evaluate``; fewer than 20 real or 10 fake images.

    Notes
    -----
    Numbers that depend on sizes and dimensions are set beside those of held-out reals, which score as a faultless
    generator would; verdicts go by the mild end of each interval, and begin where healthy sets are rarely accused
    (``docs/diagnosis.md`` says how rarely).

    Examples
    --------
    >>> import numpy as np
    >>> import ganmetrics as gm
    >>> real = np.random.RandomState(0).randint(0, 256, (600, 8, 8, 3), dtype=np.uint8)
    >>> found = gm.diagnose(real, real[:1].repeat(600, axis=0), extractor="pixels")  # one image, again and again
    >>> found.verdict, found["mode collapse"].verdict
    ('severe', 'severe')
    """
    common = Settings.of(diagnose, settings)
    reading, extractor = replace(common.reading, thumbnails=True), common.extractor
    require(reading.engine, ("local", "ray"), "a diagnosis")
    given = {role: _opened(side, reading, extractor) for role, side in (("real", real), ("fake", fake))}
    if test is not None:
        given["test"] = _opened(test, reading, extractor)
    if labels is not None:
        given["real"] = with_labels(given["real"], labels, reading)
    check_counts(*(_count(given[role]) if role in given else None for role in ("real", "fake", "test")))
    choice = ChosenMetrics(chosen_metrics(list(METRICS), seed).metrics, is_lenient=True)
    rows = {FEATURES, NAMES}
    more = {"real": rows, "fake": rows, "test": {FEATURES}}
    sides, chosen, left_out = measured_sets(given, choice, replace(common, reading=reading), more)
    pair = Pair(sides["real"], sides["fake"], sides.get("test"), _network(sides["fake"], common), seed)
    result = scored(Sides(pair.real, pair.fake), chosen, "fast", left_out, is_lenient=True)
    return diagnosed(pair, result)


def diagnosed(pair: Pair, result: Result) -> Diagnosis:
    """Diagnose two sets whose statistics are already computed."""
    findings = [fault.find(pair) for fault in faults()]
    if any(each.is_fault and each.is_cause for each in findings):
        findings = [_following(each) for each in findings]
    return Diagnosis(tuple(sorted(findings, key=_place)), result, pair)


def _following(finding: Finding) -> Finding:
    """Say of an accusation that it may follow from what causes others."""
    if not finding.is_fault or finding.is_cause:
        return finding
    return replace(finding, sentence=f"{finding.sentence}. This may follow from the {INPUT_TROUBLE}")


def faults() -> list[Fault]:
    """Return every fault that a diagnosis looks for, in the order of findings with the same verdict."""
    return sorted(FAULTS.records().values(), key=lambda fault: fault.place)


def _place(finding: Finding) -> tuple[bool, int]:
    """Order findings: what causes others first, then the worst."""
    return not (finding.is_fault and finding.is_cause), -rank(finding.verdict)


def _opened(value: Any, reading: Reading, extractor: Any) -> Source | Statistics:
    """Open a side; refuse statistics that hold no features."""
    side = open_side(value, reading, extractor)
    if isinstance(side, Statistics) and side.beside is None:
        side.require(FEATURES)
    return side


def _count(side: Source | Statistics) -> int | None:
    """Count the images whose features are compared: of a reference batch those in the file."""
    if isinstance(side, Statistics) and side.features is None and side.beside is not None:
        return side.beside.count
    return side.count


def _network(fake: Statistics, settings: Settings) -> Extractor | None:
    """Return the network, where it names classes and is surely the one that made the features."""
    if isinstance(settings.extractor, Extractor):
        return settings.extractor
    record = EXTRACTORS.get(fake.recipe.extractor)
    if record is None or not record.names_classes or callable(settings.extractor):
        return None
    loaded = load_extractor(record.name, settings.weights)
    return loaded if loaded.identity == fake.recipe.network else None


def _words(finding: Finding) -> str:
    """Return a finding as the terminal shows it: its numbers only where it accuses."""
    return str(finding) if finding.is_fault else str(replace(finding, evidence=()))


def _details(pair: Pair) -> dict[str, Any]:
    """Return the classes, clusters and images that the findings are about, by name."""
    shares = pair.clusters.shares
    counts = {"real": shares.real_counts.tolist(), "fake": shares.fake_counts.tolist(), "missing": shares.missing}
    groups = [[name_of(pair.fake, i) for i in group[:LISTED]] for group in pair.copies.groups[:LISTED]]
    return {
        "classes": None if pair.classes is None else _classes(pair.classes, pair.class_rows),
        "clusters": counts,
        "near_duplicates": groups,
        "near_copies": [[name_of(pair.fake, i), name_of(pair.real, j)] for i, j, _ in pair.copies.pairs[:LISTED]],
        "nearest_reals": list(_nearest(pair)),
    }


def _classes(classes: Classes, rows: Sequence[ClassRow]) -> dict[str, Any]:
    counts = {"real": classes.shares.real_counts.tolist(), "fake": classes.shares.fake_counts.tolist()}
    return {
        "names": list(classes.names),
        "told_by": classes.method,
        **counts,
        "missing": classes.missing_names,
        "rows": [row.to_dict() for row in rows],
    }


def _nearest(pair: Pair) -> Iterator[dict[str, Any]]:
    """Yield the generated images that are nearest to a real one, each with that real image."""
    ratios, places = pair.nearness.ratios, pair.nearness.places
    for index in ratios.argsort()[:LISTED].tolist():
        names = {"fake": name_of(pair.fake, index), "real": name_of(pair.real, int(places[index]))}
        ratio = float(ratios[index])
        yield {**names, "ratio": ratio if is_finite(ratio) else None}


def name_of(side: Statistics, index: int) -> str:
    """Return the name of an image; without one, its index."""
    return side.names[index] if side.names else f"image {index}"
