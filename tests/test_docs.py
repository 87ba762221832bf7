"""The pages say what the code says: those that are made from it, their code, commands, links and the API's names."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from commands import Run
from pages import (
    DOCS,
    NOT_RUN,
    PAGES,
    READ,
    ROOT,
    anchors,
    blocks,
    children,
    commands,
    is_like,
    links,
    parse,
    sessions,
    words_of,
)
from PIL import Image

import ganmetrics as gm
from ganmetrics import metrics
from ganmetrics.cli.main import group
from ganmetrics.metrics import METRICS

IDS = [str(page.relative_to(ROOT)) for page in READ]
SHOWING = [page for page in PAGES if any(sessions(page.read_text()))]
CODES = re.compile(r"\bE-[A-Z]+(?:-[A-Z]+)*\b")
ROOMS = ("training", "generators", "leaderboard", "functional")  # whose names are those of __all__


def test_the_pages_of_metrics_have_what_the_records_say(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("build_metrics", ROOT / "scripts" / "build_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    shutil.copytree(DOCS / "metrics", tmp_path / "metrics")
    shutil.copy(DOCS / "metrics.md", tmp_path)
    done = CliRunner().invoke(script.main, ["-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for page in tmp_path.rglob("*.md"):
        committed = (DOCS / page.relative_to(tmp_path)).read_text()
        assert page.read_text() == committed, "run: python scripts/build_metrics.py"


def test_every_metric_has_a_page() -> None:
    pages = {page.stem: page.read_text() for page in (DOCS / "metrics").glob("*.md")}
    assert set(pages) == {*METRICS.names(), "ppl"}
    overview = links((DOCS / "metrics.md").read_text())
    for name, text in pages.items():
        assert f"metrics/{name}.md" in overview, name
        for heading in ("## Formula", "## When it misleads", "## Example"):
            assert f"\n{heading}\n" in text, f"{name}: {heading}"


def test_every_page_is_in_the_navigation() -> None:
    found, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        assert page.is_file(), page
        assert page not in found, f"{page} stands in it twice"
        found.add(page)
        waiting += children(page)
    assert found == set(PAGES)


@pytest.mark.parametrize("page", READ, ids=IDS)
def test_links_lead_to_what_is_there(page: Path) -> None:
    for target in links(page.read_text()):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@pytest.mark.parametrize("page", READ, ids=IDS)
def test_commands_are_such_as_can_be_typed(page: Path) -> None:
    """Each is parsed as far as its values; one within a sentence may lack arguments."""
    for line in commands(page.read_text()):
        words = words_of(line)
        if "." in words[0]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", words)
                parser = importlib.import_module(words[0])._parser()
            parser.parse_args([word for word in words[1:] if word != "--help"] if "--help" not in words else [])
            continue
        try:
            parse(words, group)
        except (click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):
            continue
        except click.MissingParameter:
            assert line.endswith("…"), f"{page.name}: {line}"
        except click.ClickException as error:
            pytest.fail(f"{page.name}: {line}\n{error.format_message()}")


def test_a_command_that_cannot_be_typed_is_found() -> None:
    text = "```\nganmetrics fid real/ fake/ --no-such-thing  # words\n```\nand `ganmetrics nothing`"
    first, second = map(words_of, commands(text))
    assert first == ["ganmetrics", "fid", "real/", "fake/", "--no-such-thing"]
    with pytest.raises(click.NoSuchOption):
        parse(first, group)
    with pytest.raises(click.UsageError, match="there is no command"):
        parse(second, group)


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages call ``real/``, ``fake/``, to stand in."""
    values = np.random.RandomState(0)
    for name in ("real", "fake"):
        (tmp_path / name).mkdir()
        for i in range(64):
            Image.fromarray(values.randint(0, 256, (28, 28, 3), dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::ganmetrics.errors.GanMetricsWarning")
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS)) for page in PAGES])
def test_python_runs(page: Path, sets: Path) -> None:
    """All of a page's, in one after the other, but for what it says is not run."""
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page.read_text()):
        if block.language == "python" and not block.before.startswith(NOT_RUN):
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(sessions(page.read_text()))], ids=lambda page: page.stem
)
def test_what_is_shown_is_what_comes_out(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, request: pytest.FixtureRequest
) -> None:
    """Every line that a page shows below a command is among those that it prints."""
    monkeypatch.chdir(tmp_path)
    if "torchvision:MNIST" in page.read_text():
        monkeypatch.setenv("GANMETRICS_DATA_DIR", str(request.getfixturevalue("data_root")))
    for words, shown in sessions(page.read_text()):
        done = run(*words[1:])
        lines = [line.rstrip() for line in f"{done.stdout}\n{done.stderr}".splitlines()]
        for line in shown:
            assert any(is_like(line, each) for each in lines), f"{words}\n{line}\n{done.stdout}{done.stderr}"


