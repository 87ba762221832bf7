"""Vision transformers: timm's network, the published weights, one embedding for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics._files import shown
from ganmetrics.errors import UsageError
from ganmetrics.extractors.extractor import Domain, Extractor, ExtractorRecord
from ganmetrics.extractors.resize import PIXELS
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.extractors.weights.fill import filled_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from ganmetrics.types import Images

    State = dict[str, Tensor]


class Variant(NamedTuple):
    """One published network.

    Attributes
    ----------
    name : str
        What users type, and the name of its file of weights.
    timm_name : str
        What timm calls its architecture.
    size : int
        Pixels of a side of its input.
    dim : int
        Of its embedding.
    outputs : int
        Of the projection behind the class token, 0 where there is none.
    resize : str
        A name of ``resize.PIXELS``.
    mean, std : tuple of float
        Of the channels, in 0..1.
    layout : callable
        From the published layout of its weights to timm's: takes them and the positions along a side of the input.
    """

    name: str
    timm_name: str
    size: int
    dim: int
    outputs: int
    resize: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    layout: Callable[[State, int], State]


class VisionTransformer(Extractor):
    """A vision transformer whose features are the embedding of the whole image.

    Parameters
    ----------
    variant : Variant
    path : str or None
        A file of weights in the published layout; ``None`` finds or downloads the published one.

    Raises
    ------
    UsageError
        timm is not installed.
    WeightsError
        The file is missing, damaged, of another layout, or cannot be fetched.
    """

    resizes = PIXELS
    feature_layer = "embedding"

    def __init__(self, variant: Variant, path: str | None = None) -> None:
        self.variant, self.name, self.resize = variant, variant.name, variant.resize
        self.layers: Mapping[str, int] = {"embedding": variant.dim}
        check_timm(variant.name)
        found, self.identity = weights.resolve(weights.WEIGHTS[variant.name], path)
        self.net = loaded(variant, found)

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def prepare(self, images: Images) -> Tensor:
        x = PIXELS[self.resize](images, self.variant.size)
        mean, std = (
            255 * torch.tensor(v, device=x.device)[:, None, None] for v in (self.variant.mean, self.variant.std)
        )
        return x.sub(mean).div_(std)

    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        embedding = self.net(inputs)
        return dict.fromkeys(layers, embedding)


def check_timm(name: str) -> None:
    """Refuse, before anything is fetched, a network that timm must build where timm is missing (UsageError)."""
    try:
        import timm  # noqa: F401
    except ImportError as error:
        what = f"the extractor {name} needs the package timm, which is not installed"
        raise UsageError(what, where=name, hint="pip install 'ganmetrics[vit]'", code="E-PACKAGE") from error


def loaded(variant: Variant, path: str | weights.Path) -> nn.Module:
    """The network with the weights of a file."""
    import timm

    state = weights.load_state_dict(path)
    patch = state.get("patch_embed.proj.weight", state.get("visual.conv1.weight"))
    side = variant.size // (patch.shape[-1] if patch is not None and patch.ndim == 4 else 1)

    def build() -> nn.Module:
        return timm.create_model(variant.timm_name, num_classes=variant.outputs, img_size=variant.size)

    return filled_from(build, variant.layout(state, side), where=shown(path))


def record(variant: Variant, summary: str) -> ExtractorRecord:
    """What the registry reads."""
    return ExtractorRecord(
        name=variant.name,
        load=lambda path: VisionTransformer(variant, path),
        download=True,
        summary=summary,
        domain=Domain("pictures of the web, at any size"),
        resizes=PIXELS,
    )
