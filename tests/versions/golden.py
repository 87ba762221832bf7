"""Numbers that may not depend on versions: made from seeded inputs, and compared with those in ``numbers.json``.

``python tests/versions/golden.py FOLDER`` compares them in an interpreter of any flags; ``--record`` writes that file
anew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.data.reading.decode import decode
from ganmetrics.data.reading_choices import Reading
from ganmetrics.extractors.resize import INPUTS, PIXELS
from ganmetrics.metrics import METRICS
from ganmetrics.metrics.metric import Metric
from ganmetrics.numerics.moments import Moments
from ganmetrics.numerics.spread import Spread

RECORD = Path(__file__).with_name("numbers.json")
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow")
COUNT, DIM = 120, 12
SMALL = {"kid": 40, "is": 5, "ndb": 10, "c2st": 5}
OF_IMAGES = ("fid", "is(splits=4)", "kid(subset_size=40)", "precision_recall", "prdc", "vendi", "modes", "mifid")
TOLERANCES = {  # relative
    "float64": 1e-9,  # linear algebra alone
    "float32": 1e-5,  # networks and filters round to 24 bits, in an order that is their library's
    "optimiser": 1e-3,  # fifty steps of rounded gradients, ended where they change little
    "exact": 0.0,  # whole numbers: decoded pixels
}
KINDS = {"fld": "optimiser", "ms_ssim_diversity": "float32"}  # of metrics that are not linear algebra in float64


class Number(NamedTuple):
    """One value under its name, with the key of its tolerance."""

    name: str
    value: float
    kind: str

    def distance(self, recorded: float) -> float:
        """Relative, where the recorded one is not 0."""
        return abs(self.value - recorded) / (abs(recorded) or 1.0)

    def is_as(self, recorded: float) -> bool:
        return self.distance(recorded) <= TOLERANCES[self.kind]


def numbers(folder: Path) -> Iterator[Number]:
    """Every number; files of images are written into the folder."""
    yield from _of_metrics()
    yield from _of_resizing()
    yield from _of_decoding()
    yield from _of_files(folder)
    yield from _of_bundled_statistics()


def _of_metrics() -> Iterator[Number]:
    """Every metric that there is, on seeded features in float64."""
    sides = [_side(seed) for seed in range(3)]
    for record in METRICS.records().values():
        for part, found in _small(record).estimates(*sides).items():
            yield Number(f"{record.name}: {part}", found.value, KINDS.get(record.name, "float64"))


def _small(record: Metric) -> Metric:
    """Options with which ``COUNT`` rows are enough."""
    few = {record.minimum: SMALL[record.name]} if record.minimum else {}
    return record.configured(few | ({"scales": 2} if "scales" in record.defaults else {}))


def _side(seed: int) -> SimpleNamespace:
    rng = np.random.RandomState(seed)
    x = torch.from_numpy(rng.standard_normal((COUNT, DIM)) * np.linspace(1.5, 0.5, DIM) + 0.3 * seed)
    images = torch.from_numpy(rng.randint(0, 256, (COUNT, 3, 24, 24), dtype=np.uint8))
    moments, spread = Moments.of(x), Spread.of(x)
    read = {"features": x, "logits": x, "labels": torch.arange(COUNT) % 3, "images": images}
    return SimpleNamespace(moments=moments, spatial_moments=moments, spread=spread, **read)


def _of_resizing() -> Iterator[Number]:
    """Sums of squares of what each rule makes of noise, smaller and larger."""
    images = torch.from_numpy(np.random.RandomState(5).randint(0, 256, (2, 3, 47, 64), dtype=np.uint8))
    for network, rules in (("Inception", INPUTS), ("others", PIXELS)):
        for name, rule in rules.items():
            for size in (31, 90):
                value = float(rule(images, size).double().square().mean())
                yield Number(f"resized for {network} by {name} to {size}", value, "float32")


def _of_decoding() -> Iterator[Number]:
    """Sums of the pixels of a JPEG, and of PNG files of each mode."""
    files = {"JPEG": resources.files("ganmetrics.selftest").joinpath("edges.jpg").read_bytes()}
    with tempfile.TemporaryDirectory() as folder:
        for mode, picture in _pictures().items():
            path = Path(folder) / "image.png"
            picture.save(path)
            files[f"PNG of mode {mode}"] = path.read_bytes()
    for name, content in files.items():
        pixels = decode(content, Reading(alpha="white")).pixels
        places = np.arange(pixels.size).reshape(pixels.shape) % 251
        yield Number(f"decoded {name}", float((pixels.astype(np.int64) * places).sum()), "exact")


def _pictures() -> dict[str, Image.Image]:
    rng = np.random.RandomState(6)
    colours = Image.fromarray(rng.randint(0, 256, (20, 30, 3), dtype=np.uint8))
    indexed = Image.fromarray(rng.randint(0, 256, (20, 30), dtype=np.uint8))
    indexed.putpalette(rng.randint(0, 256, 768).tolist())
    grey16 = Image.fromarray(rng.randint(0, 2**16, (20, 30)).astype(np.uint16))
    clear = Image.fromarray(rng.randint(0, 256, (20, 30, 4), dtype=np.uint8))
    grey, black = colours.convert("L"), colours.convert("1")
    return {"RGB": colours, "L": grey, "1": black, "P": indexed, "I;16": grey16, "RGBA": clear}


def _of_files(folder: Path) -> Iterator[Number]:
    """Whole evaluations of two folders of PNG files by each network of the package, for one of them by a worker."""
    real, fake = (_written(folder / name, seed) for seed, name in enumerate(("real", "fake")))
    for extractor in ("digits", "fashion", "pixels"):
        metrics = [name for name in OF_IMAGES if extractor != "pixels" or not name.startswith(("is", "modes"))]
        reading = Reading(workers=int(extractor == "pixels"), cache=False)
        found = gm.evaluate(real, fake, metrics=metrics, extractor=extractor, device="cpu", ci="off", reading=reading)
        for name, score in found.scores.items():
            yield Number(f"{extractor}: {name}", score.value, "float32")


def _written(folder: Path, seed: int) -> Path:
    rng = np.random.RandomState(10 + seed)
    folder.mkdir()
    ramps = rng.uniform(0, 8, size=(COUNT, 1, 1)) * np.arange(28) + rng.normal(0, 20 + 20 * seed, (COUNT, 28, 28))
    for index, levels in enumerate(ramps.clip(0, 255).astype(np.uint8)):
        Image.fromarray(levels).save(folder / f"{index:03d}.png")
    return folder


def _of_bundled_statistics() -> Iterator[Number]:
    for real, fake in (("mnist-train", "mnist-test"), ("fashion-train", "fashion-test")):
        yield Number(f"{real}, {fake}: fid", gm.fid(real, fake).value, "float64")


def versions() -> dict[str, str]:
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in PACKAGES}}


def main() -> int:
    """How far the numbers of this interpreter are from the recorded ones, kind by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files of images are left")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--start-method", choices=multiprocessing.get_all_start_methods())
    asked = parser.parse_args()
    if asked.start_method:
        multiprocessing.set_start_method(asked.start_method)
    asked.folder.mkdir()
    found = list(numbers(asked.folder))
    if asked.record:
        content = {"recorded with": versions(), "numbers": {each.name: each.value for each in found}}
        RECORD.write_text(json.dumps(content, indent=2) + "\n")
    return _compared(found)


def _compared(found: list[Number]) -> int:
    recorded = json.loads(RECORD.read_text())["numbers"]
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    for kind, tolerance in TOLERANCES.items():
        distance, name = max((n.distance(recorded[n.name]), n.name) for n in found if n.kind == kind)
        print(f"{kind}: farthest {distance:.1e}, {name}; allowed {tolerance:g}")
    return 0 if all(n.is_as(recorded[n.name]) for n in found) else 1


if __name__ == "__main__":
    sys.exit(main())
