"""torchmetrics' metrics of two sets whose states are lists of features: KID and MiFID."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganmetrics.compat._kernels import Polynomial, kernel_distance
from ganmetrics.compat._peer_errors import ArgumentValueError, ImageValueError, TooFewError
from ganmetrics.compat._sides import announce
from ganmetrics.compat._torchmetrics import (
    LAYERS,
    LOGITS,
    Adapted,
    Path,
    flag,
    gather_all_tensors,
    network_of,
    under_own,
    whole_above_0,
)
from ganmetrics.errors import UsageError
from ganmetrics.metrics import Metric as Wanted
from ganmetrics.metrics.fid import fid
from ganmetrics.metrics.mifid import memorisation_distance
from ganmetrics.numerics.moments import Moments
from ganmetrics.scoring.result import Result
from ganmetrics.scoring.score import Sides


class RowsMetric(Adapted):
    """What metrics share whose states are lists of features."""

    # In the warning about them.
    title = "MiFID"

    def __init__(self, network: nn.Module, normalize: bool, protocol: str | None, own: Mapping[str, Any]) -> None:
        super().__init__(network, normalize, protocol, own)
        for name in self._states():
            # As one tensor: ranks may have taken different numbers of batches, or none.
            self.add_state(name, [], dist_reduce_fx="cat")
        # torchmetrics' own words, which callers filter.
        told = f"Metric `{self.title}` will save all extracted features in buffer."
        announce([f"{told} For large datasets this may lead to large memory footprint."], stacklevel=4)

    def _sync_dist(self, dist_sync_fn: Callable[..., Any] = gather_all_tensors, process_group: Any = None) -> None:
        """Gather the rows of all ranks; a rank without images takes part with a tensor that has none."""
        group = process_group or self.process_group
        for name in self._states():
            rows = getattr(self, name)
            known = rows[0].shape[1] if len(rows) else 0
            dims = max(int(each) for each in dist_sync_fn(torch.tensor(known, device=self.device), group=group))
            if not known and dims:
                setattr(self, name, [torch.zeros(0, dims, dtype=self.dtype, device=self.device)])
        super()._sync_dist(dist_sync_fn, process_group)

    def _states(self) -> list[str]:
        """The names of the lists, by the sets."""
        return [f"{role}_features" for role in self.roles]

    def _take(self, imgs: Tensor, role: str) -> None:
        getattr(self, self._states()[self.roles.index(role)]).append(self._features(imgs, role))

    def _rows(self, role: str) -> Tensor:  # [N, D]
        found = getattr(self, self._states()[self.roles.index(role)])
        # After a sync the states of all ranks are one tensor or a list of such.
        rows = torch.cat(list(found)) if isinstance(found, (list, tuple)) and len(found) else found
        return rows.cpu() if isinstance(rows, torch.Tensor) else torch.empty(0, 1)


class KernelInceptionDistance(RowsMetric):
    """KID as ``torchmetrics.image.kid.KernelInceptionDistance`` has it; lower is better.

    Its subsets come from a seed, where torchmetrics draws others each time. Its states are torchmetrics': the lists
    ``real_features`` and ``fake_features``. ``subsets``, ``subset_size``, ``degree``, ``gamma`` and ``coef`` may be set
    at any time.

    Parameters
    ----------
    feature : {"logits_unbiased", 64, 192, 768, 2048} or Module
    subsets, subset_size : int
    degree, gamma, coef : int, float or None, float
        Of the kernel (gamma x·y + coef)^degree; gamma is 1 / D where it is ``None``. ``result`` knows the literature's
        kernel alone.
    reset_real_features, normalize, feature_extractor_weights_path, protocol
        The parameters of ``FrechetInceptionDistance``, as are the options of ``torchmetrics.Metric``.

    Raises
    ------
    UsageError, WeightsError
        The errors of ``FrechetInceptionDistance``; a parameter that is not above 0.
    """

    higher_is_better = False
    plot_upper_bound = 1.0
    title = "Kernel Inception Distance"

    def __init__(
        self,
        feature: str | int | nn.Module = 2048,
        subsets: int = 100,
        subset_size: int = 1000,
        degree: int = 3,
        gamma: float | None = None,
        coef: float = 1.0,
        reset_real_features: bool = True,
        normalize: bool = False,
        *,
        feature_extractor_weights_path: Path = None,
        protocol: str | None = None,
        **own: Any,
    ) -> None:
        network = network_of(feature, (LOGITS, *LAYERS), protocol, feature_extractor_weights_path)
        super().__init__(network, normalize, protocol, own)
        self.reset_real_features = flag("reset_real_features", reset_real_features)
        self.subsets, self.subset_size, self.degree, self.gamma, self.coef = subsets, subset_size, degree, gamma, coef
        self._check()

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take in a batch of real or of fake images, [N, 3, H, W] for Inception."""
        self._take(imgs, "real" if real else "fake")

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return the mean over subsets and their standard deviation (ddof 0), scalars in the features' dtype."""
        self._check()
        rows = [self._rows(role) for role in self.roles]
        if min(map(len, rows)) < self.subset_size:
            # The first words are torchmetrics' own.
            what = "Argument `subset_size` should be smaller than the number of samples"
            found = f"{what}: it is {self.subset_size}, of {len(rows[0])} real and {len(rows[1])} fake images"
            raise ImageValueError(found, where="subset_size", hint="Add images, or lower it", code="E-TOO-FEW")
        real, fake = (
            self._statistics(role, len(each), features=each.float())
            for role, each in zip(self.roles, rows, strict=True)
        )
        if self._is_literatures:
            score = self._scored(Sides(real, fake))["kid"]
            return self._tensor(score.value), self._tensor(score.std)
        self._sides = Sides(real, fake)
        kernel = Polynomial(self.degree, self.gamma, self.coef)
        mean, std = kernel_distance(rows[0], rows[1], self.subsets, self.subset_size, kernel)
        return self._tensor(mean), self._tensor(std)

    @property
    def result(self) -> Result:
        """The score with its interval and signature (UsageError for another kernel than the literature's)."""
        if not self._is_literatures:
            what = f"the kernel has degree={self.degree}, gamma={self.gamma}, coef={self.coef}; KID's is (x·y / d + 1)³"
            raise UsageError(what, where="result", hint="Read the value of compute, which has no interval")
        return super().result

    @property
    def _is_literatures(self) -> bool:
        return (self.degree, self.gamma, self.coef) == (3, None, 1.0)

    def _check(self) -> None:
        for name in ("subsets", "subset_size", "degree"):
            whole_above_0(name, getattr(self, name))
        if self.gamma is not None and not (isinstance(self.gamma, float) and self.gamma > 0):
            what = f"Argument `gamma` expected to be `None` or float larger than 0; found {self.gamma!r}"
            raise ArgumentValueError(what, where="gamma")
        if not (isinstance(self.coef, float) and self.coef > 0):
            what = f"Argument `coef` expected to be float larger than 0; found {self.coef!r}"
            raise ArgumentValueError(what, where="coef")

    def _wanted(self) -> Wanted:
        return under_own(self, f"kid(subset_size={self.subset_size},num_subsets={self.subsets})")


