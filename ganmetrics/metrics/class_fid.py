"""Intra-class Fréchet inception distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from ganmetrics.errors import InputError
from ganmetrics.metrics._uncertainty import Estimated, Sizes, expanded
from ganmetrics.metrics._validation import matrix_pair
from ganmetrics.metrics.fid import factor_of, fid, mean_of
from ganmetrics.metrics.metric import Given, Metric, Part
from ganmetrics.metrics.needs import FEATURES, LABELS
from ganmetrics.numerics.influence import FrechetExpansion, Gaussian, Influence

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import ArrayLike


def class_fid(
    real_features: ArrayLike, real_labels: ArrayLike, fake_features: ArrayLike, fake_labels: ArrayLike
) -> float:
    """Mean over classes of the FID between the real and the generated images of a class.

    Use it for conditional generators, whose classes must match one by one. Lower is better, 0 is best. Of a conditional
    generator; biased upward as FID is, and by as much as the classes are smaller than the set.

    Parameters
    ----------
    real_features, fake_features : array_like, [N, D] and [M, D]
        Real numbers of any dtype: features of real and of generated images by one extractor.
    real_labels, fake_labels : array_like, integers [N] and [M]
        The class of each row; for a generated image, the class that it was asked for.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InputError
        A class has fewer than two images on a side, labels have another shape, or ``fid`` refuses the features.

    Notes
    -----
    Every class counts the same, however many images it has. ``class_fids`` gives the table.

    References
    ----------
    Miyato, Koyama: cGANs with Projection Discriminator. ICLR 2018, arXiv:1802.05637.

    Examples
    --------
    >>> import numpy as np
    >>> features, labels = np.array([[0.0], [2.0], [10.0], [12.0]]), [0, 0, 1, 1]
    >>> class_fid(features, labels, features + 1.0, labels)
    1.0
    """
    table = class_fids(real_features, real_labels, fake_features, fake_labels)
    return sum(table.values()) / len(table)


def class_fids(
    real_features: ArrayLike, real_labels: ArrayLike, fake_features: ArrayLike, fake_labels: ArrayLike
) -> dict[int, float]:
    """FID of each class.

    Lower is better, 0 is best.

    Parameters
    ----------
    real_features, real_labels, fake_features, fake_labels
        The arguments of ``class_fid``, whose docstring describes them.

    Returns
    -------
    dict of int to float
        FID by class, in ascending order of the classes.

    Raises
    ------
    InputError
        A set or an option is refused for a reason that ``class_fid`` names.

    Notes
    -----
    Each class is scored by ``fid``, exact where it has fewer images than dimensions.

    References
    ----------
    Miyato, Koyama: cGANs with Projection Discriminator. ICLR 2018, arXiv:1802.05637.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[0.0], [2.0], [10.0], [12.0]])
    >>> class_fids(features, [0, 0, 1, 1], features + [[0.0], [0.0], [3.0], [3.0]], [0, 0, 1, 1])
    {0: 0.0, 1: 9.0}
    """
    real, fake = matrix_pair(real_features, fake_features)
    of_real, of_fake = _labels(real_labels, len(real), "real_labels"), _labels(fake_labels, len(fake), "fake_labels")
    classes = torch.cat([of_real, of_fake]).unique().tolist()
    for name, labels in (("real", of_real), ("fake", of_fake)):
        few = [label for label in classes if int((labels == label).sum()) < 2]
        if few:
            what = f"the classes {', '.join(map(str, few[:10]))} have fewer than two {name} images"
            raise InputError(what, where=f"{name}_labels", hint="Score classes that both sets have", code="E-TOO-FEW")
    return {label: fid(real[of_real == label], fake[of_fake == label]) for label in classes}


def _labels(values: ArrayLike, count: int, name: str) -> Tensor:
    labels = torch.as_tensor(values)
    if labels.ndim != 1 or len(labels) != count or labels.is_floating_point() or labels.is_complex():
        what = f"{name} are {labels.dtype} of shape {list(labels.shape)}; expected integers of shape [{count}]"
        raise InputError(what, where=name, code="E-SHAPE")
    return labels.to(torch.int64).cpu()


def uncertainty(computed: float, given: Given) -> dict[str, Estimated]:
    """Tell how uncertain class FID is, from the influence of each image on FID of its class, whose size is fixed."""
    sizes = Sizes(len(given.real.features), len(given.fake.features))
    classes = given.fake.labels.unique().tolist()
    on_real, on_fake, seconds = [], [], []
    for label in classes:
        sides = [side.features[side.labels == label].double() for side in (given.real, given.fake)]
        expansion = FrechetExpansion(*(Gaussian(mean_of(rows), factor_of(rows)) for rows in sides))
        (real, a), (fake, b) = expansion.of(sides[0].numpy(), "real"), expansion.of(sides[1].numpy(), "fake")
        # The mean weighs classes alike: an image of a small class moves it more than one of a large class.
        on_real.append(real * (sizes.real / len(real) / len(classes)))
        on_fake.append(fake * (sizes.fake / len(fake) / len(classes)))
        seconds.append(expansion.second_order(a, b).error(len(real), len(fake)) / len(classes))
    influence = Influence(torch.cat(on_real), torch.cat(on_fake))
    return {"class_fid": expanded(computed, sizes, influence, math.hypot(*seconds), base=computed)}


METRIC = Metric(
    name="class_fid",
    function=class_fid,
    parts=(Part("class_fid", "Class FID", higher_is_better=False, best="0"),),
    reads=(FEATURES, LABELS),
    paper="Miyato, Koyama 2018, arXiv:1802.05637",
    cost="a FID a class",
    uncertainty=uncertainty,
)
