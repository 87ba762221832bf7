"""The demonstration: images that need no download, in grey and in colour, are written, scored and shown."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from ganmetrics import generators
from ganmetrics._files import disk_errors, remove_abandoned, shown
from ganmetrics._progress import progress_bar
from ganmetrics.data import Reading
from ganmetrics.demo.shapes import KINDS, shapes
from ganmetrics.errors import UsageError
from ganmetrics.evaluation.evaluate import evaluate
from ganmetrics.reporting.contact_sheet import contact_sheet, save_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganmetrics.scoring.result import Result
    from ganmetrics.types import Images

GENERATOR, REFERENCE, EXTRACTOR = "dcgan-mnist", "mnist-test", "digits"
# Drawn shapes in a set: well above the 242 dimensions of the extractor for colour.
NUM_SHAPES, COLOUR_EXTRACTOR = 600, "colour"
COLLAPSED = ("disc", "triangle")


class Shapes(NamedTuple):
    """Folders of drawn shapes of six kinds and of two of them alone, and the scores of the latter and of six kinds."""

    real: str
    fake: str
    result: Result
    healthy: Result


class Demo(NamedTuple):
    """The files and the scores that a demonstration leaves."""

    num_images: int
    fake: str
    sheet: str
    result: Result
    shapes: Shapes
    next_commands: list[str]


def run(folder: str, *, num_images: int, seed: int, force: bool, progress: bool) -> Demo:
    """Write images and contact sheets to a folder, and score the images.

    FOLDER/fake holds ``num_images`` digits of a bundled generator, which are scored with the extractor ``digits``.
    FOLDER/shapes-real and FOLDER/shapes-fake hold drawn shapes, which are scored with the extractor ``colour``.

    Raises
    ------
    UsageError
        A folder holds images already and ``force`` is false.
    ResourceError
        The folder cannot be written.
    """
    fake, reading = Path(folder) / "fake", Reading(progress=progress)
    with disk_errors(fake):
        _prepare(fake, force)
        images = generators.load(GENERATOR)(num_images, seed=seed)
        _write(images[:, :1], fake, progress)
        sheet = Path(folder) / "contact-sheet.png"
        save_png(contact_sheet(images[:100], 10, scale=2), sheet)
    kid = "kid" if num_images >= 1000 else f"kid(subset_size={num_images})"
    result = evaluate(REFERENCE, fake, metrics=["fid", "is", kid], extractor=EXTRACTOR, reading=reading)
    drawn = _shapes(Path(folder), seed, force, reading)
    return Demo(num_images, shown(fake), shown(sheet), result, drawn, _next_commands(fake, drawn))


def _shapes(folder: Path, seed: int, force: bool, reading: Reading) -> Shapes:
    """Write shapes of six kinds, and of two kinds as a collapsed generator would draw them, and score them."""
    sides, everything = (folder / "shapes-real", folder / "shapes-fake"), sorted(KINDS)
    with disk_errors(folder):
        for number, (side, kinds) in enumerate(zip(sides, (everything, COLLAPSED), strict=True)):
            _prepare(side, force)
            images = _drawn(kinds, 3 * seed + number)
            _write(images, side, reading.progress)
            save_png(contact_sheet(images[:60], 10), folder / f"{side.name}.png")
    result, healthy = (
        evaluate(sides[0], fake, metrics=["fid"], extractor=COLOUR_EXTRACTOR, reading=reading)
        for fake in (sides[1], _drawn(everything, 3 * seed + 2))
    )
    return Shapes(shown(sides[0]), shown(sides[1]), result, healthy)


def _drawn(kinds: Sequence[str], seed: int) -> Images:
    return shapes([kinds[index % len(kinds)] for index in range(NUM_SHAPES)], seed=seed)


def _prepare(fake: Path, force: bool) -> None:
    fake.mkdir(parents=True, exist_ok=True)
    remove_abandoned(fake)
    old = sorted(fake.iterdir())
    if old and not force:
        hint = "Pass `force=True` to replace its images, or another `folder`"
        raise UsageError("the demo's folder is not empty", where=shown(fake), hint=hint, code="E-EXISTS")
    for path in old:
        # Only files that an earlier demonstration wrote are removed.
        if path.suffix == ".png" and path.stem.isdigit():
            path.unlink()


def _write(images: Images, fake: Path, progress: bool) -> None:
    with progress_bar("writing", len(images), progress) as bar:
        for index, image in enumerate(images):
            pixels = image.permute(1, 2, 0).squeeze(2).numpy()
            save_png(Image.fromarray(pixels), fake / f"{index:05d}.png", is_one_of_many=True)
            bar.update()


def _next_commands(fake: Path, drawn: Shapes) -> list[str]:
    sides = " ".join(map(shlex.quote, (drawn.real, drawn.fake)))
    return [
        f"ganmetrics diagnose {sides} --extractor {COLOUR_EXTRACTOR} --html report.html",
        f"ganmetrics fid {REFERENCE} {shlex.quote(shown(fake))} --json -",
        "ganmetrics evaluate your/real your/fake --metrics fid,is,kid",
        "ganmetrics stats build your/real -o real.npz",
    ]
