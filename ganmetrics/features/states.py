"""Filling a small network from a file of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch

from ganmetrics._files import shown
from ganmetrics.errors import WeightsError
from ganmetrics.features import weights

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

Net = TypeVar("Net", bound="nn.Module")


def filled(build: Callable[[], Net], path: Path) -> Net:
    """A new network with the values of a safetensors file, float16 widened, ready for inference.

    It is built without values of its own, which would cost time and draw from the caller's random stream.

    Raises
    ------
    WeightsError
        The file is missing or damaged, or holds another layout.
    """
    if not path.is_file():
        raise WeightsError("the weights file is missing", where=shown(path), code="E-MISSING")
    state = {name: value.float() for name, value in weights.load_state_dict(path).items()}
    with torch.device("meta"):
        net = build()
    counters = [name for name in net.state_dict() if name.endswith("num_batches_tracked")]
    state |= {name: torch.tensor(0) for name in counters}
    missing, extra = sorted(net.state_dict().keys() - state.keys()), sorted(state.keys() - net.state_dict().keys())
    if missing or extra:
        what = f"another network's weights: missing {missing[:3]}, not known {extra[:3]}"
        raise WeightsError(what, where=shown(path), code="E-LAYOUT")
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False)
