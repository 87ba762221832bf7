"""The parts that need no network, at sizes that take no time."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from benchmarks import decode, peer_torchmetrics
from benchmarks.__main__ import PARTS
from benchmarks.synthetic import write_images


def test_every_part_is_a_module() -> None:
    assert all(importlib.util.find_spec(f"benchmarks.{part}") for part in PARTS)


def test_torchmetrics_is_given_all_images_in_order(tmp_path: Path) -> None:
    write_images(tmp_path, 33, 8)
    first, last = peer_torchmetrics.batches(tmp_path)
    assert first.shape == (32, 3, 8, 8) and last.shape == (1, 3, 8, 8)
    assert first.dtype == torch.uint8 and not first[0].equal(first[1])


@pytest.mark.filterwarnings("ignore:The image decoding and encoding capabilities:DeprecationWarning")
def test_decoders_of_lossless_files_agree() -> None:
    (data, *_), chosen = decode.encoded("png", 16), decode.decoders("png")
    ours = chosen["ganmetrics"](data)
    assert ours.shape == (16, 16, 3)
    assert all((each(data) == ours).all() for each in chosen.values())
