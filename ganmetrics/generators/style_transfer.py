"""Neural style transfer: an image optimised towards the content of one image and the style of another.

The loss is that of Gatys et al. (2016): half the squared difference of the maps of one layer to the content image's,
and the squared differences of the Gram matrices of several layers to the style image's, to which the total variation
of the image is added; it is minimised over the pixels by L-BFGS, on a network with average pooling.

Nothing is trained. The bundled recipe gives a bundled DCGAN's digits the style of seeded patterns, under the bundled
digit classifier, so that its scores can be taken anywhere.

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
from ganmetrics.errors import InputError, UsageError
from ganmetrics.features.vgg19 import MapNetwork, load_map_network
from ganmetrics.generators.record import Measured, Recipe, Sampler, System
from ganmetrics.generators.training import Training
from ganmetrics.metrics.style import content_loss, gram_matrix, style_loss, total_variation
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.types import Images
