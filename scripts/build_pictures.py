"""Write ``docs/report.png``, the report of a collapsed generator as the README and the front page show it.

    GANMETRICS_DATA_DIR=DIR python scripts/build_pictures.py

DIR is a torchvision root with MNIST. The script draws 2,000 digits from the bundled generator ``dcgan-three-digits``,
runs the diagnosis, and photographs parts of the HTML report in a headless Chromium.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import click
from PIL import Image, ImageChops

import ganmetrics as gm

GENERATOR, REAL, EXTRACTOR, COUNT = "dcgan-three-digits", "torchvision:MNIST:test", "digits", 2000
WIDTH, HEIGHT, MARGIN = 1000, 2000, 12  # pixels
COLOURS = 64  # of the palette, which makes the file a third as large
# The evidence, the galleries and all but the first score and two figures stay in the report.
SHORT = """
nav, details, button, small, .gallery, #inputs, #reproduce, #scores tr:nth-child(n + 2),
#figures figure:nth-child(n + 3) { display: none !important }
#scores thead tr { display: table-row !important }
#scores h2, #figures h2 { display: none }
main section { margin-top: 1rem !important }
.cards { grid-template-columns: repeat(5, 1fr) !important; gap: 0.5rem !important }
.card { font-size: 0.85em; padding: 0.5rem 0.7rem !important }
.card p { margin-bottom: 0 }
body { background: white; padding-top: 0 !important }
"""


def report(folder: Path) -> Path:
    """The report of the collapsed generator."""
    fake = gm.generators.load(GENERATOR)(COUNT, seed=0)
    found = gm.diagnose(REAL, gm.source(fake, name=GENERATOR), extractor=EXTRACTOR)
    found.save_html(folder / "report.html")
    return folder / "report.html"


def photograph(page: Path, browser: str) -> Image.Image:
    """The shortened page, without the empty space below it."""
    page.write_text(page.read_text().replace("</head>", f"<style>{SHORT}</style></head>"))
    picture = page.with_suffix(".png")
    options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run([browser, *options, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)
    image = Image.open(picture).convert("RGB")
    box = ImageChops.difference(image, Image.new("RGB", image.size, image.getpixel((0, HEIGHT - 1)))).getbbox()
    return image.crop((0, 0, WIDTH, (box or image.getbbox())[3] + MARGIN))


@click.command()
@click.option("-o", "--output", default="docs/report.png", show_default=True, type=click.Path(path_type=Path))
@click.option("--browser", default="chromium", show_default=True)
def main(output: Path, browser: str) -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        image = photograph(report(Path(folder)), browser)
    image.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE).save(output, optimize=True)
    click.echo(f"{output}: {image.width} x {image.height} pixels, {output.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
