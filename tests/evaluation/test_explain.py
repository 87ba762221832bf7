"""Why a published FID differs: the recipe that reaches it is named, and nothing else is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from PIL import Image

import ganmetrics as gm
from ganmetrics.evaluation.explain import Explanation
from ganmetrics.evaluation.recipes import SEARCHES, balanced


def images(folder: Path, count: int, shape: tuple[int, int], scale: float, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = rng.normal(128, scale, (4, 4, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(coarse).resize((shape[1], shape[0])).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real and validation images that are no squares, and fakes of two classes that are."""
    root = tmp_path_factory.mktemp("sets")
    images(root / "real", 14, (24, 36), 35, 1)
    images(root / "val", 12, (24, 36), 45, 2)
    images(root / "fake" / "a", 8, (20, 20), 60, 3)
    images(root / "fake" / "b", 4, (20, 20), 60, 4)
    return root


@pytest.fixture
def how(synthetic_weights: Path) -> dict[str, object]:
    return {"extractor": "inception:64", "weights": synthetic_weights, "device": "cpu"}


def fid(real: object, fake: object, how: dict[str, object], protocol: str | None = None) -> float:
    return gm.evaluate(real, fake, protocol=protocol, ci="off", **how)["fid"].value  # type: ignore[arg-type]


def explained(value: float, place: Path, how: dict[str, object], *search: str) -> Explanation:
    sets = {"validation": place / "val"}
    return gm.explain(f"{value:.5f}", place / "real", place / "fake", references=sets, search=search or SEARCHES, **how)  # type: ignore[arg-type]


def prepared(folder: Path, **choices: object) -> object:
    return gm.source(folder, reading=gm.Reading(**choices))  # type: ignore[arg-type]


def test_ones_own_number_needs_no_explanation(place: Path, how: dict[str, object]) -> None:
    found = explained(fid(place / "real", place / "fake", how), place, how, "denominator")
    assert found.own.match == "equal as printed"
    assert re.fullmatch(r"your recipe gives [\d.]+ too", found.verdict)
    assert found.own.interval is not None and found.own.interval.low < found.own.value < found.own.interval.high


CASES = {
    "the resize is that of clean-fid": (
        ("protocol",), lambda at, how: fid(at / "real", at / "fake", how, "clean-fid")),
    "the reference is validation": (("reference",), lambda at, how: fid(at / "val", at / "fake", how)),
    "the real images were cut by center-crop": (
        ("crop",), lambda at, how: fid(prepared(at / "real", prepare="center-crop"), at / "fake", how)),
    "the generated images were saved as JPEG of quality 75": (
        ("format",), lambda at, how: fid(at / "real", prepared(at / "fake", prepare="jpeg:75"), how)),
    "the real images are the first 12": (
        ("number",), lambda at, how: fid(prepared(at / "real", sample="first:12"), at / "fake", how)),
    "each class has as many generated images": (
        ("classes",), lambda at, how: fid(at / "real", prepared(at / "fake", include=["a/0[0-3].png", "b/*"]), how)),
    "covariances are over N in place of N - 1 (stylegan3)": (
        ("denominator",), lambda at, how: fid(at / "real", at / "fake", how, "stylegan3")),
    "the real images lie among the generated ones": (
        ("mixture",), lambda at, how: fid(at / "real", [str(at / "fake"), str(at / "real")], how)),
    "two real sets were compared: validation stands for the generated images": (
        ("mixture",), lambda at, how: fid(at / "real", at / "val", how)),
}  # fmt: skip


# By default one of each way of finding it: another set, fewer rows, another formula.
QUICK = ("the reference is validation", "each class has as many generated images", "covariances are over N")


@pytest.mark.parametrize(
    "words", [each if each.startswith(QUICK) else pytest.param(each, marks=pytest.mark.slow) for each in CASES]
)
def test_each_difference_is_named(place: Path, how: dict[str, object], words: str) -> None:
    search, planted = CASES[words]
    found = explained(planted(place, how), place, how, *search)  # type: ignore[no-untyped-call]
    assert found.nearest[0].changes == (words,)
    assert found.nearest[0].match == "equal as printed"
    assert found.verdict.endswith(f"is reached where {words}")


