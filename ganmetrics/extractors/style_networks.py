"""Networks whose maps tell style and content: VGG19 with given or with random weights, and the digit classifier.

They are no extractors, which yield one row of features for an image: these yield maps, [N, C, H, W], from images at
their own size, and gradients flow through ``forward`` back to the pixels.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganmetrics._arguments import path as path_of
from ganmetrics._files import shown
from ganmetrics.errors import InputError, UsageError, WeightsError
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors._grey_net import LUMA
from ganmetrics.extractors.digits import Digits
from ganmetrics.extractors.random_vgg16 import MEAN, STD, draw_weights
from ganmetrics.extractors.weights import weight_store as weight_files
from ganmetrics.extractors.weights.fill import filled_from
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.types import Images

# Channels and convolutions of each block, to conv5_1.
WIDTHS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
SEED = 0
POOLINGS: dict[str, Callable[[Tensor, int], Tensor]] = {"average": F.avg_pool2d, "max": F.max_pool2d}
NAMES = ("vgg19", "random-vgg19", "digits")


class MapNetwork(ABC):
    """A network from images to named feature maps.

    Attributes
    ----------
    name : str
        What users type.
    identity : str
        The network, its weights and its pooling, as a signature writes them.
    style_layers : tuple of str
        The layers whose Gram matrices are the style.
    content_layer : str
        The layer whose maps are the content.
    channels : int
        What it sees of an image: 3 colours, or 1 luma.
    least_side : int
        Pixels that an image must have in each direction.
    """

    name: str
    identity: str
    style_layers: tuple[str, ...]
    content_layer: str
    channels: int
    least_side: int

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of style and content, each once."""
        return tuple(dict.fromkeys([*self.style_layers, self.content_layer]))

    @abstractmethod
    def to(self, device: torch.device) -> None:
        """Move the network to a device, in place."""

    @abstractmethod
    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """The maps of all its ``layers``, float32 [N, C, H, W], of pixels in 0..1, [N, channels, H, W]."""

    @abstractmethod
    def pixels(self, images: Images) -> Tensor:
        """What ``forward`` takes of uint8 images [N, 3, H, W]."""

    def maps(self, images: Images) -> dict[str, Tensor]:
        """The maps of uint8 images [N, 3, H, W] in true float32, without gradients.

        Raises
        ------
        InputError
            Images that are smaller than the network's poolings allow.
        """
        self.check_size(images.shape[-2], images.shape[-1])
        with arithmetic():
            return self.forward(self.pixels(images))

    def check_size(self, height: int, width: int) -> None:
        """Refuse images that are too small (InputError)."""
        if min(height, width) < self.least_side:
            what = f"an image is {width} x {height} pixels; {self.name} needs at least {self.least_side} on each side"
            raise InputError(what, hint="Enlarge the images, or use the network digits", code="E-SIZE")


class VGG19(MapNetwork):
    """VGG19 up to ``conv5_1``, with the layers that Gatys et al. read, after rectification.

    Parameters
    ----------
    path : path or None
        Weights in the layout of torchvision's ``vgg19`` (``.pth`` or ``.safetensors``), whose inputs are normalised by
        ImageNet's mean and standard deviation; ``None`` draws weights from the seed.
    pooling : {"average", "max"}
        Between the blocks. The paper takes averages, which make smoother images; the network was trained with maxima.

    Raises
    ------
    WeightsError
        A missing or damaged file, or another network's.

    Notes
    -----
    Random weights are drawn layer by layer, N(0, 2 / fan_in) with biases 0, from one CPU generator with seed 0, so they
    are the same on every machine; He, Wang and Hopcroft (2016) showed that such a network carries style too. The paper
    also rescales its network to a mean activation of 1 for every filter; here weights are used as they are.

    References
    ----------
    Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition. ICLR 2015, arXiv:1409.1556.
    Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (arXiv:1508.06576).
    He, Wang, Hopcroft: A Powerful Generative Model Using Random Weights for the Deep Image Representation. NeurIPS
    2016, arXiv:1606.04801.
    """

    style_layers = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
    content_layer = "conv4_2"
    channels = 3
    least_side = 16  # four halvings

    def __init__(self, path: str | os.PathLike[str] | None = None, *, pooling: str = "average") -> None:
        if pooling not in POOLINGS:
            raise unknown("pooling", pooling, list(POOLINGS))
        self.pool = POOLINGS[pooling]
        self.name = "vgg19" if path else "random-vgg19"
        if path:
            self.net = _stored(path)
            self.identity = f"vgg19:{weight_files.digest(path)[:8]}/{pooling}"
        else:
            self.net = _drawn(SEED)
            self.identity = f"random-vgg19:seed{SEED}/{pooling}"

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def pixels(self, images: Images) -> Tensor:
        return images.to(torch.float32) / 255

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        mean, std = (torch.tensor(v, device=pixels.device)[:, None, None] for v in (MEAN, STD))
        x, found = (pixels - mean) / std, {}
        for name, layer in self.net.layers.items():
            if name.endswith("_1") and name != "conv1_1":
                x = self.pool(x, 2)
            x = found[name] = F.relu(layer(x))
        return {name: found[name] for name in self.layers}


