"""What every extractor is: a named network from uint8 images to named layers of float32 features.

A new one is a file beside this one with a subclass and an ``EXTRACTOR`` record; no list is edited.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics._files import shown
from ganmetrics.data.reading.pixel_form import RGB8, PixelForm
from ganmetrics.errors import UsageError
from ganmetrics.metrics.needs import FEATURE_LAYER, LOGITS_LAYER
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from ganmetrics.metrics.needs import Need
    from ganmetrics.types import Images

PRECISIONS = ("float32", "tf32")


class Extractor(ABC):
    """A network that turns images into features.

    Attributes
    ----------
    name : str
        What users type.
    identity : str
        The network and its weights, as the signature writes them, such as ``inception-2015-12-05:6726825d``.
    resize : str
        How images reach the network's size, as the signature writes it.
    resizes : collection of str
        The rules it can take by name, where it has several.
    own_resize : str
        The rule before another was chosen, empty where none was.
    precision : {"float32", "tf32"}
        Of the network's arithmetic, as the signature writes it.
    layers : mapping of str to int
        The layers it can yield and their dimensions.
    feature_layer : str
        The layer that FID and KID read.
    logits_layer : str or None
        The layer that the Inception Score reads; ``None`` where the network is no classifier.
    class_names : tuple of str
        The names of the classes of a classifier, where reports may speak of them.
    class_noun : str
        What they are together, in the plural.
    least_batch : int
        Images in a forward pass where nobody chose, if the device's default is fewer.
    takes : PixelForm
        The images that it is given, which stands in the signature where it is not three channels of 8 bits.
    """

    name: str
    identity: str
    resize: str
    resizes: Collection[str] = ()
    own_resize: str = ""
    precision: str = "float32"
    layers: Mapping[str, int]
    feature_layer: str
    logits_layer: str | None = None
    class_names: tuple[str, ...] = ()
    class_noun: str = "classes"
    least_batch: int = 0
    takes: PixelForm = RGB8

    @property
    def runs_callers_code(self) -> bool:
        """Whether the network is the caller's, which runs in the caller's thread with nothing beside it."""
        return not type(self).__module__.startswith("ganmetrics.")

    @abstractmethod
    def to(self, device: torch.device) -> None:
        """Move the network to a device, in place."""

    @abstractmethod
    def prepare(self, images: Images) -> Tensor:
        """Images of any one size and of the form that it takes, [N, C, H, W], as the network's input, [N, ...]."""

    @abstractmethod
    def forward(self, inputs: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The named layers of prepared inputs, float32 [N, D] each."""

    def layer_for(self, need: Need) -> str:
        """Return the name of the layer that a metric reads for one of its needs.

        Raises
        ------
        UsageError
            The network has no such layer: logits are asked of a network that is no classifier, and so on.
        """
        chosen = {FEATURE_LAYER: self.feature_layer, LOGITS_LAYER: self.logits_layer}
        own = need.layer.name if need.layer.name in self.layers else None
        layer = chosen.get(need.layer, own)
        if layer is None:
            raise need.layer.missing(self.name)
        return layer

    def logits_of(self, features: Tensor) -> Tensor | None:
        """The logits that follow from the features, [N, D] -> [N, K]; ``None`` where they do not."""
        return None

    def choose_layer(self, layer: str) -> None:
        """Make another layer the one that FID and KID read; it becomes part of the identity."""
        if layer not in self.layers:
            raise unknown(f"layer of {self.name}", layer, list(self.layers))
        if layer != self.feature_layer:
            self.feature_layer = layer
            self.identity += f"/{layer}"

    def choose_resize(self, rule: str) -> None:
        """Take another rule than its own, by the name that signatures write (UsageError where there is none such)."""
        if rule != self.resize:
            check_resize(self.name, rule, self.resizes)
            self.own_resize, self.resize = self.own_resize or self.resize, rule

    def choose_precision(self, precision: str) -> None:
        """Take another arithmetic, by the name that signatures write (UsageError where there is none such)."""
        if precision not in PRECISIONS:
            raise unknown("precision", precision, list(PRECISIONS))
        self.precision = precision

    @property
    def chosen_resize(self) -> str:
        """The rule where it is not its own, else empty."""
        return self.resize if self.own_resize not in ("", self.resize) else ""


def check_resize(name: str, rule: str, resizes: Collection[str]) -> None:
    """Refuse a rule that is none of an extractor's (UsageError)."""
    if not resizes:
        what = f"the extractor {name!r} has one resize and no other"
        raise UsageError(what, where=shown(f"{name}@{rule}"), hint="Leave the resize out")
    if rule not in resizes:
        raise unknown(f"resize of {name}", rule, list(resizes))


class Domain(NamedTuple):
    """The images that a network was made for; of others its features say little.

    Attributes
    ----------
    images : str
        The images in words, such as ``photographs of ImageNet's classes``.
    is_grey : bool
        Whether colours are outside of it.
    most_pixels : int
        The longer side beyond which images are outside of it; 0 where any size is inside.
    blind_to_kinds, blind_to_detail : str
        Why features do not tell kinds of images apart, or sharp images from blurred ones; empty where they do.
    """

    images: str
    is_grey: bool = False
    most_pixels: int = 0
    blind_to_kinds: str = ""
    blind_to_detail: str = ""


ANYTHING = Domain("images of any kind")
PHOTOGRAPHS = Domain("photographs of ImageNet's classes, at any size")


class ExtractorRecord(NamedTuple):
    """How to load one extractor, and what to say about it."""

    name: str
    # Takes the path of a weights file, or None for the extractor's own.
    load: Callable[[str | None], Extractor]
    # Whether the extractor's own weights must be fetched once.
    download: bool
    summary: str
    domain: Domain
    # The names of the resize rules that it can take.
    resizes: Collection[str] = ()
    # Whether it is a classifier whose classes reports can speak of.
    names_classes: bool = False
