"""Scores for a model's page: read back by the Hub's own library; badges and citations."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import Run

import ganmetrics as gm
from ganmetrics.metrics import METRICS
from ganmetrics.reporting.citations import bibtex

yaml = pytest.importorskip("yaml", reason="no reader of YAML")


@pytest.fixture(scope="module")
def result() -> gm.Result:
    real, fake = (np.random.RandomState(i).randint(0, 200, (60, 8, 8, 3), dtype=np.uint8) for i in (0, 1))
    return gm.evaluate(real, fake, metrics=["fid", "kid(subset_size=30)"], extractor="pixels")


def test_the_hub_reads_what_was_written(result: gm.Result, tmp_path: Path) -> None:
    paths = result.to_hub(
        tmp_path / "card", model='ours: a "model"', dataset="ylecun/mnist", source="https://x.org/log"
    )
    names = {path.relative_to(tmp_path / "card").as_posix() for path in paths}
    assert names == {
        *("model-index.yaml", "evaluation.md", "badge.svg", "citations.bib", ".eval_results/ganmetrics.yaml"),
    }
    index = yaml.safe_load((tmp_path / "card" / "model-index.yaml").read_text())["model-index"]
    entries = yaml.safe_load((tmp_path / "card" / ".eval_results" / "ganmetrics.yaml").read_text())
    assert [entry["value"] for entry in entries] == [result["fid"].value, result["kid"].value]
    assert str(result["fid"].signature) in entries[0]["notes"]
    hub = pytest.importorskip("huggingface_hub", reason="no huggingface_hub")
    from huggingface_hub.repocard_data import model_index_to_eval_results

    name, found = model_index_to_eval_results(index)
    assert name == 'ours: a "model"'
    assert [(each.metric_type, each.metric_value, each.dataset_type) for each in found] == [
        ("fid", result["fid"].value, "ylecun/mnist"),
        ("kid", result["kid"].value, "ylecun/mnist"),
    ]
    if hasattr(hub, "parse_eval_result_entries"):
        parsed = hub.parse_eval_result_entries(entries)
        assert [(one.dataset_id, one.task_id) for one in parsed] == [("ylecun/mnist", name) for name in ("fid", "kid")]


def test_what_exists_is_not_overwritten(result: gm.Result, tmp_path: Path) -> None:
    result.to_hub(tmp_path)
    assert not (tmp_path / ".eval_results").exists()
    with pytest.raises(gm.UsageError, match="exists already"):
        result.to_hub(tmp_path)
    result.to_hub(tmp_path, force=True)
    with pytest.raises(gm.UsageError, match="no data set of the Hub"):
        result.to_hub(tmp_path, dataset="mnist", force=True)


def test_a_badge_is_svg_with_the_score(result: gm.Result, tmp_path: Path) -> None:
    result.to_hub(tmp_path)
    root = ElementTree.fromstring((tmp_path / "badge.svg").read_text())
    texts = [each.text for each in root.iter() if each.tag.endswith("}text")]
    assert texts[0] == "FID(pixels)" and texts[1].split()[0] == result["fid"].rounded
    assert root.attrib["aria-label"] == ": ".join(texts)


def test_every_metric_with_a_paper_has_an_entry() -> None:
    for metric in METRICS.records().values():
        text = bibtex([metric.parts[0].name])
        entry = text.split("\n\n")[0]
        assert entry.startswith("@misc{"), metric.name
        assert re.search(r"title = \{\{.{8,}\}\}", entry) and re.search(r"year = \{\d{4}\}", entry), entry
        assert entry.count("{") == entry.count("}"), entry
    both = bibtex(["precision", "recall", "fid", "fid"])
    assert both.count("@misc{heusel2017gans") == 1 and both.count("@software{ganmetrics") == 1


def test_the_commands(run: Run, result: gm.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result.save("result.json")
    done = run("card", "result.json", "-o", "card", "--model", "ours", "--dataset", "ylecun/mnist")
    assert done.returncode == 0, done.stderr
    assert "card/.eval_results/ganmetrics.yaml" in done.stdout.replace("\\", "/")
    again = run("card", "result.json", "-o", "card")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    np.save("a.npy", np.random.RandomState(0).randint(0, 200, (60, 8, 8, 3), dtype=np.uint8))
    scored = run("fid", "a.npy", "a.npy", "--extractor", "pixels", "--bibtex", "m.bib", "-q")
    assert scored.returncode == 0, scored.stderr
    assert "Two Time-Scale Update Rule" in Path("m.bib").read_text()
