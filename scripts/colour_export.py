"""From a training checkpoint to the weights of the package: batch norms folded in, statistics reduced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ganmetrics.extractors._colour_net import DEEP_DIM, FINE_DIM, SAID_DIM, TONE_DIM, ColourNet
from ganmetrics.extractors.weights.fill import filled_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DIMS = {"fine": FINE_DIM, "deep": DEEP_DIM, "said": SAID_DIM, "tone": TONE_DIM}
SCALES = {"fine": 1.0, "deep": 1.0, "said": 1.0, "tone": 0.5}  # of the blocks, set by scores of CIFAR-10 alone
SAID = (*(f"classes.{place}" for place in range(5)), "values", "distortion")  # the heads that are kept
EPSILON = 1e-5  # of the batch norms


def unreduced(average: Mapping[str, Tensor]) -> ColourNet:
    """The network with its convolutions and hidden layer as they are stored, and linear maps that mean nothing yet."""
    trained = {name: value.half() for name, value in folded(average).items()}
    blank = {name: torch.zeros_like(value) for name, value in ColourNet().state_dict().items()}
    return filled_from(ColourNet, blank | trained)


def folded(average: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The layers of a trained network with their batch norms inside."""
    found = {}
    for place in range(sum(name.startswith("convs.") for name in average)):
        norm = {key: average[f"norms.{place}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}
        gain = norm["weight"] / (norm["running_var"] + EPSILON).sqrt()
        found[f"convs.{place}.weight"] = average[f"convs.{place}.weight"] * gain[:, None, None, None]
        found[f"convs.{place}.bias"] = norm["bias"] - norm["running_mean"] * gain
    found["hidden.weight"] = average["hidden.weight"] / (average["scale.running_var"] + EPSILON).sqrt()
    found["hidden.bias"] = average["hidden.bias"] - found["hidden.weight"] @ average["scale.running_mean"]
    return found


def reduced(net: ColourNet, average: Mapping[str, Tensor], pictures: Iterable[Tensor]) -> dict[str, Tensor]:
    """The linear maps of the blocks, from the statistics of pictures in 0..255, batches of [N, 3, 64, 64]."""
    with torch.inference_mode():
        batches = [net.statistics(batch[:, None]) for batch in pictures]
        fine, deep, tone = (torch.cat(parts) for parts in zip(*batches, strict=True))
        hidden = net.read(fine, deep).double()
    head, offset = (torch.cat([average[f"{name}.{kind}"] for name in SAID]).double() for kind in ("weight", "bias"))
    maps = {
        name: principal(rows.double(), DIMS[name]) for name, rows in (("fine", fine), ("deep", deep), ("tone", tone))
    }
    weight, bias = principal(hidden @ head.T + offset, SAID_DIM)
    maps["said"] = (weight @ head, weight @ offset + bias)
    found = {}
    for name, (weight, bias) in maps.items():
        found |= {f"{name}.weight": SCALES[name] * weight, f"{name}.bias": SCALES[name] * bias}
    return found


def principal(rows: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The map to the first principal components of standardised rows [N, D], whose variances then sum to ``dim``."""
    mean, deviation = rows.mean(dim=0), rows.std(dim=0).clamp(min=1e-3)
    standard = (rows - mean) / deviation
    values, vectors = torch.linalg.eigh(standard.T @ standard / len(rows))
    values, vectors = values.flip(0)[:dim], vectors.flip(1)[:, :dim]
    weight = vectors.T / deviation * (dim / values.sum()).sqrt()
    return weight, -weight @ mean


def write(net: nn.Module, maps: Mapping[str, Tensor], facts: Mapping[str, object], path: Path) -> None:
    """The weights file, in float16."""
    stored = {name: value.half().contiguous() for name, value in (net.state_dict() | dict(maps)).items()}
    save_file(stored, path, metadata={"ganmetrics": json.dumps(dict(facts))})
