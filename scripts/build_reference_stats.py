"""Build the bundled reference statistics and their index.

    GANMETRICS_DATA_DIR=DIR python scripts/build_reference_stats.py -o reference_stats

DIR is a torchvision root (it holds ``MNIST/raw`` and ``FashionMNIST/raw``). Features are kept for the test sets only,
so that KID works against them; a training set's would be six times as large. With ``--only NAME`` the other files stay
as they are.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
from torch.utils.data import Subset

import ganmetrics as gm
from ganmetrics._files import atomic_write
from ganmetrics.data.torchvision_set import load_dataset
from ganmetrics.measurement import archive


class Reference(NamedTuple):
    """One set of images under one extractor, and what its statistics keep."""

    name: str
    source: str
    extractor: str
    data: str
    reads: tuple[str, ...] = ("moments",)
    first: int = 0  # only so many images; all where 0

    @property
    def file(self) -> str:
        return f"{self.name}.{self.extractor}.npz"


ROWS = ("moments", "features")
LICENSED = "Fashion-MNIST (Zalando, MIT)"
REFERENCES = [
    Reference("mnist-test", "MNIST:test", "digits", "MNIST, 10,000 test digits", ROWS),
    Reference("mnist-train", "MNIST:train", "digits", "MNIST, 60,000 training digits"),
    Reference("mnist-train-500", "MNIST:train", "digits", "MNIST, the first 500 training digits", ROWS, first=500),
    Reference("fashion-test", "FashionMNIST:test", "fashion", f"{LICENSED}, 10,000 test images", ROWS),
    Reference("fashion-train", "FashionMNIST:train", "fashion", f"{LICENSED}, 60,000 training images"),
]
NAMES = list(dict.fromkeys(reference.name for reference in REFERENCES))


def build(reference: Reference, output: Path) -> dict[str, object]:
    """Measure one set and write its npz; its entry in the index."""
    reading = gm.Reading(progress=True)
    source = f"torchvision:{reference.source}"
    images = Subset(load_dataset(*reference.source.split(":")), range(reference.first)) if reference.first else source
    measured = gm.measure(images, reads=reference.reads, extractor=reference.extractor, reading=reading)
    archive.save_statistics(replace(measured, name=reference.name), output / reference.file)
    facts = {"file": reference.file, "count": measured.count, "digest": measured.digest, "data": reference.data}
    return {**facts, "sha256": hashlib.sha256((output / reference.file).read_bytes()).hexdigest()}


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Build these alone; may be repeated.")
def main(output: Path, only: tuple[str, ...]) -> None:
    """Measure the sets, write one npz for each and the index."""
    path = output / "index.json"
    old = json.loads(path.read_text()) if only else {}
    index: dict[str, dict[str, dict[str, object]]] = {}
    for reference in REFERENCES:
        name, extractor = reference.name, reference.extractor
        if not only or name in only:
            index.setdefault(name, {})[extractor] = build(reference, output)
        elif extractor in old.get(name, {}):
            index.setdefault(name, {})[extractor] = old[name][extractor]
    with atomic_write(path) as stream:
        stream.write((json.dumps(index, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
