"""kill -9 before and after every step of every writer: the old file or the new one, never half, and a rerun heals."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from nursery import Nursery
from PIL import Image
from safetensors.torch import load_file
from serving import BODY, environment, good, running, weight_file

from ganmetrics._files import UNFINISHED
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.generators.training import CHECKPOINT, LOG
from ganmetrics.measurement import feature_cache
from ganmetrics.training.records import read_records

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
HOW = ["--extractor", "pixels", "-q", "--force"]
STRIDES = [11, pytest.param(1, marks=pytest.mark.slow)]  # of the moments of a child
WRITERS = {
    "statistics": ("x.npz", ["stats", "build", "REAL", "-o", "TARGET", *HOW]),
    "result": ("x.json", ["evaluate", "REAL", "FAKE", "--metrics", "fid", "--json", "TARGET", *HOW]),
    "report": ("x.html", ["evaluate", "REAL", "FAKE", "--metrics", "fid", "--html", "TARGET", *HOW]),
    "diagnosis": ("x.json", ["diagnose", "REAL", "FAKE", "--json", "TARGET", *HOW]),
    "samples": ("x.npz", ["generators", "sample", "gan-ring", "-n", "20", "-o", "TARGET", "-q", "--force"]),
}


def written(name: str, sets: tuple[Path, Path], folder: Path) -> tuple[Path, list[str]]:
    """A writer's target, and the command."""
    filename, words = WRITERS[name]
    target = folder / filename
    places = {"REAL": str(sets[0]), "FAKE": str(sets[1]), "TARGET": str(target)}
    return target, ["command", *(places.get(word, word) for word in words)]


def left_in(folder: Path) -> list[Path]:
    """What killed writers left, which no reader takes for anything."""
    return [path for path in folder.rglob("*") if UNFINISHED.fullmatch(path.name)]


def age(paths: list[Path]) -> None:
    for path in paths:
        os.utime(path, (time.time() - 4000,) * 2)


def content(target: Path) -> bytes | None:
    return target.read_bytes() if target.exists() else None


def put(target: Path, old: bytes | None) -> None:
    target.unlink(missing_ok=True)
    if old is not None:
        target.write_bytes(old)


OLD = b"the old file"
CASES = [("statistics", None), ("result", OLD)]
SLOW_CASES = [(name, old) for name in WRITERS for old in (None, OLD) if (name, old) not in CASES]


