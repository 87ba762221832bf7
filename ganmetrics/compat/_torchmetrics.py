"""What the metrics of ``ganmetrics.compat.torchmetrics`` share: torchmetrics' states, scored by ganmetrics."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from ganmetrics._process import evaluating
from ganmetrics.compat._needed import not_installed
from ganmetrics.compat._peer_errors import ArgumentTypeError, ArgumentValueError
from ganmetrics.compat._sides import UNKNOWN, announce
from ganmetrics.compat._torchmetrics_network import NamedNetwork, RecipeOfNetwork, rows_of
from ganmetrics.data.reading.uint8 import check_values, to_uint8
from ganmetrics.errors import UsageError
from ganmetrics.extractors import load_extractor
from ganmetrics.measurement.gathering import Sample
from ganmetrics.measurement.image_record import ImageRecord
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.metrics import Metric as Wanted
from ganmetrics.scoring.cautions import alarms
from ganmetrics.scoring.plan import chosen_metrics, under_protocol
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides
from ganmetrics.scoring.scored import scored

try:
    from torchmetrics import Metric
    from torchmetrics.utilities.distributed import gather_all_tensors as gather_all_tensors
except ImportError as error:
    raise not_installed("torchmetrics", "torchmetrics") from error

# The protocol of torchmetrics since version 1.8.
OWN = "torchmetrics-1.8"
LAYERS = (64, 192, 768, 2048)
LOGITS = "logits_unbiased"
ROLES = ("real", "fake")
Path = str | os.PathLike[str] | None


class Seen:
    """What is kept beside torchmetrics' states, for intervals and signatures: digests, pixel values, some rows."""

    def __init__(self, *, has_rows: bool) -> None:
        self.record = ImageRecord()
        self.rows = Sample() if has_rows else None

    def add(self, images: Tensor, features: Tensor) -> None:
        """Take in images of any shape, [N, ...], and their features, [N, D]."""
        places = torch.arange(len(self.record.pixels), len(self.record.pixels) + len(images))
        exact = images if images.dtype in (torch.uint8, torch.float32, torch.float64) else images.float()
        self.record.add(exact.detach(), places)
        if self.rows is not None:
            self.rows.add(features.detach().cpu().float(), places)

    def merged(self, other: Seen | None = None) -> Seen:
        """A copy, with what another has seen behind it."""
        found, count = copy(self), len(self.record.pixels)
        found.record = self.record.moved(0)
        found.rows = self.rows and self.rows.moved(0)
        if other is not None:
            found.record.merge(other.record.moved(count))
            if found.rows is not None and other.rows is not None:
                found.rows.merge(other.rows.moved(count))
        return found


def flag(name: str, value: object) -> bool:
    """Check that an argument is a bool and return it (ArgumentValueError)."""
    if not isinstance(value, bool):
        raise ArgumentValueError(f"Argument `{name}` expected to be a bool; found {value!r}", where=name)
    return value


