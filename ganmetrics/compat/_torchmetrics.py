"""What the metrics of ``ganmetrics.compat.torchmetrics`` share: a ``gm.Evaluation`` as the state of one of theirs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ganmetrics.compat._needed import not_installed
from ganmetrics.compat._sides import announce
from ganmetrics.data.reading.uint8 import check_values
from ganmetrics.errors import InputError, UsageError
from ganmetrics.evaluation.batchwise import Evaluation
from ganmetrics.extractors import Extractor, load_extractor
from ganmetrics.extractors.callers_network import Custom
from ganmetrics.metrics import Metric as Wanted
from ganmetrics.registry import unknown
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.plan import chosen_metrics, under_protocol
from ganmetrics.scoring.result import Result

try:
    from torchmetrics import Metric
except ImportError as error:
    raise not_installed("torchmetrics", "torchmetrics") from error

# The protocol of torchmetrics since version 1.8.
OWN = "torchmetrics-1.8"
LAYERS = {name: f"inception:{name}" for name in ("64", "192", "768", "2048")}
LOGITS = "logits_unbiased"
Path = str | os.PathLike[str] | None


class _Unit(nn.Module):
    """A network that is fed floats in 0..1, of the type of its own values, which ``set_dtype`` may have changed."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.__name__ = network, type(network).__name__

    def forward(self, images: Tensor) -> Any:
        # ``set_dtype`` moves the network to another floating type.
        own = next((each.dtype for each in self.network.parameters() if each.is_floating_point()), torch.float32)
        return self.network(images.to(own) / 255)


class Classifier(Custom):
    """A network of the caller's whose features are logits."""

    logits_layer = "features"


class ChosenMetric(NamedTuple):
    """A metric, the network that it reads, and whose protocol both follow, empty for a network of the caller's."""

    metric: str | Wanted
    network: Extractor
    protocol: str


def chosen_metric(
    asked: str,
    feature: str | int | nn.Module,
    layers: Mapping[str, str],
    custom: Callable[[nn.Module], Extractor],
    protocol: str | None,
    weights: Path,
) -> ChosenMetric:
    """Return the metric, network and protocol that the arguments of a constructor ask for (UsageError)."""
    if isinstance(feature, nn.Module):
        if protocol is not None or weights is not None:
            what = "a protocol and a weights file go with Inception, and feature is a network of its own"
            raise UsageError(what, where="feature", hint="Leave protocol and feature_extractor_weights_path out")
        return ChosenMetric(asked, custom(feature), "")
    if str(feature) not in layers:
        raise unknown("feature", str(feature), list(layers))
    wanted, spec = under_protocol(chosen_metrics(asked), layers[str(feature)], protocol or OWN)
    # Here the network is asked for by name.
    assert isinstance(spec, str)
    return ChosenMetric(wanted.metrics[0], load_extractor(spec, weights), protocol or OWN)


def with_range(normalize: bool) -> Callable[[nn.Module], Extractor]:
    """Return the constructor of a caller's network, which is fed floats in 0..1 where ``normalize`` says so."""
    return (lambda network: Custom(_Unit(network))) if normalize else Custom


