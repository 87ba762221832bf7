"""The monitor of a training: its records, its folder, what it tells, and that the training never notices it."""

from __future__ import annotations

import copy
import doctest
import json
import math
import random
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganmetrics as gm
from ganmetrics.errors import GanMetricsWarning
from ganmetrics.training import Mark, Monitor, Outputs, Record
from ganmetrics.training.records import best_of


def images(count: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, 8, 8), generator=rng, dtype=torch.uint8)


REAL = gm.measure(images(200, 0), reads=("moments", "features"), extractor="pixels")


class Flat(nn.Module):
    """A generator whose spread is known: images about grey, the more varied the larger its spread."""

    latent_dim = 16

    def __init__(self, spread: float = 1.0) -> None:
        super().__init__()
        self.spread = nn.Parameter(torch.tensor(spread))

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.spread * latents).repeat_interleave(12, dim=1).view(-1, 3, 8, 8)


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


class Lines(list[str]):
    """What was logged."""

    def __call__(self, text: str) -> None:
        self.append(text)


def watching(**options: Any) -> Monitor:
    outputs = options.pop("outputs", Outputs(log=lambda text: None))
    return Monitor(REAL, **{"every": 10, "num_images": 100, "extractor": "pixels", "outputs": outputs, **options})


def steps_of(monitor: Monitor) -> list[int]:
    return [record.step for record in monitor.history]


def saved_steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "scores.jsonl").read_text().splitlines()]


def train(monitor: Monitor, first: int, last: int, net: Any = None, **numbers: float) -> list[gm.Result]:
    """The results of steps first..last."""
    net = net or Flat()
    found = [monitor(step, net, **numbers) for step in range(first, last + 1)]
    return [result for result in found if result is not None]


def test_the_examples_of_the_docstring() -> None:
    assert doctest.testmod(import_module("ganmetrics.training.monitor")).attempted == 7


def test_the_score_is_that_of_gm_evaluate() -> None:
    (result,) = train(watching(seed=3), 1, 10)
    source = gm.source(Flat(), num_images=100, value_range=(-1, 1), seed=3)
    wanted = gm.evaluate(REAL, source, extractor="pixels")
    assert result["fid"].value == wanted["fid"].value
    assert str(result["fid"].signature) == str(wanted["fid"].signature)


def test_records_are_small_and_say_it_all() -> None:
    monitor = watching(metrics=["fid", "prdc"])
    results = train(monitor, 1, 35)
    assert steps_of(monitor) == [10, 20, 30]
    record = monitor.history[1]
    assert record.scores["fid"] == Mark.of(results[1]["fid"])
    assert record.scores["fid"].interval == results[1]["fid"].interval
    assert list(record.scores) == list(results[1])
    assert 0 < sum(record.seconds for record in monitor.history) <= monitor.seconds
    assert Record.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@pytest.mark.parametrize(
    ("calls", "scored"),
    [([0, 1, 5], []), ([9, 10, 11], [10]), ([7, 14, 21, 28], [14, 21]), ([10, 10, 10], [10]), ([25, 35], [25, 35])],
)
def test_evaluations_are_at_multiples_or_at_the_first_call_beyond(calls: list[int], scored: list[int]) -> None:
    monitor = watching()
    for step in calls:
        monitor(step, Flat())
    assert steps_of(monitor) == scored


def test_health_is_looked_at_twenty_times_in_between() -> None:
    monitor = watching(every=100)
    train(monitor, 1, 100, d_loss=1.0)
    assert [entry.step for entry in monitor.health.entries] == list(range(5, 101, 5))
    assert all(math.isfinite(entry.diversity) for entry in monitor.health.entries)


def test_numbers_may_be_tensors_of_a_graph_and_are_read_seldom() -> None:
    class Counted(nn.Parameter):
        read = 0

        def detach(self) -> torch.Tensor:
            Counted.read += 1
            return super().detach()

    monitor = watching(every=40)
    loss = Counted(torch.tensor(0.5))
    for step in range(1, 41):
        monitor(step, Flat(), d_loss=loss, g_grad_norm=torch.tensor([2.0]))
    assert Counted.read == 20
    assert monitor.health.entries[0][1:4] == pytest.approx((0.5, math.nan, 2.0), nan_ok=True)


def test_the_best_follows_the_first_metric_and_is_told() -> None:
    found: list[tuple[int, float]] = []
    monitor = watching(
        outputs=Outputs(log=Lines(), on_best=lambda step, result: found.append((step, result["fid"].value)))
    )
    for step, spread in ((10, 0.01), (20, 1.0), (30, 0.1), (40, 2.0)):
        monitor(step, Flat(spread))
    values = [record.first.value for record in monitor.history]
    assert monitor.best is monitor.history[int(np.argmin(values))]
    running = [value for place, value in enumerate(values) if value < min(values[:place], default=math.inf)]
    assert [value for _, value in found] == running
    assert len(running) >= 2


