"""Compare the extractor ``colour`` with a trained Inception and with networks that know nothing: ``docs/colour.md``.

    python scripts/judge_colour.py run --data ../shared/data --yardstick WEIGHTS --cache DIR
    python scripts/judge_colour.py table --cache DIR

``run`` takes about an hour on one core, nearly all of it for Inception and VGG16, and goes on where it was stopped.
Those two run in bfloat16, which moves their features by about 1 %; every other network runs as the package runs it.
Features of photographs, emoji and shapes, and of each degradation of them, are kept in DIR.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import colour_faults
import colour_sets
import torch
from colour_faults import Material
from colour_modes import detections
from colour_sets import Labelled
from scipy.stats import spearmanr
from stored_features import StoredFeatures
from torch import Tensor
from torch.nn import functional as F

import ganmetrics as gm
from ganmetrics._files import atomic_write
from ganmetrics._progress import progress_bar

if TYPE_CHECKING:
    from ganmetrics.types import Images

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "colour.md"
BEGIN, END = "<!-- judgement -->", "<!-- /judgement -->"
NUM_REAL, NUM_FAKE = 1000, 500
FEWER = {"random-vgg16": 125}  # fakes of a network of which a few images a second go through
POOL_STEP = {"random-vgg16": 3}  # of the images among which modes are drawn it sees every third
SIDES = (64, 128, 256)  # of the shapes
SHAPES = {f"shapes-{side}": side for side in SIDES}
TITLES = {"cifar": "CIFAR-10", "emoji": "emoji"} | {name: f"shapes, {side} px" for name, side in SHAPES.items()}
NETWORKS = ("inception", "colour", "pixels", "random weights", "random-vgg16")


class Test(NamedTuple):
    """Real images, and fakes that are as good as they are until they are degraded."""

    real: Images
    material: Material


def tests(data: Path, names: Sequence[str]) -> Iterator[tuple[str, Test]]:
    """The sets whose degradations are scored; the first part of the fakes is narrower than the whole."""
    photographs, pictures = colour_sets.cifar(data), colour_sets.emoji(data)
    order = torch.randperm(len(pictures.images), generator=torch.Generator().manual_seed(0))
    fakes, rest = slice(NUM_REAL, NUM_REAL + NUM_FAKE), slice(NUM_REAL + NUM_FAKE, NUM_REAL + 2 * NUM_FAKE)
    if "cifar" in names:
        yield "cifar", _test(photographs, torch.arange(len(photographs.labels)), pictures.images[order[rest]])
    if "emoji" in names:
        yield "emoji", _test(pictures, order, photographs.images[2 * NUM_REAL : 2 * NUM_REAL + NUM_FAKE])
    for name in sorted(SHAPES.keys() & set(names)):
        drawn = colour_sets.shapes(NUM_REAL + NUM_FAKE, SHAPES[name])
        enlarged = F.interpolate(photographs.images[fakes].float(), (SHAPES[name],) * 2, mode="bicubic")
        yield name, _test(drawn, torch.arange(len(drawn.labels)), colour_faults.rounded(enlarged))


def _test(pool: Labelled, order: Tensor, foreign: Images) -> Test:
    """The first images in some order as real ones, the next as fakes, sorted by class and within it as in the pool."""
    fake = order[NUM_REAL : NUM_REAL + NUM_FAKE].sort().values
    fake = fake[pool.labels[fake].argsort(stable=True)]
    return Test(pool.images[order[:NUM_REAL]], Material(pool.images[fake], foreign))


def score_test(features: StoredFeatures, name: str, test: Test) -> dict[str, float]:
    """FID of every degradation by one network; ``healthy`` is that of the fakes as they were."""
    step = NUM_FAKE // FEWER.get(features.name, NUM_FAKE)
    real = features.of(f"{name}-real", test.real).double()
    healthy = colour_faults.Fault("healthy", "", test.material.images)
    found = {}
    for number, fault in enumerate([healthy, *colour_faults.faults(test.material)]):
        rows = features.of(f"{name}-{number:02d}", fault.images[::step])
        found[f"{fault.family}|{fault.level}"] = float(gm.functional.fid(real, rows.double()))
    return found


@click.group()
def main() -> None:
    """Compare the extractor ``colour`` with others, and write the table of ``docs/colour.md``."""


@main.command()
@click.option("--data", required=True, type=click.Path(exists=True, path_type=Path), help="Where CIFAR and emoji are.")
@click.option("--yardstick", type=click.Path(exists=True, path_type=Path), help="Weights of a trained Inception.")
@click.option("--cache", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--network", "names", multiple=True, type=click.Choice(NETWORKS), default=NETWORKS)
@click.option("--set", "sets", multiple=True, type=click.Choice(list(TITLES)), default=list(TITLES))
def run(data: Path, yardstick: Path | None, cache: Path, names: tuple[str, ...], sets: tuple[str, ...]) -> None:
    """Score every degradation and draw every mode, by some or all of the networks."""
    torch.set_num_threads(1)
    chosen = list(tests(data, sets))
    modes = {"cifar": colour_sets.cifar(data), "shapes": colour_sets.shapes(3000, 64)}
    with progress_bar("judging", len(names) * (len(chosen) + 1), True) as bar:
        for name in names:
            features, found = StoredFeatures(name, cache, yardstick), _stored(cache, name)
            for title, test in chosen:
                found[title] = score_test(features, title, test)
                bar.update(1)
            step = POOL_STEP.get(name, 1)
            rows = {key: features.of(f"pool-{key}", x.images[::step]).double() for key, x in modes.items()}
            found["modes"] = detections({key: (rows[key], x.labels[::step]) for key, x in modes.items()})
            bar.update(1)
            _record(cache, name).write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def _record(cache: Path, name: str) -> Path:
    return cache / f"{name.replace(' ', '-')}.json"


def _stored(cache: Path, name: str) -> dict[str, dict[str, float]]:
    path = _record(cache, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@main.command()
@click.option("--cache", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", default=PAGE, type=click.Path(path_type=Path))
def table(cache: Path, output: Path) -> None:
    """Write the tables between their marks on the page."""
    found = {name: stored for name in NETWORKS if (stored := _stored(cache, name))}
    text = output.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    tables = "\n\n".join([summary(found), by_family(found)])
    with atomic_write(output) as stream:
        stream.write(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.split(END)[1]}".encode())


Found = dict[str, dict[str, dict[str, float]]]  # network -> set -> degradation -> FID


def correlation(found: Found, name: str, titles: list[str]) -> str:
    """Spearman's rank correlation with Inception's FID over the degradations of some sets together."""
    both = [title for title in titles if title in found[name] and title in found["inception"]]
    if len(both) < len(titles):
        return ""
    pairs = [
        (value, found["inception"][title][key])
        for title in both
        for key, value in found[name][title].items()
        if not key.startswith("healthy")
    ]
    return f"{spearmanr(*zip(*pairs, strict=True)).statistic:.2f}"


def rising(scores: dict[str, float]) -> tuple[int, int]:
    """In how many graded steps FID rises, from the healthy fakes to the weakest level and from level to level."""
    risen, steps, before = 0, 0, ("", 0.0)
    for key, value in scores.items():
        family = key.split("|")[0]
        if family != "healthy":
            risen += value > (before[1] if before[0] == family else scores["healthy|"])
            steps += 1
        before = (family, value)
    return risen, steps


def summary(found: Found) -> str:
    """One row for each question, one column for each network."""
    names = list(found)
    rows = [
        "| question | " + " | ".join(f"`{n}`" if n in ("colour", "pixels", "random-vgg16") else n for n in names) + " |"
    ]
    rows.append("|---|" + "---:|" * len(names))
    for title, sets in (("CIFAR-10", ["cifar"]), ("emoji", ["emoji"]), ("both together", ["cifar", "emoji"])):
        cells = [correlation(found, name, sets) for name in names]
        rows.append(f"| rank correlation with Inception's FID, {title} | " + " | ".join(cells) + " |")
    for title in [title for title in SHAPES if title in found["colour"]]:
        cells = ["{} of {}".format(*rising(found[n][title])) if title in found[n] else "" for n in names]
        rows.append(f"| FID rises with the level, {TITLES[title]} | " + " | ".join(cells) + " |")
    for question in found["colour"].get("modes", {}):
        cells = [f"{found[n]['modes'][question]:.0%}" if "modes" in found[n] else "" for n in names]
        rows.append(f"| {question} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def by_family(found: Found) -> str:
    """FID of every degradation by ``colour``, set by set."""
    titles = [title for title in TITLES if title in found["colour"]]
    rows = ["| degradation | level | " + " | ".join(TITLES[title] for title in titles) + " |"]
    rows.append("|---|---:|" + "---:|" * len(titles))
    for key in found["colour"][titles[0]]:
        family, level = key.split("|")
        cells = [f"{found['colour'][title][key]:.1f}" for title in titles]
        rows.append(f"| {family} | {level} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
