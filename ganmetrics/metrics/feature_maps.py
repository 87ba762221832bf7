"""Distances between feature maps: style by Gram matrices, content position by position; total variation of images.

The distances take one pair of images or two sets. With ``paired=True`` the value is the mean over pairs of neighbours
in the two sets; otherwise it is the distance between what the sets are on average: their mean Gram matrices, their mean
maps. For one image on each side both are the distance of the paper; for more, the second is never above the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganmetrics.errors import InputError
from ganmetrics.metrics._validation import vectors

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def style_distance(
    real_maps: Mapping[str, ArrayLike], fake_maps: Mapping[str, ArrayLike], *, paired: bool = False
) -> float:
    """The style loss of Gatys et al.: squared differences of Gram matrices, averaged over layers.

    Use it to compare textures, as in the transfer of a painting's style. Lower is better; 0 for equal styles, no upper
    end, in squared units of the maps. It sees which features occur together and not where: any permutation of positions
    leaves it unchanged.

    Parameters
    ----------
    real_maps, fake_maps : mapping of str to array_like [N, C, H, W]
        The maps of the same layers of one network. Heights and widths may differ between the sides and the layers.
    paired : bool
        Compare the i-th real with the i-th fake image and average; otherwise the sets' mean Gram matrices, for which
        the sets may differ in size.

    Returns
    -------
    float
        The loss, from 0 on.

    Raises
    ------
    InputError
        The layers or shapes differ, sets that should be paired have different sizes, or a value is NaN or infinite.

    Notes
    -----
    The mean over the layers, each of the same weight as in the paper, of ``E = |G - A|² / (4 C²)``, in float64. The
    paper divides by 4 C² M² with M positions and Gram matrices that are sums; here each is a mean over its own
    positions, which is the same for images of one size and lets others compare.

    References
    ----------
    Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (arXiv:1508.06576).

    Examples
    --------
    >>> import numpy as np
    >>> flat, steep = np.ones((1, 1, 2, 2)), np.array([[[[0.0, 2.0], [0.0, 2.0]]]])
    >>> style_distance({"conv1_1": flat}, {"conv1_1": steep})
    0.25
    """
    if real_maps.keys() != fake_maps.keys() or not real_maps:
        what = f"real_maps are of the layers {list(real_maps)} and fake_maps of {list(fake_maps)}"
        raise InputError(what, hint="Give the same layers of one network, at least one", code="E-LAYERS")
    real_grams, fake_grams = {}, {}
    for layer in real_maps:
        pair = [
            _checked(maps[layer], f"{side}_maps[{layer!r}]", power=4)
            for side, maps in (("real", real_maps), ("fake", fake_maps))
        ]
        _same([each.shape[1] for each in pair], "channels", layer)
        real_grams[layer], fake_grams[layer] = _compared([gram_matrix(each) for each in pair], paired)
    return float(style_loss(real_grams, fake_grams).mean())


def content_distance(real_maps: ArrayLike, fake_maps: ArrayLike, *, paired: bool = False) -> float:
    """The content loss of Gatys et al.: half the summed squared difference of the maps of one layer.

    Use it to see how much of an image's content a translation keeps. Lower is better; 0 for equal content, no upper
    end, in squared units of the maps. A sum over channels and positions, as in the paper, so larger images have larger
    distances.

    Parameters
    ----------
    real_maps, fake_maps : array_like, [N, C, H, W]
        Maps of one layer, ``conv4_2`` of VGG19 in the paper, of images of one size.
    paired : bool
        Compare the i-th real with the i-th fake image and average; otherwise the sets' mean maps, for which the sets
        may differ in size.

    Returns
    -------
    float
        The loss, from 0 on.

    Raises
    ------
    InputError
        The shapes differ, sets that should be paired have different sizes, or a value is NaN or infinite.

    Notes
    -----
    The loss is 1/2 Σ (F - P)², in float64.

    References
    ----------
    Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (arXiv:1508.06576).

    Examples
    --------
    >>> import numpy as np
    >>> content_distance(np.zeros((1, 3, 4, 4)), np.ones((1, 3, 4, 4)))
    24.0
    """
    pair = _checked(real_maps, "real_maps"), _checked(fake_maps, "fake_maps")
    _same([list(each.shape[1:]) for each in pair], "shape [C, H, W]", "content")
    real, fake = _compared(list(pair), paired)
    return float(content_loss(real, fake).mean())


def total_variation(images: Tensor) -> Tensor:  # [..., H, W] -> [...] without the channels
    """The anisotropic total variation: absolute differences of vertical and horizontal neighbours, summed.

    Lower is smoother; 0 for images of one colour, in units of the values. Differentiable, so that it can be minimised.

    Parameters
    ----------
    images : Tensor, float, [C, H, W] or [N, C, H, W]
        Pixels or maps.

    Returns
    -------
    Tensor, [] or [N]
        The sum over channels and positions, for each image.

    References
    ----------
    Rudin, Osher, Fatemi: Nonlinear total variation based noise removal algorithms. Physica D 60 (1992), 259-268.

    Examples
    --------
    >>> import torch
    >>> step = torch.tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]])
    >>> float(total_variation(step))
    2.0
    """
    down = images.diff(dim=-2).abs().sum(dim=(-3, -2, -1))
    return down + images.diff(dim=-1).abs().sum(dim=(-3, -2, -1))


def gram_matrix(maps: Tensor) -> Tensor:
    """Gram matrix: products of every two channels, averaged over positions, F Fᵀ / M, [..., C, H, W] -> [..., C, C].

    Differentiable, in the dtype of the maps. The mean over several images of one size is the matrix of all their
    positions together.

    References
    ----------
    Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks. CVPR 2016 (arXiv:1508.06576).

    Examples
    --------
    >>> import torch
    >>> gram_matrix(torch.tensor([[[1.0, 1.0]], [[0.0, 2.0]]])).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    # The maps as rows [..., C, M], M positions each.
    rows = maps.flatten(-2)
    return rows @ rows.mT / rows.shape[-1]