class MemorizationInformedFrechetInceptionDistance(RowsMetric):
    """MiFID as ``torchmetrics.image.mifid.MemorizationInformedFrechetInceptionDistance`` has it; lower is better.

    Parameters
    ----------
    feature : {64, 192, 768, 2048} or Module
    reset_real_features, normalize : bool
    cosine_distance_eps : float
        A mean distance below it counts as memory.
    definition : {"paper", "torchmetrics"}
        Over which images the distance to the nearest one of the other set is averaged: over the fakes as the paper
        says, or over the reals as torchmetrics does, whose number follows then.
    feature_extractor_weights_path, protocol
        The parameters of ``FrechetInceptionDistance``, as are the options of ``torchmetrics.Metric``.

    Raises
    ------
    UsageError, WeightsError
        The errors of ``FrechetInceptionDistance``; a bound that is not in 0..1.
    """

    higher_is_better = False

    def __init__(
        self,
        feature: int | nn.Module = 2048,
        reset_real_features: bool = True,
        normalize: bool = False,
        cosine_distance_eps: float = 0.1,
        *,
        definition: str = "paper",
        feature_extractor_weights_path: Path = None,
        protocol: str | None = None,
        **own: Any,
    ) -> None:
        network = network_of(feature, LAYERS, protocol, feature_extractor_weights_path)
        super().__init__(network, normalize, protocol, own)
        self.reset_real_features = flag("reset_real_features", reset_real_features)
        if not (isinstance(cosine_distance_eps, float) and 0 < cosine_distance_eps <= 1):
            what = "Argument `cosine_distance_eps` expected to be a float greater than 0 and less than 1"
            raise ArgumentValueError(f"{what}; found {cosine_distance_eps!r}", where="cosine_distance_eps")
        if definition not in ("paper", "torchmetrics"):
            what = f"definition is {definition!r}; it must be paper or torchmetrics"
            raise ArgumentValueError(what, where="definition")
        self.cosine_distance_eps, self.definition = cosine_distance_eps, definition

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take in a batch of real or of fake images, [N, 3, H, W] for Inception."""
        self._take(imgs, "real" if real else "fake")

    def compute(self) -> Tensor:
        """Return the MiFID of all images so far, a scalar in the features' dtype."""
        rows = [self._rows(role).float() for role in self.roles]
        if min(map(len, rows)) < 2:
            what = f"{len(rows[0])} real and {len(rows[1])} fake images found where at least 2 of each are needed"
            raise TooFewError(what, where="images", hint="Add images", code="E-TOO-FEW")
        real, fake = (
            self._statistics(role, len(each), features=each, moments=Moments.of(each))
            for role, each in zip(self.roles, rows, strict=True)
        )
        if self.definition == "paper":
            return self._tensor(self._scored(Sides(real, fake))["mifid"].value)
        self._sides = Sides(real, fake)
        score = fid(*rows)
        distance = memorisation_distance(rows[1].double(), rows[0].double())
        penalty = distance if distance < self.cosine_distance_eps else 1.0
        return self._tensor(score / (penalty + 1e-14) if score > 1e-8 else 0.0)

    def _wanted(self) -> Wanted:
        return under_own(self, f"mifid(threshold={self.cosine_distance_eps})")
