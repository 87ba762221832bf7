"""dgm-eval with its model inception: pytorch-fid's network and resize; its default model is DINOv2."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="dgm-eval",
    resize="pytorch-fid-bilinear",
    proven="read in its code, which is not on the package index",
    why="the same FID as pytorch-fid; its precision and recall are of 5 neighbors, strictly inside",
    source="https://github.com/layer6ai-labs/dgm-eval",
    options={"precision_recall": {"neighbors": 5, "inside": "<"}},
    differs={
        "kid": "subsets of all images where there are fewer than 1000, drawn without a seed",
        "is": "splits of N // 10 images, so that up to 9 are left out",
        "precision_recall": "of 10,000 images a side, drawn at random",
        "prdc": "of 10,000 images a side, drawn at random",
    },
)
