"""``ganmetrics style REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings, file_options, force_option, json_option
from .output import show


@click.command()
@click.argument("real")
@click.argument("fake")
@click.option("--network", default="auto", show_default=True, metavar="vgg19|random-vgg19|digits",
              help="auto is vgg19 where its weights are given, else random-vgg19.")  # fmt: skip
@click.option("--weights", metavar="FILE", help="Weights for vgg19, in torchvision's layout.")
@click.option("--paired", is_flag=True, help="Compare the images one by one in their order, and average.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]|mps")
@file_options
@json_option
@force_option
@click.pass_context
def command(
    ctx: click.Context, real: str, fake: str, network: str, weights: str | None, paired: bool, device: str
) -> None:
    """Style and content distance (Gatys et al.) of two images or two sets; lower is better, 0 at best.

    REAL and FAKE are image files, folders, zips, npz or npy files of uint8 images, or torchvision:NAME:SPLIT.
    Titles and signatures say which network was used; distances under different networks do not compare.

    \b
    ganmetrics style real/ fake/
    ganmetrics style painting.png photo.png
    ganmetrics style photos/ stylised/ --paired --weights vgg19-dcbb9e9d.pth
    """
    from ganmetrics.evaluation.style_and_content import style_and_content

    settings = Settings.of(ctx)
    show(
        lambda: style_and_content(
            real, fake, network=network, weights=weights, paired=paired, device=device, reading=settings.reading
        ),
        settings,
    )
