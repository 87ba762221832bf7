"""Writing samples to disk: images as PNGs in a folder, anything as one npz file."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ganmetrics._files import atomic_write, check_writable, disk_errors, remove_abandoned, shown
from ganmetrics._progress import progress_bar
from ganmetrics.data.places.paths import IMAGE_SUFFIXES, OTHER_ARCHIVES, PICKLES
from ganmetrics.errors import UsageError
from ganmetrics.reporting.contact_sheet import save_png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganmetrics.generators.system import Sampler


# Suffixes of files that are not written here, and that are no names for a folder.
FILES = IMAGE_SUFFIXES | OTHER_ARCHIVES | PICKLES | {".npy", ".zip"}


def draw(sampler: Sampler, num_samples: int, *, seed: int, options: Mapping[str, Any]) -> Tensor:
    """Draw samples with the options that this sampler knows, such as ``labels`` or ``truncation``.

    Raises
    ------
    UsageError
        An option that the sampler does not know.
    """
    # Options are the keyword-only parameters of the sampler.
    known = [p.name for p in inspect.signature(sampler).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            what = f"this generator has no option {name}"
            others = [f"`{each}`" for each in known if each != "seed"]
            raise UsageError(what, where=name, hint=f"It takes {' and '.join(others)}" if others else "Leave it out")
    return sampler(num_samples, seed=seed, **options)


def is_array(output: str) -> bool:
    return Path(output).suffix.lower() == ".npz"


def check_output(output: str, makes: str, *, force: bool) -> None:
    """Refuse, before sampling, an output that exists or cannot hold what is made."""
    if is_array(output):
        check_writable(output, force=force)
    elif makes != "images":
        raise UsageError(f"{makes} are written to one file", where=shown(output), hint="Name a file that ends in .npz")
    elif Path(output).suffix.lower() in FILES or (Path(output).exists() and not Path(output).is_dir()):
        raise UsageError(
            "the output is neither a folder nor an npz file", where=shown(output), hint="Name a folder, or a file .npz"
        )
    elif Path(output).is_dir() and any(Path(output).iterdir()) and not force:
        hint = "Choose another folder or pass `force=True` to replace images of the same names"
        raise UsageError("the folder is not empty", where=shown(output), hint=hint, code="E-EXISTS")


def write(samples: Tensor, output: str, *, progress: bool) -> None:
    """Write images [N, 3, H, W] as 00000.png and so on, or any samples as the array ``samples`` of an npz file.

    Images in an npz file are uint8 [N, H, W, 3].
    """
    is_images = samples.ndim == 4
    pixels = (samples.permute(0, 2, 3, 1) if is_images else samples).numpy()
    if is_array(output):
        with atomic_write(output) as stream:
            np.savez_compressed(stream, samples=pixels)
        return
    folder = Path(output)
    with disk_errors(folder), progress_bar("writing", len(pixels), progress) as bar:
        folder.mkdir(parents=True, exist_ok=True)
        # Parts of files that a killed run left.
        remove_abandoned(folder)
        for index, image in enumerate(pixels):
            save_png(Image.fromarray(image), folder / f"{index:05d}.png", is_one_of_many=True)
            bar.update()
