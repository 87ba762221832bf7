"""What is done with the files of each reader: all that a user of it would do."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from fuzzing import seeds
from torch import nn

import ganmetrics as gm
from ganmetrics.cli.generators_command import _described
from ganmetrics.data import Reading, open_source
from ganmetrics.data.labels import labelled
from ganmetrics.data.places.shard_files import expanded
from ganmetrics.evaluation.batchwise import Evaluation
from ganmetrics.evaluation.compare_saved import compare_saved
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors.weights.fill import filled
from ganmetrics.generators import cards, runs, training
from ganmetrics.leaderboard import Board, staging
from ganmetrics.leaderboard import decoding as pixels
from ganmetrics.leaderboard.board_file import store_url
from ganmetrics.leaderboard.rules import parsed_quota, parsed_resolution
from ganmetrics.leaderboard.store import Store
from ganmetrics.measurement import archive
from ganmetrics.measurement.feature_cache import FeatureCache
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.measurement.recipe import Signature
from ganmetrics.metrics import METRICS, metric
from ganmetrics.numerics.memory import parse_size
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.training import Monitor, Outputs
from ganmetrics.training.records import best_of, read_records

READINGS = tuple(
    Reading(max_pixels=1 << 20, workers=0, **more)
    for more in ({}, {"alpha": "white", "frames": "first", "exif": "transpose", "on_error": "skip"})
)


def drained(source: gm.Source) -> None:
    """All images of a source, which must be what it says."""
    count = 0
    for images in source.batches():
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        count += len(images)
    assert source.count in (None, count + len(source.notes.skipped))
    assert not source.notes.skipped or count
    source.class_names()
    source.item_names()


def read_images(path: Path) -> None:
    for reading in READINGS:
        drained(open_source(path, reading=reading))


def read_statistics(path: Path) -> None:
    """Load statistics and score them against themselves."""
    archive.is_statistics(path)
    found = archive.load_statistics(path, assume="pytorch-fid")
    str(found.labelled(has_order=True, has_rows=True))
    if found.moments is not None:
        METRICS["fid"].estimates(found, found)


def read_labels(path: Path) -> None:
    archive_of_three = path.with_name("images.zip")
    archive_of_three.write_bytes(seeds.zips()[0])
    source = labelled(open_source(archive_of_three), path)
    assert all(name.isprintable() for name in source.class_names() or ())


def read_weights(path: Path) -> None:
    net = filled(lambda: nn.Linear(3, 2), path)
    net(torch.ones(1, 3))


def read_entry(path: Path) -> None:
    cache_of_features, digests = FeatureCache(_pixels(), torch.device("cpu")), PixelDigests()
    digests.add(torch.zeros(3, 3, 2, 2, dtype=torch.uint8))
    place = cache_of_features._path(digests, "features")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, place)
    found = cache_of_features.load(digests, ["features"])
    assert found is None or (found["features"].shape[0], found["features"].dim()) == (3, 2)
    assert found is None or found["features"].dtype == torch.float32


@cache
def _pixels() -> Any:
    return load_extractor("pixels")


def read_card(path: Path) -> None:
    """Show a card, and draw samples from weights that may not be its own."""
    weights = path.with_name(cards.WEIGHTS)
    if not weights.exists():
        weights.symlink_to(cards.BUNDLED / "gan-ring" / cards.WEIGHTS)
    "\n".join(_described(gm.generators.card(path.parent)))
    gm.generators.load(path.parent)(2, seed=0)


def read_result(path: Path) -> None:
    other = path.with_name("other.json")
    other.write_bytes(_result())
    for force in (True, False):
        text = str(compare_saved(path, other, force=force))
        assert all(line.isprintable() for line in text.split("\n"))


@cache
def _result() -> bytes:
    return seeds.results()[0]


def read_board(path: Path) -> None:
    """Open a board whose store, where its settings name none, is an empty one of this version."""
    if not path.with_name("store.db").exists():
        made = Store(store_url("", path.parent))
        made.migrate()
        made.close()
    before = os.getcwd()
    os.chdir(path.parent)  # where the files of stores with other names may lie
    try:
        Board.open(path.parent).close()
    finally:
        os.chdir(before)


def read_submission(path: Path) -> None:
    """What a board does with an upload, the network left out."""
    staging.stage_path(path, _folder(path, "staged"), seeds.RULES)
    pixels.answer({"rules": seeds.RULES.to_json(), "file": str(path), "pixels": str(path.with_name("pixels.npy"))})


def _folder(path: Path, name: str) -> Path:
    folder = path.with_name(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def read_history(path: Path) -> None:
    for record in read_records(path):
        json.dumps(record.to_dict())
    best_of(read_records(path))


def read_monitor_state(path: Path) -> None:
    """A monitor's state as a checkpoint of the user's gives it back."""
    monitor = _monitor()
    if (state := _state(path)) is None:
        return
    monitor.load_state_dict(state)
    monitor.state_dict()
    _ = monitor.best


def read_evaluation_state(path: Path) -> None:
    evaluation = _evaluation()
    if (state := _state(path)) is None:
        return
    evaluation.load_state_dict(state)
    evaluation.update(_reals())
    evaluation.compute()


@cache
def _monitor() -> Monitor:
    outputs = Outputs(log=lambda line: None)
    return Monitor(_reals(), every=10, num_images=8, latents=2, extractor="pixels", outputs=outputs)


@cache
def _evaluation() -> Evaluation:
    return Evaluation(["fid", "kid(subset_size=4,num_subsets=2)"], _reals(), extractor="pixels")


def _state(path: Path) -> Any:
    """What the user's own loading of a checkpoint gives; nothing where it fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True)
    except Exception:
        return None


