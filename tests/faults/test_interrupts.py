"""Ctrl-C and SIGTERM at random moments: 130 or 143, one line, whole files, no temporary ones, nobody left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from nursery import Child, Nursery
from serving import running, trickles, weight_file

from ganmetrics.generators.training import CHECKPOINT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MOMENTS = int(os.environ.get("GANMETRICS_MOMENTS", "4"))  # random ones that each command is interrupted at
SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
EACH_SIGNAL = pytest.mark.parametrize(("number", "code", "word"), SIGNALS, ids=["SIGINT", "SIGTERM"])
LATTER_IS_SLOW = pytest.mark.parametrize(
    ("number", "code", "word"), [SIGNALS[0], pytest.param(*SIGNALS[1], marks=pytest.mark.slow)]
)
HOW = ["--extractor", "pixels", "-q"]
COMMANDS = {
    "fid": ["fid", "MANY", "FAKE", "--workers", "2", *HOW],
    "stats": ["stats", "build", "MANY", "-o", "x.npz", "--workers", "2", *HOW],
    "evaluate": ["evaluate", "MANY", "FAKE", "--metrics", "fid", "--json", "x.json", "--html", "x.html", *HOW],
    "diagnose": ["diagnose", "FAKE", "MANY", "--json", "x.json", "--workers", "0", *HOW],
    "sample": ["generators", "sample", "dcgan-mnist", "-n", "4000", "-o", "fake", "-q"],
}


@pytest.fixture(scope="module")
def many(sets: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 names of images, which take a second or more."""
    folder = tmp_path_factory.mktemp("many") / "many"
    folder.mkdir()
    files = sorted(sets[0].iterdir())
    for index in range(20_000):
        os.link(files[index % len(files)], folder / f"{index:05}.png")
    return folder


def wait_until_guarded(pid: int) -> None:
    """Until the command has set its handlers; what comes before is the interpreter's."""
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except FileNotFoundError:
            return
        caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
        if int(caught, 16) & 1 << signal.SIGTERM - 1:
            return
        time.sleep(0.002)


def interrupted(child: Child, number: int, seconds: float) -> None:
    """A signal after a while: Ctrl-C to the whole group, as a terminal sends it, and SIGTERM to the process."""
    wait_until_guarded(child.pid)
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number) if number == signal.SIGINT else child.signal(number)


