"""``--fail-if``: conditions on scores that end a command with exit code 8 and one sentence."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from pages import parse

import ganmetrics as gm
from ganmetrics.scoring.gate import Gate

PIXELS = ("--extractor", "pixels", "--quiet")
WORKFLOW = Path(__file__).parents[2] / "examples" / "score_gate.yml"


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """real.npy, near.npy from the same distribution, far.npy from another."""
    monkeypatch.chdir(tmp_path)
    for seed, (name, top) in enumerate({"real": 200, "near": 200, "far": 250}.items()):
        np.save(f"{name}.npy", np.random.RandomState(seed).randint(0, top, (60, 8, 8, 3), dtype=np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("fid > 1", 8),
        ("fid>1e3", 0),
        ("fid.low > 12", 0),
        ("fid.high > 11.3", 8),
        ("fid < 12", 8),
        ("fid <= 11", 0),
        ("fid >= -1", 8),
    ],
)
def test_a_condition_ends_with_its_code(run: Run, sets: Path, condition: str, code: int) -> None:
    done = run("fid", "real.npy", "near.npy", "--fail-if", condition, "--json", "out.json", *PIXELS)
    assert done.returncode == code, done.stderr
    # The result is printed and saved all the same.
    assert done.stdout.startswith("FID(pixels)")
    value = json.loads((sets / "out.json").read_text())["scores"]["fid"]["value"]
    assert 11 < value < 11.4
    lines = [line for line in done.stderr.splitlines() if line.startswith("--fail-if: ")]
    assert len(lines) == (code == 8)


def test_conditions_may_be_repeated_and_hold_for_every_set(run: Run, sets: Path) -> None:
    words = ("evaluate", "real.npy", "near.npy", "far.npy", "--metrics", "fid,vendi", *PIXELS)
    done = run(*words, "--fail-if", "fid > 13", "--fail-if", "vendi < 1")
    assert done.returncode == 8
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(r"--fail-if: far\.npy: fid is [\d.]+, which is > 13", last)
    assert run(*words, "--fail-if", "fid > 13", "--ci", "fast", "--format", "csv").stdout.startswith("set,fid")


def test_what_cannot_be_checked_fails(run: Run, sets: Path) -> None:
    off = run("fid", "real.npy", "near.npy", "--ci", "off", "--fail-if", "fid.low > 1", *PIXELS)
    assert (off.returncode, "has no low, so 'fid.low > 1' cannot be checked" in off.stderr) == (8, True)
    left_out = run("evaluate", "real.npy", "near.npy", "--fail-if", "is < 3", *PIXELS)
    assert (left_out.returncode, "is was not computed" in left_out.stderr) == (8, True)
    floor = run("fid", "real.npy", "near.npy", "--fail-if", "fid.over_floor > 1", *PIXELS)
    assert (floor.returncode, "has no over floor" in floor.stderr) == (8, True)


@pytest.mark.parametrize("condition", ["fid", "fid = 3", "fid > x", "fid.mean > 3", "fid > 1.2.3", "> 3", "fid == 3"])
def test_a_condition_of_another_form_is_refused_before_the_work(run: Run, sets: Path, condition: str) -> None:
    done = run("fid", "real.npy", "near.npy", "--fail-if", condition, *PIXELS)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no condition on a score (--fail-if)" in done.stderr


def test_a_condition_on_another_score_is_refused_before_the_work(run: Run, sets: Path) -> None:
    done = run("fid", "missing", "near.npy", "--fail-if", "fidd > 3", *PIXELS)
    assert (done.returncode, "Did you mean 'fid'?" in done.stderr) == (2, True)


def test_saved_results_are_checked_too(run: Run, sets: Path) -> None:
    for name in ("near", "far"):
        run("fid", "real.npy", f"{name}.npy", "--json", f"{name}.json", *PIXELS)
    done = run("compare", "near.json", "far.json", "--fail-if", "fid > 13")
    assert (done.returncode, done.stderr.count("far.json: fid is")) == (8, 1)


def test_a_gate_reads_as_it_was_written() -> None:
    assert str(Gate.parse(" fid.low>=1e-3 ")) == "fid.low >= 0.001"
    with pytest.raises(gm.UsageError):
        Gate.parse("FID > 3")


def test_the_workflow_of_the_examples_can_be_typed() -> None:
    from ganmetrics.cli.main import group

    lines = [line.strip().removeprefix("run: ") for line in WORKFLOW.read_text().replace("\\\n", " ").splitlines()]
    commands = [shlex.split(line.partition(" >> ")[0]) for line in lines if line.startswith("ganmetrics ")]
    assert [words[1] for words in commands] == ["generators", "evaluate"]
    for words in commands:
        parse(words, group)
    gates = [Gate.parse(value) for name, value in pairwise(commands[1]) if name == "--fail-if"]
    assert [str(gate) for gate in gates] == ["fid.low > 15", "kid > 2"]
