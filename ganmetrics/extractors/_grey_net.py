"""The network behind ``digits`` and ``fashion``: a small convolutional classifier of 28 x 28 grey images."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

SIZE = 28
FEATURE_DIM = 128
NUM_CLASSES = 10
# ITU-R BT.601; the weights sum to one, so that a replicated grey channel keeps its value.
LUMA = (0.299, 0.587, 0.114)


class GreyNet(nn.Module):
    """Three convolutions, one hidden layer of 128 rectified features, ten logits; 459,146 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 64, 3, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, FEATURE_DIM)
        self.fc2 = nn.Linear(FEATURE_DIM, NUM_CLASSES)

    def features(self, grey: torch.Tensor) -> torch.Tensor:  # [N, 1, 28, 28] in 0..1 -> [N, 128]
        x = F.relu(self.conv1(grey))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x))
        return F.relu(self.fc1(x.flatten(1)))

    def forward(self, grey: torch.Tensor) -> torch.Tensor:  # [N, 1, 28, 28] in 0..1 -> [N, 10]
        return self.fc2(self.features(grey))
