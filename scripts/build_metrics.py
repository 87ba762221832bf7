"""Write the facts of each metric and its measured values into ``docs/metrics/NAME.md`` and ``docs/metrics.md``.

    python scripts/build_metrics.py

The prose of the pages is written by hand. The lines between ``<!-- record -->`` and ``<!-- /record -->`` come from the
metric's record, those between ``<!-- responses -->`` and ``<!-- /responses -->`` from ``docs/metrics/responses.json``,
which ``python -m benchmarks.responses`` measures.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from ganmetrics._files import atomic_write
from ganmetrics.metrics import METRICS, Metric
from ganmetrics.metrics.needs import IMAGES

DOCS = Path(__file__).parent.parent / "docs"
INTERVALS = {
    "own": "yes, by a method of the metric's own",
    "parts": "yes, from the spread over disjoint parts of the sets",
    "pairs": "yes, from the standard error over independent pairs",
    "none": "no: no method was shown to cover",
}
SETS = {"real": "real", "fake": "generated", "test": "held-out real"}
NETWORKS = {"any": "any", "none": "none: it reads pixels", "classifiers": "a classifier, such as Inception or `digits`"}
Responses = dict[str, dict[str, str]]


def record(metric: Metric) -> str:
    """The facts of a metric as a table of two columns."""
    scores = [
        f"{part.title}: {_direction(part.higher_is_better)} is better, best: {part.best}" for part in metric.parts
    ]
    options = [f"`{name}={value}`" for name, value in metric.settings.items()]
    rows = {
        "Name": f"`{metric.name}`",
        "Scores": "; ".join(scores),
        "Images": ", ".join(SETS[name] for name in metric.compares.split()),
        "Network": NETWORKS.get(metric.extractor, f"`{metric.extractor}`"),
        "Cost beside the network": metric.cost,
        "Options": " ".join(options) or "none",
        "95 % interval": f"[{INTERVALS[_interval(metric)]}](../intervals.md)",
        "Paper": re.sub(r"arXiv:([\d.]+\d)", r"[arXiv:\1](https://arxiv.org/abs/\1)", metric.paper),
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([lines[0], "|---|---|", *lines[1:]])


def _direction(is_higher: bool) -> str:
    return "higher" if is_higher else "lower"


def _interval(metric: Metric) -> str:
    if IMAGES in metric.reads:
        return "pairs"
    return "own" if metric.uncertainty else metric.resampling or "none"


def responses(metric: Metric, measured: Responses) -> str:
    """What a metric gave for sets with known faults; empty where it was not measured."""
    names = [part.name for part in metric.parts]
    found = {fault: scores for fault, scores in measured.items() if names[0] in scores}
    if not found:
        return ""
    head = ["generated images", *(part.title for part in metric.parts)]
    rows = [[fault, *(short(scores[name]) for name in names)] for fault, scores in found.items()]
    return (
        "## Values for known faults\n\n"
        "1,000 generated digits of each kind against 1,000 real ones of MNIST, with the network `digits`\n"
        "([the sets](../metrics.md#how-do-the-metrics-respond-to-known-faults)). In parentheses the 95 % interval.\n\n"
        + table(head, rows)
    )


def overview(measured: Responses) -> str:
    """Every value that was measured, without its interval."""
    rows = []
    for metric in METRICS.records().values():
        for part in metric.parts:
            values = [short(scores.get(part.name, "")).partition(" ")[0] for scores in measured.values()]
            rows += [[f"[{part.title}](metrics/{metric.name}.md)", *values]] if any(values) else []
    return table(["score", *measured], rows)


def short(printed: str) -> str:
    """A printed score with three digits of the value: ``"10.9 (8.1 to 14.6)"``."""
    value, space, interval = printed.partition(" ")
    if not value:
        return ""
    number = float(value)
    return (f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}") + space + interval


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def filled(page: str, name: str, text: str) -> str:
    """The page with other lines between the two comments of that name; each must be there once."""
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise click.ClickException(f"the page has no lines {start.strip()} and {end}")
    return f"{before}{start}\n{text}\n\n{end}{after}" if text else f"{before}{start}{end}{after}"


@click.command()
@click.option("-o", "--output", default=DOCS, type=click.Path(file_okay=False, path_type=Path), help="The folder docs.")
def main(output: Path) -> None:
    """Bring every page up to date."""
    measured = json.loads((output / "metrics" / "responses.json").read_text())
    pages = {output / "metrics.md": {"responses": overview(measured)}}
    for metric in METRICS.records().values():
        pages[output / "metrics" / f"{metric.name}.md"] = {
            "record": record(metric),
            "responses": responses(metric, measured),
        }
    for path, pieces in pages.items():
        page = path.read_text()
        for name, text in pieces.items():
            page = filled(page, name, text)
        with atomic_write(path) as stream:
            stream.write(page.encode())
    click.echo(f"{len(pages) - 1} metrics")


if __name__ == "__main__":
    main()
