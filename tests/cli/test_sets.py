"""Options that say which images of a set are read: for every set, or for one by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import Run
from PIL import Image

HOW = ["--extractor", "pixels", "-q", "--no-cache"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(12):
            pixels = rng.integers(0, 256, (20 + number % 3, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number}.png")
    np.savez(tmp_path / "floats.npz", rng.uniform(-1, 1, (10, 3, 16, 16)).astype(np.float32))
    (tmp_path / "labels.csv").write_text("".join(f"{number}.png,{number % 2}\n" for number in range(12)))
    return tmp_path


@pytest.mark.parametrize(("words", "wanted"), [
    (["a", "b", "--sample", "8"], ["real:#8", "fake:#8", "sample=8@2020"]),
    (["a", "b", "--sample", "real:5", "--sample", "fake:6@3"], ["real:#5", "sample=5@2020", "fake:#6", "sample=6@3"]),
    (["a", "b", "--prepare", "fake:center-crop"], ["real:#12", "fake:#12", "prepare=center-crop"]),
    (["a", "b", "--exclude", "1*", "--include", "real:?.png"], ["real:#9", "include=?.png", "fake:#9", "exclude=1*"]),
    (["a,b", "b", "--sample", "real:first:20"], ["real:#20", "sample=first:20"]),
    (["a", "floats.npz", "--value-range", "-1:1"], ["fake:#10"]),
    (["a", "floats.npz", "--value-range", "fake:-1:1"], ["fake:#10"]),
])  # fmt: skip
def test_images_are_chosen_for_every_set_or_for_one(run: Run, words: list[str], wanted: list[str]) -> None:
    code, stdout, stderr = run("fid", *words, *HOW)
    assert code == 0, stderr
    assert all(text in stdout for text in wanted), stdout


@pytest.mark.parametrize(("words", "code", "said"), [
    (["a", "b", "--sample", "test:5"], 2, "there is no test set here"),
    (["a", "b", "--sample", "5", "--sample", "6"], 2, "--sample is given twice"),
    (["a", "b", "--sample", "13"], 3, "a sample of 13 is asked for, and there are 12 images"),
    (["a", "b", "--sample", "some"], 2, "sample is 'some'"),
    (["a", "b", "--prepare", "crop"], 2, "none of the known steps"),
    (["a", "floats.npz"], 3, "as by `--value-range -1:1`"),
    (["a", "floats.npz", "--value-range", "1"], 2, "expected LOW:HIGH"),
    (["a", "floats.npz", "--value-range", "0:1"], 3, "outside value_range"),
    (["@none.txt", "a"], 3, "the list of names cannot be read"),
    (["a", "b", "--labels", "test:labels.csv"], 2, "there is no test set here"),
])  # fmt: skip
def test_choices_that_cannot_be_meant_end_in_one_sentence(run: Run, words: list[str], code: int, said: str) -> None:
    found, stdout, stderr = run("fid", *words, *HOW)
    assert found == code and said in stderr and not stdout
    assert len(stderr.strip().splitlines()) == 1


def test_labels_for_any_command(run: Run) -> None:
    words = ["evaluate", "a", "b", "--metrics", "class_fid", *HOW, "--labels", "labels.csv"]
    assert run(*words)[0] == 3
    code, stdout, stderr = run(*words, "--labels", "fake:labels.csv")
    assert code == 0 and "Class FID" in stdout, stderr


def test_one_of_several_labels(run: Run, place: Path) -> None:
    rows = [f"{number}.png,{number % 3},{number % 2}" for number in range(12)]
    (place / "faces.csv").write_text("\n".join(["image,Hat,Male", *rows]))
    words = ["evaluate", "a", "b", "--metrics", "class_fid", *HOW]
    words += ["--labels", "faces.csv", "--labels", "fake:labels.csv"]
    code, _, stderr = run(*words)
    assert code == 3 and "have 2 columns. Choose one by `--label-column`" in stderr
    code, stdout, stderr = run(*words, "--label-column", "real:Male")
    assert code == 0 and "label_column=Male" in stdout, stderr


def test_classes_of_features(run: Run, place: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("r", "f"):
        np.save(place / f"{name}.npy", rng.normal(size=(12, 4)))
    (place / "order.txt").write_text("\n".join(str(number % 2) for number in range(12)))
    words = ["evaluate", "r.npy", "f.npy", "--metrics", "class_fid", "--features-name", "net", "-q"]
    code, stdout, stderr = run(*words, "--labels", "order.txt", "--labels", "fake:order.txt")
    assert code == 0 and "Class FID" in stdout, stderr
    code, _, stderr = run(*words, "--labels", "labels.csv", "--labels", "fake:order.txt")
    assert code == 3 and "have no names to look up" in stderr


def test_saved_statistics_take_no_choice_of_their_own(run: Run) -> None:
    code, stdout, stderr = run("stats", "build", "a", "-o", "a.npz", "--sample", "6", *HOW)
    assert code == 0 and "sample=6@2020" in stdout, stderr
    code, stdout, stderr = run("fid", "a.npz", "b", "--sample", "5", *HOW)
    assert code == 0 and "real:#6" in stdout and "fake:#5" in stdout, stderr
    code, _, stderr = run("fid", "a.npz", "b", "--sample", "real:5", *HOW)
    assert code == 2 and "--sample goes with images, and the real set is saved statistics" in stderr
    code, _, stderr = run("stats", "build", "a", "-o", "b.npz", "--sample", "fake:6", *HOW)
    assert code == 2 and "there is no fake set here" in stderr