def test_a_line_that_does_not_come_out_is_found() -> None:
    shown = "FID(digits)  9.7216  (8.5 to 11.1, 95%)  real:mnist-test#10000:6219f620|…"
    assert is_like(shown, "FID(digits)  9.7215  (8.4 to 11.1, 95%)  real:mnist-test#10000:abcdef01|float32")
    assert not is_like(shown, "FID(digits)  9.7215  (8.3 to 11.1, 95%)  real:mnist-test#10000:abcdef01|float32")
    assert not is_like(shown, "FID(digits)  9.8  (8.5 to 11.1, 95%)  real:mnist-test#10000:6219f620|float32")
    assert not is_like(shown, "FID(digits)  9.7216  (8.5 to 11.1, 95%)  real:mnist-test#10101:6219f620|float32")
    assert not is_like(shown, "FID(pixels)  9.7216  (8.5 to 11.1, 95%)  real:mnist-test#10000:6219f620|float32")


def test_the_worked_example_is_a_metric(sets: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    [code] = [block.text for block in blocks(text) if block.before == "Say `ganmetrics/metrics/mean_gap.py`:"]
    (sets / "plugins").mkdir()
    (sets / "plugins" / "mean_gap.py").write_text(code)
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(sets / "plugins")])
    monkeypatch.setattr(METRICS, "_records", None)
    monkeypatch.delitem(sys.modules, "ganmetrics.metrics.mean_gap", raising=False)
    options = ["--extractor", "digits", "--metrics", "mean_gap,fid", "--set", "mean_gap.power=1.0", "--json", "-"]
    done = run("evaluate", "real", "fake", *options)
    assert done.returncode == 0, done.stderr
    sides = [gm.measure(name, extractor="digits") for name in ("real", "fake")]
    real, fake = (side.moments.mean for side in sides if side.moments is not None)
    found = json.loads(done.stdout)["scores"]["mean_gap"]["value"]
    assert found == pytest.approx(float((real - fake).norm()), rel=1e-6)
    assert "mean_gap(power=1.0)|digits" in done.stdout
    monkeypatch.delitem(sys.modules, "ganmetrics.metrics.mean_gap")


def listed() -> dict[str, set[str]]:
    """The names that the API pages document, by their module."""
    found: dict[str, set[str]] = {}
    for page in (DOCS / "api").glob("*.md"):
        module = ""
        for directive, name in re.findall(r"^\.\. (\w+):: (\S+)$", page.read_text(), flags=re.M):
            if directive == "currentmodule":
                module = name
            elif directive == "automodule":
                found[name] = set(getattr(importlib.import_module(name), "__all__", ()))
            else:
                found.setdefault(module, set()).add(name)
    return found


def test_every_public_name_stands_in_the_api() -> None:
    found = listed()
    modules = {"functional", "generators", "training"}
    assert set(gm.__all__) - modules - {"__version__"} <= found["ganmetrics"]
    for room in ROOMS:
        assert set(importlib.import_module(f"ganmetrics.{room}").__all__) == found[f"ganmetrics.{room}"], room
    for room in ("numerics", "compat"):
        stems = {file.stem for file in (ROOT / "ganmetrics" / room).glob("[a-z]*.py")}
        assert {f"ganmetrics.{room}.{stem}" for stem in stems} <= set(found), room


def test_every_command_stands_in_the_reference() -> None:
    named = re.findall(r"^   :prog: ganmetrics (\S+)$", (DOCS / "cli.md").read_text(), flags=re.M)
    assert sorted(named) == group.list_commands(click.Context(group))


def test_every_short_name_of_an_error_is_explained() -> None:
    files = [file for top in ("ganmetrics", "cli") for file in (ROOT / top).rglob("*.py")]
    used = {name for file in files for name in CODES.findall(file.read_text())}
    assert used == set(CODES.findall((DOCS / "errors.md").read_text()))


@pytest.mark.parametrize("page", READ, ids=IDS)
def test_tests_that_are_named_are_there(page: Path) -> None:
    for path, name in re.findall(r"`(?:tests/)?([\w/]+\.py)::(test_\w+)", page.read_text()):
        text = (ROOT / "tests" / path).read_text()
        assert re.search(rf"^ *(?:async )?def {name}\(", text, flags=re.M), f"{path}::{name}"


def test_what_is_cited_has_the_version() -> None:
    assert f"\nversion: {gm.__version__}\n" in (ROOT / "CITATION.cff").read_text()
