"""Real files from the tests of an image library, corrupt, odd or hostile: each is scored or refused in our words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Run
from memory import IMPORT
from PIL import ImageFile

import ganmetrics as gm

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "data" / "pillow_subset.tar.xz"
GIB = 1 << 30
SECONDS = 60  # for one file, on a busy machine too; the slowest takes half of one
FILES = 135
# A child that scores each folder of a list by itself: where a decoder hangs, the alarm kills it; where one crashes, it
# dies; after each line it is known which file was next.
CHILD = f"""
import json, signal
{IMPORT}
import ganmetrics as gm

reading = gm.Reading(alpha="white", frames="first", cache=False, workers=0)
gm.load_extractor("pixels")
for line in sys.stdin:
    path = line.rstrip("\\n")
    signal.alarm({SECONDS})
    try:
        side = gm.measure(path, extractor="pixels", reading=reading)
        said = ["scored", gm.evaluate(side, side)["fid"].value]
    except gm.GanMetricsError as error:
        said = [error.code, str(error), error.exit_code]
    signal.alarm(0)
    print(json.dumps([path, peak(), *said]), flush=True)
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ARCHIVE.is_file(), reason="the image library's files are not beside the repository"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the files, in their folders."""
    root = tmp_path_factory.mktemp("odd")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    (root / "pillow_subset" / "LICENSE").unlink()
    return root / "pillow_subset"


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture(scope="module")
def told(odd: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What was said of each file: its set is a folder that holds it twice."""
    root, names = tmp_path_factory.mktemp("alone"), {}
    for number, path in enumerate(files(odd)):
        place = root / f"{number:03}"
        place.mkdir()
        for copy in "ab":
            os.link(path, place / f"{copy}{path.suffix}")
        names[str(place)] = str(path.relative_to(odd))
    lines = "".join(f"{place}\n" for place in names)
    done = subprocess.run([sys.executable, "-I", "-c", CHILD], input=lines, capture_output=True, text=True, cwd=root)
    said = {names[place]: rest for place, *rest in map(json.loads, done.stdout.splitlines())}
    left = [name for name in names.values() if name not in said]
    assert not left, f"it ended with {done.returncode} at {left[0]}: {done.stderr[-2000:]}"
    return said


def test_each_is_scored_or_refused(told: dict[str, list[Any]]) -> None:
    assert len(told) == FILES
    scored = {name for name, (_, code, *_) in told.items() if code == "scored"}
    assert {"exif.png", "hopper_orientation_6.jpg", "pil_sample_cmyk.jpg", "16_bit_binary.pgm", "lab.tif"} <= scored
    refused = {name: said for name, (_, code, *said) in told.items() if code != "scored"}
    assert {"broken.png", "truncated_jpeg.jpg", "decompression_bomb.gif", "bmp/b/reallybig.bmp"} <= refused.keys()
    for name, (sentence, exit_code) in refused.items():
        assert exit_code == 3, name
        assert sentence.isprintable(), name
        assert "0x" not in sentence, f"an object's address: {sentence}"
    assert "is a variant that is not read: Unsupported BMP" in refused["bmp/g/rgb32bf.bmp"][0]
    assert len(scored) > FILES / 2


def test_the_same_file_twice_scores_nothing(told: dict[str, list[Any]]) -> None:
    for name, (_, code, *said) in told.items():
        assert code != "scored" or said[0] == pytest.approx(0, abs=1e-9), name


def test_none_takes_a_gibibyte(told: dict[str, list[Any]]) -> None:
    assert max(peak for peak, *_ in told.values()) < GIB


def test_the_whole_set_by_the_command(odd: Path, told: dict[str, list[Any]], run: Run) -> None:
    """Unreadable files are listed, and left out on request; the rest has the score it has in the library."""
    readable = [name for name, (_, code, *_) in told.items() if code == "scored"]
    looked_at = [name for name in told if not name.endswith(".avif")]
    options = ["--extractor", "pixels", "--alpha", "white", "--frames", "first", "-q"]
    refused = run("fid", odd, odd, *options)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert f"{len(looked_at) - len(readable)} of {len(looked_at)} images cannot be read: " in refused.stderr
    assert "; and " in refused.stderr
    done = run("fid", odd, odd, *options, "--on-error", "skip")
    assert done.returncode == 0
    assert f"fake:#{len(readable)}:" in done.stdout
    assert "kinds that are not read were left out: .avif 2" in done.stderr
    strict = run("fid", odd, odd, "--extractor", "pixels", "-q")
    assert (strict.returncode, strict.stdout) == (3, "")


def test_an_archive_of_them_is_the_folder(odd: Path, tmp_path: Path, run: Run) -> None:
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files(odd):
            archive.write(path, path.relative_to(odd))
    options = [
        "--extractor",
        "pixels",
        "--alpha",
        "white",
        "--frames",
        "first",
        "--on-error",
        "skip",
        "--workers",
        "0",
        "-q",
    ]
    by_zip, by_folder = (run("fid", odd, fake, *options) for fake in (tmp_path / "odd.zip", odd))
    assert (by_zip.returncode, by_zip.stdout) == (0, by_folder.stdout)
    assert "fake hold exactly the same images" in by_zip.stderr


def test_a_library_that_lets_truncated_images_pass_changes_nothing(
    odd: Path, told: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    reading = gm.Reading(alpha="white", frames="first", on_error="skip", workers=0)
    side = gm.evaluate(odd, odd, extractor="pixels", reading=reading).fake
    readable = {name for name, (_, code, *_) in told.items() if code == "scored"}
    assert side.count == len(readable)
    left_out = {line.split(" ", 1)[0] for line in side.notes.skipped}
    assert left_out == {name for name in told if name not in readable and not name.endswith(".avif")}
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
