"""Memory is bounded by bytes, whatever the size of images and the number of them; scores stay equal to the last bit."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import memory
import numpy as np
import pytest
import torch
from commands import Run
from PIL import Image

import ganmetrics as gm
from ganmetrics.data import Reading, open_source
from ganmetrics.errors import InputError

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="peaks from /proc of Linux")
GIBIBYTE = 1 << 30
MEASURE = f"""
{memory.IMPORT}
import resource
import torch
import ganmetrics as gm
folder, workers, *extractors = sys.argv[1:]
gm.load_extractor("digits")
before = peak()
reading = gm.Reading(workers=int(workers), cache=False, thumbnails=True)
for extractor in extractors:
    gm.measure(folder, extractor=extractor, device="cpu", reading=reading)
print(before, peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def write(folder: Path, sizes: list[tuple[int, int]]) -> Path:
    """JPEG files of those widths and heights, of 64 random colours each."""
    folder.mkdir()
    for number, size in enumerate(sizes):
        colours = np.random.RandomState(number).randint(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(colours).resize(size, Image.Resampling.NEAREST).save(folder / f"{number:04}.jpg", quality=50)
    return folder


def peaks(folder: Path, workers: int, *extractors: str) -> tuple[int, int, int]:
    """The peak memory of a process before and after it measured a folder, and of a process of its own, in bytes."""
    words = [sys.executable, "-c", MEASURE, str(folder), str(workers), *extractors]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    before, after, worker = map(int, done.stdout.split())
    return before, after, worker


@pytest.mark.slow
@ON_LINUX
def test_large_images_take_little_memory(tmp_path: Path) -> None:
    """Eight of 2,048 pixels, 101 MB of pixels and four times that in float32."""
    before, after, _ = peaks(write(tmp_path / "set", [(2048, 2048)] * 8), 0, "digits", "pixels")
    assert after - before < 300 << 20


@ON_LINUX
@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_images_at_the_pixel_limit_take_no_more_than_is_promised(tmp_path: Path, workers: int) -> None:
    _, after, worker = peaks(write(tmp_path / "set", [(8000, 8000)] * 2), workers, "digits")
    assert max(after, worker) < 1.5 * GIBIBYTE


@ON_LINUX
@pytest.mark.slow
def test_a_process_that_decodes_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    """What it shares with the process that started it included."""
    folder = write(tmp_path / "set", [(2048, 2048)] * 4)
    for number in range(4, 60):
        (folder / f"{number:04}.jpg").symlink_to(folder / f"{number % 4:04}.jpg")
    _, _, worker = peaks(folder, 1, "pixels")
    assert worker < 0.7 * GIBIBYTE


def features(source: object, extractor: str, workers: int = 0) -> torch.Tensor:
    reading = Reading(workers=workers, cache=False)
    found = gm.measure(source, reads="features", extractor=extractor, device="cpu", reading=reading).features
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("extractor", "size"),
    [
        pytest.param("pixels", (900, 600), id="pixels, one size"),
        pytest.param("digits", None, id="digits, many sizes"),
        pytest.param("digits", (900, 600), id="digits, one size", marks=pytest.mark.slow),
        pytest.param("pixels", None, id="pixels, many sizes", marks=pytest.mark.slow),
    ],
)
def test_the_limit_of_memory_changes_no_bit(tmp_path: Path, extractor: str, size: tuple[int, int] | None) -> None:
    sizes = [size or (20 + 61 * (number % 7), 400 - 53 * (number % 5)) for number in range(24)]
    folder = write(tmp_path / "set", sizes)
    whole = features(folder, extractor)
    with gm.memory_limit("16MiB"):
        assert features(folder, extractor).equal(whole)
        assert features(folder, extractor, workers=2).equal(whole)


def test_a_stream_of_large_images_gives_the_bits_of_one_call() -> None:
    """However the batches are cut that come, the network has whole ones."""
    real, fake = (
        torch.from_numpy(np.random.RandomState(s).randint(0, 256, (40, 3, 400, 500), np.uint8)) for s in (0, 1)
    )
    wanted = gm.evaluate(real, fake, extractor="digits", device="cpu")
    evaluation = gm.Evaluation(["fid"], extractor="digits", device="cpu")
    with gm.memory_limit("16MiB"):
        for images in real.split(7):
            evaluation.update(images, real=True)
        for images in fake.split(3):
            evaluation.update(images, real=False)
        assert evaluation.compute()["fid"].value == wanted["fid"].value


def test_a_part_of_a_set_with_larger_images_is_not_held_at_once(tmp_path: Path) -> None:
    """Those that are looked at first are small: a worker stops where the others do not fit, and none is lost."""
    sizes = [(900, 900) if 3 <= number < 24 else (10, 10) for number in range(200)]
    folder = write(tmp_path / "set", sizes)
    wanted = [image for batch in open_source(folder, reading=Reading(workers=0)).batches() for image in batch]
    with gm.memory_limit("16MiB"):
        batches = list(open_source(folder, reading=Reading(workers=2)).batches())
    assert max(batch.nbytes for batch in batches) <= 6 << 20
    found = [image for batch in batches for image in batch]
    assert len(found) == 200
    assert all(one.equal(other) for one, other in zip(found, wanted, strict=True))


def test_images_too_large_for_several_processes_are_decoded_in_this_one(tmp_path: Path) -> None:
    batches = open_source(write(tmp_path / "set", [(1700, 1700)] * 2), reading=Reading(workers=2)).batches()
    with gm.memory_limit("16MiB"):
        next(batches)
        assert not multiprocessing.active_children()
    batches.close()


def test_images_that_a_metric_keeps_are_within_the_limit() -> None:
    images = torch.from_numpy(np.random.RandomState(0).randint(0, 256, (24, 3, 500, 500), np.uint8))
    with gm.memory_limit("16MiB"), pytest.raises(InputError, match=r"500 x 500 pixels .* more memory.*memory_limit"):
        gm.evaluate(None, images, metrics=["ms_ssim_diversity(scales=2)"], extractor="pixels")


def test_the_pixel_limit_is_an_option_of_the_command_and_of_the_library(tmp_path: Path, run: Run) -> None:
    folder = write(tmp_path / "set", [(30, 20)] * 3)
    with pytest.raises(InputError, match=r"more than 599 pixels.*max_pixels="):
        gm.evaluate(folder, folder, extractor="pixels", reading=Reading(max_pixels=599))
    words = ["fid", str(folder), str(folder), "--extractor", "pixels", "--max-memory", "20MB"]
    assert run(*words, "--max-pixels", "600").returncode == 0
    refused = run(*words, "--max-pixels", "599")
    assert refused.returncode == 3
    assert "more than 599 pixels" in refused.stderr
    assert "--max-pixels" in refused.stderr
