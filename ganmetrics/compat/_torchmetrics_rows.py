"""torchmetrics' metrics whose states are lists of features: KID, MiFID and the Inception Score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganmetrics.compat._kernels import Polynomial, kernel_distance
from ganmetrics.compat._peer_errors import ArgumentValueError, ImageValueError, TooFewError
from ganmetrics.compat._sides import announce
from ganmetrics.compat._torchmetrics import LAYERS, LOGITS, Adapted, Path, flag, network_of, under_own, whole_above_0
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
            self.add_state(name, [], dist_reduce_fx=None)
        # torchmetrics' own words, which callers filter.
        told = f"Metric `{self.title}` will save all extracted features in buffer."
        announce([f"{told} For large datasets this may lead to large memory footprint."], stacklevel=4)

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


class InceptionScore(RowsMetric):
    """Inception Score as ``torchmetrics.image.inception.InceptionScore`` has it; higher is better.

    The shuffle comes from a seed, and where the images do not divide into the splits, these differ by at most one in
    size; torchmetrics makes the last one shorter. Its state is torchmetrics': the list ``features``. ``splits`` may be
    set at any time.

    Parameters
    ----------
    feature : {"logits_unbiased", 64, 192, 768, 2048} or Module
        A classifier from images to logits [N, K]. Another layer of Inception is read as if it were logits.
    splits : int
    normalize, feature_extractor_weights_path, protocol
        The parameters of ``FrechetInceptionDistance``, as are the options of ``torchmetrics.Metric``.

    Raises
    ------
    UsageError, WeightsError
        The errors of ``FrechetInceptionDistance``.
    """

    higher_is_better = True
    # No real images are kept.
    full_state_update = False
    roles = ("fake",)
    title = "InceptionScore"

    def __init__(
        self,
        feature: str | int | nn.Module = LOGITS,
        splits: int = 10,
        normalize: bool = False,
        *,
        feature_extractor_weights_path: Path = None,
        protocol: str | None = None,
        **own: Any,
    ) -> None:
        weights = feature_extractor_weights_path
        network = network_of(feature, (LOGITS, *LAYERS), protocol, weights, reads_logits=True)
        super().__init__(network, normalize, protocol, own)
        self.splits = splits

    def _states(self) -> list[str]:
        return ["features"]

    @property
    def _cuts_floats(self) -> bool:
        # torchmetrics cuts floats whatever the network is.
        return True

    def update(self, imgs: Tensor) -> None:
        """Take in a batch, [N, 3, H, W] for Inception."""
        self._take(imgs, "fake")

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return the mean over splits and their standard deviation, with torchmetrics' ddof 1 (NaN of one split)."""
        whole_above_0("splits", self.splits)
        rows = self._rows("fake")
        if len(rows) < self.splits:
            what = f"{len(rows)} images found where each of {self.splits} splits needs one"
            raise TooFewError(what, where="images", hint="Add images, or lower splits", code="E-TOO-FEW")
        score = self._scored(Sides(None, self._statistics("fake", len(rows), logits=rows.float())))["is"]
        n = self.splits
        factor = math.nan if n == 1 else math.sqrt(n / (n - 1))
        return self._tensor(score.value), self._tensor(factor * cast("float", score.std))

    def _wanted(self) -> Wanted:
        return under_own(self, f"is(splits={self.splits})")
