"""torchmetrics since 1.8: antialiased bilinear interpolation by default."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="torchmetrics-1.8",
    resize="torchmetrics-antialias",
    proven="torchmetrics 1.9.0",
    why="shrinking antialiases, bilinear; before 1.8 it was torch-fidelity's resize",
    source="https://github.com/Lightning-AI/torchmetrics",
    differs={
        "kid": "subsets drawn without a seed, in float32",
        "is": "a shuffle without a seed, splits of ceil(N / 10) images, and a standard deviation with ddof 1",
    },
)
