"""``ganmetrics fid REAL FAKE``."""

from __future__ import annotations

import click

from .grouped_help import SCORES, Command
from .options import Settings, scoring_options, set_argument
from .output import configured, run, without_protocol


@click.command(cls=Command)
@set_argument("real")
@set_argument("fake")
@click.option("--attribute", type=click.IntRange(min=1), metavar="N", cls=SCORES,
              help="List the N images that raise FID most, and lower it most. "
              "For classes use `ganmetrics diagnose`.")  # fmt: skip
@scoring_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str, attribute: int | None) -> None:
    """Compute the Fréchet Inception Distance of two sets.

    Lower is better. REAL and FAKE are folders, zips, npz or npy files of uint8 images, patterns of image files in
    quotes, saved statistics (npz), or names such as mnist-test or torchvision:CIFAR10:train.

    \b
    ganmetrics fid real/ fake/
    ganmetrics fid mnist-test fake/
    ganmetrics fid real.npz fake/ --json result.json
    ganmetrics fid real/ fake/ --attribute 10
    ganmetrics fid real/ fake/ --protocol all      FID as every package computes it
    """
    import ganmetrics as gm

    settings, sides = Settings.of(ctx), [real, fake]
    if attribute is not None:
        own = {"metric": configured(["fid"], settings.changes)[0], "num_images": attribute}
        run(gm.attribute, sides, without_protocol(settings, "Leave out --attribute, or the protocol"), own)
    elif settings.protocol != "all":
        run(gm.evaluate, sides, settings, {"metrics": ["fid"]})
    elif settings.extractor is not None:
        raise gm.UsageError("every protocol goes with Inception", where="--extractor", hint="Leave the extractor out")
    else:
        run(gm.every_protocol, sides, without_protocol(settings, ""))
