"""Filling a small network from a file of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ganmetrics._files import shown
from ganmetrics.errors import WeightsError
from ganmetrics.features import weights

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

Net = TypeVar("Net", bound="nn.Module")


def filled(net: Net, path: Path) -> Net:
    """The network with the values of a safetensors file, float16 widened, ready for inference.

    Raises
    ------
    WeightsError
        The file is missing or damaged, or holds another layout.
    """
    if not path.is_file():
        raise WeightsError("the weights file is missing", where=shown(path), code="E-MISSING")
    state = {name: value.float() for name, value in weights.load_state_dict(path).items()}
    counters = {name for name in net.state_dict() if name.endswith("num_batches_tracked")}
    missing, extra = net.load_state_dict(state, strict=False)
    if set(missing) - counters or extra:
        what = f"another network's weights: missing {sorted(set(missing) - counters)[:3]}, not known {extra[:3]}"
        raise WeightsError(what, where=shown(path), code="E-LAYOUT")
    return net.eval().requires_grad_(False)
