"""Results as tables: text, Markdown, LaTeX, CSV and data frames, what they mark, and how many digits they print."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commands import Run

import ganmetrics as gm
from ganmetrics._table import Cell, Note, Table, of_words
from ganmetrics.numerics.interval_ends import Interval
from ganmetrics.scoring.difference import Difference
from ganmetrics.scoring.multiplicity import corrected

INF = math.inf
PIXELS = ("--extractor", "pixels", "--quiet")
METRICS = ["fid", "kid(subset_size=30)", "vendi"]


def images(seed: int, top: int = 200) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, top, (60, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def found() -> gm.Comparison:
    """A and B are alike, C and D are brighter."""
    return gm.compare(
        images(0), images(1), images(2), images(3, 250), images(4, 230), metrics=METRICS, extractor="pixels"
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "cell"),
    [
        (12.3123, 12.1321, 12.4876, "12.31 ± 0.18"),
        (9.7216, 8.4216, 11.2216, "9.7 [8.4, 11.2]"),
        (6.3570, 6.2213, 6.4927, "6.36 ± 0.14"),
        (123.456, 120.0, 126.9, "123.5 [120.0, 126.9]"),
        (820.0, 410.2, INF, "820 [410, ∞]"),
        (1.0, 0.98512, 1.0, "1.000 [0.985, 1.000]"),
        (1.0, 1.0, 1.0, "1.0000 [1.00 to 1.00]"),
        (-0.0003, -0.0011, 0.0005, "-0.00030 ± 0.00080"),
        (0.4, -INF, INF, "0.4000 [no bound]"),
        (5.0, 1.0, 4005.0, "0 [0, 4000]"),
    ],
)
def test_a_cell_has_the_digits_of_its_interval(value: float, low: float, high: float, cell: str) -> None:
    assert Interval(low, high, "m").cell(value) == cell


def test_a_table_has_a_row_for_each_set_and_one_signature_for_each_score(found: gm.Comparison) -> None:
    lines = str(found).splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["Set", "FID(pixels) ↓", "KID(pixels) ↓", "Vendi(pixels) ↑"]
    assert [line.split()[0] for line in lines[1:5]] == ["A", "B", "C", "D"]
    # A and B cannot be told apart; Vendi has no interval of so few images, so nothing is marked.
    assert [line.count("*") for line in lines[1:5]] == [2, 2, 0, 0]
    signatures = [line for line in lines if line.startswith(("fid|", "kid(", "vendi("))]
    assert len(signatures) == 3 and all(line.count("fake:…") == 1 for line in signatures)
    own = str(found.results["C"]["fid"].signature)
    fake = re.search(r"fake:([^|]*)", own)[1]
    assert signatures[0].replace("…", fake) == own
    assert any(line.startswith(f"C: fake:{fake}") for line in lines)
    assert "corrected for 6 comparisons" in str(found)
    # 18 lines of pairs would hide the table.
    assert "18 differences" in lines[-1]


def test_markdown_is_a_table_with_the_best_in_bold(found: gm.Comparison) -> None:
    head, rule, *rows = found.to_markdown().split("\n\n")[0].splitlines()
    assert {line.count("|") for line in (head, rule, *rows)} == {5}
    assert rows[0].startswith("| A | **") and rows[2].startswith("| C | 1")
    odd = Table(("Set",), ((Cell("a|b *c*"),),), (Note("a_b:", "x|y"),))
    assert odd.markdown().splitlines() == ["| Set |", "| --- |", r"| a\|b *c* |", "", r"a\_b: `x|y`"]


def test_latex_has_rules_of_booktabs_and_no_bare_signs(found: gm.Comparison) -> None:
    text = found.to_latex()
    assert [text.count(each) for each in (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}")] == [1] * 4
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert body.count(r" \\") == 4 and all(line.count("&") == 3 for line in body.strip().splitlines())
    assert r"\mathbf{" in body and not set("±∞↓↑…") & set(text)
    odd = of_words(("Set_1", "100 %"), [(r"a\b & {c} #1 ~^", "$5")]).latex()
    assert (
        r"Set\_1 & 100 \% \\" in odd
        and r"a\textbackslash{}b \& \{c\} \#1 \textasciitilde{}\textasciicircum{} & \$5" in odd
    )
    assert Table(("X",), ((Cell("1.2e-05 ± 3e-07", is_number=True),),)).latex().count(r"1.2{\times}10^{-5}") == 1


@pytest.mark.slow
def test_latex_compiles(found: gm.Comparison, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no LaTeX here")
    text = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{found.to_latex()}\end{{document}}"
    (tmp_path / "t.tex").write_text(text)
    done = subprocess.run(["pdflatex", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_csv_and_data_frames_have_ends_and_signatures(found: gm.Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["set"] for row in rows] == ["A", "B", "C", "D"]
    frame = found.to_pandas()
    assert list(frame.columns) == list(rows[0])
    for name, result in found.results.items():
        score = result["fid"]
        mine = frame[frame["set"] == name].iloc[0]
        assert (mine["fid"], mine["fid_low"], mine["fid_signature"]) == (
            score.value,
            score.interval.low,
            str(score.signature),
        )
    assert all(len(row["fid"].replace(".", "")) <= 6 for row in rows)
    risky = of_words(("set", "n"), [("=cmd()", "+1")])
    assert risky.csv().splitlines() == ["set,n", "'=cmd(),'+1"]


def test_a_baseline_gives_one_column_of_verdicts() -> None:
    sets = [images(1), images(2), images(3, 250)]
    found = gm.compare(images(0), *sets, metrics=METRICS[:2], extractor="pixels", baseline="A")
    assert [(one.first, one.second, one.family) for one in found.differences[::2]] == [("B", "A", 2), ("C", "A", 2)]
    lines = found.table().text().splitlines()
    assert lines[0].endswith("against A")
    assert lines[2].endswith("cannot tell") and lines[3].endswith("worse")
    assert found.to_dict()["baseline"] == "A"
    with pytest.raises(gm.UsageError, match="unknown set 'E'"):
        gm.compare(images(0), *sets, extractor="pixels", baseline="E")


def test_a_wide_table_is_broken_into_blocks() -> None:
    heads = tuple(f"column {i}" for i in range(12))
    lines = Table(heads, (tuple(Cell(f"cell {i} of some width") for i in range(12)),)).text().splitlines()
    assert max(map(len, lines)) <= 110
    assert sum(line.startswith("column 0") for line in lines) == lines.count("") + 1 == 3


def difference(value: float, half_width: float, name: str = "fid") -> Difference:
    return Difference(name, "FID", "a", "b", value, Interval.around(value, half_width, "m"), higher_is_better=False)


def test_holm_keeps_what_holds_together() -> None:
    # p-values of about 0.0002, 0.02 and 0.04: the second is above 0.05 / 2, so it and all later ones fall.
    family = [difference(1.9, 1.0), difference(1.2, 1.0), difference(1.05, 1.0)]
    assert [one.verdict for one in family] == ["worse"] * 3
    kept = corrected(family)
    assert [one.verdict for one in kept] == ["worse", "worse", "worse"]
    assert [one.verdict for one in corrected([*family, difference(0.1, 1.0)])] == ["worse", *["cannot tell"] * 3]
    assert "Holm" in corrected([*family, difference(0.1, 1.0)])[1].why
    # Other scores are families of their own, and one comparison stands as it is.
    alone = [difference(1.05, 1.0), difference(1.05, 1.0, "kid")]
    assert [one.verdict for one in corrected(alone)] == ["worse", "worse"]
    assert [one.family for one in corrected(alone)] == [1, 1]


def test_the_command_prints_every_format(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("real", "a", "b")):
        np.save(f"{name}.npy", images(seed))
    words = ("evaluate", "real.npy", "a.npy", "b.npy", "--metrics", "fid,vendi", *PIXELS)
    marks = {"text": "Set ", "markdown": "| Set |", "latex": r"% \usepackage{booktabs}", "csv": "set,fid,", "json": "{"}
    for form, begin in marks.items():
        done = run(*words, "--format", form)
        assert (done.returncode, done.stdout.startswith(begin)) == (0, True), done.stderr
    assert run(*words, "--json", "-").stdout == done.stdout
    assert json.loads(done.stdout)["results"].keys() == {"a.npy", "b.npy"}
    one = run("fid", "real.npy", "a.npy", "--format", "markdown", *PIXELS)
    assert one.stdout.startswith("| Set | FID(pixels) ↓ |\n")
    based = run(*words, "--baseline", "a.npy")
    assert "against a.npy" in based.stdout.splitlines()[0]
    wrong = run("fid", "none", "a.npy", "--format", "json", *PIXELS)
    assert json.loads(wrong.stderr.splitlines()[-1])["error"]["code"] == "E-MISSING"


def test_repr_is_the_table_and_holds_no_numbers_of_tensors(found: gm.Comparison) -> None:
    assert repr(found) == str(found)
    result = found.results["A"]
    assert repr(result) == str(result) and "tensor" not in repr(result)
    assert repr(result["fid"]) == str(result["fid"]) and "\n" not in repr(result["fid"])
    assert repr(result.fake).startswith("<Statistics #60:")
