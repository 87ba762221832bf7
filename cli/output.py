"""From the shared options to a printed result."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganmetrics._files import check_writable, shown
from ganmetrics._wording import in_options

from .options import spelled

if TYPE_CHECKING:
    from ganmetrics import Attribution, Comparison, Diagnosis, ProtocolTable, Result
    from ganmetrics.evaluation.compare_saved import SavedComparison
    from ganmetrics.metrics import Metric

    from .options import Settings

    Printable = Result | Comparison | SavedComparison | Attribution | ProtocolTable | Diagnosis

Shown = TypeVar("Shown", bound="Printable")


def score(real: str | None, fake: str, metrics: Sequence[str], settings: Settings, test: str | None = None) -> None:
    """Evaluate and print: the table on stdout and warnings on stderr, or JSON where it was asked for."""
    import ganmetrics as gm

    show(
        lambda: gm.evaluate(
            _vouched(real, settings),
            _vouched(fake, settings),
            _vouched(test, settings),
            metrics=configured(metrics, settings.changes),
            extractor=settings.extractor,
            weights=settings.weights,
            device=settings.device,
            batch_size=settings.batch_size,
            seed=settings.seed,
            ci=settings.ci,
            protocol=settings.protocol,
            reading=settings.reading,
        ),
        settings,
    )


def compare(
    real: str, fakes: Sequence[str], metrics: Sequence[str], settings: Settings, test: str | None = None
) -> None:
    """Compare and print: tables and verdicts on stdout, warnings on stderr, or JSON where it was asked for."""
    import ganmetrics as gm

    show(
        lambda: gm.compare(
            _vouched(real, settings),
            *(_vouched(fake, settings) for fake in fakes),
            test=_vouched(test, settings),
            metrics=configured(metrics, settings.changes),
            extractor=settings.extractor,
            weights=settings.weights,
            device=settings.device,
            batch_size=settings.batch_size,
            seed=settings.seed,
            ci=settings.ci,
            reading=settings.reading,
        ),
        settings,
    )


def compare_saved(paths: Sequence[str], settings: Settings) -> None:
    """Compare saved results and print the verdicts."""
    import ganmetrics as gm

    show(lambda: gm.compare_saved(*paths, force=settings.force), settings)


def attributed(real: str, fake: str, num_images: int, settings: Settings) -> None:
    """FID with the fakes that contribute most to it."""
    import ganmetrics as gm

    show(
        lambda: gm.attribute(
            _vouched(real, settings),
            _vouched(fake, settings),
            metric=configured(["fid"], settings.changes)[0],
            num_images=num_images,
            extractor=settings.extractor,
            weights=settings.weights,
            device=settings.device,
            batch_size=settings.batch_size,
            reading=settings.reading,
        ),
        settings,
    )


def every_protocol(real: str, fake: str, settings: Settings) -> None:
    """FID under every protocol."""
    import ganmetrics as gm

    if settings.extractor is not None:
        raise gm.UsageError("every protocol goes with Inception", where="--extractor", hint="Leave the extractor out")
    show(
        lambda: gm.every_protocol(
            real,
            fake,
            device=settings.device,
            batch_size=settings.batch_size,
            weights=settings.weights,
            ci=settings.ci,
            reading=settings.reading,
        ),
        settings,
    )


def names_of(metrics: str) -> list[str]:
    """The metrics of a list that is parted by commas outside parentheses."""
    return [name for name in re.split(r",(?![^()]*\))", metrics) if name.strip()]


def diagnose(real: str, fake: str, test: str | None, labels: str | None, settings: Settings) -> str:
    """Diagnose and print the findings on stdout, or JSON; the worst verdict."""
    import ganmetrics as gm

    return show(
        lambda: gm.diagnose(
            real,
            fake,
            test,
            labels=labels,
            extractor=settings.extractor,
            weights=settings.weights,
            device=settings.device,
            batch_size=settings.batch_size,
            seed=settings.seed,
            reading=settings.reading,
        ),
        settings,
    ).verdict


def show(work: Callable[[], Shown], settings: Settings) -> Shown:
    """Do the work and print where the options say: a table on stdout and warnings on stderr, or JSON; and a report."""
    from ganmetrics import InputError, UsageError

    if settings.html_path == "-":
        raise UsageError("a report goes to a file", where="--html", hint="Name a file such as report.html")
    if not settings.is_first:
        return work()
    for path in (settings.json_path, settings.html_path):
        if path not in (None, "-"):
            check_writable(str(path), force=settings.force)
    result = work()
    if settings.strict and result.warnings:
        raise InputError("; ".join(result.warnings), where="--strict", code="E-STRICT")
    if settings.json_path == "-":
        click.echo(result.to_json())
    else:
        for warning in result.warnings:
            click.echo(f"warning: {in_options(warning, spelled(click.get_current_context().command))}", err=True)
        if settings.json_path:
            result.save(settings.json_path, force=settings.force)
        click.echo(str(result))
    if settings.html_path:  # last: figures take time, and scores must not wait for them
        _report(result, settings)
    return result


def _report(result: Any, settings: Settings) -> None:
    command = shown(click.get_current_context().find_root().obj or "")
    result.save_html(settings.html_path, command=command, force=settings.force)
    click.echo(f"the report is in {settings.html_path}", err=True)


def configured(metrics: Sequence[str], changes: Sequence[str]) -> list[Metric | str]:
    """The named metrics with every ``METRIC.OPTION=VALUE`` applied (UsageError)."""
    from ganmetrics import UsageError
    from ganmetrics.metrics import metric
    from ganmetrics.metrics.metric import parse_option
    from ganmetrics.scoring.plan import chosen_metrics

    asked, is_lenient = chosen_metrics(list(metrics))
    chosen, changed = {each.name: each for each in asked}, set()
    for change in changes:
        target, _, value = change.partition("=")
        name, _, option = target.partition(".")
        name = metric(name).name
        if not option or not value or name not in chosen:
            what = f"--set {change}: expected METRIC.OPTION=VALUE of a metric that is asked for ({', '.join(chosen)})"
            raise UsageError(what, where="--set")
        chosen[name] = chosen[name].configured({option: parse_option(value)})
        changed.add(name)
    words = [each for each in metrics if each in ("all", "default")]
    return [*words, *(chosen[name] for name in changed)] if is_lenient else list(chosen.values())


def _vouched(side: str | None, settings: Settings) -> Any:
    """A side, opened here where the user vouches for its recipe."""
    if side is None or settings.assume_recipe is None:
        return side
    from ganmetrics.measurement import archive

    is_foreign = os.path.isfile(side) and archive.is_statistics(Path(side))
    return archive.load_statistics(side, assume=settings.assume_recipe) if is_foreign else side


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of cells in columns that are as wide as their widest cell, the last one as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        click.echo("  ".join(cells).rstrip())