def record(step: int, value: float, *, higher: bool = False, count: int = 100) -> Record:
    signature = f"m|pixels:0|r|real:#9:aa|fake:#{count}:{step:08x}|float32/float64|gm:1"
    return Record(step, {"m": Mark(value, 0.5, "M", higher, signature)}, 1.0, {})


def test_the_best_is_among_comparable_scores() -> None:
    assert best_of([]) is None
    assert best_of([record(1, math.nan)]) is None
    assert best_of([record(1, 3.0), record(2, 2.0), record(3, 2.0), record(4, math.nan)]).step == 2
    assert best_of([record(1, 3.0, higher=True), record(2, 2.0, higher=True)]).step == 1
    assert best_of([record(1, 1.0, count=50), record(2, 2.0), record(3, 3.0)]).step == 2


def test_one_line_for_each_evaluation() -> None:
    lines = Lines()
    monitor = watching(metrics=["fid", "prdc"], outputs=Outputs(log=lines))
    monitor(10, Flat(0.01))
    monitor(20, Flat(1.0))
    first, second = monitor.history
    around = first.first.interval.words(first.first.value)
    assert lines[0].startswith(f"step 10  FID(pixels) {first.first.value:.4g} ({around}) (best)  ")
    assert "caution  fake: the pixel values fill" in lines[1], "Flat(0.01) is all but grey"
    assert f"(best {first.first.value:.4g} at 10)" in lines[2]
    assert "  PRDC precision" in lines[2]
    assert lines[2].endswith(f"  {second.seconds:.1f} s")


def test_lines_go_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    train(watching(outputs=Outputs()), 1, 10)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("step 10  FID(pixels) ")


def test_a_fault_is_told_once_and_again_when_it_grows() -> None:
    lines = Lines()
    monitor = watching(every=100, outputs=Outputs(log=lines))
    for step in range(1, 301):
        monitor(step, Flat(1.0 if step <= 80 else 0.9 * 0.97 ** (step - 80)), d_loss=1.2)
    faults = [line for line in lines if "samples grow alike: the generator" in line]
    assert [line.split()[2] for line in faults] == ["some", "severe"]
    assert all("try: let the discriminator see several samples" in line for line in faults)
    assert monitor.history[-1].findings == {"samples grow alike": "severe"}
    assert lines[-1].endswith("health: severe samples grow alike")


def test_losses_that_are_none_are_told() -> None:
    lines = Lines()
    train(watching(outputs=Outputs(log=lines)), 1, 3, d_loss=math.nan)
    assert lines[0].startswith("step 1  severe  numbers diverge: not finite: d_loss since step 1\n        try: lower")
    assert len(lines) == 1


