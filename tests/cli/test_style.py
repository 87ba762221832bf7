"""``ganmetrics style`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from commands import Run
from noise_folders import real_and_fake
from PIL import Image

import ganmetrics as gm
from ganmetrics.cli.style_command import command
from ganmetrics.evaluation.style_and_content import content_distance, style_and_content, style_distance


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return real_and_fake(tmp_path_factory.mktemp("folders"), 3, (20, 24), 50)


def run(*arguments: object) -> str:
    done = CliRunner().invoke(command, [*map(str, arguments), "-q"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_prints_both_distances_and_the_network(folders: tuple[Path, Path]) -> None:
    lines = run(*folders).splitlines()
    assert lines[0].startswith("Style distance(random-vgg19)")
    assert lines[0].endswith("lower is better")
    assert lines[2].startswith("Content distance(random-vgg19)")
    for line, name in ((lines[1], "style"), (lines[3], "content")):
        signature = gm.Signature.parse(line)
        assert signature.metric == f"{name}(paired=False)"
        assert signature.network == "random-vgg19:seed0/average"


@pytest.mark.parametrize("paired", [False, True])
def test_json_has_the_numbers_of_the_library(folders: tuple[Path, Path], paired: bool) -> None:
    flags = ["--paired"] if paired else []
    data = json.loads(run(*folders, "--network", "digits", "--json", "-", *flags))
    for name, function in (("style", style_distance), ("content", content_distance)):
        score = function(*folders, network="digits", paired=paired)
        assert data["scores"][name]["value"] == pytest.approx(score.value, rel=1e-9)
        assert data["scores"][name]["signature"] == str(score.signature)
    assert (data["real"]["count"], data["fake"]["count"]) == (3, 3)
    assert data["real"]["recipe"]["network"].startswith("digits:")


def test_one_image_file_is_a_set(folders: tuple[Path, Path]) -> None:
    first, second = folders[0] / "000.png", folders[1] / "000.png"
    as_sets, as_pairs = (style_and_content(first, second, network="digits", paired=paired) for paired in (False, True))
    for name in ("style", "content"):
        assert as_sets[name].value == pytest.approx(as_pairs[name].value, rel=1e-12)
        assert as_sets[name].value > 0
    assert "(digits)" in run(first, second, "--network", "digits")
    assert float(style_distance(first, first, network="digits")) == 0


def test_a_pair_needs_its_neighbour(folders: tuple[Path, Path]) -> None:
    array = np.zeros((2, 20, 24, 3), dtype=np.uint8)
    with pytest.raises(gm.InputError, match="3 real and 2 fake") as caught:
        style_distance(folders[0], array, network="digits", paired=True)
    assert caught.value.code == "E-PAIRS"
    assert style_distance(folders[0], array, network="digits").value > 0
    batches = [torch.zeros(1, 3, 20, 24, dtype=torch.uint8)] * 2  # of unknown number until it is read
    with pytest.raises(gm.InputError, match="real and 2 fake"):
        style_distance(folders[0], torch.utils.data.DataLoader(torch.cat(batches)), network="digits", paired=True)


def test_images_of_different_sizes_have_no_content_distance(folders: tuple[Path, Path]) -> None:
    array = np.zeros((3, 24, 20, 3), dtype=np.uint8)
    for paired in (False, True):
        found = style_and_content(folders[0], array, network="digits", paired=paired)
        assert list(found.scores) == ["style"]
        assert any("content distance is not defined" in warning for warning in found.warnings)
        with pytest.raises(gm.InputError, match="content distance is not defined"):
            content_distance(folders[0], array, network="digits", paired=paired)


def test_nothing_is_resized_and_the_caution_says_no_more(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for index in range(2):
        Image.new("RGB", (24, 28), (9 * index, 0, 0)).save(tmp_path / f"{index}.png")
    done = CliRunner().invoke(command, [*map(str, (folders[0], tmp_path)), "--network", "digits", "-q"])
    assert done.exit_code == 0, done.output
    assert "real images are mostly 24x20 and fake ones 24x28 pixels\n" in done.output
    assert "the content distance is not defined" in done.output


def test_batches_do_not_matter(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [style_and_content(*folders, network="digits", paired=paired) for paired in (False, True)]
    monkeypatch.setattr("ganmetrics.evaluation.style_and_content.PIXELS", 500)
    single = [style_and_content(*folders, network="digits", paired=paired) for paired in (False, True)]
    for one, other in zip(whole, single, strict=True):
        for name in ("style", "content"):
            assert one[name].value == pytest.approx(other[name].value, rel=1e-4)
            assert one[name].signature == other[name].signature


FAULTS = [
    (("--network", "vgg19"), gm.UsageError, "VGG19 needs its weights"),
    (("--network", "vgg16"), gm.UsageError, "Did you mean 'vgg19'"),
    (("--network", "digits", "--weights", "vgg.pth"), gm.UsageError, "has its own weights"),
]


@pytest.mark.parametrize(("options", "kind", "text"), FAULTS)
def test_options_that_do_not_fit_are_refused(
    folders: tuple[Path, Path], options: tuple[str, ...], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        run(*folders, *options)


def test_a_fault_is_one_sentence_and_an_exit_code(folders: tuple[Path, Path], run: Run) -> None:
    done = run("style", *folders, "-q", "--weights", "nowhere.pth")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "error[E-MISSING]: there is no such file of weights (nowhere.pth). Check the path\n"


def test_saved_statistics_are_refused() -> None:
    with pytest.raises(gm.UsageError, match="hold no maps"):
        style_distance("mnist-test", np.zeros((2, 28, 28, 3), dtype=np.uint8))


def test_an_output_that_exists_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    assert "Style" in run(*folders, "--network", "digits", "--json", target)
    assert json.loads(target.read_text())["scores"]["style"]["value"] > 0
    with pytest.raises(gm.UsageError, match="exists already"):
        run(*folders, "--network", "digits", "--json", target)
    run(*folders, "--network", "digits", "--json", target, "--force")