def check_whole(folder: Path) -> None:
    """What is there can be read, and nothing else is there."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert not path.name.endswith(".part")
            if path.suffix == ".json":
                json.loads(path.read_text())
            if path.suffix == ".html":
                assert path.read_text().rstrip().endswith("</html>")
            if path.suffix == ".png":
                assert path.read_bytes().endswith(b"IEND\xaeB`\x82")


def cut(name: str, signals: tuple[int, int, str], seconds: float, nursery: Nursery, words: dict[str, Path]) -> bool:
    """Interrupt a command; whether the signal met it."""
    number, code, word = signals
    child = nursery.start("command", *(words.get(each, each) for each in COMMANDS[name]), cwd=words["HERE"])
    interrupted(child, number, seconds)
    ending = child.wait()
    assert not child.orphans()
    check_whole(words["HERE"])
    if ending.code == 0:
        return False
    assert ending.code == code, ending
    lines = [line for line in ending.stderr.splitlines() if not line.startswith("warning: ")]
    assert lines == [f"{word}; every file is whole or as it was"], ending.stderr
    return True


@pytest.mark.parametrize(("name", "signals"), [(name, SIGNALS[turn % 2]) for turn, name in enumerate(COMMANDS)])
def test_85_86_an_interrupted_command(
    name: str, signals: tuple[int, int, str], nursery: Nursery, many: Path, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    words = {"MANY": many, "FAKE": sets[1], "HERE": tmp_path}
    assert cut(name, signals, 0.1, nursery, words)
    assert {path.suffix for path in tmp_path.iterdir() if path.is_file()} == set()


@pytest.mark.slow
@EACH_SIGNAL
@pytest.mark.parametrize("name", COMMANDS)
def test_85_86_interruptions_at_random_moments(
    name: str, number: int, code: int, word: str, nursery: Nursery, many: Path, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    rng, met = random.Random(number), 0
    for turn in range(MOMENTS):
        here = tmp_path / str(turn)
        here.mkdir()
        met += cut(name, (number, code, word), 2 * rng.random(), nursery, {"MANY": many, "FAKE": sets[1], "HERE": here})
    assert met


TRAIN = ["command", "generators", "train", "gan-ring", "--watch-every", "0", "--device", "cpu", "-q", "-o", "run"]


@pytest.mark.slow
@LATTER_IS_SLOW
def test_85_86_an_interrupted_training_goes_on_to_the_same_end(
    number: int, code: int, word: str, nursery: Nursery, tmp_path: Path
) -> None:
    """No step is cut in half: what goes on from the checkpoint ends in the weights of a training left alone."""
    whole, folder = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    folder.mkdir()
    assert nursery.run(*TRAIN, "--iterations", 100, cwd=whole).code == 0
    more, cuts = ["--iterations", "100"], 0
    for seconds in (0.2, 0.1):
        child = nursery.start(*TRAIN, *more, cwd=folder)
        interrupted(child, number, seconds)
        ending = child.wait()
        assert not child.orphans()
        if ending.code == 0:
            break
        assert ending.code == code
        cuts += 1
        told = {f"{word}; every file is whole or as it was\n"}
        if (folder / "run" / CHECKPOINT).exists():
            told.add("interrupted; the checkpoint in run goes on with --resume\n")
        assert ending.stderr in told
        more = ["--resume"] if (folder / "run" / "run.json").exists() else more
    assert cuts
    assert ending.code == 0 or nursery.run(*TRAIN, *more, cwd=folder).code == 0
    names = [f"{place}/run/weights.safetensors" for place in ("whole", "cut")]
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1


FETCH = """
import json
from ganmetrics.extractors.weights import weight_store as weights
file = weights.WeightFile(**json.loads(arguments[0]))
weights.WEIGHTS = {file.name: file}
command("weights", "fetch", "tiny")
"""


@LATTER_IS_SLOW
def test_85_86_an_interrupted_download_goes_on(
    number: int, code: int, word: str, nursery: Nursery, tmp_path: Path
) -> None:
    env = {"GANMETRICS_WEIGHTS_DIR": str(tmp_path / "own"), "TORCH_HOME": str(tmp_path / "torch")}
    env |= {"GANMETRICS_OFFLINE": "0", "no_proxy": "127.0.0.1"}
    with running() as server:
        file = json.dumps(vars(weight_file(server.url("/a", trickles))))
        child = nursery.start("python", FETCH, file, env=env)
        part = tmp_path / "own" / "pt_tiny.pth.part"
        while not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        interrupted(child, number, 0.2)
        ending = child.wait()
        assert ending == (code, "", f"{word}; every file is whole or as it was\n")
        kept = part.stat().st_size
        assert sorted(path.name for path in part.parent.iterdir()) == [".pt_tiny.pth.lock", part.name]
        assert nursery.run("python", FETCH, file, env=env).code == 0
        assert server.requests == [("/a", None), ("/a", f"bytes={kept}-")]


@pytest.mark.slow
@EACH_SIGNAL
def test_85_86_a_process_of_its_own_at_random_moments(
    number: int, code: int, word: str, many: Path, tmp_path: Path
) -> None:
    """From its first moment to its last, while Python clears up: at worst a shell sees the signal's own 130 or 143."""
    rng, met = random.Random(number), 0
    words = [sys.executable, "-m", "ganmetrics", "stats", "build", str(many), "-o", "x.npz", *HOW, "--force"]
    for _ in range(MOMENTS):
        process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until_guarded(process.pid)
        time.sleep(rng.random() * 5)
        process.send_signal(number)
        _, errors = process.communicate()
        assert process.returncode in (0, code, -number)
        met += process.returncode != 0
        assert errors in ("", f"{word}; every file is whole or as it was\n")
        assert set(os.listdir(tmp_path)) <= {"x.npz"}
    assert met
