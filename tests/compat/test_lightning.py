"""The callback in real trainings of a tiny GAN: scores are logged, checkpoints resume, the training does not change."""

from __future__ import annotations

import csv
import importlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import ganmetrics as gm

if TYPE_CHECKING:
    from ganmetrics.compat.lightning import MonitorCallback

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers:UserWarning",
    "ignore:The number of training batches .* is smaller than the logging interval:UserWarning",
    "ignore:Using ModelCheckpoint with manual optimization:UserWarning",
    "ignore:Be aware that when using `ckpt_path`:UserWarning",
    "ignore:Checkpoint directory .* exists and is not empty:UserWarning",
    "ignore:You're resuming from a checkpoint that ended before the epoch ended:UserWarning",
    "ignore:`isinstance\\(treespec, LeafSpec\\)` is deprecated:FutureWarning",
)

REALS = torch.rand(96, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def module_of(package: Any) -> Any:
    """A GAN as a LightningModule of either package, by manual optimisation with two optimisers."""

    class Gan(package.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.generator = nn.Sequential(nn.Linear(4, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
            self.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(192, 1))

        def training_step(self, batch: torch.Tensor, _: int) -> dict[str, torch.Tensor]:
            g_adam, d_adam = self.optimizers()
            fakes = self.generator(torch.randn(len(batch), 4))
            d_loss = nn.functional.softplus(-self.discriminator(batch)).mean()
            d_loss = d_loss + nn.functional.softplus(self.discriminator(fakes.detach())).mean()
            d_adam.zero_grad()
            self.manual_backward(d_loss)
            d_adam.step()
            g_loss = nn.functional.softplus(-self.discriminator(fakes)).mean()
            g_adam.zero_grad()
            self.manual_backward(g_loss)
            g_adam.step()
            self.log("d_loss", d_loss)
            return {"g_loss": g_loss}

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            return [torch.optim.Adam(part.parameters(), 1e-3) for part in (self.generator, self.discriminator)]

    return Gan()


def lightning() -> Any:
    """The package, whose import costs two seconds."""
    return importlib.import_module("lightning.pytorch")


def callback(**options: Any) -> MonitorCallback:
    from ganmetrics.compat.lightning import MonitorCallback

    quiet = gm.training.Outputs(log=lambda line: None)
    monitor = gm.training.Monitor(
        ((REALS + 1) * 127.5).round().byte(),
        ["fid", "kid(subset_size=64)"],
        every=8,
        num_images=64,
        latents=4,
        extractor="pixels",
        outputs=quiet,
    )
    return MonitorCallback(monitor, **options)


def trainer(folder: Path, callbacks: list[Any], steps: int = 24, package: Any = None) -> Any:
    """Of steps of both optimisers, two for each of the 12 batches of an epoch."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1000}
    package = package or lightning()
    loggers = importlib.import_module(f"{package.__name__}.loggers")
    return package.Trainer(
        accelerator="cpu", max_steps=steps, callbacks=callbacks, logger=loggers.CSVLogger(folder, version=0), **quiet
    )


def fitted(folder: Path, callbacks: list[Any], steps: int = 24, ckpt_path: Any = None) -> Any:
    lightning().seed_everything(0)
    gan = module_of(lightning())
    trainer(folder, callbacks, steps).fit(gan, DataLoader(REALS, batch_size=8), ckpt_path=ckpt_path)
    return gan


def test_scores_are_logged_and_choose_the_checkpoint(tmp_path: Path) -> None:
    watching = callback()
    keeper = lightning().callbacks.ModelCheckpoint(tmp_path / "best", monitor="gm/fid", every_n_train_steps=8)
    fitted(tmp_path, [watching, keeper])
    assert [record.step for record in watching.monitor.history] == [8, 16, 24]
    assert watching.result is not None
    rows = list(csv.DictReader((tmp_path / "lightning_logs/version_0/metrics.csv").read_text().splitlines()))
    logged = {int(row["step"]): float(row["gm/fid"]) for row in rows if row["gm/fid"]}
    assert logged == {record.step: pytest.approx(record.scores["fid"].value) for record in watching.monitor.history}
    assert any(row["gm/kid"] and row["gm/fid/low"] and row["gm/fid/high"] for row in rows)
    best = min(record.scores["fid"].value for record in watching.monitor.history)
    assert float(keeper.best_model_score) == pytest.approx(best, rel=1e-6)  # type: ignore[arg-type]


def test_a_training_stops_early_by_the_key_of_the_score(tmp_path: Path) -> None:
    """The threshold is met at once, so the training ends with its first epoch."""
    stopping = lightning().callbacks.EarlyStopping(
        monitor="gm/fid", mode="min", stopping_threshold=1e9, check_on_train_epoch_end=True
    )
    watching = callback()
    fitted(tmp_path, [watching, stopping], steps=400)
    assert watching.monitor.history[-1].step <= 2 * len(REALS) / 8


def test_the_training_is_as_without_it(tmp_path: Path) -> None:
    with_it, without = fitted(tmp_path, [callback()]), fitted(tmp_path / "other", [])
    for mine, other in zip(with_it.state_dict().values(), without.state_dict().values(), strict=True):
        assert torch.equal(mine, other)
    assert with_it.training


def test_losses_reach_the_monitor(tmp_path: Path) -> None:
    """One of them is logged and the other returned."""
    watching = callback()
    fitted(tmp_path, [watching], steps=8)
    entries = watching.monitor.health.entries
    assert [entry.step for entry in entries] == [2, 4, 6, 8]
    assert all(entry.d_loss > 0 and entry.g_loss > 0 for entry in entries)


def test_a_checkpoint_goes_on_with_the_scores(tmp_path: Path) -> None:
    first = callback()
    keeper = lightning().callbacks.ModelCheckpoint(tmp_path / "ckpt", save_last=True, every_n_train_steps=8)
    fitted(tmp_path, [first, keeper], steps=16)
    second = callback()
    fitted(tmp_path / "again", [second], steps=32, ckpt_path=str(tmp_path / "ckpt/last.ckpt"))
    assert [record.step for record in second.monitor.history] == [8, 16, 24, 32]
    assert second.monitor.history[:2] == first.monitor.history


def test_two_of_them_keep_their_states_apart() -> None:
    assert callback().state_key != callback(prefix="ema").state_key


def test_a_generator_by_another_name(tmp_path: Path) -> None:
    with pytest.raises(gm.UsageError, match="Gan has no attribute 'ema'"):
        fitted(tmp_path, [callback(generator="ema")])
    watching = callback(generator="generator.forward.__self__")
    fitted(tmp_path, [watching], steps=8)
    assert watching.result is not None


def test_a_trainer_of_the_other_package_takes_it(tmp_path: Path) -> None:
    other = pytest.importorskip("pytorch_lightning")
    watching = callback()
    trainer(tmp_path, [watching], 8, other).fit(module_of(other), DataLoader(REALS, batch_size=8))
    assert watching.result is not None
    assert "gm/fid" in (tmp_path / "lightning_logs/version_0/metrics.csv").read_text()


RANKS = """
    import sys, warnings
    warnings.simplefilter("ignore")
    sys.path.insert(0, {folder!r})
    import lightning.pytorch as pl
    from torch.utils.data import DataLoader
    from test_lightning import REALS, callback, module_of
    pl.seed_everything(0)
    watching = callback()
    trainer = pl.Trainer(accelerator="cpu", devices=2, strategy="ddp_find_unused_parameters_true", max_steps=16,
                         callbacks=[watching], logger=False, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(module_of(pl), DataLoader(REALS, batch_size=8))
    result = watching.result
    numbers = [result.fake.count, result["fid"].value, trainer.callback_metrics["gm/fid"].item()]
    # One piece on a line of its own: the ranks and Lightning's progress share the pipe.
    print("\\n" + " ".join(map(str, ["found", *numbers])) + "\\n", end="", flush=True)
"""


@pytest.mark.slow
def test_ranks_score_together(tmp_path: Path) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(textwrap.dedent(RANKS.format(folder=str(Path(__file__).parent))))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("found")]
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert rows[0][0] == "64"
    assert float(rows[0][1]) == pytest.approx(float(rows[0][2]), rel=1e-5)


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "ganmetrics.compat.lightning", raising=False)
    with pytest.raises(gm.UsageError, match="pip install lightning"):
        importlib.import_module("ganmetrics.compat.lightning")
