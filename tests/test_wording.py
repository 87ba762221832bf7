"""Messages name parameters in Python and options at the command line, by one rule."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import Run

import ganmetrics as gm
from ganmetrics._wording import PHRASE, Option, in_options
from ganmetrics.compat import cleanfid, fidelity, pytorch_fid, torchmetrics
from ganmetrics.compat._sides import NAMES, own_hints
from ganmetrics.generators import runs
from ganmetrics.leaderboard import Board
from ganmetrics.metrics import METRICS

PACKAGE = Path(gm.__file__).parent
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli")  # as installed
COMMANDS = {"_command.py", "fidelity.py", "pytorch_fid.py"}  # whose help names their options
AN_OPTION = re.compile(r"(?<![\w-])--[a-z]")
A_COMMAND = re.compile(r"(ganmetrics|docker|pip) ")
OTHERS = {"output", "resume", "folder", "port", "token", "data", "cpu", "gpu"}  # of commands alone
FOREIGN = {"ray_remote_args"}  # in the words of others


def texts_of(path: Path) -> Iterator[str]:
    """The strings of a file that are no docstrings, X where a value is put into one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        is_documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if is_documented and ast.get_docstring(node, clean=False) is not None:
            node.body[0].value = ast.Constant(0)  # type: ignore[attr-defined]
    inside = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(value.value if isinstance(value, ast.Constant) else "X" for value in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def parameters() -> set[str]:
    """The parameters of whatever users call, and the fields of how files are read."""
    modules = (gm, fidelity, pytorch_fid, cleanfid, torchmetrics, runs, gm.functional)
    called = [getattr(module, name) for module in modules for name in dir(module) if name[0] != "_"]
    called += [Board.verify, gm.training.Monitor]
    found = {field.name for field in dataclasses.fields(gm.Reading)} | OTHERS
    for each in called:
        is_error = isinstance(each, type) and issubclass(each, Exception)
        if callable(each) and not is_error and getattr(each, "__module__", "").startswith("ganmetrics"):
            found |= set(inspect.signature(each).parameters)
    return found


def test_the_library_names_no_option_of_the_command() -> None:
    for path in SOURCES:
        for text in texts_of(path) if path.name not in COMMANDS else ():
            is_option_alone = re.fullmatch(r"--[\w-]+", text)
            assert is_option_alone or A_COMMAND.search(text) or not AN_OPTION.search(text), (path, text)


def test_what_messages_name_is_there() -> None:
    known, options = parameters(), {name for metric in METRICS.records().values() for name in metric.defaults}
    found = [match for path in SOURCES for text in texts_of(path) for match in PHRASE.finditer(text)]
    assert len(found) > 30
    for match in found:
        is_of_metric = match["call"] is not None and not match["call"].startswith("gm.")
        assert match["name"] in (options | {"X"} if is_of_metric else known | FOREIGN), match[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Use `workers=0` here", "Use `--workers 0` here"),
        ('`on_error="skip"` leaves them out', "`--on-error skip` leaves them out"),
        ("Pass `force=True`", "Pass `--force`"),
        ("Use `cache=False`", "Use `--no-cache`"),
        ("Pass them as `test`", "Pass them as `--test`"),
        ("ask for `kid(subset_size=5)` (else)", "ask for `--set kid.subset_size=5` (else)"),
        ('`gm.load_statistics(path, assume="adm")`', "`--assume-recipe adm`"),
        ("epoch=3-workers=0.png is empty", "epoch=3-workers=0.png is empty"),
        ("`gm.source(images, value_range=(0, 1))`", "`gm.source(images, value_range=(0, 1))`"),
        ("as in `gm.Reading(levels=(0, 4095))`", "as in `--levels 0:4095`"),
        ("fake: so many. `include='*_B.*'` takes one", "fake: so many. `--include 'fake:*_B.*'` takes one"),
        ("`include='*_B.*'` takes one kind", "`--include '*_B.*'` takes one kind"),
        ("run `ganmetrics weights list`", "run `ganmetrics weights list`"),
    ],
)
def test_a_command_puts_its_options_in_place(text: str, told: str) -> None:
    spelled = {
        "workers": Option("--workers"),
        "on_error": Option("--on-error"),
        "force": Option("--force", takes_value=False),
        "cache": Option("--cache", takes_value=False),
        "cache=False": Option("--no-cache", takes_value=False),
        "test": Option("--test"),
        "include": Option("--include", takes_set=True),
        "levels": Option("--levels"),
        "assume": Option("--assume-recipe"),
        "metric(option)": Option("--set"),
    }
    assert in_options(text, spelled) == told


def test_the_same_refusal_in_python_and_at_the_command_line(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (600, 4, 4, 3), dtype=np.uint8))
    with pytest.raises(gm.InputError) as caught:
        gm.evaluate(path, path, metrics=["kid"], extractor="pixels")
    assert caught.value.hint.startswith("Add images, or ask for `kid(subset_size=600)`, ")
    done = run("kid", str(path), str(path), "--extractor", "pixels", "-q")
    assert done.returncode == 3
    assert "Add images, or ask for `--set kid.subset_size=600`, " in done.stderr
    assert "`kid(" not in done.stderr


def test_hints_name_the_parameters_of_the_package_that_is_imitated() -> None:
    with pytest.raises(gm.UsageError) as caught, own_hints({}, NAMES):
        raise gm.UsageError("no processes", where="Reading.workers", hint="Use `workers=0`, or `gm.Reading(workers=0)`")
    assert caught.value.where == "num_workers"
    assert caught.value.hint == "Use `num_workers=0`, or `gm.Reading(workers=0)`"
    assert in_options(caught.value.hint, {"num_workers": Option("--num-workers")}).startswith("Use `--num-workers 0`")


def test_a_parameter_alone_is_told_as_an_option(tmp_path: Path, run: Run) -> None:
    done = run("fid", str(tmp_path), str(tmp_path), "--device", "cuda:77")
    assert done.stderr.endswith("(--device). Use `--device auto` or `--device cpu`\n")
