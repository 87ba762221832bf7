"""The worked examples of CONTRIBUTING.md run, each from the files that it says it takes and no other."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from pages import ROOT, blocks

import ganmetrics as gm
from ganmetrics.diagnosis.diagnose import FAULTS
from ganmetrics.extractors import EXTRACTORS
from ganmetrics.metrics import METRICS, needs
from ganmetrics.protocols import PROTOCOLS
from ganmetrics.registry import Registry

PATH = re.compile(r"`(?:ganmetrics/)?((?:\w+/)*\w+)/(\w+)\.py`")
REGISTRIES = {"metrics": METRICS, "extractors": EXTRACTORS, "protocols": PROTOCOLS, "diagnosis": FAULTS}
ROOMS = {"metrics", "extractors", "data", "protocols", "diagnosis", "cli"}
RNG = np.random.RandomState(0)
REAL, FAKE = (RNG.randint(low, 256, (40, 8, 8, 3)).astype(np.uint8) for low in (0, 60))

Add = Callable[[str], None]


def examples() -> dict[str, str]:
    """The code of each worked example by its file, such as ``metrics/mean_gap``."""
    found = {}
    for block in blocks((ROOT / "CONTRIBUTING.md").read_text()):
        if block.language == "python" and (place := PATH.search(block.before)):
            found[f"{place[1]}/{place[2]}"] = block.text
    return found


EXAMPLES = examples()


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """Puts the file of an example into its room, which is a folder of this test beside the package's own."""
    added: list[str] = []

    def call(example: str) -> None:
        room, name = example.split("/")
        package = importlib.import_module(f"ganmetrics.{room}")
        (tmp_path / room).mkdir(exist_ok=True)
        (tmp_path / room / f"{name}.py").write_text(EXAMPLES[example])
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / room)])
        if room in REGISTRIES:
            registry: Registry = REGISTRIES[room]
            monkeypatch.setattr(registry, "_records", None)
            monkeypatch.setattr(registry, "_known", {})
        added.append(f"ganmetrics.{room}.{name}")

    yield call
    for module in added:
        sys.modules.pop(module, None)
        room, name = module.rsplit(".", 1)
        vars(sys.modules[room]).pop(name, None)


def test_every_row_of_the_table_has_an_example_of_one_file() -> None:
    assert {example.split("/")[0] for example in EXAMPLES if not example.endswith("needs")} == ROOMS
    assert len(EXAMPLES["metrics/needs"].splitlines()) == 1


def test_a_network_and_a_metric_that_reads_something_new(add: Add, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    exec(EXAMPLES["metrics/needs"], line := dict(vars(needs)))
    [(name, need)] = [(name, value) for name, value in line.items() if name not in vars(needs) and name[0] != "_"]
    monkeypatch.setattr(needs, name, need, raising=False)
    monkeypatch.setitem(needs.NEEDS, need.name, need)
    add("extractors/halves")
    add("metrics/early_gap")
    result = gm.evaluate(REAL, FAKE, metrics=["early_gap", "fid"], extractor="halves", ci="off")
    expected = np.linalg.norm((REAL / 255).mean(axis=(0, 1, 2)) - (FAKE / 255).mean(axis=(0, 1, 2)))
    assert result["early_gap"].value == pytest.approx(expected, rel=1e-5)
    assert "early_gap|halves-1|none|" in str(result["early_gap"].signature)
    evaluation = gm.Evaluation(["early_gap"], REAL, extractor="halves", ci="off")
    evaluation.update(np.ascontiguousarray(FAKE.transpose(0, 3, 1, 2)))
    assert evaluation.compute()["early_gap"].value == result["early_gap"].value
    assert "halves" in run("list", "extractors").stdout and "early_gap" in run("list", "metrics").stdout


def test_a_source(add: Add, tmp_path: Path) -> None:
    add("data/raw_file")
    path = tmp_path / "images.raw"
    REAL.tofile(path)
    from_file = gm.evaluate(path, FAKE, extractor="pixels", ci="off")
    assert from_file.real is not None and from_file.real.count == 40
    assert from_file["fid"].value == gm.evaluate(REAL, FAKE, extractor="pixels", ci="off")["fid"].value
    path.write_bytes(REAL.tobytes()[:-1])
    with pytest.raises(gm.InputError, match="ends within an image"):
        gm.evaluate(path, FAKE, extractor="pixels")


def test_a_protocol(add: Add, run: Run) -> None:
    add("protocols/my_lab")
    assert "my-lab" in run("list", "protocols").stdout
    with pytest.raises(gm.UsageError, match="the protocol my-lab goes with the extractor inception"):
        gm.evaluate(REAL, FAKE, protocol="my-lab", extractor="pixels")


def test_a_finding(add: Add) -> None:
    add("diagnosis/repeated_colours")
    found = gm.diagnose(REAL, FAKE[:1].repeat(40, axis=0), extractor="pixels")
    assert found["repeated colours"].verdict == "severe"
    assert len(found.findings) == 6


def test_a_command_with_an_option(add: Add, run: Run, tmp_path: Path) -> None:
    add("cli/brightness_command")
    np.save(tmp_path / "real.npy", REAL)
    done = run("brightness", tmp_path / "real.npy", "--digits", "2")
    assert (done.returncode, done.stdout) == (0, f"{REAL.mean():.2f}\n")
    assert "Print the mean pixel value" in run("--help").stdout
    assert "--alpha" in run("brightness", "--help").stdout
