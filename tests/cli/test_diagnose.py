"""``ganmetrics diagnose``, and ``--html`` wherever it stands: what is printed where, what is written, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from PIL import Image

COUNT = 520  # images of a set: of fewer than 500 a diagnosis says so


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reals of two kinds in two sub-folders, fakes of one kind, and healthy fakes."""
    root, rng = tmp_path_factory.mktemp("sets"), np.random.RandomState(0)
    for name, kinds in (("real", "ab"), ("collapsed", "a"), ("healthy", "ab")):
        for index in range(COUNT):
            kind = kinds[index % len(kinds)]
            folder = root / name / (kind if name == "real" else "")
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.normal(90 if kind == "a" else 160, 20, (6, 6, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).resize((10, 10), 3).save(folder / f"{index}.png")
    return root


def test_it_says_what_is_missing(run: Run, folders: Path, tmp_path: Path) -> None:
    files = ["--json", tmp_path / "d.json", "--html", tmp_path / "d.html"]
    done = run("diagnose", folders / "real", folders / "collapsed", "--extractor", "pixels", "-q", *files)
    assert done.returncode == 0
    assert done.stdout.startswith("severe  mode collapse: 1 of 2 classes; missing b\n")
    assert "        try: let the discriminator see several samples at once" in done.stdout
    assert f"the report is in {tmp_path / 'd.html'}" in done.stderr
    data = json.loads((tmp_path / "d.json").read_text())
    assert data["verdict"] == "severe" and data["details"]["classes"]["missing"] == ["b"]
    keys = {one["key"] for finding in data["findings"] for one in finding["evidence"]}
    assert {"missing_classes", "recall", "vendi", "precision", "half_way", "exact"} <= keys
    page = (tmp_path / "d.html").read_text()
    assert "ganmetrics diagnose" in page and "--extractor pixels" in page


@pytest.mark.parametrize(
    ("name", "limit", "code"),
    [
        ("collapsed", "severe", 8),
        pytest.param("collapsed", "some", 8, marks=pytest.mark.slow),
        ("healthy", "some", 0),
    ],
)
def test_a_verdict_can_end_a_script(run: Run, folders: Path, name: str, limit: str, code: int) -> None:
    options = ["--extractor", "pixels", "-q", "--fail-on", limit, "--json", "-"]
    done = run("diagnose", folders / "real", folders / name, *options)
    assert done.returncode == code
    assert json.loads(done.stdout)["verdict"] == ("severe" if code else "cannot tell")


@pytest.mark.slow
def test_labels_come_from_a_file(run: Run, folders: Path, tmp_path: Path) -> None:
    names = [path.relative_to(folders / "real") for path in (folders / "real").rglob("*.png")]
    (tmp_path / "l.csv").write_text("\n".join(f"{name},{'cat' if name.parts[0] == 'a' else 'dog'}" for name in names))
    options = ["--extractor", "pixels", "-q", "--labels", tmp_path / "l.csv"]
    done = run("diagnose", folders / "real", folders / "collapsed", *options)
    assert "1 of 2 classes; missing dog" in done.stdout
    (tmp_path / "l.csv").write_text("a/0.png,cat\n")
    done = run("diagnose", folders / "real", folders / "collapsed", *options)
    assert done.returncode == 3 and done.stdout == ""
    assert f"{COUNT - 1} of {COUNT} images have no class, such as a/10.png" in done.stderr


def test_an_output_that_exists_is_refused_before_the_work(run: Run, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("mine")
    for command in ("diagnose", "evaluate"):
        done = run(
            command, "nothing-here/", folders / "healthy", "--html", tmp_path / "r.html", "--extractor", "pixels"
        )
        assert done.returncode == 2 and "exists already" in done.stderr
    done = run("diagnose", folders / "real", folders / "healthy", "--html", tmp_path / "no" / "r.html")
    assert done.returncode == 6
    assert (tmp_path / "r.html").read_text() == "mine"


def test_evaluate_and_compare_write_reports_too(run: Run, folders: Path, tmp_path: Path) -> None:
    sets = [tmp_path / "real", tmp_path / "collapsed", tmp_path / "healthy"]
    for few in sets:
        few.mkdir()
        for path in sorted((folders / few.name).rglob("*.png"))[:: COUNT // 100]:
            (few / path.name).symlink_to(path)
    common = ["--extractor", "pixels", "-q", "--metrics", "fid"]
    assert run("evaluate", *sets[:2], *common, "--html", tmp_path / "e.html").returncode == 0
    assert run("compare", *sets, *common, "--html", tmp_path / "c.html").returncode == 0
    for index, fake in enumerate(sets[1:]):
        assert run("evaluate", sets[0], fake, *common, "--json", tmp_path / f"{index}.json").returncode == 0
    saved = [tmp_path / "0.json", tmp_path / "1.json"]
    assert run("compare", *saved, "--html", tmp_path / "s.html").returncode == 0
    titles = {name: (tmp_path / f"{name}.html").read_text().split("<title>")[1].split(" ·")[0] for name in "ecs"}
    assert titles == {"e": "Evaluation", "c": "Comparison", "s": "Comparison of saved results"}
    assert "is worse" not in titles and ">worse<" in (tmp_path / "c.html").read_text()


def test_what_has_no_report_has_no_option(run: Run, folders: Path) -> None:
    done = run("fid", folders / "real", folders / "healthy", "--html", "r.html")
    assert done.returncode == 2 and "No such option" in done.stderr
