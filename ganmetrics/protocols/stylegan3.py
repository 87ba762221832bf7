"""StyleGAN3's metrics: the default's network and resize, covariances over N."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="stylegan3",
    resize="tf1-bilinear",
    proven="read in its code, which cannot be installed",
    why="covariances over N in place of N - 1: of N images a side, their part of FID is lower by one part in N",
    source="https://github.com/NVlabs/stylegan3",
    options={"fid": {"denominator": "n"}},
    differs={
        "kid": "subsets of all images where there are fewer than 1000, drawn without a seed; no spread",
        "is": "splits of the images in their order, without a shuffle",
        "precision_recall": "of trained VGG16 features in float16",
    },
)
