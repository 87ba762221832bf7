"""Scores as metrics of PyTorch-Ignite's engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganmetrics.compat._needed import not_installed
from ganmetrics.compat._sides import announce
from ganmetrics.scoring.cautions import alarms

try:
    from ignite.metrics import Metric
    from ignite.metrics.metric import reinit__is_reduced
except ImportError as error:
    raise not_installed("ignite", "pytorch-ignite") from error

if TYPE_CHECKING:
    import torch

    from ganmetrics.evaluation.batchwise import Evaluation
    from ganmetrics.scoring.result import Result


def _as_it_is(output: Any) -> Any:
    return output


class GanMetric(Metric):
    """One score of a ``gm.Evaluation``, computed at the end of an epoch.

    Under ``torch.distributed`` the images of all ranks are scored together.

    Parameters
    ----------
    evaluation : Evaluation
        Its states are this metric's: attach it once, and read other scores from ``result``.
    name : str
        Of the score, such as ``"fid"``.
    output_transform : callable
        From the engine's output to fake images, or to (real, fake) where the evaluation has no reference.

    Attributes
    ----------
    result : Result or None
        The last one, with every score, interval and signature.

    Examples
    --------
    >>> metric = GanMetric(gm.Evaluation(["fid"], "real.npz", value_range=(-1, 1)))     # doctest: +SKIP
    >>> metric.attach(evaluator, "fid")                                                 # doctest: +SKIP
    """

    def __init__(
        self,
        evaluation: Evaluation,
        name: str = "fid",
        *,
        output_transform: Callable[[Any], Any] = _as_it_is,
        device: str | torch.device = "cpu",
    ) -> None:
        self.evaluation, self.name = evaluation, name
        self.result: Result | None = None
        super().__init__(output_transform=output_transform, device=device)

    @reinit__is_reduced
    def reset(self) -> None:
        """Forget the images of the epoch before."""
        self.evaluation.reset(real=True)

    @reinit__is_reduced
    def update(self, output: Any) -> None:
        """Take in fake images [N, 3, H, W], or (real, fake)."""
        # An output that is no pair is a batch of generated images.
        real, fake = output if isinstance(output, (tuple, list)) else (None, output)
        # Real images are measured once where a reference was given.
        if real is not None and self.evaluation.reference is None:
            self.evaluation.update(real, real=True)
        self.evaluation.update(fake)

    def compute(self) -> float:
        """Return the score of the epoch; warn of images that fill little of the range of pixel values."""
        self.result = self.evaluation.compute()
        cautions = alarms({"real": self.result.real, "fake": self.result.fake})
        announce([each.sentence for each in cautions], stacklevel=3)
        return self.result[self.name].value
