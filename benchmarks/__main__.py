"""``python -m benchmarks``: measure, check against what was recorded, or make the synthetic files."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

import click

from benchmarks import machine
from benchmarks.plan import FORMATS, Plan
from benchmarks.report import Report, attempt
from benchmarks.whole import PEERS

PARTS = (
    *("startup", "resize", "decode", "forward", "frechet", "moments", "neighbors", "diagnosis"),
    *("tf32", "stages", "repeated", "curves", "whole"),
)
QUICK_IMAGES = 6


@click.group()
def main() -> None:
    """Side-by-side measurements of ganmetrics and its peers on this machine."""


@main.command()
@click.option("--quick", "is_quick", is_flag=True, help="Tiny sizes and one round: proves that the code works.")
@click.option(
    "--num-images",
    "counts",
    multiple=True,
    default=(300,),
    show_default=True,
    type=click.IntRange(min=2),
    help="Of each side; further ones are for the part whole.",
)
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(min=1), help="Turns that are counted.")
@click.option("--only", "parts", multiple=True, type=click.Choice(PARTS), help="A part; may be repeated.")
@click.option("--peers", multiple=True, type=click.Choice(PEERS), help="Of the part whole; may be repeated.")
@click.option("--format", "formats", multiple=True, type=click.Choice(FORMATS), help="Of the part whole.")
@click.option("-o", "--output", default="benchmarks/results.json", show_default=True, type=click.Path(path_type=Path))
def run(
    is_quick: bool,
    counts: tuple[int, ...],
    rounds: int,
    parts: tuple[str, ...],
    peers: tuple[str, ...],
    formats: tuple[str, ...],
    output: Path,
) -> None:
    """Measure everything, write JSON and, beside it, a Markdown page; both are kept up to date after each part."""
    if not output.parent.is_dir():
        raise click.UsageError(f"the folder {output.parent} does not exist; make it or choose another -o")
    counts, rounds = ((min(counts[0], QUICK_IMAGES),), 1) if is_quick else (counts, rounds)
    ceilings = {} if is_quick else machine.ceilings()
    sizes = ", ".join(map(str, counts))
    report = Report(machine.facts() | ceilings, {"quick": is_quick, "images of each side": sizes, "rounds": rounds})
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), counts[0], rounds, is_quick, counts[1:], peers, formats or FORMATS)
        for part in parts or PARTS:
            click.echo(f"{part} ...", err=True)
            attempt(part, lambda part=part: import_module(f"benchmarks.{part}").rows(plan), report)  # type: ignore[misc]
            report.save(output)
    click.echo(report.to_markdown())
    if report.failures:
        raise click.ClickException(f"not measured: {', '.join(report.failures)}; {output} says why")


@main.command()
@click.option("--record", "is_recording", is_flag=True, help="Write the ratios into benchmarks/recorded.json instead.")
def check(is_recording: bool) -> None:
    """Measure a little, and fail where a ratio to a peer is worse than twice the recorded one, three times running."""
    from benchmarks import check as checking

    with tempfile.TemporaryDirectory() as folder:
        found = checking.measured(Path(folder))
    if is_recording:
        checking.save(found)
        return
    recorded = checking.load()
    if found.keys().isdisjoint(recorded):
        raise click.ClickException("none of the rows was recorded; run python -m benchmarks check --record")
    for _ in range(checking.REPEATS):  # other work on the machine makes a ratio worse, and hardly ever better
        if checking.complaints(found, recorded):
            with tempfile.TemporaryDirectory() as folder:
                found = checking.best(found, checking.measured(Path(folder)))
    for complaint in (complaints := checking.complaints(found, recorded)):
        click.echo(complaint, err=True)
    if complaints:
        raise SystemExit(1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--num-images", default=300, show_default=True, type=click.IntRange(min=1), help="Of each side.")
def make(folder: Path, num_images: int) -> None:
    """Write the weights and the images of the measurements into FOLDER, to run any of the commands by hand."""
    plan = Plan(folder, num_images)
    click.echo(f"weights: {plan.weights}")
    for format in FORMATS:
        real, fake = plan.images(format)
        click.echo(f"{format}: {real} {fake}")


if __name__ == "__main__":
    main()
