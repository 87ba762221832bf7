"""A callback that calls a ``gm.training.Monitor`` as a ``Trainer`` of lightning or pytorch_lightning trains."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ganmetrics.compat._needed import not_installed
from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    from ganmetrics.scoring.result import Result
    from ganmetrics.training import Monitor

# What the monitor reads beside the generator.
NUMBERS = ("d_loss", "g_loss", "g_grad_norm", "d_accuracy")


def _callback() -> Any:
    """Return the Callback of the package in use: the one that was imported already, else lightning's."""
    for name in sorted(("lightning.pytorch", "pytorch_lightning"), key=lambda name: name not in sys.modules):
        try:
            return import_module(name).Callback
        except ImportError:
            continue
    raise not_installed("lightning", "lightning")


Callback: Any = _callback()


# The base class is Lightning's, which two packages provide.
class MonitorCallback(Callback):
    """Scores the generator of a ``LightningModule`` as it trains, and logs the scores.

    They go to every logger of the trainer as ``gm/fid``, ``gm/fid/low`` and ``gm/fid/high``, and stand among
    ``trainer.callback_metrics``, where ``ModelCheckpoint(monitor="gm/fid")`` finds them. The numbers ``d_loss``,
    ``g_loss``, ``g_grad_norm`` and ``d_accuracy`` reach the monitor if the module logs them or ``training_step``
    returns them in a dictionary. The monitor's state is saved in checkpoints. Under DDP all ranks take part.

    Parameters
    ----------
    monitor : Monitor
        Steps are the trainer's ``global_step``, which counts the steps of all optimisers.
    generator : str
        The attribute of the module that has the generator, such as ``"ema.module"``.
    prefix : str
        Of the names under which scores are logged.

    Attributes
    ----------
    result : Result or None
        The last one, with intervals and signatures.

    Examples
    --------
    >>> monitor = gm.training.Monitor("real/", every=2000, latents=128)       # doctest: +SKIP
    >>> Trainer(callbacks=[MonitorCallback(monitor)]).fit(gan, loader)        # doctest: +SKIP
    """

    def __init__(self, monitor: Monitor, *, generator: str = "generator", prefix: str = "gm") -> None:
        super().__init__()
        self.monitor, self.generator, self.prefix = monitor, generator, prefix
        self.result: Result | None = None

    @property
    def state_key(self) -> str:
        """The name of its state in a checkpoint."""
        return f"{type(self).__name__}(generator={self.generator!r}, prefix={self.prefix!r})"

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Refuse a module without the generator before anything is trained (UsageError)."""
        self._generator_of(pl_module)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Hand the step to the monitor, and log the scores where it was one for them."""
        # What ``training_step`` returned is newer than what was logged.
        known = {**trainer.callback_metrics, **(outputs if isinstance(outputs, Mapping) else {})}
        numbers = {name: known[name] for name in NUMBERS if name in known}
        step = trainer.global_step
        result = self.monitor(step, self._generator_of(pl_module), **numbers)
        if result is None:
            return
        self.result, values = result, self._values(result)
        for name, value in values.items():
            # For ``ModelCheckpoint``, which reads what the module logs; loggers get the values below.
            pl_module.log(name, value, logger=False, on_step=True, on_epoch=False, batch_size=1)
        # The module would log at every fiftieth step only.
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the monitor."""
        return {"monitor": self.monitor.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.monitor.load_state_dict(state_dict["monitor"])

    def _values(self, result: Result) -> dict[str, float]:
        values = {f"{self.prefix}/{name}": score.value for name, score in result.scores.items()}
        known = {name: score.interval.ends() for name, score in result.scores.items() if score.interval}
        ends = {f"{self.prefix}/{name}/{end}": at for name, sides in known.items() for end, at in sides.items()}
        return values | ends

    def _generator_of(self, pl_module: Any) -> Any:
        try:
            return attrgetter(self.generator)(pl_module)
        except AttributeError as error:
            what = f"{type(pl_module).__name__} has no attribute {self.generator!r} to be the generator"
            raise UsageError(what, where="generator", hint="Name the attribute that holds it") from error