class DigitMaps(MapNetwork):
    """The convolutions of the embedded classifier ``digits``: maps of an image's luma, at half its size and a quarter.

    No published system reads it; its distances compare with each other only.
    """

    name = "digits"
    style_layers = ("conv1", "conv2", "conv3")
    content_layer = "conv3"
    channels = 1
    least_side = 4  # two halvings

    def __init__(self) -> None:
        classifier = Digits()
        self.net = classifier.net
        self.identity = f"{classifier.identity}/maps"

    def to(self, device: torch.device) -> None:
        self.net.to(device)

    def pixels(self, images: Images) -> Tensor:
        luma = torch.tensor(LUMA, device=images.device)[:, None, None]
        return (images.to(torch.float32) * luma).sum(dim=1, keepdim=True) / 255

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        conv1 = F.relu(self.net.conv1(pixels))
        conv2 = F.relu(self.net.conv2(conv1))
        conv3 = F.relu(self.net.conv3(F.max_pool2d(conv2, 2)))
        return {"conv1": conv1, "conv2": conv2, "conv3": conv3}


def load_map_network(name: str = "auto", weights: str | os.PathLike[str] | None = None) -> MapNetwork:
    """The network that a name stands for, with average pooling where it is a VGG19.

    Parameters
    ----------
    name : {"auto", "vgg19", "random-vgg19", "digits"}
        ``"auto"`` is VGG19 where its weights are given, and the one with random weights otherwise.
    weights : path, optional
        Weights for VGG19, in torchvision's layout.

    Raises
    ------
    UsageError
        An unknown name, VGG19 without weights, weights for another network.
    WeightsError
        A missing or damaged file, or another network's.

    Examples
    --------
    >>> load_map_network("auto").identity
    'random-vgg19:seed0/average'
    """
    if name not in ("auto", *NAMES):
        raise unknown("network", name, ["auto", *NAMES])
    weights = weights if weights is None else path_of(weights, "weights")
    if weights:
        if name not in ("auto", "vgg19"):
            what = f"the network {name!r} has its own weights"
            raise UsageError(what, where=shown(weights), hint="Use the network vgg19 with a weights file")
        return VGG19(weights)
    if name == "vgg19":
        hint = "Pass the file of torchvision's vgg19 as `weights`, or use the network random-vgg19 or digits"
        raise UsageError("VGG19 needs its weights, which are not part of the package", where="weights", hint=hint)
    return DigitMaps() if name == "digits" else VGG19()


class _Convolutions(nn.Module):
    """The convolutions by their names, 3 x 3 with one pixel of padding."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        inputs = 3
        for block, (width, count) in enumerate(WIDTHS, start=1):
            for index in range(1, count + 1):
                self.layers[f"conv{block}_{index}"] = nn.Conv2d(inputs, width, 3, padding=1)
                inputs = width


def _drawn(seed: int) -> _Convolutions:
    # The usual initialisation would draw from the caller's random stream.
    with torch.device("meta"):
        net = _Convolutions()
    net = net.to_empty(device="cpu").float().eval().requires_grad_(False)
    draw_weights(net, torch.Generator().manual_seed(seed))
    return net


def _stored(path: str | os.PathLike[str]) -> _Convolutions:
    if not Path(path).is_file():
        raise WeightsError(
            "there is no such file of weights", where=shown(path), hint="Check the path", code="E-MISSING"
        )
    state = weight_files.load_state_dict(path)
    renamed = {ours: state[theirs] for ours, theirs in _stored_names().items() if theirs in state}
    return filled_from(_Convolutions, renamed, where=shown(path))


def _stored_names() -> dict[str, str]:
    """Our name of each value to torchvision's, which counts convolutions, rectifiers and poolings alike."""
    names, place = {}, 0
    for block, (_, count) in enumerate(WIDTHS, start=1):
        for index in range(1, count + 1):
            for kind in ("weight", "bias"):
                names[f"layers.conv{block}_{index}.{kind}"] = f"features.{place}.{kind}"
            # A convolution is followed by its rectifier.
            place += 2
        place += 1  # the pooling
    return names
