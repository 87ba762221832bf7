"""What every part is told: how much to measure, and where the synthetic files are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.synthetic import write_images, write_weights

SIZE = 256
CHECKPOINT = Path("hub", "checkpoints", "pt_inception-2015-12-05-6726825d.pth")  # where torch hub keeps pytorch-fid's


@dataclass(frozen=True)
class Plan:
    """How much to measure, and the folder of the synthetic files, which are made when they are first asked for."""

    folder: Path
    num_images: int = 300
    rounds: int = 2
    is_quick: bool = False

    @cached_property
    def weights(self) -> Path:
        """A weights file that is also torch hub's own when ``TORCH_HOME`` is the folder."""
        path = self.folder / CHECKPOINT
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_weights(path)

    def images(self, format: str) -> tuple[Path, Path]:
        """Two folders of images of different distributions: real, fake."""
        real, fake = self.folder / format / "real", self.folder / format / "fake"
        if not real.is_dir():
            write_images(real, self.num_images, SIZE, seed=1, format=format)
            write_images(fake, self.num_images, SIZE, seed=2, format=format, shift=1.0)
        return real, fake

    def again(self, part: str) -> str:
        """The command that measures one part again."""
        quick = " --quick" if self.is_quick else ""
        images = f" --num-images {self.num_images}" if part == "whole" else ""
        return f"python -m benchmarks run --only {part} --rounds {self.rounds}{images}{quick}"
