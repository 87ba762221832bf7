"""``ganmetrics fid REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings, scoring_options
from .output import attributed, every_protocol, score


@click.command()
@click.argument("real")
@click.argument("fake")
@click.option("--attribute", type=click.IntRange(min=1), metavar="N",
              help="Name the N fakes that raise the score most and least, and the share of each class.")  # fmt: skip
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str, attribute: int | None) -> None:
    """Fréchet inception distance of two sets of images; lower is better.

    REAL and FAKE are folders, zips, npz or npy files of uint8 images, patterns of image files in quotes,
    saved statistics (npz), or names such as mnist-test or torchvision:CIFAR10:train.

    \b
    ganmetrics fid real/ fake/
    ganmetrics fid mnist-test fake/
    ganmetrics fid real.npz fake/ --json result.json
    ganmetrics fid real/ fake/ --attribute 10
    ganmetrics fid real/ fake/ --protocol all      what every package would say
    """
    settings = Settings.of(ctx)
    if settings.protocol == "all":
        every_protocol(real, fake, settings)
    elif attribute is None:
        score(real, fake, ["fid"], settings)
    else:
        attributed(real, fake, attribute, settings)
