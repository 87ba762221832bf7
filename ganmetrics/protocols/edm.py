"""EDM's fid.py: the default's network and resize, covariances over N - 1."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="edm",
    resize="tf1-bilinear",
    proven="read in its code, which cannot be installed",
    why="the same FID as the default; its published statistics are of training sets at 32 or 64 pixels",
    source="https://github.com/NVlabs/edm",
)
