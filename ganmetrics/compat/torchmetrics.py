"""torchmetrics: its ``FrechetInceptionDistance``, ``KernelInceptionDistance`` and ``InceptionScore`` on ganmetrics.

Each takes the same arguments, gives the same numbers and syncs, saves and moves as any ``torchmetrics.Metric`` does;
``result`` has the interval and the signature beside. One ``gm.Evaluation`` scores all three in one pass of the network.
"""

from __future__ import annotations

import math
from typing import Any, cast

from torch import Tensor, nn

from ganmetrics.compat._torchmetrics import (
    LAYERS,
    LOGITS,
    OWN,
    Adapted,
    Classifier,
    Path,
    chosen_metric,
    flag,
    with_range,
)
from ganmetrics.errors import UsageError


class FrechetInceptionDistance(Adapted):
    """FID as ``torchmetrics.image.fid.FrechetInceptionDistance`` has it; lower is better.

    Parameters
    ----------
    feature : {64, 192, 768, 2048} or Module
        A layer of Inception, or a network from images to features [N, D]. That is fed uint8 images, and with
        ``normalize`` floats in 0..1 of 8 bits, where torchmetrics passes the caller's floats.
    reset_real_features : bool
        Whether ``reset`` forgets the real images too.
    normalize : bool
        Whether the images are floats in 0..1, which is checked.
    input_img_size : tuple of int
        Not needed: the first batch says it.
    feature_extractor_weights_path : path, optional
        A weights file in place of the published one.
    antialias : bool
        Whether shrinking antialiases; ``False`` is torch-fidelity's protocol.
    protocol : str, optional
        Another package's numbers, such as ``"torch-fidelity"`` or ``"clean-fid"``; by default torchmetrics'.
    **own
        The options of ``torchmetrics.Metric``, such as ``sync_on_compute``; it refuses others (ValueError).

    Raises
    ------
    UsageError
        A layer or protocol that is not known, or that does not go with the other arguments.
    WeightsError
        Weights that are missing or damaged.

    Examples
    --------
    >>> fid = FrechetInceptionDistance(normalize=True)  # doctest: +SKIP
    >>> fid.update(real, real=True)                     # doctest: +SKIP
    >>> fid.update(fake, real=False)                    # doctest: +SKIP
    >>> fid.compute(), fid.result["fid"].interval       # doctest: +SKIP
    """

    higher_is_better = False

    def __init__(
        self,
        feature: int | nn.Module = 2048,
        reset_real_features: bool = True,
        normalize: bool = False,
        input_img_size: tuple[int, int, int] = (3, 299, 299),
        feature_extractor_weights_path: Path = None,
        antialias: bool = True,
        *,
        protocol: str | None = None,
        **own: Any,
    ) -> None:
        if not antialias and protocol not in (None, "torch-fidelity"):
            what = f"antialias=False is the protocol torch-fidelity, and protocol says {protocol}"
            raise UsageError(what, where="antialias", hint="Leave antialias out")
        if not (antialias or isinstance(feature, nn.Module)):
            protocol = "torch-fidelity"
        weights = feature_extractor_weights_path
        chosen = chosen_metric("fid", feature, LAYERS, with_range(normalize), protocol, weights)
        super().__init__(feature, chosen, normalize, own)
        self.reset_real_features = flag("reset_real_features", reset_real_features)

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take in a batch, [N, 3, H, W], of real or of fake images."""
        self._take(imgs, real)

    def compute(self) -> Tensor:
        """Return the FID of all images so far, a scalar in the metric's dtype."""
        return self._tensor(self._score()["fid"].value)


class KernelInceptionDistance(Adapted):
    """KID as ``torchmetrics.image.kid.KernelInceptionDistance`` has it; lower is better.

    Its subsets come from a seed, where torchmetrics draws others each time.

    Parameters
    ----------
    feature : {"logits_unbiased", 64, 192, 768, 2048} or Module
    subsets, subset_size : int
    degree, gamma, coef : int, float or None, float
        Parameters of the kernel; only the literature's (x·y / d + 1)³ is taken.
    reset_real_features, normalize, feature_extractor_weights_path, protocol
        The parameters of ``FrechetInceptionDistance``, as are the options of ``torchmetrics.Metric``.

    Raises
    ------
    UsageError, WeightsError
        The errors of ``FrechetInceptionDistance``; another kernel.
    """

    higher_is_better = False
    plot_upper_bound = 1.0

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
        if (degree, gamma, coef) != (3, None, 1.0):
            what = f"the kernel has degree={degree}, gamma={gamma}, coef={coef}; KID's is (x·y / d + 1)³"
            raise UsageError(what, where="degree, gamma, coef", hint="Leave them out, or use torchmetrics' own class")
        asked = f"kid(subset_size={subset_size},num_subsets={subsets})"
        layers = {**LAYERS, LOGITS: f"inception:{LOGITS}"}
        weights = feature_extractor_weights_path
        chosen = chosen_metric(asked, feature, layers, with_range(normalize), protocol, weights)
        super().__init__(feature, chosen, normalize, own)
        self.reset_real_features = flag("reset_real_features", reset_real_features)

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take in a batch, [N, 3, H, W], of real or of fake images."""
        self._take(imgs, real)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return the mean over subsets and their standard deviation (ddof 0), scalars in the metric's dtype."""
        score = self._score()["kid"]
        return self._tensor(score.value), self._tensor(score.std)


class InceptionScore(Adapted):
    """Inception Score as ``torchmetrics.image.inception.InceptionScore`` has it; higher is better.

    The shuffle comes from a seed, and where the images do not divide into the splits, these differ by at most one in
    size; torchmetrics makes the last one shorter.

    Parameters
    ----------
    feature : {"logits_unbiased"} or Module
        A classifier from uint8 images to logits [N, K]. torchmetrics also takes layers that are no logits.
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
        asked, layers = f"is(splits={splits})", {LOGITS: "inception"}
        chosen = chosen_metric(asked, feature, layers, Classifier, protocol, feature_extractor_weights_path)
        super().__init__(feature, chosen, normalize, own)
        self.splits = splits

    @property
    def _cuts_floats(self) -> bool:
        # torchmetrics cuts floats whatever the network is.
        return self._chosen.protocol in (OWN, "")

    def update(self, imgs: Tensor) -> None:
        """Take in a batch, [N, 3, H, W]."""
        self._take(imgs)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return the mean over splits and their standard deviation, with torchmetrics' ddof 1 (NaN of one split)."""
        score, n = self._score()["is"], self.splits
        factor = math.nan if n == 1 else math.sqrt(n / (n - 1))
        return self._tensor(score.value), self._tensor(factor * cast("float", score.std))
