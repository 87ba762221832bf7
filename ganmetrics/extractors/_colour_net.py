"""The network behind ``colour``: eight convolutions of 64 x 64 images, features from the statistics of their maps."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE = 64
# Output channels of the convolutions, two a stage.
CHANNELS = (32, 32, 64, 64, 128, 128, 192, 192)
# The first two stages see fine structure, and see it at an image's own scale.
NEAR = 4
# Mean and deviation of each map at the end of a stage.
FINE_WIDTH, DEEP_WIDTH = 2 * sum(CHANNELS[1:NEAR:2]), 2 * sum(CHANNELS[NEAR + 1 :: 2])
HIDDEN = 224
# Features of the four blocks. There are fewer than 256, so that 1,000 images give a full covariance.
FINE_DIM, DEEP_DIM, SAID_DIM, TONE_DIM = 64, 96, 74, 8
FEATURE_DIM = FINE_DIM + DEEP_DIM + SAID_DIM + TONE_DIM
# Pixel values that are added to an image's deviation, so that the grain of a flat image is not blown up.
FLOOR = 8.0


class ColourNet(nn.Module):
    """Eight convolutions, of which the first of each stage halves the size, and four blocks of features.

    ``fine`` and ``deep`` are principal components of the means and deviations of the maps of two stages each, ``said``
    is what the network was trained to say of a picture, ``tone`` is brightness, contrast and colour.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=1 + (place % 2 == 0), padding=1)
            for place, (a, b) in enumerate(pairwise((3, *CHANNELS)))
        )
        self.fine = nn.Linear(FINE_WIDTH, FINE_DIM)
        self.deep = nn.Linear(DEEP_WIDTH, DEEP_DIM)
        self.hidden = nn.Linear(FINE_WIDTH + DEEP_WIDTH, HIDDEN)
        self.said = nn.Linear(HIDDEN, SAID_DIM)
        self.tone = nn.Linear(TONE_DIM, TONE_DIM)

    def forward(self, views: Tensor) -> Tensor:
        """Views of images, the whole one first, in 0..255: [N, V, 3, 64, 64] -> [N, FEATURE_DIM]."""
        fine, deep, tone = self.statistics(views)
        said = self.said(self.read(fine, deep))
        return torch.cat([self.fine(fine), self.deep(deep), said, self.tone(tone)], dim=1)

    def statistics(self, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Statistics of the early maps, of the late maps, and of the pixels themselves, a row for each image.

        The late ones are of the whole image alone. The early ones are of the crops, averaged, where there are any.
        """
        whole, crops = views[:, 0], views[:, 1:]
        mean, deviation = tone_of(whole)
        maps, fine = self._stages((whole - mean) / deviation, range(NEAR))
        _, deep = self._stages(maps, range(NEAR, len(CHANNELS)))
        if crops.shape[1]:
            inputs = ((crops - mean[:, None]) / deviation[:, None]).flatten(0, 1)
            _, near = self._stages(inputs, range(NEAR))
            fine = near.view(len(views), crops.shape[1], -1).mean(dim=1)
        return fine, deep, tones(whole)

    def read(self, fine: Tensor, deep: Tensor) -> Tensor:
        """The hidden layer before what the network says, [N, HIDDEN]."""
        return F.relu(self.hidden(torch.cat([fine, deep], dim=1)))

    def _stages(self, x: Tensor, places: range) -> tuple[Tensor, Tensor]:
        """Some of the convolutions: the last one's maps, and the statistics of each stage."""
        x, found = x.contiguous(memory_format=torch.channels_last), []
        for place in places:
            x = F.relu(self.convs[place](x))
            if place % 2:
                found.append(statistics(x))
        return x, torch.cat(found, dim=1)


def normalised(images: Tensor) -> Tensor:
    """Images in 0..255 without their mean colour and contrast, float32 [N, 3, H, W]."""
    mean, deviation = tone_of(images)
    return (images - mean) / deviation


def tone_of(images: Tensor) -> tuple[Tensor, Tensor]:
    """The mean colour, [N, 3, 1, 1], and the deviation from it over all channels, [N, 1, 1, 1]."""
    mean = images.mean(dim=(2, 3), keepdim=True)
    return mean, ((images - mean).square().mean(dim=(1, 2, 3), keepdim=True) + FLOOR**2).sqrt()


def statistics(maps: Tensor) -> Tensor:
    """The mean and the deviation of each map, [N, C, H, W] -> [N, 2 C]."""
    mean, square = maps.mean(dim=(2, 3)), maps.square().mean(dim=(2, 3))
    return torch.cat([mean, ((square - mean.square()).clamp(min=0) + 1e-6).sqrt()], dim=1)


def tones(images: Tensor) -> Tensor:
    """Mean and deviation of each channel and of the distance between the largest and the least of them, [N, 8]."""
    vivid = images.amax(dim=1, keepdim=True) - images.amin(dim=1, keepdim=True)
    return statistics(torch.cat([images, vivid], dim=1)) / 255
