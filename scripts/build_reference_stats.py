"""Build the bundled reference statistics and their index.

    GANMETRICS_DATA_DIR=DIR python scripts/build_reference_stats.py -o reference_stats

DIR is a torchvision root (it holds ``MNIST/raw``). Features are kept for the test set only, so that KID works against
it; the training set's would be six times as large.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

import ganmetrics as gm
from ganmetrics._files import atomic_write
from ganmetrics.evaluation import archive

SETS = [
    ("mnist-test", "torchvision:MNIST:test", "digits", "MNIST, 10,000 test digits", ("moments", "features")),
    ("mnist-train", "torchvision:MNIST:train", "digits", "MNIST, 60,000 training digits", ("moments",)),
]


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path))
def main(output: Path) -> None:
    """Measure every set, write one npz for each and the index."""
    index: dict[str, dict[str, dict[str, object]]] = {}
    for name, source, extractor, data, reads in SETS:
        measured = gm.measure(source, reads=reads, extractor=extractor, reading=gm.Reading(progress=True))
        file = f"{name}.{extractor}.npz"
        archive.save(replace(measured, name=name), output / file)
        entry = {"file": file, "count": measured.count, "digest": measured.digest, "data": data}
        index.setdefault(name, {})[extractor] = entry
    with atomic_write(output / "index.json") as stream:
        stream.write((json.dumps(index, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
