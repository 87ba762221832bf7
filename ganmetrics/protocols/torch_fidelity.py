"""torch-fidelity, the default: TensorFlow 1's resize, as in the first implementation of FID."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="torch-fidelity",
    resize="tf1-bilinear",
    proven="torch-fidelity 0.4.0",
    why="the default: the resize of TTUR, whose numbers the literature compares with",
    source="https://github.com/toshas/torch-fidelity",
    differs={"precision_recall": "of trained VGG16 features"},
)
