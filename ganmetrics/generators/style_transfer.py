"""Neural style transfer: an image optimised towards the content of one image and the style of another.

The loss is that of Gatys et al. (2016): half the squared difference of the maps of one layer to the content image's,
and the squared differences of the Gram matrices of several layers to the style image's, to which the total variation
of the image is added; it is minimised over the pixels by L-BFGS, on a network with average pooling.

References
----------
Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (A Neural Algorithm of
Artistic Style, arXiv:1508.06576).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganmetrics._progress import progress_bar
from ganmetrics.errors import InputError, NumericalError, UsageError
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.metrics.feature_maps import (
    content_distance,
    content_loss,
    gram_matrix,
    style_distance,
    style_loss,
    total_variation,
)
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors.style_networks import MapNetwork
    from ganmetrics.types import Images

STARTS = ("noise", "content")
# Pixel values of a start image keep this distance from pure black and white, which the optimiser cannot reach.
DARKEST = 0.05


@dataclass(frozen=True)
class Objective:
    """The loss that a transfer minimises, and for how long.

    The weights suit networks whose maps are around 1, such as the random VGG19; other networks need other weights.

    Attributes
    ----------
    content_weight, style_weight, variation_weight : float
        Weights of the three losses.
    iterations : int
        Iterations of L-BFGS.
    start : {"noise", "content"}
        What the image is at first: seeded noise, as in the paper, or the content image.
    """

    content_weight: float = allowed.real(1e-3, 0, 1e12)
    style_weight: float = allowed.real(1.0, 0, 1e12)
    variation_weight: float = allowed.real(1e-5, 0, 1e12)
    iterations: int = allowed.whole(300, 1, 100_000)
    start: str = allowed.choice("noise", *STARTS)


DEFAULT = Objective()


class Distances(NamedTuple):
    """How far an image is from its style image and from its content image."""

    style: float
    content: float


class Transfer(NamedTuple):
    """A stylised image, uint8 [3, H, W]; its distances and those of the start image; every loss on the way."""

    image: Tensor
    before: Distances
    after: Distances
    losses: tuple[float, ...]


def transfer(
    content: Images,
    style: Images,
    *,
    network: MapNetwork,
    objective: Objective = DEFAULT,
    seed: int = 0,
    progress: bool = False,
) -> Transfer:
    """Give one image the style of another; on one machine a seed always gives the same result.

    Parameters
    ----------
    content, style : Tensor, uint8 [3, H, W]
        Their sizes may differ; the result has the content's. Both on the device of the network.
    network : MapNetwork
        From ``load_map_network``: VGG19 where its weights are at hand, or one that needs no download.
    objective : Objective
    seed : int
        Seed of the noise that the image starts from.
    progress : bool
        Whether a bar shows on stderr.

    Returns
    -------
    Transfer

    Raises
    ------
    InputError
        Something else than one uint8 image, or one too small for the network.
    UsageError
        An unknown start, fewer than one iteration.
    NumericalError
        A loss that is not finite.

    Notes
    -----
    The optimiser moves the logits of the pixels, so that these stay in 0..1 and nothing has to be clipped at the end.
    A network that sees luma alone gives a grey image.

    References
    ----------
    Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (arXiv:1508.06576).

    Examples
    --------
    >>> from ganmetrics.extractors.style_networks import load_map_network
    >>> stripes = (torch.arange(28) // 2 % 2 * 255).to(torch.uint8).expand(3, 28, 28)
    >>> dark = torch.zeros(3, 28, 28, dtype=torch.uint8)
    >>> found = transfer(dark, stripes, network=load_map_network("digits"), objective=Objective(iterations=5))
    >>> found.image.shape, found.after.style < found.before.style
    (torch.Size([3, 28, 28]), True)
    """
    _check(content, style, network, objective)
    start = start_pixels(network.pixels(content[None]), objective.start, seed)
    aim = _Aim(network, content, style)
    pixels, losses = _minimised(aim, objective, start, progress)
    before, after = (aim.distances(to_images(each)) for each in (start, pixels))
    return Transfer(to_images(pixels)[0], before, after, losses)


def start_pixels(content: Tensor, start: str, seed: int) -> Tensor:
    """Return the start image, in ``DARKEST``..1 - ``DARKEST``: noise of a seed, or the content image."""
    if start == "noise":
        # Drawn on the CPU, so that a seed means the same noise on every device.
        content = torch.rand(content.shape, generator=torch.Generator().manual_seed(seed)).to(content.device)
    return content.clamp(DARKEST, 1 - DARKEST)


def to_images(pixels: Tensor) -> Images:
    """Convert pixels in 0..1, [N, 1 or 3, H, W], to uint8 RGB."""
    # Grey pixels become three equal channels.
    return (pixels * 255).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


class _Aim:
    """The maps of the content image and the Gram matrices of the style image, and how far pixels are from both."""

    def __init__(self, network: MapNetwork, content: Images, style: Images) -> None:
        self.network = network
        self.images = content[None], style[None]
        with torch.no_grad():
            self.content = network.forward(network.pixels(content[None]))[network.content_layer]
            self.grams = self._grams(network.forward(network.pixels(style[None])))

    def _grams(self, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {layer: gram_matrix(maps[layer]) for layer in self.network.style_layers}

    def loss(self, pixels: Tensor, objective: Objective) -> Tensor:
        maps = self.network.forward(pixels)
        content = content_loss(self.content, maps[self.network.content_layer])
        style = style_loss(self.grams, self._grams(maps))
        terms = objective.content_weight * content + objective.style_weight * style
        return (terms + objective.variation_weight * total_variation(pixels)).squeeze()

    def distances(self, images: Images) -> Distances:
        return distances(self.network, *self.images, images)


def distances(network: MapNetwork, contents: Images, styles: Images, images: Images) -> Distances:
    """Return the mean distances of images to their own style and content images, one by one."""
    content, style, maps = (network.maps(each) for each in (contents, styles, images))
    pair = ({layer: each[layer] for layer in network.style_layers} for each in (style, maps))
    layer = network.content_layer
    return Distances(style_distance(*pair, paired=True), content_distance(content[layer], maps[layer], paired=True))


def _minimised(aim: _Aim, objective: Objective, start: Tensor, progress: bool) -> tuple[Tensor, tuple[float, ...]]:
    logits = start.logit().requires_grad_(True)
    # L-BFGS may evaluate the loss more than once in an iteration: a quarter more is allowed.
    most, losses = objective.iterations * 5 // 4, []
    optimizer = torch.optim.LBFGS(
        [logits],
        max_iter=objective.iterations,
        max_eval=most,
        history_size=10,
        tolerance_grad=1e-12,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )
    with progress_bar("style transfer", most, progress, unit="loss") as bar:

        def evaluate() -> float:
            optimizer.zero_grad()
            loss = aim.loss(logits.sigmoid(), objective)
            loss.backward()
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                what = f"the loss is {losses[-1]} at evaluation {len(losses)}"
                raise NumericalError(what, where="style transfer", hint="Lower the weights", code="E-DIVERGED")
            bar.update()
            return losses[-1]

        with torch.enable_grad():
            optimizer.step(evaluate)
    return logits.detach().sigmoid(), tuple(losses)


def _check(content: Images, style: Images, network: MapNetwork, objective: Objective) -> None:
    if objective.start not in STARTS:
        raise unknown("start", objective.start, list(STARTS))
    if objective.iterations < 1:
        raise UsageError(f"iterations is {objective.iterations}; it must be at least 1", where="iterations")
    for name, image in (("content", content), ("style", style)):
        if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] != 3:
            what = f"the {name} image is {image.dtype} of shape {list(image.shape)}; expected uint8 [3, H, W]"
            raise InputError(what, where=name, hint="Give one RGB image", code="E-SHAPE")
        network.check_size(*image.shape[1:])