def test_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "a"
    monitor = watching(folder=folder)
    train(monitor, 1, 20)
    lines = (folder / "scores.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [each.to_dict() for each in monitor.history]
    assert json.loads(lines[0])["scores"]["fid"]["signature"].startswith("fid|pixels-8x8|")
    assert sorted(path.name for path in (folder / "samples").iterdir()) == ["step-000010.png", "step-000020.png"]
    first, second = (pixels_of(path) for path in sorted((folder / "samples").iterdir()))
    assert np.array_equal(first, second), "the latents are fixed and the generator is the same"
    assert first.shape == (8 * 66 + 2, 8 * 66 + 2, 3)  # 8 x 8 pixels, eight times enlarged, and gaps of two


@pytest.mark.slow
def test_large_samples_make_no_huge_sheet(tmp_path: Path) -> None:
    class Large(Flat):
        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            return super().forward(latents).repeat(1, 1, 120, 80)

    monitor = watching(num_images=2, folder=tmp_path, every=1)
    monitor(1, Large())
    assert size_of(tmp_path / "samples" / "step-000001.png") == (3 * 642 + 2, 2 * 962 + 2)


def test_a_resumed_training_drops_what_comes_later(tmp_path: Path) -> None:
    train(watching(folder=tmp_path), 1, 50)
    lines = Lines()
    monitor = watching(folder=tmp_path, outputs=Outputs(log=lines))
    assert steps_of(monitor) == [10, 20, 30, 40, 50]
    assert monitor.best is not None
    train(monitor, 26, 35)
    assert steps_of(monitor) == saved_steps(tmp_path) == [10, 20, 30]
    assert lines[0] == "step 26  the training goes on from here: 3 scores of later steps are dropped"
    old = (tmp_path / "scores.jsonl.old").read_text().splitlines()
    assert [json.loads(line)["step"] for line in old] == [10, 20, 30, 40, 50]


@pytest.mark.parametrize("first", [50, 51])
def test_a_training_that_goes_on_after_the_last_score_drops_nothing(tmp_path: Path, first: int) -> None:
    train(watching(folder=tmp_path), 1, 50)
    monitor = watching(folder=tmp_path)
    train(monitor, first, 60)
    assert steps_of(monitor) == saved_steps(tmp_path) == [10, 20, 30, 40, 50, 60]
    assert not (tmp_path / "scores.jsonl.old").exists()


@pytest.mark.parametrize("tail", [b'{"step": 30, "sco', b'{"step": 30}\n', b"\xff", b"[]\n"])
def test_a_half_written_last_line_is_left_out(tmp_path: Path, tail: bytes) -> None:
    train(watching(folder=tmp_path), 1, 20)
    with open(tmp_path / "scores.jsonl", "ab") as stream:
        stream.write(tail)
    monitor = watching(folder=tmp_path)
    assert steps_of(monitor) == [10, 20]
    train(monitor, 21, 30)
    assert saved_steps(tmp_path) == [10, 20, 30]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    train(watching(folder=tmp_path), 1, 20)
    path = tmp_path / "scores.jsonl"
    path.write_text("hello\n" + path.read_text())
    with pytest.raises(gm.InputError, match=r"line 1 is no score of a training .*scores\.jsonl"):
        watching(folder=tmp_path)


def test_a_state_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """Health included; the folder had gone further than the checkpoint."""
    whole = watching(every=20)
    train(whole, 1, 60, d_loss=1.0, g_grad_norm=2.0)
    first = watching(every=20, folder=tmp_path)
    train(first, 1, 30, d_loss=1.0, g_grad_norm=2.0)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    train(first, 31, 50)
    second = watching(every=20, folder=tmp_path)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert steps_of(second) == saved_steps(tmp_path) == [20]
    train(second, 31, 60, d_loss=1.0, g_grad_norm=2.0)
    assert str(second.health.entries) == str(whole.health.entries)
    assert [each.scores for each in second.history] == [each.scores for each in whole.history]
    assert saved_steps(tmp_path) == [20, 40, 60]
    assert second.seconds > sum(each.seconds for each in second.history)


def test_what_was_told_is_not_told_again_after_a_resumption() -> None:
    lines = Lines()
    first = watching(outputs=Outputs(log=lines))
    train(first, 1, 3, d_loss=math.inf)
    second = watching(outputs=Outputs(log=lines))
    second.load_state_dict(first.state_dict())
    train(second, 4, 6, d_loss=1.0)
    assert len(lines) == 1
    assert second.health.findings()[0].verdict == "some", "finite again"


def test_health_forgets_the_steps_that_are_done_again() -> None:
    monitor = watching()
    train(monitor, 1, 15, d_loss=1.0)
    train(monitor, 16, 18, d_loss=math.nan)
    train(monitor, 16, 18, d_loss=1.0)
    assert [entry.step for entry in monitor.health.entries] == list(range(1, 19))
    assert monitor.health.findings()[0].verdict == "ok"


def test_another_state_is_refused() -> None:
    with pytest.raises(gm.StatisticsError, match="the state has version 9"):
        watching().load_state_dict({"version": 9})


@pytest.mark.parametrize("place", ["on_best", "writer", "log"])
def test_what_the_caller_raises_is_not_swallowed_and_files_are_whole(tmp_path: Path, place: str) -> None:
    class Broken:
        def add_scalar(self, tag: str, value: float, step: int) -> None:
            if tag == "gm/fid":
                raise KeyboardInterrupt

        def add_image(self, tag: str, image: Any, step: int) -> None: ...

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    outputs = {"log": lambda text: None, **{place: Broken() if place == "writer" else broken}}
    monitor = watching(folder=tmp_path, outputs=Outputs(**outputs))
    with pytest.raises(KeyboardInterrupt):
        train(monitor, 1, 10)
    assert steps_of(monitor) == saved_steps(tmp_path) == [10]
    assert size_of(tmp_path / "samples" / "step-000010.png") == (530, 530)


class Failing:
    """A writer whose every call fails."""

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        raise OSError(28, "No space left on device")

    def add_image(self, tag: str, image: Any, step: int) -> None:
        raise OSError(28, "No space left on device")


def failing(*_: object, **__: object) -> None:
    raise ValueError("out of order")


FAULTS = {
    "writer": lambda monitor, patch: patch.setattr(
        monitor, "outputs", Outputs(log=lambda text: None, writer=Failing())
    ),
    "log": lambda monitor, patch: patch.setattr(monitor, "outputs", Outputs(log=failing)),
    "file of scores": lambda monitor, patch: patch.setattr("ganmetrics.training.monitor.write_records", failing),
    "sheet of samples": lambda monitor, patch: patch.setattr("ganmetrics.training.outputs.contact_sheet", failing),
    "health": lambda monitor, patch: patch.setattr(monitor.health, "findings", failing),
    "evaluation": lambda monitor, patch: patch.setattr(monitor._evaluation, "compute", failing),
}


@pytest.mark.parametrize("part", FAULTS)
def test_what_fails_in_the_monitor_is_one_warning_and_the_training_goes_on(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = watching(folder=tmp_path)
    FAULTS[part](monitor, monkeypatch)
    with pytest.warns(GanMetricsWarning) as seen:
        train(monitor, 1, 30)
    assert [str(each.message).startswith(f"the monitor's {part} failed (") for each in seen] == [True]
    assert steps_of(monitor) == ([] if part == "evaluation" else [10, 20, 30])


def test_warnings_that_are_errors_end_no_training(capsys: pytest.CaptureFixture[str]) -> None:
    """The tests' own filter turns every warning into an error, as ``python -W error`` does."""
    monitor = watching()
    assert [monitor(step, nn.Linear(3, 2)) for step in range(1, 31)] == [None] * 30
    assert capsys.readouterr().err.count("the training goes on") == 2


@pytest.mark.parametrize("step", [None, "x", 2.5, -1])
def test_a_step_that_is_none_is_refused(step: Any) -> None:
    with pytest.raises(gm.UsageError, match="it must be a whole number of at least 0"):
        watching()(step, nn.Linear(3, 2))


def test_a_generator_that_fails_ends_no_training() -> None:
    monitor = watching()
    with pytest.warns(GanMetricsWarning) as seen:
        results = [monitor(step, nn.Linear(3, 2)) for step in range(1, 31)]
    assert results == [None] * 30
    assert [str(each.message).split(" failed")[0] for each in seen] == [
        "the monitor's drawing of samples", "the monitor's evaluation",
    ]  # fmt: skip
    assert all("latents" in str(each.message) for each in seen)


def test_an_interrupted_evaluation_leaves_the_monitor_usable() -> None:
    class Interrupted(Flat):
        calls = 0

        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self.calls == 5:  # in the midst of the evaluation
                raise KeyboardInterrupt
            return super().forward(latents)

    monitor = watching()
    net = Interrupted().train()
    with pytest.raises(KeyboardInterrupt):
        monitor(10, net)
    assert net.training
    assert monitor(20, net) is not None
    assert steps_of(monitor) == [20]


def test_tensorboard(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        monitor = watching(outputs=Outputs(log=lambda text: None, writer=writer))
        train(monitor, 1, 20)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    scores = [(event.step, event.value) for event in found.Scalars("gm/fid")]
    assert scores == [(each.step, pytest.approx(each.first.value)) for each in monitor.history]
    for end in ("low", "high"):
        wanted = getattr(monitor.history[0].first.interval, end)
        assert found.Scalars(f"gm/fid/{end}")[0].value == pytest.approx(wanted)
    assert len(found.Scalars("gm/diversity")) == 20
    assert [(event.width, event.height) for event in found.Images("gm/samples")] == [(530, 530)] * 2


GENERATORS = {  # made when they are needed
    "function": lambda: lambda num: torch.rand(num, 3, 8, 8) * 2 - 1,
    "uint8 function": lambda: lambda num: torch.randint(256, (num, 3, 8, 8), dtype=torch.uint8),
    "sampler": lambda: gm.generators.load("dcgan-mnist"),
    "network": Flat,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "sampler" else name for name in GENERATORS]
)
def test_any_generator_has_fixed_latents_and_leaves_the_streams_alone(name: str) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    monitor = watching()
    train(monitor, 1, 20, GENERATORS[name]())
    assert monitor.history[0].scores == monitor.history[1].scores
    assert torch.equal(torch.get_rng_state(), before)


class Restless(nn.Module):
    """A generator and its training with all the state that a monitor could disturb."""

    latent_dim = 8

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 192), nn.Tanh()
        )
        self.net[1].eval()

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.net(latents + 0.1 * torch.randn_like(latents) + random.random() + np.random.rand()).view(
            -1, 3, 8, 8
        )


