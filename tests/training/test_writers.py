"""Loggers of a training: what each real library holds afterwards, offline, and what is no logger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import ganmetrics as gm
from ganmetrics.training import Monitor, Outputs


def watched(writer: Any) -> Monitor:
    """A monitor that has scored a generator at steps 10 and 20."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    reals = torch.randint(0, 256, (64, 3, 8, 8), dtype=torch.uint8)
    outputs = Outputs(log=lambda line: None, writer=writer)
    monitor = Monitor(reals, every=10, num_images=64, latents=8, extractor="pixels", outputs=outputs)
    for step in range(1, 21):
        monitor(step, net)
    return monitor


class Dictionary:
    """Any object with ``log``."""

    def __init__(self) -> None:
        self.found: dict[str, list[tuple[int, float]]] = {}

    def log(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.found.setdefault(name, []).append((step, value))


class Metrics(Dictionary):
    """An object with ``log_metrics``, whose ``log`` is something else."""

    def log_metrics(self, values: dict[str, float], step: int) -> None:
        super().log(values, step)

    def log(self, *_: object, **__: object) -> None:
        raise AssertionError("log_metrics is more specific")


class Tracker(Dictionary):
    def track(self, value: float, *, name: str, step: int) -> None:
        super().log({name: value}, step)


@pytest.mark.parametrize("writer", [Dictionary, Metrics, Tracker])
def test_a_logger_is_taken_by_what_it_offers(writer: Callable[[], Dictionary]) -> None:
    made = writer()
    monitor = watched(made)
    record = monitor.history[0]
    interval = record.first.interval
    assert interval is not None
    assert made.found["gm/fid"] == [(each.step, each.first.value) for each in monitor.history]
    assert made.found["gm/fid/low"][0] == (10, interval.low) and made.found["gm/fid/high"][0] == (10, interval.high)
    assert len(made.found["gm/diversity"]) == 20
    assert made.found.keys() == {"gm/fid", "gm/fid/low", "gm/fid/high", "gm/seconds", "gm/diversity"}


@pytest.mark.parametrize("odd", [object(), "runs/", {"log": 1}, 3])
def test_what_is_no_logger_is_refused_before_the_training(odd: Any) -> None:
    with pytest.raises(gm.UsageError, match="offers none of add_scalar, track, log_metrics, log"):
        Outputs(writer=odd)


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_intervals_as_bands(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tensorboard.SummaryWriter(str(tmp_path)) as writer:
        watched(writer)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert "custom_scalars__config__" in found.Tags()["tensors"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    with wandb.init(mode="offline", dir=str(tmp_path)) as run:
        monitor = watched(run)
        assert run.summary["gm/fid"] == pytest.approx(monitor.history[-1].first.value)
        assert run.summary["gm/fid/low"] < run.summary["gm/fid"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run() as run:
        monitor = watched(mlflow)
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "gm/fid")
    assert [(each.step, each.value) for each in history] == [
        (each.step, pytest.approx(each.first.value)) for each in monitor.history
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_trackio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    trackio = pytest.importorskip("trackio", reason="trackio is not installed")
    trackio.init(project="monitor", embed=False)
    watched(trackio)
    trackio.finish()
    assert list(tmp_path.rglob("*.db"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_aim(tmp_path: Path) -> None:
    aim = pytest.importorskip("aim", reason="aim is not installed")
    run = aim.Run(repo=str(tmp_path), system_tracking_interval=None, capture_terminal_logs=False)
    monitor = watched(run)
    contexts = {name: context for name, context, _ in run.iter_metrics_info()}
    values = run.get_metric("gm/fid", contexts["gm/fid"]).values
    assert values.last_value() == pytest.approx(monitor.history[-1].first.value)
    run.close()


def test_a_training_may_stop_where_nothing_gets_better() -> None:
    monitor = watched(None)
    assert not monitor.should_stop(2)
    values = [each.first.value for each in monitor.history]
    assert monitor.should_stop(1) == (values[1] >= values[0])
    net = nn.Sequential(nn.Linear(8, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    with torch.no_grad():
        net[0].weight.mul_(1e-3)
    for step in range(21, 61):
        monitor(step, net)
    assert monitor.should_stop(4) == (monitor.best is not None and monitor.best.step <= 20)
    with pytest.raises(gm.UsageError, match="patience"):
        monitor.should_stop(0)
