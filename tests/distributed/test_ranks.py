"""Ranks under torchrun: the same numbers as one process, whatever their number; and what a lost rank leads to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganmetrics as gm
from ganmetrics.distributed import engine, ranks
from ganmetrics.errors import UsageError

METRICS = "fid,kid,is,prdc,ms_ssim_diversity(scales=1)"
ELSEWHERE = Path(__file__).parent  # python -m would find the sources in the repository's root, not what is installed


def write_folder(folder: Path, count: int, seed: int) -> Path:
    folder.mkdir()
    rng = np.random.RandomState(seed)
    for i in range(count):
        pixels = (rng.rand(28, 28, 3) * (60 + 40 * seed + i % 90)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:05}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Sizes that no number of ranks divides: blocks of 512, and a rest."""
    root = tmp_path_factory.mktemp("ranks")
    return write_folder(root / "real", 1100, 0), write_folder(root / "fake", 1040, 1)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "GANMETRICS_TIMEOUT": "60", **more}


def torchrun(world: int, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={world}", "--standalone"]
    return subprocess.run(
        [*launcher, *command], capture_output=True, text=True, timeout=240, env=environment(**more), cwd=ELSEWHERE
    )


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    return str(path)


def evaluated(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.fixture(scope="module")
def alone(folders: tuple[Path, Path]) -> dict[str, Any]:
    reading = gm.Reading(cache=False)
    found: dict[str, Any] = json.loads(
        gm.evaluate(*folders, metrics=METRICS.split(","), extractor="digits", reading=reading).to_json()
    )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("world", [3, 4])
def test_ranks_give_the_numbers_of_one_process(world: int, folders: tuple[Path, Path], alone: dict[str, Any]) -> None:
    """Values, intervals and signatures; the fourth rank has nothing to read."""
    options = ["--metrics", METRICS, "--extractor", "digits", "-q", "--no-cache", "--json", "-"]
    found = evaluated(torchrun(world, "-m", "ganmetrics", "evaluate", *map(str, folders), *options))
    assert found["scores"].keys() == alone["scores"].keys()
    for name, score in alone["scores"].items():
        assert found["scores"][name]["signature"] == score["signature"]
        assert found["scores"][name]["value"] == pytest.approx(score["value"], rel=1e-10)
        for end in ("low", "high"):
            assert found["scores"][name]["interval"][end] == pytest.approx(score["interval"][end], rel=1e-8, abs=1e-8)
    assert found["warnings"] == alone["warnings"]
    assert found["fake"] == alone["fake"]


@pytest.mark.slow
def test_an_image_that_one_rank_cannot_read_ends_all_with_one_sentence(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = write_folder(tmp_path / "broken", 600, 2)
    (broken / "00550.png").write_bytes(b"\x89PNG nothing")  # of the second rank
    done = torchrun(2, "-m", "ganmetrics", "fid", str(folders[0]), str(broken), "--extractor", "pixels", "-q")
    assert done.returncode
    assert done.stdout == ""
    assert done.stderr.count("1 of 88 images cannot be read: 00550.png") == 1
    assert "Traceback (most recent call last)" not in done.stderr.split("ChildFailedError")[0].split("error[")[0]


UPDATES = """
    import sys
    import torch
    import ganmetrics as gm
    from torch import distributed as dist

    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    rng = torch.Generator().manual_seed(0)
    fake = torch.randint(256, (203, 3, 16, 16), generator=rng, dtype=torch.uint8)
    real = torch.randint(200, (150, 3, 16, 16), generator=rng, dtype=torch.uint8)
    metrics = ["fid", "kid(subset_size=50)", "prdc"]
    alone = gm.evaluate(real, fake, metrics=metrics, extractor="pixels")
    places = torch.arange(203)[rank::world]
"""


@pytest.mark.slow
@pytest.mark.parametrize("world", [3])
def test_a_streaming_evaluation_is_the_same_on_every_rank(world: int, tmp_path: Path) -> None:
    """With indices: every subset too. Twice, so that computing leaves the states as they are."""
    path = script(tmp_path, UPDATES + """
    evaluation = gm.Evaluation(metrics, real, extractor="pixels")
    for part in places.split(20):
        evaluation.update(fake[part], indices=part)
    for _ in range(2):
        result = evaluation.compute(num_images=203)
        for name in alone:
            assert abs(result[name].value - alone[name].value) <= 1e-10 * abs(alone[name].value), name
            assert str(result[name].signature) == str(alone[name].signature)
    assert evaluation.count == len(places)

    unsynced = evaluation.compute(sync=False)
    assert unsynced.fake.count == len(places)

    by_rank = gm.Evaluation(["fid"], extractor="pixels")  # without indices: the ranks one after another; one has none
    if rank == 0:
        by_rank.update(real, real=True)
    if rank < 2:
        by_rank.update(fake[:100] if rank == 0 else fake[100:])
    found = by_rank.compute()
    assert abs(found["fid"].value - alone["fid"].value) <= 1e-10 * alone["fid"].value
    print("done", flush=True)
    dist.destroy_process_group()
    """)  # fmt: skip
    done = torchrun(world, path)
    assert done.stdout.count("done") == world, done.stderr


@pytest.mark.slow
def test_a_sampler_that_repeats_is_found(tmp_path: Path) -> None:
    path = script(tmp_path, UPDATES + """
    from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

    loader = DataLoader(TensorDataset(fake), 16, sampler=DistributedSampler(fake, world, rank, shuffle=False))
    evaluation = gm.Evaluation(["fid"], real, extractor="pixels")
    for (images,) in loader:
        evaluation.update(images)
    try:
        evaluation.compute(num_images=203)
    except gm.InputError as error:
        print(error, flush=True)

    evaluation.reset()
    for start, (images,) in enumerate(loader):
        evaluation.update(images, indices=((torch.arange(len(images)) + 16 * start) * world + rank) % 203)
    try:
        evaluation.compute()
    except gm.InputError as error:
        print(error, flush=True)
    dist.destroy_process_group()
    """)  # fmt: skip
    done = torchrun(2, path)
    assert done.stdout.count("saw 204 fake images, the set has 203") == 2, done.stderr
    assert done.stdout.count("have a place in the set that others have too") == 2


LOST = """
    import os, signal, sys, time
    import torch
    import ganmetrics as gm
    from torch import distributed as dist

    dist.init_process_group("gloo", init_method="tcp://127.0.0.1:" + sys.argv[2], rank=int(sys.argv[1]), world_size=3)
    rank = dist.get_rank()
    evaluation = gm.Evaluation(["fid"], extractor="pixels")
    images = torch.randint(256, (64, 3, 8, 8), dtype=torch.uint8)
    evaluation.update(images, real=True)
    evaluation.update(images)
    evaluation.compute()
    print("once", flush=True)
    if rank == 2:
        {fault}
    start = time.monotonic()
    try:
        evaluation.compute()
    except gm.ResourceError as error:
        print(f"{{error.code}} {{time.monotonic() - start:.0f}} s {{error}}", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(300)"])
def test_a_lost_rank_ends_in_a_message_within_its_time(fault: str, tmp_path: Path) -> None:
    """Killed, or alive and elsewhere: the others say which."""
    path, port = script(tmp_path, LOST.format(fault=fault)), str(_free_port())
    running = [
        subprocess.Popen([sys.executable, path, str(rank), port], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, env=environment(GANMETRICS_TIMEOUT="5"))
        for rank in range(3)
    ]  # fmt: skip
    outputs = [process.communicate(timeout=120)[0] for process in running[:2]]
    assert running[2].poll() in (None, -signal.SIGKILL), "nobody waited for it"
    running[2].kill()
    running[2].communicate()
    for output in outputs:
        assert "E-RANK" in output
        assert "a rank is missing" in output
    assert "2" in outputs[0].split("a rank is missing", 1)[1]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.slow
def test_a_killed_rank_of_a_command_ends_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """kill -9 of one of two ranks while it reads: no result, no half-written file, an exit code, no orphan."""
    target = tmp_path / "result.json"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command = [*launcher, "-m", "ganmetrics", "evaluate", *map(str, folders), "--metrics", "fid", "--no-cache"]
    command += ["--extractor", "random-vgg16", "-q", "--json", str(target)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, text=True, env=environment(), cwd=ELSEWHERE, start_new_session=True)
    try:
        while len(victims := _children(process.pid)) != 2 or min(map(_seconds, victims)) < 4:
            assert process.poll() is None, "the ranks are still reading"
            time.sleep(0.2)
        os.kill(victims[1], signal.SIGKILL)
        output, _ = process.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever went wrong, none is left
    assert process.returncode
    assert output == ""
    assert not target.exists()
    assert not [pid for pid in victims if Path(f"/proc/{pid}").exists()]


def _seconds(pid: int) -> float:
    """The CPU time of a process; for two seconds PyTorch is imported, for minutes images are read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # one of a moment's
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(parent: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def test_without_ranks_the_engine_says_how_to_start_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"there are no ranks.*torchrun"):
        engine("ranks").gathered(lambda share: None, None)  # type: ignore[arg-type,return-value]
    assert (ranks.rank(), ranks.world(), ranks.is_joined()) == (0, 1, False)


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan"])
def test_a_timeout_that_is_no_time_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANMETRICS_TIMEOUT", text)
    with pytest.raises(UsageError, match="no number of seconds"):
        ranks.seconds()


def test_the_first_rank_alone_does_the_work() -> None:
    assert ranks.from_first(lambda: torch.ones(2), lambda value: value).tolist() == [1, 1]
