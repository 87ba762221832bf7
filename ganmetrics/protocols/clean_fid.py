"""clean-fid in its mode clean: Pillow's antialiased bicubic filter on float32 channels."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="clean-fid",
    resize="clean-bicubic",
    proven="clean-fid 0.1.35 but for its network, a download of the same graph",
    why="shrinking antialiases, so fine structure no longer turns into noise; enlarging is bicubic",
    source="https://github.com/GaParmar/clean-fid",
    differs={"kid": "subsets of all images where there are fewer than 1000, drawn without a seed; no spread"},
)
