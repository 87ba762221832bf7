"""True float32 for a while: no TF32, no bfloat16, no autocast leaking in, deterministic kernels, no gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch


@contextmanager
def true_float32() -> Iterator[None]:
    """Run the body in exact single precision under inference mode; every global switch is put back afterwards.

    PyTorch lets cuDNN's convolutions use TF32 by default (10 bits of mantissa), and a caller's autocast or
    ``set_float32_matmul_precision`` would reach the extractor.
    """
    saved = [(switch, name, getattr(switch, name)) for switch, name, _ in _switches()]
    with ExitStack() as stack:
        stack.callback(_restore, saved)
        for switch, name, value in _switches():
            setattr(switch, name, value)
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode())
        yield


def _switches() -> list[tuple[Any, str, Any]]:
    backends: Any = torch.backends
    matmul, convolution = backends.cuda.matmul, getattr(backends.cudnn, "conv", None)
    rows: list[tuple[Any, str, Any]] = [(backends.cudnn, "benchmark", False), (backends.cudnn, "deterministic", True)]
    if hasattr(convolution, "fp32_precision"):  # torch >= 2.9; the older flags may not be mixed with these
        onednn, recurrent = backends.mkldnn, backends.cudnn.rnn
        exact = (matmul, convolution, recurrent, onednn.conv, onednn.matmul)
        return rows + [(switch, "fp32_precision", "ieee") for switch in exact]
    return [*rows, (matmul, "allow_tf32", False), (backends.cudnn, "allow_tf32", False)]


def _restore(saved: list[tuple[Any, str, Any]]) -> None:
    for switch, name, value in saved:
        setattr(switch, name, value)