def test_statistics_in_float32_are_tried(place: Path, how: dict[str, object]) -> None:
    """As packages compute them that take moments in the network's type."""
    found = explained(1e4, place, how, "precision")
    [narrow] = [each for each in found.nearest if each.changes]
    assert narrow.changes == ("means and covariances are in float32",)
    assert narrow.value == pytest.approx(found.own.value, rel=1e-3)
    assert narrow.value != found.own.value


@pytest.mark.slow
def test_two_differences_at_once_are_named(place: Path, how: dict[str, object]) -> None:
    """Neither way alone was measured, so that the sets are read a second time."""
    cut = prepared(place / "real", prepare="center-crop")
    found = explained(fid(cut, place / "fake", how, "pytorch-fid"), place, how)
    assert set(found.nearest[0].changes) == {
        "the resize is that of dgm-eval, pytorch-fid", "the real images were cut by center-crop"}  # fmt: skip
    assert found.nearest[0].options == (("protocol", "dgm-eval"), ("prepare", "real:center-crop"))


def test_a_number_that_nothing_reaches_is_said_to_be_so(place: Path, how: dict[str, object]) -> None:
    found = explained(1e4, place, how, "denominator")
    assert re.fullmatch(r"no recipe here reaches 10000.00000; the nearest is \d+ below", found.verdict)
    assert {each.match for each in found.nearest} == {""}
    near = gm.explain(f"{found.own.interval[1]:.1f}", place / "real", place / "fake", search=["denominator"], **how)  # type: ignore
    assert near.own.match or "within the interval" in near.verdict or "no recipe" in near.verdict


def test_statistics_may_be_a_reference(place: Path, how: dict[str, object], tmp_path: Path) -> None:
    gm.save_statistics(gm.measure(place / "val", **how), tmp_path / "val.npz")  # type: ignore[arg-type]
    text = f"{fid(place / 'val', place / 'fake', how):.5f}"
    sets = {"saved": tmp_path / "val.npz"}
    found = gm.explain(text, place / "real", place / "fake", references=sets, search=["reference"], **how)  # type: ignore
    assert found.nearest[0].changes == ("the reference is saved",)


@pytest.mark.parametrize(("published", "choices", "said"), [
    ("twelve", {}, "the published number is 'twelve'"),
    ("-3", {}, "the published number is"),
    (float("nan"), {}, "the published number is nan"),
    (True, {}, "the published number is True"),
    ("3", {"search": ["weather"]}, "unknown difference"),
    ("3", {"extractor": "pixels"}, "explained under Inception"),
])  # fmt: skip
def test_what_cannot_be_explained_is_refused(place: Path, published: object, choices: dict, said: str) -> None:
    with pytest.raises(gm.UsageError, match=said):
        gm.explain(published, place / "real", place / "fake", **choices)  # type: ignore[arg-type]


def test_saved_statistics_are_no_images(place: Path, how: dict[str, object]) -> None:
    saved = gm.measure(place / "real", **how)  # type: ignore[arg-type]
    with pytest.raises(gm.UsageError, match="saved statistics are of one recipe"):
        gm.explain("3", saved, place / "fake", **how)  # type: ignore[arg-type]


def test_the_command_prints_what_the_library_says(
    run: Run, place: Path, how: dict[str, object], tmp_path: Path
) -> None:
    text = f"{fid(place / 'val', place / 'fake', how):.4f}"
    words = ["explain", text, place / "real", place / "fake", "--reference", f"validation={place / 'val'}", "--search",
             "reference,denominator", "--extractor", "inception:64", "--weights", how["weights"], "--device", "cpu",
             "-q", "--json", tmp_path / "x.json"]  # fmt: skip
    code, stdout, stderr = run(*words)
    assert code == 0, stderr
    assert stdout.startswith(f"{text} is reached where the reference is validation\n\n")
    assert "nothing: your command" in stdout and "To compute it so: validation as REAL" in stdout
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["nearest"][0]["match"] == "equal as printed" and written["published"] == text
    code, _, stderr = run("explain", "x", place / "real", place / "fake")
    assert code == 2 and len(stderr.splitlines()) == 1


def test_balancing_takes_as_many_of_each_class() -> None:
    import torch

    labels = torch.tensor([0, 0, 1, 0, 1, 0, 0])
    assert balanced(labels).tolist() == [0, 1, 2, 4]
