"""``ganmetrics generators`` as a user types it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import Run
from PIL import Image

from ganmetrics.generators import card_scores, reproduction
from ganmetrics.generators.cards import CARD

TINY = ["--set", "width=4", "--set", "batch_size=8", "--set", "latent_dim=6"]


@pytest.fixture
def _small_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_scores, "NUM_IMAGES", 1000)
    monkeypatch.setattr(reproduction, "SEEDS", range(2))


@pytest.fixture
def trained(run: Run, data_root: Path, tmp_path: Path, _small_scores: None) -> Path:
    """A folder that ``train`` left after two iterations."""
    folder = tmp_path / "cards" / "tiny"
    arguments = ["train", "dcgan-mnist", "-o", folder, "--data", data_root, "--iterations", 2, "--watch-every", 0]
    done = run("generators", *arguments, *TINY, "--device", "cpu", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "FID(digits)" in done.stdout
    assert "--iterations 2 --set latent_dim=6" in done.stdout
    return folder


@pytest.mark.slow
def test_a_training_makes_a_card_that_the_other_commands_read(
    run: Run, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANMETRICS_GENERATORS", str(trained.parent))
    listed = run("generators", "list")
    assert next(line.split()[0] for line in listed.stdout.splitlines()) == "NAME"
    assert any(line.startswith("tiny ") and "KID(digits)" in line for line in listed.stdout.splitlines())
    shown = json.loads(run("generators", "show", "tiny", "--json").stdout)
    assert shown == json.loads((trained / CARD).read_text())

    again = run("generators", "reproduce", "tiny", "--quiet")
    assert (again.returncode, again.stderr) == (0, "")
    assert "tiny: pass" in again.stdout
    assert "1 of 1 generators reproduce their cards" in again.stdout

    card = json.loads((trained / CARD).read_text())
    card["scores"][0]["value"] += 5
    (trained / CARD).write_text(json.dumps(card))
    failed = run("generators", "reproduce", trained, "--quiet")
    assert failed.returncode == 1
    assert "FAIL" in failed.stdout
    assert "<- differs" in failed.stdout
    report = json.loads(run("generators", "reproduce", trained, "--quiet", "--json").stdout)
    fid = report[str(trained)][0]
    assert (fid["name"], fid["passed"]) == ("fid", False)
    assert fid["difference"] == pytest.approx(-5, abs=1e-3)

    mended = run("generators", "rescore", trained, "--quiet")
    assert mended.returncode == 0
    assert run("generators", "reproduce", trained, "--quiet").returncode == 0


@pytest.mark.slow
def test_a_training_goes_on_only_where_it_is_told_to(run: Run, trained: Path, tmp_path: Path) -> None:
    refused = run("generators", "train", "dcgan-mnist", "-o", trained)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    other = run("generators", "train", "gan-mnist", "-o", trained, "--resume")
    assert (other.returncode, "holds a training of dcgan-mnist" in other.stderr) == (2, True)
    gone_on = run("generators", "train", "dcgan-mnist", "-o", trained, "--resume", "--quiet")
    assert gone_on.returncode == 0
    exported = run("generators", "export", trained, "-o", tmp_path / "mine")
    assert exported.returncode == 0
    assert json.loads((tmp_path / "mine" / CARD).read_text()) == json.loads((trained / CARD).read_text())
    assert run("generators", "export", trained, "-o", tmp_path / "mine").returncode == 2


@pytest.mark.slow
def test_an_interrupted_training_says_how_it_goes_on(data_root: Path, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("ganmetrics"))
    arguments = ["dcgan-mnist", "-o", "run", "--data", str(data_root), "--iterations", "1000000", "--watch-every", "0"]
    with subprocess.Popen(
        [program, "generators", "train", *arguments, *TINY, "--device", "cpu", "-q"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(1200):
            if (tmp_path / "run" / "log.jsonl").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "interrupted; the checkpoint in run goes on with --resume\n")
    assert (tmp_path / "run" / "checkpoint.pt").exists()


@pytest.mark.slow
def test_samples_go_into_a_folder_or_one_file(run: Run, trained: Path, tmp_path: Path) -> None:
    folder, file = tmp_path / "fake", tmp_path / "fake.npz"
    assert run("generators", "sample", trained, "-n", 5, "-o", folder, "--quiet").returncode == 0
    assert run("generators", "sample", trained, "-n", 5, "-o", file, "--seed", 0).returncode == 0
    pixels = np.load(file)["samples"]
    assert (pixels.shape, pixels.dtype) == ((5, 28, 28, 3), np.uint8)
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:05d}.png" for i in range(5)]
    with Image.open(folder / "00003.png") as image:
        assert np.array_equal(np.asarray(image), pixels[3])
    scored = run("is", file, "--extractor", "digits", "--set", "is.splits=2", "--quiet")
    assert scored.returncode == 0, scored.stderr

    assert run("generators", "sample", trained, "-n", 5, "-o", folder).returncode == 2
    assert run("generators", "sample", trained, "-n", 5, "-o", file).returncode == 2
    assert run("generators", "sample", trained, "-n", 5, "-o", folder, "--force", "--quiet").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "dcgan-mnits"], 2, "Did you mean 'dcgan-mnist'"),
        (["reproduce"], 2, "--all"),
        (["reproduce", "dcgan-mnist", "--all"], 2, "--all"),
        (["sample", "dcgan-mnist", "-n", "0", "-o", "x"], 2, "not in the range"),
        (["sample", "dcgan-mnist", "-n", "3", "-o", "x", "--truncation", "0.5"], 2, "has no option truncation"),
        (["sample", "dcgan-mnist", "-n", "3", "-o", "x", "--labels", "a,b"], 2, "--labels is 'a,b'"),
        (["sample", "dcgan-mnist", "-n", "3", "-o", "x.jpg"], 2, "neither a folder nor an npz file"),
        (["train", "dcgan-mnist", "--resume", "--iterations", "9"], 2, "leave out --iterations, --seed and --set"),
        (["train", "dcgan-mnits"], 2, "unknown recipe"),
        (["train", "dcgan-mnist", "--set", "widht=3"], 2, "Did you mean 'width'"),
        (["train", "dcgan-mnist", "--resume", "-o", "nowhere"], 3, "no training is in this folder"),
        (["export", "nowhere", "-o", "x"], 3, "no training is in this folder"),
        (["rescore", "nowhere"], 2, "unknown generator 'nowhere'"),
    ],
)
def test_mistakes_get_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("generators", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())