@pytest.mark.parametrize(("name", "old"), CASES + [pytest.param(*case, marks=pytest.mark.slow) for case in SLOW_CASES])
def test_80_a_kill_leaves_the_old_file_or_the_new(
    name: str, old: bytes | None, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    target, call = written(name, sets, tmp_path)
    assert nursery.run(*call).code == 0
    new = content(target)
    put(target, old)
    outcomes = []
    for _ in nursery.moments(*call):
        outcomes.append(content(target))
        assert outcomes[-1] in (old, new)
        assert {path.name for path in tmp_path.iterdir()} - {path.name for path in left_in(tmp_path)} <= {target.name}
        put(target, old)
    assert content(target) == new, "the child that was not killed, among what the others left"
    assert outcomes.count(old) >= 7, "before and after opening, writing and fsync, and before the renaming"
    assert outcomes.count(new) >= 1, "after it"
    assert len(left_in(tmp_path)) >= 6
    age(left_in(tmp_path))
    assert nursery.run(*call).code == 0
    assert os.listdir(tmp_path) == [target.name], "what was left goes after an hour"


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*/??/*{feature_cache.SUFFIX}"))


@pytest.mark.parametrize("stride", STRIDES)
def test_80_a_kill_leaves_whole_features(
    stride: int, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    call = ["command", "fid", *sets, "--extractor", "pixels", "-q"]
    env = {"GANMETRICS_CACHE": "1", "GANMETRICS_CACHE_DIR": str(cache)}
    wanted = nursery.run(*call).stdout
    counts = set()
    for moment in nursery.moments(*call, env=env, stride=stride):
        entries = kept(cache)
        counts.add(len(entries))
        assert all(feature_cache._read(path) is not None for path in entries)
        if moment % 2:
            again = nursery.run(*call, env=env)
            assert (again.code, again.stdout) == (0, wanted), moment
            assert len(kept(cache)) == 2
        shutil.rmtree(cache, ignore_errors=True)
    assert {0, 2} <= counts <= {0, 1, 2}
    assert len(kept(cache)) == 2


def test_80_what_killed_runs_left_in_the_cache_goes(
    nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    env = {"GANMETRICS_CACHE": "1", "GANMETRICS_CACHE_DIR": str(cache)}
    moments = nursery.moments("command", "fid", *sets, "--extractor", "pixels", "-q", env=env)
    for _ in moments:
        if len(left_in(cache)) == 3:
            break
        for path in kept(cache):
            path.unlink()
    assert len(left_in(cache)) == 3
    monkeypatch.setenv("GANMETRICS_CACHE_DIR", str(cache))
    feature_cache.clear()
    assert len(left_in(cache)) == 3, "another process may be writing them"
    age(left_in(cache))
    feature_cache.clear()
    assert left_in(cache) == []


FETCH = """
import json
from ganmetrics.extractors.weights import weight_store as weights
file = weights.WeightFile(**json.loads(arguments[0]))
weights.WEIGHTS = {file.name: file}
command("weights", *arguments[1:])
"""


@pytest.fixture
def _cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment(monkeypatch, tmp_path)


@pytest.fixture
def own(_cold: None, tmp_path: Path) -> dict[str, str | None]:
    """The environment of children whose weights lie in a folder of their own."""
    names = {"GANMETRICS_WEIGHTS_DIR": "own", "TORCH_HOME": "torch", "XDG_CACHE_HOME": "cache"}
    places = {name: str(tmp_path / place) for name, place in names.items()}
    return {**places, "GANMETRICS_OFFLINE": None, "no_proxy": "127.0.0.1"}


@pytest.mark.parametrize("way", ["fetch", pytest.param("import", marks=pytest.mark.slow)])
def test_80_a_kill_leaves_whole_weights(way: str, nursery: Nursery, own: dict[str, str | None], tmp_path: Path) -> None:
    """A cut download goes on from the part that is there; an import leaves the old file or the new."""
    source = tmp_path / "downloaded.bin"
    source.write_bytes(BODY)
    target = tmp_path / "own" / "pt_tiny.pth"
    outcomes = []
    with running() as server:
        file = weight_file(server.url("/a", good))
        words = [json.dumps(vars(file)), *(["fetch", "tiny"] if way == "fetch" else ["import", str(source)])]
        for moment in nursery.moments("python", FETCH, *words, env=own):
            outcomes.append(target.exists())
            if target.exists():
                weights.verify(target, file)
            if moment % 2:
                again = nursery.run("python", FETCH, *words, env=own)
                assert (again.code, again.stdout) == (0, f"{target}\n"), (moment, again.stderr)
                weights.verify(target, file)
                assert not target.with_name("pt_tiny.pth.part").exists()
            shutil.rmtree(tmp_path / "own", ignore_errors=True)
    weights.verify(target, file)
    assert outcomes.count(False) >= 9
    assert outcomes.count(True) >= 1


MONITOR = """
import torch
from pathlib import Path
from ganmetrics.training import Monitor, Outputs
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 48), torch.nn.Tanh(), torch.nn.Unflatten(1, (3, 4, 4)))
reals = torch.randint(256, (40, 3, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
quiet = Outputs(log=lambda line: None)
monitor = Monitor(reals, every=5, num_images=40, latents=4, extractor="pixels", folder=arguments[0], outputs=quiet)
last = monitor.history[-1].step if monitor.history else 0
for step in range(last + 1, 16):
    monitor(step, net, d_loss=1.0, g_loss=1.0)
"""


def scores(folder: Path) -> list[tuple[int, float]]:
    return [(record.step, record.first.value) for record in read_records(folder / "scores.jsonl")]


@pytest.mark.parametrize("stride", STRIDES)
def test_80_a_kill_leaves_a_monitors_folder_that_goes_on(stride: int, nursery: Nursery, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "run"
    assert nursery.run("python", MONITOR, whole).code == 0
    wanted, seen = scores(whole), set()
    assert [step for step, _ in wanted] == [5, 10, 15]
    for moment in nursery.moments("python", MONITOR, folder, stride=stride):
        found = scores(folder)
        seen.add(len(found))
        assert found == wanted[: len(found)]
        for path in folder.glob("samples/*.png"):
            with Image.open(path) as picture:
                picture.load()
        if moment % (stride + 4) == 0:
            assert nursery.run("python", MONITOR, folder).code == 0
            assert scores(folder) == wanted
        shutil.rmtree(folder, ignore_errors=True)
    assert seen == {0, 1, 2, 3}


TRAIN = ["command", "generators", "train", "gan-ring", "--watch-every", "0", "--device", "cpu", "-q"]
FACTS = ("scores", "settings", "curve", "parameters")


def trained(nursery: Nursery, folder: Path) -> None:
    """The training to its end, begun anew or gone on with."""
    more = ["--resume"] if (folder / "run.json").exists() else ["--iterations", "120"]
    ending = nursery.run(*TRAIN, "-o", folder, *more)
    assert ending.code == 0, ending.stderr


def made(folder: Path) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    """What of a trained generator may not depend on its history."""
    card = json.loads((folder / "card.json").read_text())
    card["curve"] = [{key: value for key, value in entry.items() if key != "seconds"} for entry in card["curve"]]
    return {name: card[name] for name in FACTS}, load_file(folder / "weights.safetensors")


def assert_same(left: Path, right: Path) -> None:
    (facts, tensors), (others, other_tensors) = made(left), made(right)
    assert facts == others
    assert all(torch.equal(tensors[name], other_tensors[name]) for name in tensors)


def check_training(nursery: Nursery, folder: Path, *moments: int) -> bool:
    """Kill a training at these moments, one after the other; whether the last kill still met it."""
    for moment in moments:
        more = ["--resume"] if (folder / "run.json").exists() else ["--iterations", "120"]
        ending = nursery.run(*TRAIN, "-o", folder, *more, moment=moment)
        if ending.code == 0:
            return False
        assert ending.code == -signal.SIGKILL, ending.stderr
        if (folder / CHECKPOINT).exists():
            torch.load(folder / CHECKPOINT, weights_only=True)
        if (folder / "card.json").exists():
            made(folder)
    return True


@pytest.fixture(scope="module")
def whole(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    trained(nursery, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("moments", [(13, 12, 11), (40, 30)])
def test_80_a_killed_training_ends_in_the_same_card(
    moments: tuple[int, ...], nursery: Nursery, whole: Path, tmp_path: Path
) -> None:
    assert check_training(nursery, tmp_path / "run", *moments)
    trained(nursery, tmp_path / "run")
    assert_same(tmp_path / "run", whole)
    iterations = [json.loads(line)["iteration"] for line in (tmp_path / "run" / LOG).read_text().splitlines()]
    assert iterations == [50, 100, 120], "none twice, although the first run had no checkpoint yet"


@pytest.mark.slow
def test_80_a_training_killed_wherever_it_writes_ends_in_the_same_card(
    nursery: Nursery, whole: Path, tmp_path: Path
) -> None:
    """Before a step and after one, in turn; every writer is the one of the tests above."""
    moment = 0
    while check_training(nursery, tmp_path / "run", moment):
        if moment % 20 == 0:
            trained(nursery, tmp_path / "run")
            assert_same(tmp_path / "run", whole)
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        moment += 5
    assert moment > 40


@pytest.mark.slow
@pytest.mark.parametrize("name", ["statistics", "report"])
def test_80_kills_at_random_moments(name: str, nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path) -> None:
    target, call = written(name, sets, tmp_path)
    start = time.monotonic()
    assert nursery.run(*call).code == 0
    took, new = time.monotonic() - start, content(target)
    rng, killed = random.Random(0), 0
    for _ in range(40):
        put(target, b"old")
        child = nursery.start(*call)
        time.sleep(rng.random() * took)
        child.signal(signal.SIGKILL)
        ending = child.wait()
        killed += ending.code == -signal.SIGKILL
        assert content(target) == new if ending.code == 0 else content(target) in (b"old", new)
    assert killed > 10
    assert nursery.run(*call).code == 0
    assert content(target) == new
