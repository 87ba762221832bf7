"""Kept features: found by what the pixels are and by no name; whole or not at all; bounded; harmless where it fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from PIL import Image

import ganmetrics as gm
from ganmetrics.errors import GanMetricsWarning, UsageError
from ganmetrics.extractors.digits import Digits
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.measurement import feature_cache


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 images: more than one block."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.RandomState(0)
    for index in range(600):
        Image.fromarray((rng.rand(8, 8, 3) * 255).astype(np.uint8)).save(folder / f"{index:04}.png")
    return folder


@pytest.fixture
def real(images: Path, tmp_path: Path) -> Path:
    """A copy of the 600 images, which the test may change."""
    return Path(shutil.copytree(images, tmp_path / "real"))


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images met the network, pass by pass."""
    seen: list[int] = []
    forward = Digits.forward
    monkeypatch.setattr(
        Digits, "forward", lambda self, inputs, layers: (seen.append(len(inputs)), forward(self, inputs, layers))[1]
    )
    return seen


def scored(folder: Path, metrics: str = "fid", **reading: bool) -> gm.Result:
    return gm.evaluate(
        "mnist-test", folder, metrics=metrics, extractor="digits", reading=gm.Reading(workers=0, **reading)
    )


def entries() -> list[Path]:
    return sorted(feature_cache.cache_folder().glob(f"*/??/*{feature_cache.SUFFIX}"))


def test_a_second_evaluation_runs_no_network(real: Path, passed: list[int]) -> None:
    first = scored(real)
    assert sum(passed) == 600
    passed.clear()
    second = scored(real)
    assert passed == []
    assert second["fid"].value == first["fid"].value
    assert str(second["fid"].signature) == str(first["fid"].signature)
    assert second["fid"].interval == first["fid"].interval
    without = scored(real, cache=False)
    assert without["fid"].value == first["fid"].value
    assert sum(passed) == 600


def test_content_decides_and_no_name(real: Path, passed: list[int], tmp_path: Path) -> None:
    scored(real)
    passed.clear()
    real.rename(tmp_path / "moved")
    scored(tmp_path / "moved")
    assert passed == []
    pixels = np.asarray(Image.open(tmp_path / "moved" / "0599.png")).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(tmp_path / "moved" / "0599.png")
    changed = scored(tmp_path / "moved")
    assert sum(passed) == 600 - 512, "the block of the changed image, and no other"
    assert changed["fid"].value == scored(tmp_path / "moved", cache=False)["fid"].value


def test_another_layer_or_weights_file_is_another_entry(real: Path, passed: list[int]) -> None:
    scored(real)
    passed.clear()
    gm.evaluate(None, real, metrics="is", extractor="digits")
    assert sum(passed) == 600
    network, device = Digits(None), choose_device("cpu")
    one = feature_cache.FeatureCache(network, device)
    network.identity = "digits:other"
    assert feature_cache.FeatureCache(network, device).facts != one.facts


def test_what_does_not_last_or_is_not_described_is_not_kept(real: Path) -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    images[:2] = 200
    gm.evaluate(images, images[::-1].copy(), extractor="digits")
    gm.measure(real, extractor=lambda x: x.float().flatten(1)[:, :8])
    assert entries() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-7],
        pytest.param(lambda data: data[:40], marks=pytest.mark.slow),
        pytest.param(lambda data: b"", marks=pytest.mark.slow),
        lambda data: data[:99] + bytes([data[99] ^ 1]) + data[100:],
    ],
)
def test_a_damaged_entry_is_none(damage: Callable[[bytes], bytes], real: Path, passed: list[int]) -> None:
    wanted = scored(real)["fid"].value
    for path in entries():
        path.write_bytes(damage(path.read_bytes()))
    passed.clear()
    assert scored(real)["fid"].value == wanted
    assert sum(passed) == 600


def test_a_cache_that_cannot_be_written_costs_one_warning(
    real: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANMETRICS_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.warns(GanMetricsWarning, match="features are not kept in the cache") as caught:
        found = scored(real)
    assert len(caught) == 1
    assert found["fid"].value == scored(real, cache=False)["fid"].value


def test_it_can_be_turned_off(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANMETRICS_CACHE", "0")
    scored(real)
    monkeypatch.setenv("GANMETRICS_CACHE", "1")
    monkeypatch.setenv("GANMETRICS_CACHE_SIZE", "0")
    scored(real)
    assert entries() == []
    monkeypatch.setenv("GANMETRICS_CACHE_SIZE", "large")
    with pytest.raises(UsageError, match=r"'large' is no amount of memory \(GANMETRICS_CACHE_SIZE\)"):
        scored(real)


def test_those_used_longest_ago_go_first(real: Path, tmp_path: Path) -> None:
    scored(real)
    old = entries()
    for path in old:
        os.utime(path, (1, 1))
    other = tmp_path / "other"
    other.mkdir()
    for index in range(40):
        Image.fromarray(np.full((8, 8, 3), index, np.uint8)).save(other / f"{index}.png")
    scored(other)
    new = [path for path in entries() if path not in old]
    size = sum(path.stat().st_size for path in new)
    assert feature_cache.shrink(size) == sum(path.stat().st_size for path in old if path.exists()) or not any(
        path.exists() for path in old
    )
    assert entries() == new


def test_a_run_keeps_its_own_within_the_size(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANMETRICS_CACHE_SIZE", "100KiB")
    scored(real)
    assert sum(path.stat().st_size for path in entries()) <= 100 * 1024 + 600 * 128 * 4


def test_the_commands(real: Path, run: Run) -> None:
    scored(real)
    listed = run("cache", "list")
    assert "2 blocks" in listed.stdout
    assert "digits-" in listed.stdout
    assert "of at most 10 GiB" in listed.stdout
    stranger = feature_cache.cache_folder() / "mine.txt"
    stranger.write_text("kept")
    assert "removed from" in run("cache", "clear").stdout
    assert entries() == []
    assert stranger.read_text() == "kept"
    assert run("cache", "list").stdout.startswith("       0.0 MiB of at most")


SLOW = """
import sys, time
import ganmetrics as gm
from ganmetrics.extractors.digits import Digits
forward = Digits.forward
def slow(self, inputs, layers):
    time.sleep(0.1)
    print(len(inputs), flush=True)
    return forward(self, inputs, layers)
Digits.forward = slow
print(gm.evaluate("mnist-test", sys.argv[1], extractor="digits")["fid"].value)
"""


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with_from_its_last_block(real: Path, tmp_path: Path, passed: list[int]) -> None:
    """kill -9 between blocks and while entries are written: what is there is whole, the rest is computed again."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    process = subprocess.Popen([sys.executable, str(script), str(real)], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not entries() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(entries()) == 1
    wanted = scored(real, cache=False)["fid"].value
    passed.clear()
    assert scored(real)["fid"].value == pytest.approx(wanted, rel=1e-6)
    assert sum(passed) == 88


@pytest.mark.slow
def test_processes_share_one_cold_cache(real: Path) -> None:
    command = [sys.executable, "-m", "ganmetrics", "fid", "mnist-test", str(real), "--extractor", "digits", "-q"]
    place = Path(__file__).parent  # python -m would find the sources in the repository's root, not what is installed
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place)
        for _ in range(4)
    ]
    printed = {process.communicate(timeout=200)[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert len(printed) == 1
    assert len(entries()) == 2
