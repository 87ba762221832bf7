"""``ganmetrics style REAL FAKE``."""

from __future__ import annotations

import click

from .grouped_help import NETWORK, SCORES, Command
from .options import DEVICES, Settings, file_options, set_argument
from .output import run
from .output_options import force_option, format_option, json_option


@click.command(cls=Command)
@set_argument("real")
@set_argument("fake")
@click.option("--network", default="auto", show_default=True, metavar="vgg19|random-vgg19|digits", cls=NETWORK,
              help="The network whose feature maps are compared. auto is vgg19 where its weights are given, else "
              "random-vgg19.")  # fmt: skip
@click.option("--weights", metavar="FILE", cls=NETWORK, help="Weights for vgg19, in torchvision's layout.")
@click.option("--paired", is_flag=True, cls=SCORES,
              help="Compare the images one by one in their order. The distances are averaged.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, metavar=DEVICES, cls=NETWORK,
              help="Where the network runs.")  # fmt: skip
@file_options
@format_option
@json_option
@force_option
@click.pass_context
def command(
    ctx: click.Context, real: str, fake: str, network: str, weights: str | None, paired: bool, device: str
) -> None:
    """Compute style and content distance (Gatys et al.).

    Lower is better, 0 at best. REAL and FAKE are image files, folders, zips, npz or npy files of uint8 images, or
    torchvision:NAME:SPLIT. Titles and signatures say which network was used; distances under different networks do not
    compare.

    \b
    ganmetrics style real/ fake/
    ganmetrics style painting.png photo.png
    ganmetrics style photos/ stylised/ --paired --weights vgg19-dcbb9e9d.pth
    """
    from ganmetrics.evaluation.style_and_content import style_and_content

    own = {"network": network, "weights": weights, "paired": paired, "device": device}
    run(style_and_content, [real, fake], Settings.of(ctx), own)
