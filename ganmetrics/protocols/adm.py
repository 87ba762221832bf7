"""The evaluator of guided diffusion (ADM): the TensorFlow graph itself."""

from __future__ import annotations

from ganmetrics.protocols.protocol import Protocol

PROTOCOL = Protocol(
    name="adm",
    resize="tf1-bilinear",
    proven="read in its code, which needs TensorFlow 1",
    why="the same FID as the default; its Inception Score is of blocks of 5,000 in order, its precision on pool3",
    source="https://github.com/openai/guided-diffusion",
    differs={
        "is": "splits of 5,000 images in their order, without a shuffle and without a standard deviation",
        "precision_recall": "distances in float16 where none overflows",
    },
    reference_keys=frozenset(("mu", "sigma", "mu_s", "sigma_s")),
)
