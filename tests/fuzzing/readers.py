"""Every reader of bytes that come from outside: what it is given, and what is done with it.

A reader may take a file or raise a ``GanMetricsError``; ``judging`` watches for anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fuzzing import reading, seeds

from ganmetrics.generators import cards, runs, training


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes
    ----------
    read : callable
        Takes the path of the file.
    seeds : callable
        Sound files, some hostile ones among them.
    name : str
        Of the file, whose suffix many readers look at.
    rounds : int
        Changed files in the bounded run.
    is_noisy : bool
        Whether libtiff, inside Pillow, tells of its troubles on standard error and cannot be kept from it.
    """

    read: Callable[[Path], object]
    seeds: Callable[[], list[bytes]]
    name: str
    rounds: int = 120
    is_noisy: bool = False


def _argument_readers() -> Iterator[tuple[str, Reader]]:
    for name, take in reading.ARGUMENTS.items():
        yield name, Reader(partial(reading.read_argument, take), seeds.arguments, "argument")


def _label_readers() -> Iterator[tuple[str, Reader]]:
    for suffix in (".csv", ".json", ".txt", ".npy"):
        yield f"labels-{suffix[1:]}", Reader(reading.read_labels, partial(_labels, suffix), f"labels{suffix}")


def _labels(suffix: str) -> list[bytes]:
    return seeds.labels()[suffix]


READERS: dict[str, Reader] = {
    "statistics": Reader(reading.read_statistics, seeds.statistics, "statistics.npz", 300),
    "array": Reader(reading.read_images, seeds.arrays, "images.npy"),
    "npz": Reader(reading.read_images, seeds.array_archives, "images.npz"),
    "zip": Reader(reading.read_images, seeds.zips, "images.zip"),
    "tar": Reader(reading.read_images, seeds.tars, "images.tar"),
    "image": Reader(lambda path: reading.read_images(path.parent), seeds.images, "image.png", 200, is_noisy=True),
    **dict(_label_readers()),
    "safetensors": Reader(reading.read_weights, seeds.safetensors, "weights.safetensors"),
    "pth": Reader(reading.read_weights, seeds.states, "weights.pth"),
    "feature-entry": Reader(reading.read_entry, seeds.entries, "entry.features"),
    "card": Reader(reading.read_card, seeds.generator_cards, cards.CARD, 60),
    "result": Reader(reading.read_result, seeds.results, "result.json"),
    "board": Reader(reading.read_board, seeds.boards, "board.json", 60),
    "submission-zip": Reader(reading.read_submission, lambda: seeds.zips()[:2], "images.zip"),
    "submission-npz": Reader(reading.read_submission, seeds.array_archives, "images.npz"),
    "history": Reader(reading.read_history, seeds.histories, "scores.jsonl"),
    "monitor-state": Reader(reading.read_monitor_state, reading.monitor_states, "state.pt"),
    "evaluation-state": Reader(reading.read_evaluation_state, reading.evaluation_states, "state.pt", 60),
    "checkpoint": Reader(reading.read_checkpoint, reading.checkpoints, training.CHECKPOINT),
    "log": Reader(reading.read_log, seeds.logs, training.LOG),
    "run": Reader(reading.read_run, seeds.runs, runs.RUN),
    **dict(_argument_readers()),
}
