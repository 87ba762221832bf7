"""``ganmetrics demo``."""

from __future__ import annotations

import click

from .grouped_help import Command


@click.command(cls=Command)
@click.option("--num-images", default=2000, show_default=True, type=click.IntRange(min=100), help="Number of images.")
@click.option("--seed", default=0, show_default=True, help="Random seed for the latents.")
@click.option("--folder", default="ganmetrics-demo", show_default=True, help="The folder for the images.")
@click.option("--force", is_flag=True, help="Overwrite the images of an earlier run.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
def command(num_images: int, seed: int, folder: str, force: bool, quiet: bool) -> None:
    """Score images of a bundled generator; nothing is downloaded.

    The bundled DCGAN draws digits, which are scored against MNIST and shown on one picture.

    \b
    ganmetrics demo
    """
    from ganmetrics.demo import run

    demo = run(folder, num_images=num_images, seed=seed, force=force, progress=not quiet)
    click.echo(f"{demo.num_images} images of the bundled DCGAN are in {demo.fake}, some of them on {demo.sheet}\n")
    click.echo("Scored against MNIST's test set with the extractor digits (its own scale, not Inception's):")
    click.echo(str(demo.result))
    for warning in demo.result.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo("\nNext:")
    for line in demo.next_commands:
        click.echo(f"  {line}")
