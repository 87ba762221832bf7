"""``ganmetrics compare``, ``signature``, ``list``, and what intervals and attribution look like in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Run

import ganmetrics as gm

PIXELS = ("--extractor", "pixels", "--quiet")


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """real.npz, near.npz from the same distribution, far.npz from another."""
    monkeypatch.chdir(tmp_path)
    for seed, (name, top) in enumerate({"real": 200, "near": 200, "far": 250}.items()):
        pixels = np.random.default_rng(seed).integers(0, top, (60, 8, 8, 3), dtype=np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=pixels)
    return tmp_path


def test_compare_prints_tables_and_verdicts(run: Run, sets: Path) -> None:
    done = run("compare", "real.npz", "near.npz", "far.npz", "--metrics", "fid,kid(subset_size=30)", *PIXELS)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-2:]
    assert [line.split(":")[0] for line in last] == ["FID(pixels)", "KID(pixels)"]
    assert all(line.endswith("near.npz is better") for line in last)
    data = json.loads(run("compare", "real.npz", "near.npz", "far.npz", "--json", "-", *PIXELS).stdout)
    assert data["differences"][0]["verdict"] == "better"
    assert run("compare", "real.npz", "near.npz", "far.npz", "--json", "out.json", *PIXELS).returncode == 0
    assert json.loads((sets / "out.json").read_text())["differences"] == data["differences"]
    again = run("compare", "real.npz", "near.npz", "far.npz", "--json", "out.json", *PIXELS)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


def test_compare_needs_two_sets_and_intervals(run: Run, sets: Path) -> None:
    one = run("compare", "real.npz", "near.npz", *PIXELS)
    assert (one.returncode, one.stdout) == (2, "")
    assert "at least two" in one.stderr
    off = run("compare", "real.npz", "near.npz", "far.npz", "--ci", "off", *PIXELS)
    assert (off.returncode, off.stdout) == (2, "")
    assert "made of intervals" in off.stderr


@pytest.mark.parametrize(("ci", "said"), [("fast", "95%"), ("bootstrap", "95%"), ("off", "")])
def test_intervals_are_as_asked_for(run: Run, sets: Path, ci: str, said: str) -> None:
    done = run("fid", "real.npz", "near.npz", "--ci", ci, *PIXELS)
    assert done.returncode == 0, done.stderr
    assert (" to " in done.stdout and ", 95%)" in done.stdout) == bool(said)


def test_attribution_lists_images(run: Run, sets: Path) -> None:
    done = run("fid", "real.npz", "far.npz", "--attribute", 2, *PIXELS)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum("  image " in line for line in lines) == 4
    assert lines[0].startswith("FID(pixels) ")
    data = json.loads(run("fid", "real.npz", "far.npz", "--attribute", 2, "--json", "-", *PIXELS).stdout)
    assert len(data["raising"]) == len(data["lowering"]) == 2
    assert run("fid", "real.npz", "far.npz", "--attribute", 0, *PIXELS).returncode == 2


def test_signatures_are_shown_and_diffed(run: Run, sets: Path) -> None:
    one, other = (
        run("fid", "real.npz", name, *PIXELS).stdout.splitlines()[1].strip() for name in ("near.npz", "far.npz")
    )
    assert gm.Signature.parse(one).differences(gm.Signature.parse(one)) == []
    same = run("signature", "diff", one, one)
    assert (same.returncode, same.stdout) == (0, "the signatures are the same\n")
    differs = run("signature", "diff", one, other)
    assert (differs.returncode, differs.stdout[:10]) == (1, "fake: #60:")
    shown = run("signature", "show", one)
    assert [line.split()[0] for line in shown.stdout.splitlines()][:3] == ["metric", "network", "resize"]
    wrong = run("signature", "show", "fid|nonsense")
    assert (wrong.returncode, "not a signature" in wrong.stderr) == (2, True)


def test_the_lists_name_everything(run: Run) -> None:
    from ganmetrics.extractors import EXTRACTORS
    from ganmetrics.metrics import METRICS

    for kind, names in (("metrics", METRICS.names()), ("extractors", EXTRACTORS.names())):
        lines = run("list", kind).stdout.splitlines()
        assert [line.split()[0] for line in lines[1:]] == names
    facts = json.loads(run("list", "metrics", "--json").stdout)
    assert [fact["name"] for fact in facts] == METRICS.names()


@pytest.mark.slow
def test_all_metrics_are_those_that_fit(run: Run, sets: Path) -> None:
    done = run("evaluate", "real.npz", "near.npz", "--metrics", "all", "--set", "kid.subset_size=30", *PIXELS)
    assert done.returncode == 0, done.stderr
    assert "FID(pixels)" in done.stdout
    assert "kid(subset_size=30" in done.stdout
    assert "left out: is (the extractor 'pixels' is no classifier" in done.stdout
    assert "left out: ndb (ndb needs at least 100 images" in done.stdout
    data = json.loads(run("evaluate", "real.npz", "near.npz", "--metrics", "all", "--json", "-", *PIXELS).stdout)
    assert {"is", "ndb", "kid"} <= set(data["left_out"])


def test_saved_results_are_compared_where_only_the_fakes_differ(run: Run, sets: Path) -> None:
    for name in ("near", "far"):
        assert (
            run("evaluate", "real.npz", f"{name}.npz", "--metrics", "fid", "--json", f"{name}.json", *PIXELS).returncode
            == 0
        )
    done = run("compare", "near.json", "far.json")
    assert (done.returncode, done.stdout.strip().endswith("near.json is better")) == (0, True), done.stderr
    paired = json.loads(run("compare", "real.npz", "near.npz", "far.npz", "--json", "-", *PIXELS).stdout)[
        "differences"
    ][0]
    alone = json.loads(run("compare", "near.json", "far.json", "--json", "-").stdout)["differences"][0]
    assert alone["difference"] == paired["difference"]
    assert alone["interval"]["low"] < alone["difference"] < alone["interval"]["high"]
    run("evaluate", "near.npz", "far.npz", "--metrics", "fid", "--json", "other.json", *PIXELS)
    refused = run("compare", "near.json", "other.json")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "different protocols: real: #60:" in refused.stderr
    forced = run("compare", "near.json", "other.json", "--force")
    assert forced.returncode == 0
    assert "warning: near.json and other.json differ in real: #60:" in forced.stderr


def _said(text: str) -> str:
    return next((f"schema {schema}" for schema in "19" if f'"schema": {schema}' in text), "no saved result")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"schema": 2, "scores": {"fid": {}}}',
        '{"schema": 1, "scores": {}}',
        '{"schema": 9, "scores": {}}',
    ],
)
def test_what_is_no_saved_result_is_said(run: Run, sets: Path, text: str) -> None:
    run("evaluate", "real.npz", "near.npz", "--metrics", "fid", "--json", "good.json", *PIXELS)
    (sets / "bad.json").write_text(text)
    done = run("compare", "good.json", "bad.json")
    assert (done.returncode, done.stdout) == (3, "")
    assert "bad.json" in done.stderr and _said(text) in done.stderr
    missing = run("compare", "good.json", "missing.json")
    assert (missing.returncode, "cannot be read" in missing.stderr) == (3, True)


def test_a_memory_limit_changes_no_number(run: Run, sets: Path) -> None:
    metrics = ("--metrics", "prdc,cmmd,mifid,kid(subset_size=30)", "--ci", "off")
    default = run("evaluate", "real.npz", "near.npz", *metrics, *PIXELS)
    bounded = run("evaluate", "real.npz", "near.npz", *metrics, "--max-memory", "16MiB", *PIXELS)
    assert (bounded.returncode, bounded.stdout) == (0, default.stdout), bounded.stderr
    for size, said in (("lots", "no amount of memory"), ("1kB", "at least 16,777,216")):
        refused = run("evaluate", "real.npz", "near.npz", "--max-memory", size, *PIXELS)
        assert (refused.returncode, refused.stdout, said in refused.stderr) == (2, "", True)