@cache
def _reals() -> torch.Tensor:
    return torch.from_numpy(seeds.pixels(8)).permute(0, 3, 1, 2).contiguous()


class Small(training.Training):
    """A training of one layer."""

    def __init__(self) -> None:
        super().__init__(0, torch.device("cpu"))
        layer = seeds.layer()
        self.parts = {"net": layer, "optimizer": torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)}

    def step(self) -> dict[str, float]:
        layer = self.parts["net"]
        assert isinstance(layer, nn.Module)
        loss = layer(torch.ones(1, 3)).square().sum()
        training.update(self.parts["optimizer"], loss)  # type: ignore[arg-type]
        return {"loss": loss.item()}

    def weights(self) -> dict[str, torch.Tensor]:
        return {}


def read_checkpoint(path: Path) -> None:
    training.resume(Small(), path.parent)


def read_log(path: Path) -> None:
    if not path.with_name(training.CHECKPOINT).exists():
        training.save_checkpoint(Small(), path.parent)
    training.resume(Small(), path.parent)
    runs.thinned(training.read_log(path.parent))


def read_run(path: Path) -> None:
    _ = runs.reopen(path.parent).command


def read_signature(text: str) -> None:
    assert str(Signature.parse(text)) == text.strip()


def read_setting(text: str) -> None:
    runs.begin("gan-ring", Path("nowhere"), changes=[text])


ARGUMENTS: dict[str, Callable[[str], object]] = {
    "metric": lambda text: str(metric(text)),
    "protocol": lambda text: PROTOCOLS[text],
    "extractor": load_extractor,
    "signature": read_signature,
    "setting": read_setting,
    "quota": parsed_quota,
    "resolution": parsed_resolution,
    "pattern": lambda text: expanded(text, "pattern"),
    "size": lambda text: parse_size(text, where="size"),
}


def read_argument(take: Callable[[str], object], path: Path) -> None:
    take(path.read_bytes().decode("utf-8", "surrogateescape"))


def monitor_states() -> list[bytes]:
    monitor = _monitor()
    net = nn.Sequential(nn.Linear(2, 60), nn.Tanh(), nn.Unflatten(1, (3, 4, 5)))
    for step in (5, 10):
        monitor(step, net, d_loss=1.0, g_loss=float("inf"))
    return [seeds.torched(monitor.state_dict())]


def evaluation_states() -> list[bytes]:
    evaluation = _evaluation()
    evaluation.reset()
    empty = seeds.torched(evaluation.state_dict())
    evaluation.update(_reals())
    return [seeds.torched(evaluation.state_dict()), empty]


def checkpoints() -> list[bytes]:
    made = Small()
    made.step()
    return [seeds.torched(made.state())]
