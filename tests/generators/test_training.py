"""The loop that every training shares: its state, its log, its checkpoints."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from ganmetrics import InputError, NumericalError
from ganmetrics.generators import runs, training
from ganmetrics.generators.training import (
    CHECKPOINT,
    LOG,
    Training,
    averaged,
    fit,
    linear_decay,
    move_average,
    read_log,
    resume,
    settle_batch_norm,
    update,
)

CPU = torch.device("cpu")


class Regression(Training):
    """A network with dropout that learns the sum of its inputs: small, but with every kind of state."""

    def __init__(self, seed: int = 0, *, hidden: int = 4, breaks_at: int = -1) -> None:
        super().__init__(seed, CPU)
        self.net = nn.Sequential(nn.Linear(3, hidden), nn.BatchNorm1d(hidden), nn.Dropout(0.3), nn.Linear(hidden, 1))
        self.average = averaged(self.net)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-2)
        self.parts = {"net": self.net, "average": self.average, "optimizer": self.optimizer}
        self.breaks_at = breaks_at

    def step(self) -> dict[str, float]:
        x = torch.randn(8, 3, generator=self.rng)
        loss = (self.net(x) - x.sum(dim=1, keepdim=True)).square().mean()
        update(self.optimizer, loss)
        move_average(self.average, self.net, 0.9)
        if self.iteration == self.breaks_at:
            raise KeyboardInterrupt
        return {"loss": loss.item()}

    def weights(self) -> dict[str, torch.Tensor]:
        return self.average.state_dict()


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_a_resumed_training_is_the_uninterrupted_one_to_the_bit(tmp_path: Path) -> None:
    whole, first = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir()
    first.mkdir()
    at_once = Regression()
    fit(at_once, whole, 120, progress=False)
    fit(Regression(), first, 60, progress=False)
    again = Regression(seed=5)  # everything that the seed decided is in the checkpoint
    resume(again, first)
    assert again.iteration == 60
    fit(again, first, 120, progress=False)
    assert same(at_once.weights(), again.weights())
    assert same(at_once.net.state_dict(), again.net.state_dict())
    assert [e["loss"] for e in read_log(whole)][-1] == [e["loss"] for e in read_log(first)][-1]


def test_an_interrupted_training_keeps_what_it_did(tmp_path: Path) -> None:
    interrupted = Regression(breaks_at=70)
    with pytest.raises(KeyboardInterrupt):
        fit(interrupted, tmp_path, 100, progress=False)
    again = Regression()
    resume(again, tmp_path)
    assert again.iteration == 70
    assert again.seconds > 0


def test_the_log_has_no_iteration_twice_after_a_resumption(tmp_path: Path) -> None:
    fit(Regression(), tmp_path, 100, progress=False)
    with open(tmp_path / LOG, "a") as stream:
        stream.write(json.dumps({"iteration": 150, "loss": 1.0}) + "\n")  # written after the checkpoint, then a crash
    again = Regression()
    resume(again, tmp_path)
    assert [entry["iteration"] for entry in read_log(tmp_path)] == [50, 100]
    fit(again, tmp_path, 150, watch=lambda: {"fid": 3.0}, watch_every=100, progress=False)
    assert [(e["iteration"], "fid" in e) for e in read_log(tmp_path)] == [
        (50, False), (100, False), (150, False), (150, True),
    ]  # fmt: skip


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    fit(Regression(), tmp_path, 3, progress=False)
    with pytest.raises(InputError, match="cannot be resumed") as caught:
        resume(Regression(hidden=5), tmp_path)
    assert caught.value.code == "E-CHECKPOINT"


def test_a_line_that_a_kill_left_half_written_is_no_entry(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"iteration": 50}\n{"iteration": 100}\n{"iterat')
    assert [entry["iteration"] for entry in read_log(tmp_path)] == [50, 100]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(InputError, match="cannot be resumed"):
        resume(Regression(), tmp_path)


def test_a_loss_that_is_not_finite_ends_the_training_before_the_checkpoint(tmp_path: Path) -> None:
    broken = Regression()
    broken.step = lambda: {"loss": float("nan")}  # type: ignore[method-assign]
    with pytest.raises(NumericalError, match="loss is nan at iteration 50"):
        fit(broken, tmp_path, 100, progress=False)
    assert not (tmp_path / CHECKPOINT).exists()


def test_checkpoints_are_written_along_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", -1.0)
    seen: list[int] = []
    monkeypatch.setattr(training, "save_checkpoint", lambda state, folder: seen.append(state.iteration))
    fit(Regression(), tmp_path, 3, progress=False)
    assert seen == [1, 2, 3, 3]


def test_an_average_moves_by_its_decay() -> None:
    net = nn.Linear(1, 1)
    average = averaged(net)
    start = average.weight.clone()
    nn.init.constant_(net.weight, 7.0)
    move_average(average, net, 0.75)
    assert torch.allclose(average.weight, 0.75 * start + 0.25 * 7.0)
    assert not average.weight.requires_grad


def test_settled_batch_norm_has_the_mean_statistics_of_its_inputs() -> None:
    net = nn.Sequential(nn.BatchNorm1d(2))
    batches = [torch.randn(64, 2) * 3 + 5 for _ in range(20)]
    settle_batch_norm(net, batches)
    expected = torch.stack([batch.mean(dim=0) for batch in batches]).mean(dim=0)
    assert torch.allclose(net[0].running_mean, expected, atol=1e-5)
    assert not net.training


def test_linear_decay_is_one_then_falls_to_zero() -> None:
    values = [linear_decay(i, 90, after=2 / 3) for i in range(91)]
    assert values[:61] == pytest.approx([1.0] * 61)
    assert values[75] == pytest.approx(0.5)
    assert values[90] == 0


def test_a_resumed_training_logs_fid_as_often_as_when_it_began(tmp_path: Path) -> None:
    dataclasses.replace(runs.begin("gan-ring", tmp_path / "run"), watch_every=7).save()
    assert runs.reopen(tmp_path / "run").watch_every == 7
