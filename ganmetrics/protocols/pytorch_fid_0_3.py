"""pytorch-fid: PyTorch's bilinear interpolation without antialiasing."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="pytorch-fid",
    resize="pytorch-fid-bilinear",
    proven="pytorch-fid 0.3.0",
    why="half-pixel centres in place of corners, and a range of 2x - 1 in place of (x - 128) / 128",
    source="https://github.com/mseitzer/pytorch-fid",
)
