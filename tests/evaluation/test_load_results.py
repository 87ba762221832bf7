"""Many saved results as one table, data frame and page, with warnings where protocols differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
import torch
from commands import Run
from torch import nn

import ganmetrics as gm
from ganmetrics.training import Monitor, Outputs


def images(seed: int, top: int = 200) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (60, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three results of one protocol, one with other reals, a comparison, a training and a file of something else."""
    root = tmp_path_factory.mktemp("results")
    (root / "deep").mkdir()
    for index, top in enumerate((200, 200, 250)):
        found = gm.evaluate(images(0), images(index + 1, top), metrics=["fid", "vendi"], extractor="pixels")
        found.save(root / "deep" / f"{index}.json")
    gm.compare(images(0), images(4), images(5), extractor="pixels").save(root / "both.json")
    (root / "junk.json").write_text('{"schema": 2}')
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    outputs = Outputs(log=lambda line: None)
    monitor = Monitor(
        images(0), every=10, num_images=60, latents=8, extractor="pixels", folder=root / "run", outputs=outputs
    )
    for step in range(1, 31):
        with torch.no_grad():
            net[0].weight.mul_(0.95)
        monitor(step, net)
    return root


def test_everything_below_a_folder_is_read(folder: Path) -> None:
    found = gm.load_results(folder)
    frame = found.to_pandas()
    assert len(frame) == 3 + 2 + 3
    assert list(frame["step"].dropna()) == [10, 20, 30]
    one = json.loads((folder / "deep" / "1.json").read_text())["scores"]["fid"]
    row = frame[frame["run"] == str(folder / "deep" / "1.json")].iloc[0]
    assert (row["fid"], row["fid_low"], row["fid_signature"]) == (
        one["value"],
        one["interval"]["low"],
        one["signature"],
    )
    assert {f"{folder / 'both.json'}:A", f"{folder / 'both.json'}:B"} <= set(frame["run"])
    assert any("passed over" in each and "junk.json" in each for each in found.warnings)
    # The training stands in the table by its best step.
    best = min(found.series()[str(folder / "run" / "scores.jsonl")], key=lambda one: one.scores["fid"].value)
    assert sum("scores.jsonl step" in name for name in found.by_set()) == 1
    assert f"{best.name} step {best.step}" in found.by_set()
    assert found.to_csv().count("\n") == 8 and json.loads(found.to_json())["runs"][0]["name"] in set(frame["run"])


def test_the_best_and_its_ties_are_marked_among_comparable_runs(folder: Path) -> None:
    marks = {line.split("  ")[0][-6:]: line.count("*") for line in str(gm.load_results(folder / "deep")).splitlines()}
    assert (marks["0.json"], marks["1.json"], marks["2.json"]) == (1, 1, 0)


def test_a_mix_of_protocols_is_never_silent(folder: Path, tmp_path: Path) -> None:
    gm.evaluate(images(9), images(1), metrics="fid", extractor="pixels").save(tmp_path / "other.json")
    found = gm.load_results(folder / "deep", tmp_path / "other.json")
    assert found.warnings == ("FID(pixels) has 2 protocols, which do not compare (real): no run is marked best",)
    assert "*" not in "".join(line for line in str(found).splitlines() if ".json " in line)


def test_what_is_named_must_be_a_result(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(gm.InputError, match="no saved result"):
        gm.load_results(folder / "junk.json")
    with pytest.raises(gm.InputError, match="cannot be read"):
        gm.load_results(tmp_path / "missing.json")
    with pytest.raises(gm.InputError, match="no saved result was found"):
        gm.load_results(tmp_path)
    with pytest.raises(gm.UsageError, match="no file and no folder"):
        gm.load_results()
    lines = (folder / "run" / "scores.jsonl").read_text().splitlines()
    (tmp_path / "cut.jsonl").write_text("\n".join([*lines, lines[0][:40]]))
    assert len(gm.load_results(tmp_path / "cut.jsonl").runs) == 3
    (tmp_path / "bad.jsonl").write_text("\n".join([lines[0], lines[0][:40], lines[1]]))
    with pytest.raises(gm.InputError, match="line 2 is no score"):
        gm.load_results(tmp_path / "bad.jsonl")


def test_the_command_writes_a_page(run: Run, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "runs.html"
    done = run("runs", folder, "--html", page, "--fail-if", "fid > 1000")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Run ") and "warning: passed over" in done.stderr
    text = page.read_text()
    assert 'id="figure-curve-fid"' in text and 'id="figure-score-fid"' in text and 'class="filter"' in text
    assert run("runs", folder, "--format", "csv").stdout.startswith("run,file,step,fid,")
    assert run("runs", folder, "--fail-if", "fid > 1").returncode == 8
    assert run("runs", folder, "--json", "-").stdout.startswith("{")


@pytest.mark.slow
def test_the_page_sorts_and_filters(folder: Path, tmp_path: Path) -> None:
    gm.load_results(folder).save_html(tmp_path / "runs.html")
    with chromium.browser() as browser:
        chromium.look(browser)
        browser.get((tmp_path / "runs.html").as_uri())

        def column(index: int) -> list[str]:
            rows: Any = browser.execute_script(
                "return [...document.querySelectorAll('#runs-table tbody tr')].filter(r => !r.hidden)"
                f".map(r => r.cells[{index}].textContent)"
            )
            return list(rows)

        heads = browser.find_elements("css selector", "button.sort")
        heads[1].click()
        values = [float(text.split()[0]) for text in column(1)]
        assert values == sorted(values)
        heads[1].click()
        assert [float(text.split()[0]) for text in column(1)] == sorted(values, reverse=True)
        # Runs without a value stay below, whichever way is up.
        for _ in range(2):
            heads[2].click()
            words = column(2)
            assert [text == "–" for text in words] == sorted(text == "–" for text in words)
        browser.find_element("css selector", "input.filter").send_keys("BOTH")
        assert len(column(0)) == 2
        assert browser.get_log("browser") == []
