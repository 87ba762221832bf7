"""Real digits, made worse by known amounts: the table of the docs, computed again."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
from pages import is_like

import ganmetrics as gm
from benchmarks import degradations, responses

PAGE = Path(__file__).parent.parent / "docs" / "degradations.md"


def printed() -> list[tuple[str, str, float]]:
    rows = [line.strip("| \n").split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    return [(family.strip(), strength.strip(), float(fid)) for family, strength, _, fid in rows]


def check(rows: list[degradations.Row]) -> None:
    clean, *degraded, fashion = rows
    for _, family in groupby(degraded, key=lambda row: row.family):
        scores = [clean.fid, *(row.fid for row in family)]
        assert scores == sorted(scores)
        assert scores[-1] > 20 * clean.fid
    assert fashion.fid > 20 * clean.fid


@pytest.mark.slow
def test_the_table_of_the_docs(data_root: Path) -> None:
    rows = list(degradations.rows(str(data_root)))
    check(rows)
    found = [(row.family, row.strength, pytest.approx(row.fid, rel=1e-3, abs=1e-3)) for row in rows]
    assert printed() == found
    assert rows[0].fid < 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["other real digits", "learnt by heart", "one image"])
def test_the_values_on_the_pages_of_metrics(data_root: Path, fault: str) -> None:
    recorded = json.loads((PAGE.parent / "metrics" / "responses.json").read_text())[fault]
    metrics = ["fid", "kid", "is", "precision_recall", "modes", "vendi", "ct", "class_fid"]
    fake = dict(responses.sets(str(data_root)))[fault]
    if fake.classes is None:
        metrics.remove("class_fid")
    for name, shown in responses.scores(str(data_root), fake, metrics).items():
        assert is_like(shown, recorded[name]), f"{name}: {shown}, recorded {recorded[name]}"


@pytest.mark.slow
def test_scores_grow_with_every_degradation(data_root: Path) -> None:
    check(list(degradations.rows(str(data_root), count=1000, reference="mnist-test")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("mnist-test", "torchvision:MNIST:test"),
        ("fashion-test", "torchvision:FashionMNIST:test"),
    ],
)
def test_the_bundled_statistics_are_of_their_data(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str
) -> None:
    monkeypatch.setenv("GANMETRICS_DATA_DIR", str(data_root))
    score = gm.fid(name, source)
    assert score.value <= 1e-6
    assert score.signature.real.partition("#")[2] == score.signature.fake.partition("#")[2]
