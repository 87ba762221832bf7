"""Filling a small network with stored values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import torch

from ganmetrics._files import shown
from ganmetrics.errors import WeightsError
from ganmetrics.extractors.weights import weight_store as weights

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

Net = TypeVar("Net", bound="nn.Module")


def filled(build: Callable[[], Net], path: Path) -> Net:
    """A new network with the values of a safetensors file, as ``filled_from``.

    Raises
    ------
    WeightsError
        The file is missing or damaged, or holds another layout.
    """
    if not path.is_file():
        raise WeightsError("the weights file is missing", where=shown(path), code="E-MISSING")
    return filled_from(build, weights.load_state_dict(path), where=shown(path))


def filled_from(build: Callable[[], Net], values: Mapping[str, Tensor], *, where: str = "") -> Net:
    """A new network with these values, float16 widened, ready for inference.

    It is built without values of its own, which would cost time and draw from the caller's random stream.

    Raises
    ------
    WeightsError
        The values are of another layout.
    """
    if strange := [name for name, value in values.items() if value.is_complex()]:
        raise WeightsError(f"another network's weights: {shown(strange[0])} is complex", where=where, code="E-LAYOUT")
    state = {name: value.float() for name, value in values.items()}
    with torch.device("meta"):
        net = build()
    counters = [name for name in net.state_dict() if name.endswith("num_batches_tracked")]
    state |= {name: torch.tensor(0) for name in counters}
    expected = {name: value.shape for name, value in net.state_dict().items()}
    missing, extra = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected.keys())
    if missing or extra:
        what = f"another network's weights: missing {missing[:3]}, not known {extra[:3]}"
        raise WeightsError(what, where=where, code="E-LAYOUT")
    for name, shape in expected.items():
        if state[name].shape != shape:
            what = f"another network's weights: {name} is {list(state[name].shape)}, expected {list(shape)}"
            raise WeightsError(what, where=where, code="E-LAYOUT")
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False)
