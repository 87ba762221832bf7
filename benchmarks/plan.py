"""What every part is told: how much to measure, and where the synthetic files are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.synthetic import write_images, write_weights

SIZE = 256
FORMATS = ("png", "jpeg")
CHECKPOINT = Path("hub", "checkpoints", "pt_inception-2015-12-05-6726825d.pth")  # where torch hub keeps pytorch-fid's


@dataclass(frozen=True)
class Plan:
    """How much to measure, and the folder of the synthetic files, which are made when they are first asked for.

    Attributes
    ----------
    folder : Path
    num_images : int
        Of each side.
    rounds : int
        Turns that are counted.
    is_quick : bool
        Whether sizes are tiny.
    more_images : tuple of int
        Further sizes of each side, for whole processes.
    peers, formats : tuple of str
        Those that whole processes are restricted to; no peers are all.
    """

    folder: Path
    num_images: int = 300
    rounds: int = 2
    is_quick: bool = False
    more_images: tuple[int, ...] = ()
    peers: tuple[str, ...] = ()
    formats: tuple[str, ...] = FORMATS

    @cached_property
    def weights(self) -> Path:
        """A weights file that is also torch hub's own when ``TORCH_HOME`` is the folder."""
        path = self.folder / CHECKPOINT
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_weights(path)

    def images(self, format: str, count: int | None = None) -> tuple[Path, Path]:
        """Two folders of images of different distributions: real, fake."""
        count = count or self.num_images
        home = self.folder / (format if count == self.num_images else f"{format}-{count}")
        real, fake = home / "real", home / "fake"
        if not real.is_dir():
            write_images(real, count, SIZE, seed=1, format=format)
            write_images(fake, count, SIZE, seed=2, format=format, shift=1.0)
        return real, fake

    def again(self, part: str) -> str:
        """The command that measures one part again."""
        words = [f"python -m benchmarks run --only {part} --rounds {self.rounds}"]
        if part in ("whole", "repeated", "stages", "curves", "tf32"):
            words += [f"--num-images {self.num_images}"]
        if part == "whole":
            words += [f"--num-images {count}" for count in self.more_images]
            words += [f"--peers {name}" for name in self.peers]
            words += [f"--format {format}" for format in self.formats if self.formats != FORMATS]
        return " ".join([*words, *(["--quick"] if self.is_quick else [])])
