"""Changed files are the same for the same seed, differ from the sound ones, and often stay whole containers."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from random import Random

import numpy as np
import pytest
from fuzzing import seeds
from fuzzing.campaign import Campaign
from fuzzing.mutations import FORMATS, mutated
from fuzzing.readers import READERS

ROUNDS = 200


def all_sound(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip() is None
    except Exception:
        return False


@pytest.mark.parametrize("name", ["statistics", "tar", "image", "pth", "card"])
def test_the_same_seed_gives_the_same_files(name: str, tmp_path) -> None:
    first, again, other = (list(Campaign(name, tmp_path).changed(20, seed)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("start", seeds.zips()[:1] + seeds.statistics()[:1] + seeds.states()[:1])
def test_archives_often_stay_whole(start: bytes) -> None:
    changed = [mutated(start, Random(seed)) for seed in range(ROUNDS)]
    assert sum(data != start and all_sound(data) for data in changed) > ROUNDS / 5


def test_checksums_of_images_stay_right() -> None:
    whole = 0
    for seed in range(ROUNDS):
        data = mutated(seeds.images()[0], Random(seed))
        name, end = data.find(b"IHDR"), data.find(b"IHDR") + 17
        whole += data != seeds.images()[0] and zlib.crc32(data[name:end]) == int.from_bytes(data[end : end + 4], "big")
    assert whole > ROUNDS / 5


def test_descriptions_inside_of_arrays_are_changed_as_the_data_they_are() -> None:
    start, found = seeds.array(np.array(json.dumps({"count": 6, "name": ""}))), set()
    for seed in range(ROUNDS):
        try:
            found.add(str(np.load(io.BytesIO(mutated(start, Random(seed))))))
        except Exception:
            continue
    assert sum(text.startswith("{") for text in found) > 10


@pytest.mark.parametrize(
    "name", ["statistics", "array", "zip", "tar", "safetensors", "feature-entry", "card", "history"]
)
def test_each_format_is_told(name: str) -> None:
    assert any(form.is_of(data) for form in FORMATS for data in READERS[name].seeds())
