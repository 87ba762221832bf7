"""The demonstration: sample a bundled generator, write its images, score them, show them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from ganmetrics import generators
from ganmetrics._files import disk_errors, remove_abandoned, shown
from ganmetrics._progress import progress_bar
from ganmetrics.data import Reading
from ganmetrics.errors import UsageError
from ganmetrics.evaluation.evaluate import evaluate
from ganmetrics.reporting.contact_sheet import contact_sheet, save_png

if TYPE_CHECKING:
    from ganmetrics.scoring.result import Result
    from ganmetrics.types import Images

GENERATOR, REFERENCE, EXTRACTOR = "dcgan-mnist", "mnist-test", "digits"


class Demo(NamedTuple):
    """The files and the scores that a demonstration leaves."""

    num_images: int
    fake: str
    sheet: str
    result: Result
    next_commands: list[str]


def run(folder: str, *, num_images: int, seed: int, force: bool, progress: bool) -> Demo:
    """Write ``num_images`` PNGs to FOLDER/fake and a contact sheet beside them, and score the folder.

    Raises
    ------
    UsageError
        The folder holds images already and ``force`` is false.
    ResourceError
        The folder cannot be written.
    """
    fake = Path(folder) / "fake"
    with disk_errors(fake):
        _prepare(fake, force)
        images = generators.load(GENERATOR)(num_images, seed=seed)
        _write(images, fake, progress)
        sheet = Path(folder) / "contact-sheet.png"
        save_png(contact_sheet(images[:100], 10, scale=2), sheet)
    result = evaluate(
        REFERENCE,
        fake,
        metrics=["fid", "is", "kid" if num_images >= 1000 else f"kid(subset_size={num_images})"],
        extractor=EXTRACTOR,
        reading=Reading(progress=progress),
    )
    return Demo(num_images, shown(fake), shown(sheet), result, _next_commands(shlex.quote(str(fake))))


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
            save_png(Image.fromarray(image[0].numpy()), fake / f"{index:05d}.png", is_one_of_many=True)
            bar.update()


def _next_commands(fake: str) -> list[str]:
    return [
        f"ganmetrics fid {REFERENCE} {fake} --json -",
        "ganmetrics evaluate your/real your/fake --metrics fid,is,kid",
        "ganmetrics stats build your/real -o real.npz",
    ]
