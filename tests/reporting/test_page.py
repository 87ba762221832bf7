"""Reports as text: what they hold, what they escape, what they forbid, that they stay the same."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import ganmetrics as gm
from ganmetrics import reporting

KINDS = ["diagnosis", "evaluation", "comparison", "saved", "bare", "attribution", "protocols", "length", "explanation"]
FIGURES = {
    "diagnosis": ["classes", "coverage-map", "clusters", "precision-recall", "fid-by-count"],
    "evaluation": ["uncertainty", "coverage-map", "clusters", "precision-recall", "fid-by-count"],
    "comparison": [
        "score-fid",
        "score-prdc_precision",
        "score-prdc_recall",
        "score-prdc_density",
        "score-prdc_coverage",
    ],
    "saved": [],
    "bare": [],
    "attribution": [],
    "protocols": [],
    "explanation": [],
    "length": [],
}


class Elements(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def pages(shown: SimpleNamespace) -> dict[str, str]:
    """The page of every kind of result."""
    return {kind: reporting.page(getattr(shown, kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_nothing_and_runs_its_own_script_only(shown: SimpleNamespace, kind: str) -> None:
    text = reporting.page(getattr(shown, kind), command="ganmetrics … </script><script>alert(3)</script>")
    elements = Elements(text).found
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == sum(tag == "script" for tag, _ in elements) == 1
    policy = next(a["content"] for tag, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert policy is not None and policy.startswith("default-src 'none'") and f"script-src 'sha256-{digest}'" in policy
    for tag, attributes in elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "srcset", "data"):
                assert value is not None and value.startswith(("data:", "#")), (tag, value)
    assert "url(http" not in text and "@import" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_holds_its_figures_and_signatures(shown: SimpleNamespace, pages: dict[str, str], kind: str) -> None:
    result, text = getattr(shown, kind), pages[kind]
    identifiers = [a["id"] for _, a in Elements(text).found if "id" in a]
    assert len(identifiers) == len(set(identifiers)), "an identifier stands twice"
    assert [each.removeprefix("figure-") for each in identifiers if str(each).startswith("figure-")] == FIGURES[kind]
    anchors = [str(a["href"]) for tag, a in Elements(text).found if tag == "a"]
    assert all(each.removeprefix("#") in identifiers for each in anchors)
    for score in getattr(result, "scores", {}).values():
        assert f"<code>{score.signature}</code>" in text.replace("&lt;", "<")
    said = re.sub(r"<(script|style|svg).*?</\1>|<[^>]*>", "", text, flags=re.DOTALL)
    assert not {"NaN", "nan", "None", "inf"} & set(re.findall(r"\w+", said))


def test_a_diagnosis_shows_what_it_is_about(shown: SimpleNamespace, pages: dict[str, str]) -> None:
    found = shown.diagnosis
    assert found["mode collapse"].sentence.startswith("2 of 3 classes; missing 2")
    text = pages["diagnosis"]
    sections = {a["id"] for tag, a in Elements(text).found if tag == "section"}
    assert {"missing", "repeats", "pairs", "samples", "attribution"} <= sections
    for finding in found.findings:
        assert finding.name in text
        for advice in finding.advice:
            assert advice in html.unescape(text)
    copies = re.search(r'<section id="pairs".*?</section>', text, re.DOTALL)
    assert copies is not None and copies[0].count("<h3>0.00</h3>") >= 10


def test_names_from_the_disk_are_text(pages: dict[str, str]) -> None:
    text = pages["diagnosis"]
    assert "<img src=x" not in text and "alert(2)<" not in text.replace("&lt;", "")
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "{{ 7 * 7 }}" in text and "‮" not in text
    assert "fake &#39;n&#39;" in text


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.slow) if kind in ("evaluation", "comparison") else kind for kind in KINDS],
)
def test_the_same_result_gives_the_same_page(shown: SimpleNamespace, pages: dict[str, str], kind: str) -> None:
    assert reporting.page(getattr(shown, kind)) == pages[kind]


def test_a_page_is_small(pages: dict[str, str]) -> None:
    assert len(pages["diagnosis"].encode()) < 1_500_000


@pytest.mark.slow
def test_of_ten_thousand_large_images_a_page_stays_below_5_mb() -> None:
    rng = torch.Generator().manual_seed(0)
    sets = [
        torch.randint(256, (240, 3, 96, 96), generator=rng, dtype=torch.uint8) for _ in range(2)
    ]  # noise: the worst
    sets[1][:100] = sets[1][100:101]
    found = gm.diagnose(*sets, extractor="pixels")
    assert len(reporting.page(found).encode()) < 5_000_000


def test_a_report_of_a_few_images_is_written(tmp_path: Path) -> None:
    """They tell nothing about faults, and much about themselves."""
    real, fake = (np.random.RandomState(seed).randint(0, 256, (6, 8, 8, 3), np.uint8) for seed in (0, 1))
    reading = gm.Reading(thumbnails=True)
    found = gm.evaluate(real, fake, metrics=["fid", "kid(subset_size=4)"], extractor="pixels", reading=reading)
    found.save_html(tmp_path / "r.html")
    assert "FID" in (tmp_path / "r.html").read_text()


def test_a_report_is_written_whole_or_not_at_all(shown: SimpleNamespace, tmp_path: Path) -> None:
    shown.evaluation.save_html(tmp_path / "r.html", command="ganmetrics evaluate a b")
    assert "<code>ganmetrics evaluate a b</code>" in (tmp_path / "r.html").read_text()
    with pytest.raises(gm.UsageError, match="exists already"):
        shown.evaluation.save_html(tmp_path / "r.html")
    with pytest.raises(gm.ResourceError, match="does not exist"):
        shown.evaluation.save_html(tmp_path / "none" / "r.html")
    shown.comparison.save_html(tmp_path / "r.html", force=True)
    assert [each.name for each in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_gets_a_part_without_scripts(shown: SimpleNamespace, kind: str) -> None:
    text = getattr(shown, kind)._repr_html_()
    tags = {tag for tag, _ in Elements(text).found}
    assert not any("id" in attributes for _, attributes in Elements(text).found), "a notebook shows many"
    assert text.startswith('<div class="gm fragment">') and not tags & {"script", "img", "button", "html", "body"}
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    rules = re.findall(r"(?m)^ *([^@\s}{][^{}]*)\{", re.sub(r"@media[^{]*\{", "", style))
    assert len(rules) > 50
    assert all(part.strip().startswith((".gm", "body.gm")) for rule in rules for part in rule.split(","))


@pytest.mark.parametrize("kind", ["diagnosis", "evaluation", "comparison"])
def test_plot_gives_a_figure(shown: SimpleNamespace, kind: str, tmp_path: Path) -> None:
    figure = getattr(shown, kind).plot()
    assert isinstance(figure, Figure) and len(figure.axes) == len(FIGURES[kind])
    figure.savefig(tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 10_000


@pytest.mark.parametrize("kind", KINDS)
def test_every_result_prints_and_is_saved_alike(shown: SimpleNamespace, kind: str, tmp_path: Path) -> None:
    result, path = getattr(shown, kind), tmp_path / "result.json"
    assert str(result) and isinstance(result.warnings, tuple)
    result.save(path)
    assert json.loads(path.read_text()) == json.loads(result.to_json()) == json.loads(json.dumps(result.to_dict()))
    with pytest.raises(gm.UsageError, match="exists already"):
        result.save(path)
    assert isinstance(result.plot(), Figure)


def test_an_attribution_names_its_images(shown: SimpleNamespace, pages: dict[str, str]) -> None:
    text = html.unescape(pages["attribution"])
    assert all(each.name in text and f"{each.share:+.4g}" in text for each in shown.attribution.raising)


def test_a_view_of_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="no report is made of a dict"):
        reporting.page({})


def test_scores_of_few_images_have_a_page() -> None:
    """Verdicts need 20 images of a side; scores need fewer, and so do their pages."""
    rng = torch.Generator().manual_seed(0)
    sets = [torch.randint(256, (6, 3, 8, 8), generator=rng, dtype=torch.uint8) for _ in range(2)]
    reading = gm.Reading(thumbnails=True)
    found = gm.evaluate(*sets, metrics=["fid", "vendi", "kid(subset_size=4)"], extractor="pixels", reading=reading)
    assert "FID(pixels)" in reporting.page(found)
