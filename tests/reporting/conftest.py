"""Results of every kind that a report is made of, from folders whose names would like to be scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import ganmetrics as gm
from ganmetrics.evaluation.every_protocol import ProtocolTable
from ganmetrics.evaluation.explain import Explanation, Trial

HOSTILE = ["<img src=x onerror=alert(1)>", "\"'><script>alert(2)<", "&lt;b&gt;", "{{ 7 * 7 }}", "‮gnp.evil"]
BLUE, COUNT = 2, 240


def kinds_of_image(count: int, kept: tuple[int, ...], seed: int, side: int) -> Iterator[Image.Image]:
    """Pictures of three kinds: red, green and blue gradients with noise."""
    rng = np.random.RandomState(seed)
    ramp = np.linspace(40, 200, side)
    for index in range(count):
        pixels = rng.normal(60, 15, (side, side, 3))
        kind = kept[index % len(kept)]
        pixels[..., kind] += ramp if rng.rand() < 0.5 else ramp[::-1, None]
        yield Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write(folder: Path, count: int, kept: tuple[int, ...], seed: int, side: int = 16) -> Path:
    folder.mkdir(parents=True)
    for index, image in enumerate(kinds_of_image(count, kept, seed, side)):
        image.save(folder / f"{HOSTILE[index % len(HOSTILE)]} {index}.png")
    return folder


def explanation() -> Explanation:
    own = Trial((), (), 3.9, gm.Interval(3.7, 4.2, "influence"), "")
    other = Trial((f"the reference is {HOSTILE[1]}",), (("real", HOSTILE[1]),), 4.31, None, "equal as printed")
    return Explanation("4.31", own, (other, own), num_tried=2)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A diagnosis of fakes without blue that hold copies and repeats, an evaluation and two comparisons."""
    root = tmp_path_factory.mktemp("reports")
    real = write(root / "real <b>", COUNT, (0, 1, BLUE), 0)
    fake = write(root / "fake 'n'", COUNT, (0, 1), 1)
    other = write(root / "other", COUNT, (0, 1, BLUE), 2, side=48)
    pictures = sorted(fake.iterdir())
    for index in range(12):
        pictures[index].write_bytes(sorted(real.iterdir())[index].read_bytes())
        pictures[20 + index].write_bytes(pictures[40].read_bytes())
    reading, metrics = gm.Reading(thumbnails=True), ["fid", "prdc"]
    labels = [str(index % 3) for index in range(COUNT)]
    names = [f"{HOSTILE[index % len(HOSTILE)]} {index}.png" for index in range(COUNT)]
    (root / "labels.json").write_text(json.dumps(dict(zip(names, labels, strict=True))))
    comparison = gm.compare(real, fake, other, metrics=metrics, extractor="pixels", reading=reading)
    results = []
    for index, result in enumerate(comparison.results.values()):
        result.save(root / f"{index}.json")
        results.append(root / f"{index}.json")
    return SimpleNamespace(
        diagnosis=gm.diagnose(real, fake, labels=root / "labels.json", extractor="pixels"),
        evaluation=gm.evaluate(real, other, metrics=[*metrics, "vendi"], extractor="pixels", reading=reading),
        comparison=comparison,
        saved=gm.compare_saved(*results, force=True),
        attribution=gm.attribute(real, fake, extractor="pixels", num_images=4),
        explanation=explanation(),
        protocols=ProtocolTable({"clean-fid": comparison.results[str(other)]["fid"]}),
        length=gm.PathLength(1.5, 0.2, gm.Interval(1.4, 1.6, "paths"), "ppl(epsilon=0.0001)"),
        bare=gm.evaluate(None, other, metrics=["vendi"], extractor="pixels", ci="off"),
    )
