"""Outputs of a monitor: a folder, a writer of scalars, a log, a call when the score is the best so far."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import disk_errors, shown
from ganmetrics._progress import Bar
from ganmetrics.distributed import ranks
from ganmetrics.errors import UsageError
from ganmetrics.reporting.contact_sheet import contact_sheet, save_png
from ganmetrics.training.records import Record, best_of
from ganmetrics.training.writers import check_writer

if TYPE_CHECKING:
    from PIL import Image

    from ganmetrics.diagnosis.finding import Finding
    from ganmetrics.scoring.cautions import Caution
    from ganmetrics.scoring.result import Result
    from ganmetrics.types import Images

SCORES, SAMPLES = "scores.jsonl", "samples"
# Images in a row and in a column of a sheet, where they are small.
ROW = 8
# Pixels of a sheet's side at most, unless one image is larger.
SIDE = 2048
# Smaller images are enlarged by a whole number, to at least so many pixels.
LEAST = 64


def to_stderr(text: str) -> None:
    """A line on stderr, above a progress bar where one is shown."""
    if sys.stderr is not None:
        Bar.write(text, file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where a monitor's lines, curves and best generators go, beside its folder.

    Attributes
    ----------
    log : callable
        Gets one line for each evaluation and, once, each fault with what to try and each caution about images that
        fill little of their range; by default it writes to stderr.
    writer : object, optional
        A logger that offers ``add_scalar`` (TensorBoard's ``SummaryWriter``), ``track`` (a run of Aim), ``log_metrics``
        (the module ``mlflow``, a logger of Lightning) or ``log(values, step=step)`` (a run of Weights & Biases, the
        module ``trackio``). The keys are ``gm/fid``, ``gm/fid/low``, ``gm/fid/high``, ``gm/seconds`` and so on.
    on_best : callable, optional
        ``on_best(step, result)`` is called where the first metric is the best so far, to save the generator. What it
        raises ends the training.
    """

    log: Callable[[str], None] = to_stderr
    writer: Any = None
    on_best: Callable[[int, Result], None] | None = None

    def __post_init__(self) -> None:
        if self.writer is not None:
            check_writer(self.writer)


def made(folder: Path) -> Path:
    """Make the folder in the first rank, and return it (ResourceError, UsageError)."""
    if folder.exists() and not folder.is_dir():
        raise UsageError("the monitor's folder is a file", where=shown(folder), hint="Name a folder", code="E-OUTPUT")
    if ranks.rank() == 0:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return folder


def line(record: Record, history: Sequence[Record]) -> str:
    """Return one evaluation in words: ``step 2000  FID(digits) 12.3 (11.9 to 12.8) (best 11.8 at 1500)  4.1 s``."""
    best = best_of(history)
    is_best = best is None or best.step == record.step
    compared = "(best)" if best is None or is_best else f"(best {best.first.value:.4g} at {best.step})"
    first, *others = record.scores.values()
    faults = ", ".join(f"{verdict} {name}" for name, verdict in record.findings.items())
    parts = [f"step {record.step}", f"{first} {compared}", *map(str, others), f"{record.seconds:.1f} s"]
    return "  ".join(parts + ([f"health: {faults}"] if faults else []))


def fault(step: int, finding: Finding) -> str:
    """Return a fault and what to try, in a few lines."""
    advice = [f"        try: {each}" for each in finding.advice]
    return "\n".join([f"step {step}  {finding.verdict}  {finding.name}: {finding.sentence}", *advice])


def caution(step: int, alarm: Caution) -> str:
    """Return a line about what is hardly meant about the images that were scored."""
    return f"step {step}  caution  {alarm.sentence}"


def sheet(images: Images) -> Image.Image:
    """At most 64 images on one sheet, fewer where they are large."""
    height, width = images.shape[2:]
    # Whole factors keep pixels sharp.
    scale = max(1, LEAST // max(height, width))
    columns, rows = (max(1, min(ROW, SIDE // (scale * side))) for side in (width, height))
    return contact_sheet(images[: columns * rows], columns, scale=scale)


def save_sheet(picture: Image.Image, step: int, folder: Path) -> None:
    """Write the samples of a step (ResourceError)."""
    place = folder / SAMPLES
    with disk_errors(place):
        place.mkdir(exist_ok=True)
    save_png(picture, place / f"step-{step:06}.png")
