"""The examples run as they stand, on MNIST: FID falls, and a collapse is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1900),  # two trainings of at most 900 seconds
    pytest.mark.skipif(not (DATA / "MNIST").exists(), reason="needs ../shared/data/MNIST"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A root for torchvision that it may write to."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "MNIST").symlink_to(DATA / "MNIST", target_is_directory=True)
    return tmp_path / "data"


def run(*command: object) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=900, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_fid_falls_and_the_run_is_gone_on_with(data: Path, tmp_path: Path) -> None:
    script, out = ROOT / "examples" / "dcgan_mnist.py", tmp_path / "out"
    run(script, "--data", data, "--out", out, "--steps", 60, "--every", 30)
    printed = run(script, "--data", data, "--out", out, "--steps", 180, "--every", 30, "--resume")
    records = [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(30, 210, 30))
    values = [record["scores"]["fid"]["value"] for record in records]
    assert values[-1] < 0.6 * values[0]
    assert "monitor: " in printed
    assert len(list((out / "samples").glob("*.png"))) == 6


def test_a_provoked_collapse_is_named(data: Path, tmp_path: Path) -> None:
    script = ROOT / "examples" / "dcgan_mnist.py"
    printed = run(script, "--data", data, "--out", tmp_path / "out", "--steps", 50, "--every", 25, "--collapse")
    assert "  samples grow alike: the generator is collapsing" in printed


def test_the_same_in_lightning(data: Path) -> None:
    pytest.importorskip("lightning")
    printed = run(ROOT / "examples" / "lightning_dcgan.py", "--data", data, "--steps", 60, "--every", 60)
    assert "step 120  FID(digits) " in printed


def test_the_same_on_ranks_of_accelerate(data: Path) -> None:
    pytest.importorskip("accelerate")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    printed = run(*launcher, ROOT / "examples" / "accelerate_dcgan.py", "--data", data, "--steps", 60, "--every", 60)
    assert printed.count("step 60  FID(digits) ") == 1, "the first rank alone says it"
