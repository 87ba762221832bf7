"""What a report shows of each kind of result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from ganmetrics.diagnosis.diagnose import Diagnosis
from ganmetrics.diagnosis.pair import Pair
from ganmetrics.evaluation.attribute import CAUTION, Attribution
from ganmetrics.evaluation.compare import Comparison
from ganmetrics.evaluation.compare_saved import SavedComparison
from ganmetrics.evaluation.every_protocol import ProtocolTable
from ganmetrics.evaluation.explain import HEADS, Explanation
from ganmetrics.evaluation.path_length import PathLength
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.reporting import figures, gallery
from ganmetrics.reporting.page_parts import ScoreRow, Side, Table, View
from ganmetrics.reporting.plotting import Drawing
from ganmetrics.scoring.result import Result, describe, environment

if TYPE_CHECKING:
    from ganmetrics.measurement.statistics import Statistics
    from ganmetrics.reporting.gallery import Gallery
    from ganmetrics.scoring.result import Score

# How many sizes and formats of a set are named: those that most images have.
COMMONEST = 6
# Classes of a report's table.
CLASSES = 100


@singledispatch
def view_of(shown: Any, *, with_pictures: bool = True) -> View:
    """Return the parts of a report on a result; without ``with_pictures`` there are no pictures and no figures."""
    raise TypeError(f"no report is made of a {type(shown).__name__}")


@singledispatch
def figures_of(shown: Any) -> tuple[Drawing, ...]:
    """Return the figures of a result; a result of words and single numbers has none."""
    return ()


@view_of.register
def _(shown: Result, *, with_pictures: bool = True) -> View:
    pair = _pair_of(shown) if with_pictures else None
    return View(
        title="Evaluation",
        summary=_counts(shown.real, shown.fake),
        scores=tuple(score_row(each) for each in shown.scores.values()),
        figures=tuple(_figures_of_result(shown, pair)) if with_pictures else (),
        galleries=tuple(_galleries(shown.real, shown.fake, pair)) if with_pictures else (),
        sides=_sides([("real", shown.real), ("fake", shown.fake)]),
        warnings=shown.warnings,
        left_out=shown.left_out,
        versions=environment(),
        grid=shown.table(),
    )


@figures_of.register
def _(shown: Result) -> tuple[Drawing, ...]:
    return tuple(_figures_of_result(shown, _pair_of(shown)))


@view_of.register
def _(shown: Diagnosis, *, with_pictures: bool = True) -> View:
    pair, below = shown.pair, view_of(shown.result, with_pictures=False)
    accused = [each.name for each in shown.findings if each.is_fault]
    unknown = [each.name for each in shown.findings if each.verdict == "cannot tell"]
    named = ", ".join(accused or unknown) or "these numbers show no fault"
    return View(
        title="Diagnosis",
        summary=f"{shown.verdict}: {named}. {below.summary}",
        findings=shown.findings,
        scores=below.scores,
        figures=tuple(_figures_of_pair(pair)) if with_pictures else (),
        galleries=tuple(_galleries(pair.real, pair.fake, pair)) if with_pictures else (),
        tables=tuple(_class_table(pair)),
        sides=_sides([("real", pair.real), ("fake", pair.fake), ("test", pair.test)]),
        warnings=below.warnings,
        left_out=below.left_out,
        versions=below.versions,
        grid=below.grid,
    )


def _class_table(pair: Pair) -> Iterator[Table]:
    if pair.classes is not None:
        heads = ("Class", "Real", "Generated", "Fake / real share", "KID (95 %)", "Precision", "Recall")
        rows = tuple((row.name, *row.cells()) for row in pair.class_rows[:CLASSES])
        yield Table("classes-table", f"The {pair.classes.noun}, the worst first", heads, rows)


@figures_of.register
def _(shown: Diagnosis) -> tuple[Drawing, ...]:
    return tuple(_figures_of_pair(shown.pair))


@view_of.register
def _(shown: Comparison, *, with_pictures: bool = True) -> View:
    rows = [score_row(score, name) for name, result in shown.results.items() for score in result.scores.values()]
    first = next(iter(shown.results.values()))
    sides = [("real", first.real), *((name, result.fake) for name, result in shown.results.items())]
    # The same warning may stand at several sets; each is shown once.
    warnings = dict.fromkeys([*shown.warnings, *_named_warnings(shown.results)])
    galleries = tuple(_pictures_of(shown)) if with_pictures else ()
    return View(
        title="Comparison",
        summary=f"{shown.headline}.",
        scores=tuple(rows),
        differences=shown.differences,
        figures=figures_of(shown) if with_pictures else (),
        galleries=galleries,
        sides=_sides(sides),
        warnings=tuple(warnings),
        versions=environment(),
        grid=shown.table(),
    )


@figures_of.register
def _(shown: Comparison) -> tuple[Drawing, ...]:
    return tuple(figures.of_comparison(shown))


@view_of.register
def _(shown: SavedComparison, *, with_pictures: bool = True) -> View:
    return View(
        title="Comparison of saved results",
        summary=f"{shown.headline}. Without the images, intervals are as wide as if each set had reals of its own.",
        scores=tuple(score_row(score, name) for name, scores in shown.results.items() for score in scores.values()),
        differences=shown.differences,
        warnings=shown.warnings,
        versions=environment(),
        grid=shown.table(),
    )


@view_of.register
def _(shown: Attribution, *, with_pictures: bool = True) -> View:
    heads = ("Image", "Share")
    groups = (("raising", "raise", shown.raising), ("lowering", "lower", shown.lowering))
    tables = [
        Table(name, f"Images that {way} it most", heads, tuple((each.title, f"{each.share:+.4g}") for each in images))
        for name, way, images in groups
    ]
    return View(
        title="Attribution",
        summary=f"The share of an image is the score less the score without the image. {CAUTION}",
        scores=(score_row(shown.score),),
        tables=tuple(tables),
        warnings=shown.warnings,
        versions=environment(),
    )


@view_of.register
def _(shown: Explanation, *, with_pictures: bool = True) -> View:
    rows = tuple(trial.cells for trial in (shown.own, *shown.nearest) if trial is shown.own or trial.changes)
    return View(
        title=f"Where does FID {shown.published} come from?",
        summary=f"{shown.verdict[:1].upper()}{shown.verdict[1:]}.",
        tables=(Table("recipes", f"The nearest of {shown.num_tried} recipes", HEADS, rows),),
        warnings=shown.warnings,
        versions=environment(),
    )


@view_of.register
def _(shown: ProtocolTable, *, with_pictures: bool = True) -> View:
    rows = tuple((name, PROTOCOLS[name].why) for name in shown.scores)
    return View(
        title="FID under every protocol",
        summary="The same images, scored as each package scores them.",
        scores=tuple(score_row(score, name) for name, score in shown.scores.items()),
        set_head="Protocol",
        tables=(Table("protocols", "Why do the values differ?", ("Protocol", "Method"), rows),),
        warnings=shown.warnings,
        versions=environment(),
    )


@view_of.register
def _(shown: PathLength, *, with_pictures: bool = True) -> View:
    row = (f"{shown.value:.4g}", shown.interval.words(shown.value), f"{shown.std:.4g}", shown.protocol)
    heads = ("PPL (lower is better)", "95 % interval", "Standard deviation", "Protocol")
    return View(
        title="Perceptual path length",
        summary="How far images move while the latents of a generator move a little.",
        tables=(Table("length", "Perceptual path length", heads, (row,)),),
        versions=environment(),
    )


def _figures_of_result(shown: Result, pair: Pair | None) -> Iterable[Drawing]:
    if any(score.interval is not None for score in shown.scores.values()):
        yield figures.of_scores(shown.scores)
    yield from _figures_of_pair(pair) if pair is not None else ()


def _pair_of(shown: Result) -> Pair | None:
    """Return both sets where their features were kept for some score."""
    real, fake = shown.real, shown.fake
    has_rows = real is not None and real.features is not None and fake.features is not None
    return Pair(real, fake) if real is not None and has_rows else None


def _figures_of_pair(pair: Pair) -> Iterable[Drawing]:
    if pair.classes is not None:
        yield figures.class_histogram(pair.classes)
    yield figures.coverage_map(pair.clusters)
    yield figures.cluster_bars(pair.clusters)
    yield from figures.of_sets(pair.real, pair.fake)


def _galleries(real: Statistics | None, fake: Statistics, pair: Pair | None) -> Iterable[Gallery]:
    yield from gallery.of_pair(pair) if pair is not None else ()
    yield from gallery.of_sets(real, fake)
    yield from gallery.attribution(real, fake)


def _pictures_of(shown: Comparison) -> Iterable[Gallery]:
    """Yield samples of the real and of every generated set in columns, then what contributes most to FID of each."""
    first = next(iter(shown.results.values()))
    yield from gallery.beside({"real": first.real, **{name: each.fake for name, each in shown.results.items()}})
    for place, (name, result) in enumerate(shown.results.items()):
        for each in gallery.attribution(result.real, result.fake):
            yield replace(each, name=f"{each.name}-{place}", title=f"{each.title}: {name}", is_folded=True)


def _named_warnings(results: Mapping[str, Result]) -> Iterable[str]:
    for name, result in results.items():
        yield from (f"{name}: {warning}" for warning in result.warnings)


def score_row(score: Score, set_name: str = "") -> ScoreRow:
    """Return one score as a row of the table of scores."""
    around = score.interval
    return ScoreRow(
        title=score.title,
        value=score.rounded,
        interval="" if around is None else around.words(score.value),
        method="" if around is None else around.method,
        direction="higher is better" if score.higher_is_better else "lower is better",
        signature=str(score.signature),
        set_name=set_name,
    )


def _counts(real: Statistics | None, fake: Statistics) -> str:
    of_real = "" if real is None else f"{real.count:,} real and "
    return f"{of_real}{fake.count:,} fake images, features of {fake.recipe.extractor}."


def _sides(sides: Iterable[tuple[str, Statistics | None]]) -> tuple[Side, ...]:
    return tuple(Side(role, tuple(_facts(side))) for role, side in sides if side is not None)


def _facts(side: Statistics) -> Iterable[tuple[str, str]]:
    """Yield what the JSON says of a set, in words; what is not known is left out."""
    known = describe(side)
    yield "images", f"{side.count:,}" + (f", {side.skipped} left out" if side.skipped else "")
    yield "from", known["source"] or known["name"] or "memory"
    yield "digest", known["digest"]
    for name in ("sizes", "formats", "kinds"):
        rows = [f"{value} ({count:,})" for value, count in list(known[name].items())[:COMMONEST] if count]
        if rows:
            yield name, ", ".join(rows)
    yield "network", f"{side.recipe.network}, {side.recipe.resize}"
    if side.recipe.reading:
        yield "reading", ", ".join(side.recipe.reading)
