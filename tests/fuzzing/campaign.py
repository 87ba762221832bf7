"""Changed files given to a reader one after another, the same for the same seed."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch
from fuzzing.judging import judged
from fuzzing.mutations import mutated
from fuzzing.readers import READERS

CORPUS = Path(__file__).with_name("corpus")
KIND = re.compile(r"\d+|(?<=['\"]).*?(?=['\"])")  # what two findings of one kind differ in
SHORT = 300  # bytes that a message may show


@dataclass
class Campaign:
    """What a reader did with the files that it was given so far.

    Parameters
    ----------
    name : str
        Of the reader.
    folder : Path
        Where the files are written, and those kept that show a fault.

    Attributes
    ----------
    starts : list of bytes
        The sound files, and those that once showed a fault.
    """

    name: str
    folder: Path
    taken: int = 0
    refused: int = 0
    findings: dict[str, Path] = field(default_factory=dict)  # the first file of each kind

    def __post_init__(self) -> None:
        self.reader = READERS[self.name]
        self.path = self.folder / self.name / self.reader.name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.starts = [*self.reader.seeds(), *(path.read_bytes() for path in regressions(self.name))]
        self._kinds: set[str] = set()
        torch.set_num_threads(1)  # more would only wait for each other over such small files

    def run(self, rounds: int, seed: int) -> None:
        """Every sound file as it is, then so many changed ones."""
        for data in [*self.starts, *self.changed(rounds, seed)]:
            self.give(data)

    def changed(self, rounds: int, seed: int) -> Iterator[bytes]:
        """Files with some changes."""
        rng = Random(f"{self.name} {seed}")
        for _ in range(rounds):
            yield mutated(rng.choice(self.starts), rng)

    def give(self, data: bytes) -> str:
        """Have one file read; the finding, empty where there is none."""
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(data)
        verdict = judged(self.reader.read, self.path, is_noisy=self.reader.is_noisy)
        self.taken += verdict.is_taken
        self.refused += not verdict.is_taken
        kind = KIND.sub("…", verdict.finding)[:60]
        if verdict.finding and kind not in self._kinds:
            self._kinds.add(kind)
            kept = self.folder / f"{self.name}-{len(self.findings)}"
            kept.write_bytes(data)
            self.findings[verdict.finding] = kept
        return verdict.finding

    def report(self) -> str:
        """Each kind of finding, with the file that shows it and how to give it to the reader again."""
        return "\n".join(
            f"{self.name}: {finding}\n{replay(self.name, path)}" for finding, path in self.findings.items()
        )


def replay(name: str, path: Path) -> str:
    """How a kept file is read again, and the file itself where it is short."""
    data = path.read_bytes()
    content = f"\n  base64 {b64encode(data).decode()}" if len(data) <= SHORT else ""
    return f"  python scripts/fuzz.py --reader {name} --replay {path}{content}"


def regressions(name: str) -> list[Path]:
    """The files of the corpus that once showed a fault of this reader."""
    return sorted((CORPUS / name).glob("*"))
