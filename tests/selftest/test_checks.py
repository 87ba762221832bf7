"""The self-test passes here, and fails where something gives other numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import Run

import ganmetrics as gm
from ganmetrics.generators import cards
from ganmetrics.selftest import Check, Plan, check_list, closed_forms, environment, images, networks
from ganmetrics.selftest.check_list import Task


def shift(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Make a function that the checks call give a number that is one too large."""
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **options: right(*given, **options) + 1)


def test_a_check_passes_within_its_tolerance_only() -> None:
    assert Check("x", 1.5, 1.0, 0.5).passed
    assert not Check("x", 1.6, 1.0, 0.5).passed
    assert not Check("x", 0.4, 1.0, 0.5).passed
    assert not Check("x", float("nan"), 1.0, 0.5).passed
    assert not Check("x", 1.0, 1.0, 0.5, error="broken").passed
    assert Check("x", float("inf"), 1.0, 0.5).to_dict()["found"] is None


@pytest.mark.parametrize(
    "title", ["closed forms", "images", pytest.param("networks", marks=pytest.mark.slow), "bundled statistics"]
)
def test_every_part_passes_here(title: str) -> None:
    task = next(task for task in Plan().tasks() if task.title == title)
    checks = list(task.checks())
    assert len(checks) >= 5
    assert [check for check in checks if not check.passed] == []


def test_the_generators_are_those_on_their_cards() -> None:
    titles = [task.title for task in Plan().tasks()]
    assert [title for title in titles if title.startswith("generator")] == [f"generator {n}" for n in check_list.QUICK]
    every = [task.title for task in Plan(every_generator=True).tasks()]
    assert set(every) - set(titles) == {f"generator {name}" for name in set(cards.folders()) - set(check_list.QUICK)}
    ring = next(task for task in Plan().tasks() if task.title == "generator gan-ring")
    assert next(check.name for check in ring.checks()) == "gan-ring: Modes of 8"
    assert all(check.passed for check in ring.checks())


@pytest.mark.parametrize(
    ("module", "name"), [(closed_forms, "frechet_distance"), (closed_forms, "fid"), (closed_forms, "vendi_of_kernel")]
)
def test_another_formula_is_found_out(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    shift(monkeypatch, module, name)
    assert not all(check.passed for check in closed_forms.closed_forms())


@pytest.mark.parametrize("name", ["pillow_bicubic", "pytorch_bilinear", "tf1_bilinear"])
def test_another_resize_is_found_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shift(monkeypatch, images, name)
    assert not all(check.passed for check in images.images())


def test_other_weights_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is one per cent off, as TF32 would be, changes its recorded scores."""
    right = gm.load_extractor("digits").__class__.forward

    def forward(self: Any, inputs: torch.Tensor, layers: Any) -> dict[str, torch.Tensor]:
        return {name: 1.01 * value for name, value in right(self, inputs, layers).items()}

    monkeypatch.setattr("ganmetrics.extractors._grey_classifier.GreyClassifier.forward", forward)
    monkeypatch.delitem(networks.RECORDED, "fashion")
    wrong = {check.name for check in networks.networks("cpu") if not check.passed}
    assert wrong == {"FID(digits) of noise", "IS(digits) of noise", "KID(digits) of noise"}


def test_what_breaks_a_part_is_its_last_line() -> None:
    def broken() -> Any:
        yield Check("first", 1, 1, 0)
        raise ImportError("no such library")

    first, last = Task("a part", broken).checks()
    assert first.passed
    assert (last.name, last.error, last.passed) == ("a part", "ImportError: no such library", False)
    assert np.isnan(last.found)


def test_the_environment_is_named() -> None:
    facts = environment()
    assert facts["ganmetrics"] == gm.__version__
    assert facts["torch"] == torch.__version__.partition("+")[0]
    assert {"python", "numpy", "scipy", "pillow", "JPEG decoder", "GPUs", "extras", "Inception's weights"} <= set(facts)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One generator instead of four, one network instead of two."""
    monkeypatch.setattr(check_list, "QUICK", ("gan-ring",))
    monkeypatch.delitem(networks.RECORDED, "digits")


@pytest.mark.usefixtures("short")
def test_the_command_reports_on_stdout(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("selftest")
    assert done.returncode == 0
    assert f"\nganmetrics            {gm.__version__}\n" in done.stdout
    assert "ok    IS of equal guesses" in done.stdout
    assert "FAIL" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("29 of 29 checks passed in")
    assert "checking" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("short")
def test_a_number_that_differs_is_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shift(monkeypatch, closed_forms, "frechet_distance")
    done = run("selftest", "--json", "-q")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert done.stderr == ""
    assert report["passed"] is False
    wrong = [check["name"] for checks in report["checks"].values() for check in checks if not check["passed"]]
    assert wrong == ["Fréchet distance of covariances that commute"]
    assert report["environment"]["ganmetrics"] == gm.__version__


def test_an_unknown_device_is_refused_first(run: Run) -> None:
    done = run("selftest", "--device", "warp")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown device 'warp'" in done.stderr
