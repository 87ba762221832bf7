"""``ganmetrics demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .grouped_help import Command

if TYPE_CHECKING:
    from ganmetrics.scoring.result import Result


@click.command(cls=Command)
@click.option("--num-images", default=2000, show_default=True, type=click.IntRange(min=100), help="Number of digits.")
@click.option("--seed", default=0, show_default=True, help="Random seed for all images.")
@click.option("--folder", default="ganmetrics-demo", show_default=True, help="The folder for all images.")
@click.option("--force", is_flag=True, help="Overwrite the images of an earlier run.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
def command(num_images: int, seed: int, folder: str, force: bool, quiet: bool) -> None:
    """Score digits and coloured shapes; nothing is downloaded.

    A bundled DCGAN draws digits, which are scored against MNIST. Coloured shapes of two kinds are scored against shapes
    of six kinds, as a collapsed generator would be. Contact sheets show the images.

    \b
    ganmetrics demo
    """
    from ganmetrics.demo import run

    demo = run(folder, num_images=num_images, seed=seed, force=force, progress=not quiet)
    click.echo(f"{demo.num_images} images of the bundled DCGAN are in {demo.fake}, some of them on {demo.sheet}\n")
    click.echo("Scored against MNIST's test set with the extractor digits (its own scale, not Inception's):")
    _show(demo.result)
    drawn = demo.shapes
    click.echo(f"\nColoured shapes of six kinds are in {drawn.real}, and of two of these kinds alone in {drawn.fake}.")
    click.echo("Scored against six kinds with the extractor colour (a scale of its own too), two kinds have")
    _show(drawn.result)
    click.echo("and other shapes of all six kinds have")
    _show(drawn.healthy)
    click.echo("\nNext:")
    for line in demo.next_commands:
        click.echo(f"  {line}")


def _show(result: Result) -> None:
    click.echo(str(result))
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
