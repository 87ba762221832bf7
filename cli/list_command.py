"""``ganmetrics list metrics|extractors|protocols``."""

from __future__ import annotations

import json

import click

from .grouped_help import Group
from .output import print_table


@click.group(cls=Group)
def command() -> None:
    """List the metrics, extractors and protocols.

    \b
    ganmetrics list metrics
    ganmetrics list extractors
    ganmetrics list protocols
    """


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def metrics(as_json: bool) -> None:
    """List every metric.

    Each has its numbers and their direction, the extractor it takes, its cost, its options and its paper.
    """
    from ganmetrics.metrics import METRICS

    records = METRICS.records().values()
    if as_json:
        click.echo(json.dumps([record.facts for record in records], indent=1, ensure_ascii=False))
        return
    rows = [("NAME", "NUMBERS (BEST)", "COMPARES", "EXTRACTOR", "COST", "OPTIONS", "PAPER")]
    for record in records:
        numbers = ", ".join(
            f"{part.title} {'^' if part.higher_is_better else 'v'} ({part.best})" for part in record.parts
        )
        options = " ".join(f"{name}={value}" for name, value in record.settings.items())
        row = (record.name, numbers, record.compares, record.extractor, record.cost, options, record.paper)
        rows.append(row)
    print_table(rows)


@command.command()
def extractors() -> None:
    """List every network whose features can be scored.

    Weights are bundled, or fetched once by `ganmetrics weights fetch`.
    """
    from ganmetrics.extractors import EXTRACTORS

    records = EXTRACTORS.records().values()
    rows = [("NAME", "WEIGHTS", "WHAT")]
    print_table([*rows, *((each.name, "fetched" if each.download else "bundled", each.summary) for each in records)])


@command.command()
def protocols() -> None:
    """List the packages whose numbers can be reproduced.

    Each protocol says how its numbers differ from the default's.
    """
    from ganmetrics.protocols import PROTOCOLS

    records = PROTOCOLS.records().values()
    print_table(
        [("NAME", "RESIZE", "PROVEN", "WHY"), *((each.name, each.resize, each.proven, each.why) for each in records)]
    )
    click.echo("\nDifferences between these packages that no protocol removes:")
    for each in records:
        for name, text in each.differs.items():
            click.echo(f"{each.name}: {name}: {text}")
