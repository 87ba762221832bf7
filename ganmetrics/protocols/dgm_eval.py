"""dgm-eval: torchvision's Resize on 8-bit images before pytorch-fid's network."""

from __future__ import annotations

from ganmetrics.protocols.base import Protocol

PROTOCOL = Protocol(
    name="dgm-eval",
    resize="pillow-bilinear",
    proven="read in its code, which is not on the package index",
    why="Pillow's antialiased bilinear filter, rounded to 8 bits, and a range of 2x - 1",
    source="https://github.com/layer6ai-labs/dgm-eval",
)