def style_loss(real_grams: Mapping[str, Tensor], fake_grams: Mapping[str, Tensor]) -> Tensor:
    """The mean over layers of |G - A|² / (4 C²), of Gram matrices [..., C, C] -> [...]; differentiable."""
    squares = [(real_grams[layer] - fake_grams[layer]).square().mean(dim=(-2, -1)) for layer in real_grams]
    return sum(squares[1:], squares[0]) / (4 * len(squares))


def content_loss(real_maps: Tensor, fake_maps: Tensor) -> Tensor:
    """Half the summed squared difference of maps, [..., C, H, W] -> [...]; differentiable."""
    return (real_maps - fake_maps).square().sum(dim=(-3, -2, -1)) / 2


def _checked(values: Any, name: str, *, power: int = 2) -> Tensor:  # -> float64 [N, C, H, W]
    shape = tuple(getattr(values, "shape", ()))
    if len(shape) != 4 or 0 in shape:
        what = f"{name} is {type(values).__name__} of shape {list(shape)}; expected [N, C, H, W]"
        raise InputError(what, where=name, hint="Give a tensor or an array of feature maps", code="E-SHAPE")
    return vectors(values.reshape(shape[0], -1), name, power=power).view(shape)


def _same(computed: list[Any], what: str, where: str) -> None:
    if computed[0] != computed[1]:
        problem = f"the real maps have {what} {computed[0]} and the fake ones {computed[1]}"
        raise InputError(problem, where=where, hint="Both must come from one layer of one network", code="E-SHAPE")


def _compared(pair: list[Tensor], paired: bool) -> tuple[Tensor, Tensor]:  # both [N, ...] or both [1, ...]
    real, fake = pair
    if not paired:
        # Two sets are compared by what they are on average.
        return real.mean(dim=0, keepdim=True), fake.mean(dim=0, keepdim=True)
    _same([len(real), len(fake)], "this number of images:", "paired")
    return real, fake
