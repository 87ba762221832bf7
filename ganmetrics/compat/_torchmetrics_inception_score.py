"""torchmetrics' Inception Score, whose state is a list of logits."""

from __future__ import annotations

import math
from typing import Any, cast

from torch import Tensor, nn

from ganmetrics.compat._peer_errors import TooFewError
from ganmetrics.compat._torchmetrics import LAYERS, LOGITS, Path, network_of, under_own, whole_above_0
from ganmetrics.compat._torchmetrics_rows import RowsMetric
from ganmetrics.metrics import Metric as Wanted
from ganmetrics.scoring.score import Sides


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
