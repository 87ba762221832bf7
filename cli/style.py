"""``ganmetrics style REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings
from .output import show


@click.command()
@click.argument("real")
@click.argument("fake")
@click.option("--network", default="auto", show_default=True, metavar="vgg19|random-vgg19|digits",
              help="auto is vgg19 where its weights are given, else random-vgg19.")  # fmt: skip
@click.option("--weights", metavar="FILE", help="Weights for vgg19, in torchvision's layout.")
@click.option("--paired", is_flag=True, help="Compare the images one by one in their order, and average.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]|mps")
@click.option("--on-error", type=click.Choice(["error", "skip"]), default="error", show_default=True,
              help="A file that cannot be read ends the run, or is counted and left out.")  # fmt: skip
@click.option("--alpha", type=click.Choice(["error", "white", "black", "drop"]), default="error", show_default=True,
              help="Transparent pixels: refuse, paint on a colour, or drop the channel.")  # fmt: skip
@click.option("--frames", type=click.Choice(["error", "first"]), default="error", show_default=True,
              help="Images of several frames: refuse, or take the first.")  # fmt: skip
@click.option("--exif-transpose", is_flag=True, help="Apply EXIF orientations.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write the result as JSON; - prints it instead.")
@click.option("--force", is_flag=True, help="Overwrite an output that exists.")
def command(
    real: str,
    fake: str,
    network: str,
    weights: str | None,
    paired: bool,
    device: str,
    on_error: str,
    alpha: str,
    frames: str,
    exif_transpose: bool,
    quiet: bool,
    json_path: str | None,
    force: bool,
) -> None:
    """Style and content distance (Gatys et al.) of two images or two sets; lower is better, 0 at best.

    REAL and FAKE are image files, folders, zips, npz or npy files of uint8 images, or torchvision:NAME:SPLIT.
    Titles and signatures say which network was used; distances under different networks do not compare.

    \b
    ganmetrics style real/ fake/
    ganmetrics style painting.png photo.png
    ganmetrics style photos/ stylised/ --paired --weights vgg19-dcbb9e9d.pth
    """
    from ganmetrics import Reading
    from ganmetrics._files import check_writable
    from ganmetrics.evaluation.style import style_and_content

    if json_path not in (None, "-"):
        check_writable(str(json_path), force=force)
    exif = "transpose" if exif_transpose else "ignore"
    reading = Reading(on_error=on_error, alpha=alpha, frames=frames, exif=exif, progress=not quiet)
    result = style_and_content(
        real, fake, network=network, weights=weights, paired=paired, device=device, reading=reading
    )
    show(result, Settings(None, weights, device, None, reading, json_path=json_path, force=force))
