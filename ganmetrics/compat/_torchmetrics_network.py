"""A named network as torchmetrics' metrics hold theirs: a module from uint8 images to features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganmetrics.compat._peer_errors import ImageValueError
from ganmetrics.extractors import Extractor
from ganmetrics.extractors.callers_network import Custom
from ganmetrics.extractors.extraction import Extraction
from ganmetrics.measurement.reader import recipe_of
from ganmetrics.measurement.recipe import Recipe


class NamedNetwork(nn.Module):
    """A layer of an extractor, which stays in evaluation mode and out of checkpoints.

    A checkpoint that holds the network of torchmetrics' metric under this name is taken as it is: the weights are those
    of the file that was loaded, not of the checkpoint.

    Parameters
    ----------
    extractor : Extractor
    layer : str
    """

    # Moves with the module, and tells where to and to which type.
    probe: Tensor

    def __init__(self, extractor: Extractor, layer: str) -> None:
        super().__init__()
        self.extractor, self.layer = extractor, layer
        self.num_features = extractor.layers[layer]
        self.register_buffer("probe", torch.zeros(1), persistent=False)
        self.eval()

    def train(self, mode: bool = True) -> NamedNetwork:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """The features of uint8 images [N, 3, H, W]: [N, D], in the type to which the metric was set."""
        if not isinstance(images, torch.Tensor) or images.dtype != torch.uint8:
            found = f"dtype {images.dtype}" if isinstance(images, torch.Tensor) else type(images).__name__
            # The first words are torchmetrics' own.
            what = f"Expecting image as torch.Tensor with dtype=torch.uint8; found {found}"
            hint = "Pass normalize=True for floats in 0..1"
            raise ImageValueError(what, where=self.extractor.name, hint=hint, code="E-DTYPE")
        if images.ndim != 4 or images.shape[1] != 3 or not len(images):
            what = f"the images have the shape {list(images.shape)}; expected [N, 3, H, W]"
            raise ImageValueError(what, where=self.extractor.name, code="E-SHAPE")
        extraction = Extraction(self.extractor, [self.layer], self.probe.device)
        rows = [found[self.layer] for found in extraction.run([images])]
        return torch.cat(rows).to(self.probe.device, self.probe.dtype)

    def _load_from_state_dict(self, *_: Any, **__: Any) -> None:
        """Take nothing from a checkpoint."""


class RecipeOfNetwork:
    """The recipe of the network that a metric holds now; a user's module is hashed once."""

    def __init__(self) -> None:
        self._known: tuple[nn.Module, Recipe] | None = None

    def __call__(self, network: nn.Module) -> Recipe:
        # FeatureShare of torchmetrics puts a cache in the place of the network.
        inner = network if isinstance(network, NamedNetwork) else getattr(network, "network", network)
        if self._known is None or self._known[0] is not inner:
            named = inner.extractor if isinstance(inner, NamedNetwork) else Custom(inner)
            self._known = inner, recipe_of(named)
        return self._known[1]


def rows_of(features: Any, count: int, name: str) -> Tensor:
    """Features as rows, [N, D]; one row where the network dropped the axis of a single image (ImageValueError)."""
    if isinstance(features, torch.Tensor) and features.ndim == 1:
        features = features[None]
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or len(features) != count:
        found = f"shape {list(features.shape)}" if isinstance(features, torch.Tensor) else type(features).__name__
        what = f"the network returned {found} for {count} images; expected a tensor of shape [{count}, D]"
        raise ImageValueError(what, where=name, code="E-SHAPE")
    if not bool(features.isfinite().all()):
        what = "the features are NaN or infinite"
        hint = "Look at the images that the network was given"
        raise ImageValueError(what, where=name, hint=hint, code="E-NOT-FINITE")
    return features.detach()


def num_features_of(network: nn.Module, dummy: Callable[[], Tensor]) -> int:
    """How many features a user's network gives: what it says, or what it gives of a dummy image."""
    stated = getattr(network, "num_features", None)
    if isinstance(stated, torch.Tensor):
        stated = int(stated.item())
    if isinstance(stated, int):
        return stated
    with torch.no_grad():
        return int(network(dummy()).shape[-1])