def whole_above_0(name: str, value: object) -> int:
    """Check that an argument is a whole number above 0 and return it (ArgumentValueError)."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentValueError(f"Argument `{name}` expected to be integer larger than 0; found {value!r}", where=name)
    return value


def network_of(
    feature: Any, known: Sequence[Any], protocol: str | None, weights: Path, *, reads_logits: bool = False
) -> nn.Module:
    """The network that the argument ``feature`` asks for: a layer of Inception, or the caller's own.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        Neither, or a layer that is not known.
    UsageError
        A protocol or a weights file for a network of the caller's; an unknown protocol.
    """
    if isinstance(feature, nn.Module):
        if protocol is not None or weights is not None:
            what = "a protocol and a weights file go with Inception, and feature is a network of its own"
            raise UsageError(what, where="feature", hint="Leave protocol and feature_extractor_weights_path out")
        return feature
    if not isinstance(feature, (int, str)) or isinstance(feature, bool):
        what = f"Got unknown input to argument `feature`: {type(feature).__name__}"
        raise ArgumentTypeError(what, where="feature", hint=f"Known: {', '.join(map(str, known))}, or a Module")
    if feature not in known:
        what = f"Integer input to argument `feature` must be one of {tuple(known)}"
        raise ArgumentValueError(f"{what}; found the unknown feature {str(feature)!r}", where="feature")
    layer = "" if feature == LOGITS and reads_logits else f":{feature}"
    _, spec = under_protocol(chosen_metrics("fid"), f"inception{layer}", protocol or OWN)
    # Here the network is asked for by name.
    assert isinstance(spec, str)
    extractor = load_extractor(spec, weights)
    return NamedNetwork(extractor, LOGITS if feature == LOGITS else extractor.feature_layer)


class Adapted(Metric):
    """A torchmetrics metric with torchmetrics' own states, so that whatever reads or sets them works unchanged.

    Parameters
    ----------
    network : Module
        From images to features.
    normalize : bool
        Whether images are floats in 0..1.
    protocol : str or None
        Whose numbers are reproduced, for a layer of Inception.
    own : mapping
        The options of ``torchmetrics.Metric``, by name.
    """

    is_differentiable = False
    # Real images that a reset keeps would count twice if the state of a batch were added.
    full_state_update = True
    plot_lower_bound = 0.0
    feature_network = "inception"
    # The sets whose images it takes.
    roles: tuple[str, ...] = ROLES
    # Whether rows are kept beside the states, which do not hold any.
    keeps_rows = False

    def __init__(self, network: nn.Module, normalize: bool, protocol: str | None, own: Mapping[str, Any]) -> None:
        super().__init__(**own)
        self.normalize = flag("normalize", normalize)
        self.used_custom_model = not isinstance(network, NamedNetwork)
        # Under this name torchmetrics has it, so that it moves with the metric and FeatureShare can share it.
        self.inception = network
        self._protocol = "" if self.used_custom_model else protocol or OWN
        self._recipe_of = RecipeOfNetwork()
        self._seen = {role: Seen(has_rows=self.keeps_rows) for role in self.roles}
        self._sides: Sides | None = None
        self.orig_dtype = torch.get_default_dtype()

    @property
    def result(self) -> Result:
        """The scores with intervals, signatures and warnings; computed, on all ranks, where ``compute`` has not."""
        self.compute()
        # ``compute`` has made them.
        assert self._sides is not None
        has_rows = all(side is None or side.sample is not None for side in (self._sides.real, self._sides.fake))
        return scored(self._sides, [self._wanted()], "fast" if has_rows or not self.keeps_rows else "off")

    def reset(self) -> None:
        """Forget the images, but for real ones that were to be kept."""
        kept = [] if getattr(self, "reset_real_features", True) else [name for name in self._defaults if "real" in name]
        # A list is emptied in place.
        values = {name: copy(getattr(self, name)) for name in kept}
        super().reset()
        for name, value in values.items():
            setattr(self, name, value)
        for role in self.roles:
            if role == "fake" or not kept:
                self._seen[role] = Seen(has_rows=self.keeps_rows)

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Take in the images of another metric, or of its ``metric_state``."""
        if isinstance(incoming_state, Metric) and not isinstance(incoming_state, type(self)):
            what = f"Expected incoming state to be an instance of {type(self).__name__}"
            raise ArgumentValueError(f"{what}; found {type(incoming_state).__name__}", where="incoming_state")
        if isinstance(incoming_state, Adapted):
            # Rows of two networks in one state would give a number of nothing.
            mine, theirs = (each._recipe_of(each.inception) for each in (self, incoming_state))
            theirs.require(mine, ("the other metric", "this one"))
        given = incoming_state.metric_state if isinstance(incoming_state, Metric) else incoming_state
        for name in self._defaults:
            setattr(self, name, getattr(self, name) + given[name])
        if isinstance(incoming_state, Adapted):
            self._seen = {role: seen.merged(incoming_state._seen[role]) for role, seen in self._seen.items()}

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw a value or several, by default that of ``compute``; return the figure and its axes."""
        val = self.compute() if val is None else val
        return self._plot(val[0] if isinstance(val, tuple) else val, ax)

    # torchmetrics hashes every state.
    def __hash__(self) -> int:
        return id(self)

    def _copy_state_dict(self) -> dict[str, Any]:
        """The states as torchmetrics puts them back after a batch or after a sync, and what is kept beside them."""
        return {**super()._copy_state_dict(), "_seen": {role: seen.merged() for role, seen in self._seen.items()}}

    def _reduce_states(self, incoming_state: dict[str, Any]) -> None:
        """Add what was before a batch to the states of the batch; torchmetrics calls it after ``forward``."""
        before = incoming_state.pop("_seen")
        super()._reduce_states(incoming_state)
        self._seen = {role: before[role].merged(seen) for role, seen in self._seen.items()}

    def _features(self, imgs: Tensor, role: str) -> Tensor:
        """The features of a batch, [N, D], in the network's type; what intervals and signatures need is kept."""
        images = self._as_images(imgs)
        with evaluating(self.inception) if self.used_custom_model else nullcontext():
            features = rows_of(self.inception(images), len(images), type(self).__name__)
        self.orig_dtype = features.dtype
        self._seen[role].add(images, features)
        return features

    @property
    def _cuts_floats(self) -> bool:
        return not self.used_custom_model

    def _as_images(self, imgs: Tensor) -> Tensor:
        """The images as the network gets them: those of Inception in 8 bits, for others as they are."""
        if not (self.normalize and self._cuts_floats) or imgs.dtype == torch.uint8:
            return imgs
        if self._protocol not in (OWN, ""):
            return to_uint8(imgs, (0, 1), type(self).__name__)
        check_values(imgs, (0, 1), type(self).__name__)
        # torchmetrics cuts where ganmetrics rounds.
        return (imgs * 255).clamp(0, 255).to(torch.uint8)

    def _wanted(self) -> Wanted:
        """The metric of ganmetrics, with what the attributes say now."""
        raise NotImplementedError

    def _statistics(self, role: str, count: int, **held: Any) -> Statistics:
        """What the states hold of one set, with digests where these images alone are in them."""
        seen, recipe = self._seen[role], self._recipe_of(self.inception)
        source, pixels = f"{role} images of {type(self).__name__}", seen.record.pixels
        if len(pixels) != count:
            # States that were loaded, set or gathered from other ranks are of images that were not seen here.
            return Statistics(recipe=recipe, count=count, digest=UNKNOWN, order=UNKNOWN, source=source, **held)
        if seen.rows is not None:
            held["sample"] = seen.rows.rows
        return Statistics(
            recipe=recipe,
            count=count,
            digest=pixels.combined(),
            order=pixels.ordered(),
            filled=seen.record.filled(),
            notes=seen.record.notes,
            pixels=pixels,
            source=source,
            **held,
        )

    def _scored(self, sides: Sides) -> Result:
        """The scores of all images so far, without intervals; cautions become warnings."""
        self._sides = sides
        result = scored(sides, [self._wanted()], "off")
        announce([each.sentence for each in alarms({"real": sides.real, "fake": sides.fake})], stacklevel=5)
        return result

    def _tensor(self, value: float | None) -> Tensor:
        return torch.tensor(value, dtype=self.orig_dtype, device=self.device)


def under_own(metric: Adapted, asked: str) -> Wanted:
    """The metric that attributes ask for, under the protocol of the network."""
    wanted = chosen_metrics(asked)
    if isinstance(metric.inception, NamedNetwork):
        wanted, _ = under_protocol(wanted, "inception", metric._protocol or OWN)
    return wanted.metrics[0]
