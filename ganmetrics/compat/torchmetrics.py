"""torchmetrics: its FID, KID, MiFID and Inception Score on ganmetrics.

Each takes the arguments of torchmetrics' class of that name, has its attributes and states, gives the same numbers and
syncs, saves, shares its network and moves as any ``torchmetrics.Metric`` does; ``result`` has the interval and the
signature beside.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganmetrics.compat._peer_errors import TooFewError
from ganmetrics.compat._torchmetrics import LAYERS, Adapted, Path, flag, network_of, under_own
from ganmetrics.compat._torchmetrics_inception_score import InceptionScore
from ganmetrics.compat._torchmetrics_network import num_features_of
from ganmetrics.compat._torchmetrics_rows import (
    KernelInceptionDistance,
    MemorizationInformedFrechetInceptionDistance,
)
from ganmetrics.errors import UsageError
from ganmetrics.metrics import Metric as Wanted
from ganmetrics.numerics.moments import Moments
from ganmetrics.scoring.score import Sides

__all__ = [
    "FrechetInceptionDistance",
    "InceptionScore",
    "KernelInceptionDistance",
    "MemorizationInformedFrechetInceptionDistance",
]


class FrechetInceptionDistance(Adapted):
    """FID as ``torchmetrics.image.fid.FrechetInceptionDistance`` has it; lower is better.

    Its states are torchmetrics': ``real_features_sum``, ``real_features_cov_sum``, ``real_features_num_samples`` and
    those of fakes, in float64.

    Parameters
    ----------
    feature : {64, 192, 768, 2048} or Module
        A layer of Inception, or a network from images to features [N, D], which gets the images as they are.
    reset_real_features : bool
        Whether ``reset`` forgets the real images too.
    normalize : bool
        Whether the images are floats in 0..1, which is checked.
    input_img_size : tuple of int
        Of the image that tells how many features a network gives which has no ``num_features``.
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
        A layer or protocol that is not known, or that does not go with the other arguments. It is a ValueError or a
        TypeError too where torchmetrics raises one.
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
    keeps_rows = True

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
        network = network_of(feature, LAYERS, protocol, feature_extractor_weights_path)
        super().__init__(network, normalize, protocol, own)
        self.reset_real_features = flag("reset_real_features", reset_real_features)

        def dummy() -> Tensor:
            return torch.rand(1, *input_img_size) if normalize else torch.zeros(1, *input_img_size, dtype=torch.uint8)

        dims = num_features_of(network, dummy)
        for role in self.roles:
            self.add_state(f"{role}_features_sum", torch.zeros(dims).double(), dist_reduce_fx="sum")
            self.add_state(f"{role}_features_cov_sum", torch.zeros(dims, dims).double(), dist_reduce_fx="sum")
            self.add_state(f"{role}_features_num_samples", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, imgs: Tensor, real: bool) -> None:
        """Take in a batch of real or of fake images, [N, 3, H, W] for Inception."""
        role = "real" if real else "fake"
        features = self._features(imgs, role).double()
        for name, value in (("sum", features.sum(dim=0)), ("cov_sum", features.T @ features)):
            setattr(self, f"{role}_features_{name}", getattr(self, f"{role}_features_{name}") + value)
        setattr(self, f"{role}_features_num_samples", getattr(self, f"{role}_features_num_samples") + len(features))

    def compute(self) -> Tensor:
        """Return the FID of all images so far, a scalar in the features' dtype (TooFewError)."""
        moments = {role: self._moments(role) for role in self.roles}
        real, fake = (self._statistics(role, found.count, moments=found) for role, found in moments.items())
        return self._tensor(self._scored(Sides(real, fake))["fid"].value)

    def _moments(self, role: str) -> Moments:
        count = int(getattr(self, f"{role}_features_num_samples"))
        if count < 2:
            # The first words are torchmetrics' own.
            what = "More than one sample is required for both the real and fake distributed to compute FID"
            found = f"{what}; {count} images found where at least 2 are needed"
            raise TooFewError(found, where=f"{role} images", hint="Add images", code="E-TOO-FEW")
        total, products = (getattr(self, f"{role}_features_{name}").cpu().double() for name in ("sum", "cov_sum"))
        mean = total / count
        scatter = products - count * torch.outer(mean, mean)
        return Moments(count, mean, (scatter + scatter.T) / 2)

    def _wanted(self) -> Wanted:
        return under_own(self, "fid")
