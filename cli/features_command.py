"""``ganmetrics features REAL -o FILE``."""

from __future__ import annotations

import click

from .grouped_help import Command
from .options import Settings, reading_options, set_argument
from .output import build_statistics
from .output_options import force_option


@click.command(cls=Command)
@set_argument("images")
@click.option("-o", "--output", required=True, metavar="FILE.npz", help="The file for the features.")
@click.option("--name", default="", help="A name for signatures.")
@click.option("--logits", is_flag=True, help="Also write the logits of a classifier, for IS.")
@force_option
@reading_options
@click.pass_context
def command(ctx: click.Context, images: str, output: str, name: str, logits: bool) -> None:
    """Write the features of a set of images to a file.

    `ganmetrics fid --help` says what IMAGES may be. FILE.npz holds the array `features` [N, D], its mean and
    covariance, and the network that made it, so that every command takes it in place of the images.

    \b
    ganmetrics features real/ -o real.npz
    ganmetrics features fake/ -o fake.npz --extractor colour
    ganmetrics kid real.npz fake.npz
    ganmetrics fid a.npy b.npy --features-name r3d18     features of a network of your own
    """
    build_statistics(Settings.of(ctx), images, output, ("moments", "features", *["logits"] * logits), name)
