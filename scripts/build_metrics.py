"""Write ``docs/metrics.md`` from ``docs/metrics.in.md`` and the records of the metrics."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import click

from ganmetrics import functional
from ganmetrics._files import atomic_write
from ganmetrics.metrics import METRICS, Metric
from ganmetrics.metrics.needs import IMAGES


def purpose(record: Metric) -> str:
    """The first line of its public function's docstring."""
    home = record.function.__module__
    functions = [getattr(functional, name) for name in functional.__all__]
    public = next(f for f in functions if inspect.isfunction(f) and f.__module__ == home)
    return (inspect.getdoc(public) or "").splitlines()[0].replace("|", "\\|")


def table() -> str:
    """One row for each metric."""
    rows = [
        "| name | what it measures | numbers (best) | of | extractor | cost | options | interval | paper |",
        "|" + " --- |" * 9,
    ]
    for record in METRICS.records().values():
        arrows = {True: "↑", False: "↓"}
        numbers = ", ".join(f"{part.title} {arrows[part.higher_is_better]} ({part.best})" for part in record.parts)
        options = " ".join(f"{name}={value}" for name, value in record.settings.items())
        interval = _interval(record)
        cells = (
            f"`{record.name}`",
            purpose(record),
            numbers,
            record.compares,
            record.extractor,
            record.cost,
            options,
            interval,
        )
        cells = (*cells, record.paper)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _interval(record: Metric) -> str:
    if IMAGES in record.reads:
        return "standard error"
    return "own method" if record.uncertainty else "disjoint parts" if record.resampling else "none"


@click.command()
@click.option("-o", "--output", default="docs", show_default=True, type=click.Path(file_okay=False, path_type=Path))
def main(output: Path) -> None:
    """Write the page."""
    page = (output / "metrics.in.md").read_text().replace("{{metrics}}", table())
    with atomic_write(output / "metrics.md") as stream:
        stream.write(page.encode())
    click.echo(f"{os.fspath(output / 'metrics.md')}: {len(METRICS.names())} metrics")


if __name__ == "__main__":
    main()
