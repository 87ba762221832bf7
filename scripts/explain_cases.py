"""Numbers that installed peers compute under hidden recipes, and whether ``gm.explain`` names each recipe.

    python -m scripts.explain_cases [--cases 20]   (some minutes on two cores)

pytorch-fid, torch-fidelity and torchmetrics score folders that were cut, saved as JPEG, thinned, mixed or exchanged
first, with synthetic weights and Inception's layer of 64 dimensions, whose covariances few images leave of full rank.
A recipe counts as named where the first answer is equal as printed and names the package's resize and what was done.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from PIL import Image

import ganmetrics as gm
from benchmarks.synthetic import write_weights
from ganmetrics.data import open_source

SIZES = {"real": (96, (60, 84), 35.0), "val": (84, (60, 84), 38.0), "fake": (90, (48, 48), 70.0)}
FIRST = 72
PACKAGES = {"torch-fidelity": "", "pytorch-fid": "pytorch-fid", "torchmetrics": "torchmetrics-1.8"}


class Hidden(NamedTuple):
    """What was done before a package scored two folders, and words that the answer must hold."""

    name: str
    prepare: Callable[[Path, Path], tuple[Path, Path]]
    words: str


def images(folder: Path, count: int, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> None:
    folder.mkdir()
    height, width = shape
    for number in range(count):
        coarse = rng.normal(128, scale, (6, 6, 3)).clip(0, 255).astype(np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((width, height)))
        noisy = (smooth + rng.normal(0, 20, (height, width, 3))).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:03}.png")


def written(source: Any, folder: Path) -> Path:
    """The images of a source as PNG files."""
    folder.mkdir()
    number = 0
    for batch in source.batches():
        for image in batch:
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{number:04}.png")
            number += 1
    return folder


def done(place: Path, name: str, steps: str = "", sample: str | None = None) -> Callable[[Path], Path]:
    reading = gm.Reading(prepare=steps or None, sample=sample, workers=0)
    return lambda scratch: written(open_source(place / name, reading=reading), scratch / f"{name}-made")


def recipes(place: Path) -> Iterator[Hidden]:
    real, fake, val = place / "real", place / "fake", place / "val"
    both = ("adm-crop:48", "were cut by adm-crop:48"), ("center-crop", "the real images were cut by center-crop")
    yield Hidden("plain", lambda scratch, _: (real, fake), "")
    yield Hidden("validation", lambda scratch, _: (val, fake), "the reference is validation")
    yield Hidden("first", lambda scratch, _: (real, done(place, "fake", sample=f"first:{FIRST}")(scratch)), "first 72")
    for steps, words in both:
        yield Hidden(steps, lambda scratch, _, s=steps: (done(place, "real", s)(scratch), fake), words)  # type: ignore[misc]
    yield Hidden("jpeg", lambda scratch, _: (real, done(place, "fake", "jpeg:75")(scratch)), "JPEG of quality 75")
    yield Hidden("mixed", lambda scratch, _: (real, mixed(real, fake, scratch)), "lie among the generated")
    yield Hidden("two real", lambda scratch, _: (real, val), "two real sets were compared")


def mixed(real: Path, fake: Path, scratch: Path) -> Path:
    shutil.copytree(fake, scratch / "mixed")
    for file in real.iterdir():
        shutil.copy(file, scratch / "mixed" / f"r{file.name}")
    return scratch / "mixed"


def by_pytorch_fid(real: Path, fake: Path, weights: Path) -> float:
    from pytorch_fid import fid_score, inception

    inception.load_state_dict_from_url = lambda *_, **__: torch.load(weights, weights_only=True)
    return float(fid_score.calculate_fid_given_paths([str(real), str(fake)], 30, "cpu", 64, num_workers=0))


def by_torch_fidelity(real: Path, fake: Path, weights: Path) -> float:
    import torch_fidelity

    found = torch_fidelity.calculate_metrics(
        input1=str(fake), input2=str(real), fid=True, cuda=False, cache=False, verbose=False, batch_size=30,
        feature_extractor_weights_path=str(weights), feature_layer_fid="64",
    )  # fmt: skip
    return float(found["frechet_inception_distance"])


def by_torchmetrics(real: Path, fake: Path, weights: Path) -> float:
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(feature=64, feature_extractor_weights_path=str(weights)).set_dtype(torch.float64)
    for folder, is_real in ((real, True), (fake, False)):
        for batch in open_source(folder, reading=gm.Reading(workers=0)).batches():
            metric.update(batch, real=is_real)
    return float(metric.compute())


PEERS = {"torch-fidelity": by_torch_fidelity, "pytorch-fid": by_pytorch_fid, "torchmetrics": by_torchmetrics}


@click.command()
@click.option("--cases", default=20, show_default=True, help="How many hidden recipes.")
def main(cases: int) -> None:
    """Let peers score under hidden recipes, and count those that are named."""
    warnings.simplefilter("ignore")
    torch.set_grad_enabled(False)
    named = 0
    with tempfile.TemporaryDirectory() as root:
        place, rng = Path(root), np.random.default_rng(7)
        # Each set meets the network once for all cases.
        os.environ["GANMETRICS_CACHE_DIR"] = str(place / "cache")
        for name, (count, shape, scale) in SIZES.items():
            images(place / name, count, shape, scale, rng)
        weights = write_weights(place / "weights.pth", seed=0)
        every = [(package, hidden) for hidden in recipes(place) for package in PACKAGES][:cases]
        for package, hidden in every:
            with tempfile.TemporaryDirectory() as scratch:
                sides = hidden.prepare(Path(scratch), place)
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    value = PEERS[package](*sides, weights)
            text = f"{value:.4f}"
            found = gm.explain(
                text, place / "real", place / "fake", references={"validation": place / "val"},
                extractor="inception:64", weights=weights, reading=gm.Reading(workers=0),
            )  # fmt: skip
            best = found.nearest[0]
            said = "; ".join(best.changes)
            is_named = best.match == "equal as printed" and hidden.words in said
            is_named &= package in said if PACKAGES[package] else "the resize is" not in said
            named += is_named
            click.echo(f"{'named ' if is_named else 'MISSED'}  {package}, {hidden.name}: {text} -> {found.verdict}")
    click.echo(f"{named} of {len(every)} named")


if __name__ == "__main__":
    main()
