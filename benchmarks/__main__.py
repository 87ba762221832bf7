"""``python -m benchmarks``: measure, or make the synthetic files."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

import click

from benchmarks.plan import Plan
from benchmarks.report import Report, attempt, machine_facts

PARTS = ("startup", "resize", "forward", "frechet", "moments", "neighbors", "diagnosis", "whole")
QUICK_IMAGES = 6


@click.group()
def main() -> None:
    """Side-by-side measurements of ganmetrics and its peers on this machine."""


@main.command()
@click.option("--quick", "is_quick", is_flag=True, help="Tiny sizes and one round: proves that the code works.")
@click.option("--num-images", default=300, show_default=True, type=click.IntRange(min=2), help="Of each side.")
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(min=1), help="Turns that are counted.")
@click.option("--only", "parts", multiple=True, type=click.Choice(PARTS), help="A part; may be repeated.")
@click.option("-o", "--output", default="benchmarks/results.json", show_default=True, type=click.Path(path_type=Path))
def run(is_quick: bool, num_images: int, rounds: int, parts: tuple[str, ...], output: Path) -> None:
    """Measure everything, write JSON and, beside it, a Markdown page; both are kept up to date after each part."""
    if not output.parent.is_dir():
        raise click.UsageError(f"the folder {output.parent} does not exist; make it or choose another -o")
    num_images, rounds = (min(num_images, QUICK_IMAGES), 1) if is_quick else (num_images, rounds)
    report = Report(machine_facts(), {"quick": is_quick, "images of each side": num_images, "rounds": rounds})
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), num_images, rounds, is_quick)
        for part in parts or PARTS:
            click.echo(f"{part} ...", err=True)
            attempt(part, lambda part=part: import_module(f"benchmarks.{part}").rows(plan), report)  # type: ignore[misc]
            report.save(output)
    click.echo(report.to_markdown())
    if report.failures:
        raise click.ClickException(f"not measured: {', '.join(report.failures)}; {output} says why")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--num-images", default=300, show_default=True, type=click.IntRange(min=1), help="Of each side.")
def make(folder: Path, num_images: int) -> None:
    """Write the weights and the images of the measurements into FOLDER, to run any of the commands by hand."""
    plan = Plan(folder, num_images)
    click.echo(f"weights: {plan.weights}")
    for format in ("png", "jpeg"):
        real, fake = plan.images(format)
        click.echo(f"{format}: {real} {fake}")


if __name__ == "__main__":
    main()