def flag(name: str, value: object) -> bool:
    """Check that an argument is a bool and return it (UsageError)."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}; it must be True or False", where=name)
    return value


class Adapted(Metric):
    """A torchmetrics metric whose one state is a ``gm.Evaluation``, written as bytes whenever torchmetrics asks for it.

    Whatever torchmetrics does with states therefore works unchanged: gathering them from all ranks by any function and
    group, putting them back, merging, saving and moving them.

    Parameters
    ----------
    feature : str, int or Module
    chosen : ChosenMetric
    normalize : bool
    own : mapping
        The options of ``torchmetrics.Metric``, by name.
    """

    is_differentiable = False
    # Real images that a reset keeps would count twice if the state of a batch were added.
    full_state_update = True
    plot_lower_bound = 0.0

    def __init__(
        self, feature: str | int | nn.Module, chosen: ChosenMetric, normalize: bool, own: Mapping[str, Any]
    ) -> None:
        super().__init__(**own)
        self.normalize, self._chosen = flag("normalize", normalize), chosen
        if isinstance(feature, nn.Module):
            # torchmetrics has the network under this name, so that it moves with the metric.
            self.inception = feature
        self._result: Result | None = None
        self._evaluation = self._empty()
        self.add_state("gathered", [], dist_reduce_fx=None)

    @property
    def gathered(self) -> list[Tensor]:
        """The state as torchmetrics handles it: bytes, uint8 [B]."""
        # torchmetrics gathers tensors, so that the state travels as uint8.
        buffer = io.BytesIO()
        torch.save(self._evaluation.state_dict(), buffer)
        return [torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8).to(self.device)]

    @gathered.setter
    def gathered(self, parts: Sequence[Tensor]) -> None:
        self._computed = None
        self._evaluation = self._empty()
        for part in parts:
            self._evaluation.merge(self._read(part))

    @property
    def result(self) -> Result:
        """The scores with intervals, signatures and warnings; computed, on all ranks, where ``compute`` has not."""
        self.compute()
        # ``compute`` has made it.
        assert self._result is not None
        return self._result

    def reset(self) -> None:
        """Forget the images, but for real ones that were to be kept."""
        self._result = None
        self._evaluation.reset(real=self._forgets_reals)
        super().reset()

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Take in the images of another metric, or of its ``metric_state``."""
        given = incoming_state.metric_state if isinstance(incoming_state, Metric) else incoming_state
        self.gathered = [*self.gathered, *given["gathered"]]

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw a value or several, by default that of ``compute``; return the figure and its axes."""
        val = self.compute() if val is None else val
        return self._plot(val[0] if isinstance(val, tuple) else val, ax)

    # torchmetrics hashes the state, which every walk over modules would write anew.
    def __hash__(self) -> int:
        return id(self)

    @property
    def _cuts_floats(self) -> bool:
        return self._chosen.protocol == OWN

    @property
    def _forgets_reals(self) -> bool:
        return bool(getattr(self, "reset_real_features", True))

    def _take(self, imgs: Tensor, real: bool = False) -> None:
        self._result = None
        self._evaluation.update(self._as_images(imgs), real=bool(real))

    def _as_images(self, imgs: Tensor) -> Tensor:
        """Return the images; under torchmetrics' protocol, floats become the uint8 that torchmetrics makes of them."""
        if imgs.dtype == torch.uint8:
            return imgs
        if not self.normalize:
            what, hint = f"the images have dtype {imgs.dtype}; expected uint8", "Pass normalize=True for floats in 0..1"
            raise InputError(what, where=type(self).__name__, hint=hint, code="E-DTYPE")
        if not self._cuts_floats:
            return imgs
        check_values(imgs, (0, 1), type(self).__name__)
        # torchmetrics cuts where ganmetrics rounds.
        return (imgs * 255).clamp(0, 255).to(torch.uint8)

    def _score(self) -> Result:
        # torchmetrics has gathered the images of other ranks already.
        self._result = self._evaluation.compute(sync=False)
        sides = {"real": self._result.real, "fake": self._result.fake}
        announce([each.sentence for each in alarms(sides)], stacklevel=5)
        return self._result

    def _tensor(self, value: float | None) -> Tensor:
        return torch.tensor(value, dtype=self.dtype, device=self.device)

    def _empty(self) -> Evaluation:
        value_range = (0, 1) if self.normalize else None
        return Evaluation(
            [self._chosen.metric], extractor=self._chosen.network, device=self.device, value_range=value_range
        )

    def _read(self, part: Tensor) -> Evaluation:
        """Return the evaluation that bytes hold; torchmetrics may have turned them into another dtype."""
        content = part.to("cpu", torch.uint8).numpy().tobytes()
        evaluation = self._empty()
        evaluation.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
        return evaluation

    def _apply(self, fn: Callable[..., Any], exclude_state: Sequence[str] = "") -> nn.Module:
        before = self.device
        moved = super()._apply(fn, [*exclude_state, "gathered"])
        if self.device != before:
            state, self._evaluation = self._evaluation.state_dict(), self._empty()
            self._evaluation.load_state_dict(state)
        return moved