def trained(monitor: Monitor | None) -> tuple[Restless, nn.Module]:
    """Forty steps of adversarial training from fixed seeds; the monitor is fed both the network and its average."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    net, judge = Restless(), nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(192, 1))
    average = copy.deepcopy(net).requires_grad_(False)
    optimizers = [torch.optim.Adam(each.parameters(), 1e-3) for each in (net, judge)]
    for step in range(1, 41):
        for optimizer, sign in zip(optimizers, (-1, 1), strict=True):
            loss = sign * (judge(net(torch.randn(16, 8))).mean() - judge(torch.rand(16, 3, 8, 8)).mean())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for mean, value in zip(average.parameters(), net.parameters(), strict=True):
            mean.lerp_(value.detach(), 0.1)
        if monitor is not None:
            monitor(step, net if step % 20 else average, d_loss=loss)
    return net, average


def test_a_training_ends_with_the_same_bits_as_without_a_monitor(tmp_path: Path) -> None:
    alone, its_average = trained(None)
    streams = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    monitor = watching(folder=tmp_path)
    watched, average = trained(monitor)
    assert steps_of(monitor) == [10, 20, 30, 40]
    assert torch.equal(torch.get_rng_state(), streams[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == streams[1:]
    for one, other in ((alone, watched), (its_average, average)):
        assert all(
            torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        )
        assert [p.requires_grad for p in one.parameters()] == [p.requires_grad for p in other.parameters()]
        assert [module.training for module in one.modules()] == [module.training for module in other.modules()]
        assert all(module.training for module in other.modules() if not isinstance(module, nn.BatchNorm1d))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "every 0": ({"every": 0}, "every is 0"),
    "num_images": ({"num_images": 0}, "num_images is 0"),
    "value_range": ({"value_range": (1, -1)}, "value_range is"),
    "metrics": ({"metrics": ["fit"]}, "fit"),
    "folder": ({"folder": __file__}, "folder is a file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_cannot_be_meant(case: str) -> None:
    options, words = REFUSED[case]
    with pytest.raises(gm.UsageError, match=words):
        watching(**options)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(gm.ResourceError, match="cannot write"):
        watching(folder=tmp_path / "file" / "runs")


RANKS = """
    import sys
    from pathlib import Path
    import torch
    from torch import distributed as dist, nn
    from torch.nn.parallel import DistributedDataParallel
    import ganmetrics as gm

    dist.init_process_group("gloo")
    folder = Path(sys.argv[1])
    me = dist.get_rank()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 48), nn.BatchNorm1d(48), nn.Tanh(), nn.Unflatten(1, (3, 4, 4)))
    wrapped = DistributedDataParallel(net)
    real = torch.randint(256, (300, 3, 4, 4), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    told = []
    outputs = gm.training.Outputs(log=told.append, on_best=lambda step, result: told.append(f"best {step}"))
    monitor = gm.training.Monitor(
        real, ["fid", "kid(subset_size=50)"], every=2, num_images=1300, latents=8, extractor="pixels",
        folder=folder / "run", outputs=outputs,
    )
    adam = torch.optim.Adam(wrapped.parameters(), 1e-2)
    for step in range(1, 5):
        loss = wrapped(torch.randn(16, 8)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        monitor(step, wrapped, d_loss=loss)
    assert bool(told) == (me == 0), told
    torch.save(monitor.state_dict()["history"], folder / f"{dist.get_world_size()}-{me}.pt")
    if me == 0:
        alone = gm.source(net, num_images=1300, latents=8, value_range=(-1, 1))
        found = gm.evaluate(real, alone, metrics=["fid", "kid(subset_size=50)"], extractor="pixels")
        torch.save(found.to_dict()["scores"], folder / "alone.pt")
    dist.barrier()
    dist.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize("world", [3])
def test_ranks_make_their_shares_and_agree(tmp_path: Path, world: int) -> None:
    """The scores of one process, on every rank; only the first writes; a rank may have nothing to make."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(RANKS))
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={world}", "--standalone"]
    done = subprocess.run([*command, str(script), str(tmp_path)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    first, *others = (torch.load(tmp_path / f"{world}-{rank}.pt") for rank in range(world))
    alone = torch.load(tmp_path / "alone.pt")
    for name, score in first[-1]["scores"].items():
        assert score["value"] == pytest.approx(alone[name]["value"], rel=1e-9)
        assert score["signature"] == alone[name]["signature"]
    for other in others:
        assert [each["scores"] for each in other] == [each["scores"] for each in first]
    assert saved_steps(tmp_path / "run") == [2, 4]
