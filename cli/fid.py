"""``ganmetrics fid REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings, scoring_options
from .output import score


@click.command()
@click.argument("real")
@click.argument("fake")
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str) -> None:
    """Fréchet inception distance of two sets of images; lower is better.

    REAL and FAKE are folders, zips, npz or npy files of uint8 images, saved statistics (npz), or names such as
    mnist-test or torchvision:CIFAR10:train.

    \b
    ganmetrics fid real/ fake/
    ganmetrics fid mnist-test fake/
    ganmetrics fid real.npz fake/ --json result.json
    """
    score(real, fake, ["fid"], Settings.of(ctx))
