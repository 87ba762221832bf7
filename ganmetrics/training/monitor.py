"""The monitor of a training: the generator's scores at regular steps, and faults in between."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics import _arguments
from ganmetrics.data.generator import GeneratorSource
from ganmetrics.data.reading.batches import Share
from ganmetrics.data.source import Drawing, Opening
from ganmetrics.diagnosis.finding import Finding
from ganmetrics.diagnosis.finding import rank as severity
from ganmetrics.diagnosis.training_health import TrainingHealth
from ganmetrics.distributed import ranks
from ganmetrics.evaluation.batchwise import Evaluation
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.result import Result
from ganmetrics.training import outputs as out
from ganmetrics.training.monitor_state import MonitorState, as_float, health_of
from ganmetrics.training.outputs import Outputs
from ganmetrics.training.records import Record, best_of, read_records, replace_records, write_records
from ganmetrics.training.sparing import Sparing
from ganmetrics.training.writers import lay_out, write_numbers, write_record

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Unpack

    from ganmetrics.extractors import Extractor
    from ganmetrics.metrics import Metric
    from ganmetrics.types import Images

    Number = float | Tensor | None

# Looks at the training's health in the time of one evaluation, and samples of fixed latents for each.
LOGS, SAMPLES = 20, 64
DEFAULT_OUTPUTS = Outputs()
# Generators end in tanh, so their images are in -1..1 unless the caller says otherwise.
DRAWING: Any = MappingProxyType({"num_images": 10_000, "latents": None, "value_range": (-1, 1), "seed": 0})


class Monitor:
    """Scores of a generator in training, called at every step.

    At most steps it does nothing. Twenty times for each evaluation it notes the losses and looks at 64 samples of fixed
    latents; a fault that they show, such as samples that grow alike, is logged once with what to try, and again when it
    gets worse. Every ``every`` steps it scores ``num_images`` images, of the same latents each time.

    Nothing of the training is touched: it ends with the same weights, to the last bit, as without a monitor. In a
    distributed training every rank calls it, makes its share of the images and gets the same result; the first one
    writes.

    A training never ends because it is watched: what goes wrong after the monitor was made, such as a full disk, a
    writer that fails or a generator whose images cannot be scored, becomes one ``GanMetricsWarning`` for each part of
    the work. Only what ``on_best`` raises reaches the training.

    Parameters
    ----------
    reference : source of images or statistics
        The real images, as ``gm.evaluate`` takes them. They are measured once; saved statistics need no measuring.
    metrics : sequence of str
        The first one decides which generator is the best.
    every : int
        Steps between evaluations, which are at its multiples, or at the first call beyond one.
    num_images : int
        Images that an evaluation scores. FID falls with their number, so keep it within a project.
    latents : int or callable, optional
        The size of standard normal latents, or a function of a count and a CPU ``torch.Generator``; by default what the
        network's ``latent_dim`` or the like says.
    value_range : (float, float)
        The values that are black and white in the generator's float images.
    extractor : str, Extractor or callable, optional
        The network of the scores, as ``gm.evaluate`` takes it.
    folder : path, optional
        Where ``scores.jsonl`` and ``samples/step-000500.png`` go. Scores that it holds are gone on with; where the
        training goes on from an earlier step, later ones are dropped (``scores.jsonl.old`` has them).
    seed : int
        Seed of the latents.
    outputs : Outputs
        A log, a writer of scalars, and what to do with the best generator.

    Attributes
    ----------
    history : list of Record
        Every evaluation.
    health : TrainingHealth
        The health that this rank has seen.
    seconds : float
        The time that the training has spent in the monitor.

    Raises
    ------
    UsageError, InputError, StatisticsError, WeightsError, ResourceError
        The errors of ``gm.Evaluation``; a folder that cannot be written, or whose scores are damaged.

    Examples
    --------
    >>> from torch import nn, rand
    >>> net = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Unflatten(1, (3, 4, 4)))
    >>> reals = (rand(100, 3, 4, 4) * 255).byte()
    >>> log = Outputs(log=lambda line: None)
    >>> monitor = Monitor(reals, every=10, num_images=64, latents=8, extractor="pixels", outputs=log)
    >>> for step in range(1, 31):
    ...     result = monitor(step, net, d_loss=1.2, g_loss=0.8)
    >>> [record.step for record in monitor.history], monitor.best.step
    ([10, 20, 30], 10)
    """

    @_arguments.with_keywords(Drawing, DRAWING)
    def __init__(
        self,
        reference: Any,
        metrics: str | Sequence[str | Metric] = ("fid",),
        *,
        every: int = 1000,
        extractor: str | Extractor | Callable[..., Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
        outputs: Outputs = DEFAULT_OUTPUTS,
        **drawing: Unpack[Drawing],
    ) -> None:
        _arguments.check_keywords(Monitor.__init__, drawing)
        _arguments.whole(every, "every", 1)
        start = time.perf_counter()
        self._opening = Opening(**{**DRAWING, **drawing})
        self.every, self.num_images, self.outputs = every, self._opening.num_images, outputs
        self._folder = None if folder is None else out.made(Path(_arguments.path(folder, "folder")))
        self.history = [] if self._folder is None else read_records(self._folder / out.SCORES)
        self.health = TrainingHealth()
        self._told: dict[str, str] = {}
        self._spared = Sparing()
        self._step = self.history[-1].step if self.history else 0
        self._evaluation = Evaluation(metrics, reference, extractor=extractor)
        self.seconds = time.perf_counter() - start

    @property
    def best(self) -> Record | None:
        """The evaluation with the best value of the first metric, of those under the latest one's recipe."""
        return best_of(self.history)

    def should_stop(self, patience: int = 5) -> bool:
        """Say whether the last ``patience`` evaluations brought no better value of the first metric."""
        _arguments.whole(patience, "patience", 1)
        return (best := self.best) is not None and sum(one.step > best.step for one in self.history) >= patience

    def __call__(
        self,
        step: int,
        generator: Any,
        *,
        d_loss: Number = None,
        g_loss: Number = None,
        g_grad_norm: Number = None,
        d_accuracy: Number = None,
    ) -> Result | None:
        """Note a step, and score the generator where the step is one for it.

        Parameters
        ----------
        step : int
            Counted from 1, after the update. One below the last means that the training goes on from there.
        generator : Module, sampler or function
            The trained network or its moving average. A function ``n -> images`` sets the mode of its networks itself.
        d_loss, g_loss, g_grad_norm, d_accuracy : float or Tensor, optional
            The numbers of ``TrainingHealth.log``. A tensor is read only at the steps that are noted.

        Returns
        -------
        Result or None
            The scores, where this step was one for them.
        """
        step, start = _arguments.whole(step, "step", 0), time.perf_counter()
        try:
            # The training was set back to an earlier checkpoint.
            if step < self._step:
                with self._spared("return to an earlier step"):
                    self._rewind(step)
            last, self._step = self._step, step
            # A step counts when it passes a multiple, so that steps may be skipped.
            is_scored, is_noted = (step // n > last // n for n in (self.every, max(1, self.every // LOGS)))
            if not is_noted:
                return None
            samples, result = None, None
            findings: tuple[Finding, ...] = ()
            with self._spared("drawing of samples"):
                samples = self._samples(generator)
            with self._spared("health"):
                findings = self._note(step, samples, (d_loss, g_loss, g_grad_norm, d_accuracy))
            if is_scored:
                with self._spared("evaluation"):
                    result = self._score(step, generator, findings)
            if result is not None and ranks.rank() == 0:
                self._tell(step, result, samples)
            return result
        finally:
            self.seconds += time.perf_counter() - start

    def state_dict(self) -> dict[str, Any]:
        """Return the monitor's state, as numbers and texts, to be saved with the training."""
        return MonitorState(self._step, self.seconds, self._told, self.history, self.health).to_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict``; the folder's scores become those of the state.

        Raises
        ------
        StatisticsError
            A state of another version, or a damaged one.
        """
        self._step, self.seconds, self._told, history, self.health = MonitorState.from_dict(state)
        self._replace_history(history)

    def _samples(self, generator: Any) -> Images:
        source = GeneratorSource(generator, replace(self._opening, num_images=SAMPLES))
        return torch.cat(list(source.batches()))

    def _note(self, step: int, samples: Images | None, numbers: Iterable[Number]) -> tuple[Finding, ...]:
        d_loss, g_loss, g_grad_norm, d_accuracy = map(as_float, numbers)
        findings = self.health.log(
            step, d_loss=d_loss, g_loss=g_loss, g_grad_norm=g_grad_norm, d_accuracy=d_accuracy, samples=samples
        )
        for finding in findings:
            # A fault is told once, and again when it gets worse.
            if severity(finding.verdict) > severity(self._told.get(finding.name, "ok")):
                self._told[finding.name] = finding.verdict
                self._say(out.fault(step, finding))
        if self.outputs.writer is not None and ranks.rank() == 0:
            with self._spared("writer"):
                write_numbers(self.outputs.writer, {"diversity": self.health.entries[-1].diversity}, step)
        return findings

    def _score(self, step: int, generator: Any, findings: Iterable[Finding]) -> Result:
        start = time.perf_counter()
        # Forget the images of an evaluation that failed half way.
        self._evaluation.reset()

        def take_in() -> None:
            source = GeneratorSource(generator, self._opening)
            for places, images in source.share(Share(ranks.rank(), ranks.world())):
                self._evaluation.update(images, indices=places)

        # An error of one rank ends the evaluation on all, which would wait for it otherwise.
        ranks.together(take_in)
        result = self._evaluation.compute(num_images=self.num_images)
        self._evaluation.reset()
        self.history.append(Record.of(step, result, time.perf_counter() - start, findings))
        return result

    def _tell(self, step: int, result: Result, samples: Images | None) -> None:
        record, picture = self.history[-1], None
        if self._folder is not None:
            with self._spared("file of scores"):
                write_records(self.history, self._folder / out.SCORES)
        if samples is not None:
            with self._spared("sheet of samples"):
                picture = out.sheet(samples)
                if self._folder is not None:
                    out.save_sheet(picture, step, self._folder)
        if self.outputs.writer is not None:
            with self._spared("writer"):
                if len(self.history) == 1:
                    lay_out(self.outputs.writer, record)
                write_record(self.outputs.writer, record, picture)
        self._say(out.line(record, self.history))
        for caution in alarms({"real": result.real, "fake": result.fake}):
            if caution.key not in self._told:
                self._told[caution.key] = "some"
                self._say(out.caution(step, caution))
        # Only this call may raise into the training.
        if self.outputs.on_best is not None and self.best is record:
            self.outputs.on_best(step, result)

    def _say(self, text: str) -> None:
        if ranks.rank() == 0:
            with self._spared("log"):
                self.outputs.log(text)

    def _rewind(self, step: int) -> None:
        """Forget what was noted of this step and of later ones."""
        kept = [record for record in self.history if record.step < step]
        dropped = len(self.history) - len(kept)
        if dropped:
            self._say(f"step {step}  the training goes on from here: {dropped} scores of later steps are dropped")
            self._replace_history(kept)
        broken = {name: [at for at in steps if at < step] for name, steps in self.health._infinite.items()}
        infinite = {name: steps for name, steps in broken.items() if steps}
        self.health = health_of((entry for entry in self.health.entries if entry.step < step), infinite)
        self._step, self._told = max(step - 1, 0), {}

    def _replace_history(self, history: list[Record]) -> None:
        self.history = history
        if self._folder is not None and ranks.rank() == 0:
            replace_records(history, self._folder / out.SCORES)
