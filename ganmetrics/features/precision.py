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
        if not _has_new_switches():
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
        for switch, name, value in _switches():
            setattr(switch, name, value)
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode())
        yield


@contextmanager
def tf32() -> Iterator[None]:
    """The same, but products in TF32 on NVIDIA GPUs: 8 bits of exponent and 10 of mantissa, summed in float32."""
    with true_float32():  # which puts these back too
        backends: Any = torch.backends
        if _has_new_switches():
            for switch in (backends.cuda.matmul, backends.cudnn.conv):
                switch.fp32_precision = "tf32"
        else:
            backends.cudnn.allow_tf32 = True
            torch.set_float32_matmul_precision("high")
        yield


ARITHMETIC = {"float32": true_float32, "tf32": tf32}


def _has_new_switches() -> bool:
    """Whether this is torch 2.9 or later, whose switches for each operation may not be mixed with the older ones."""
    backends: Any = torch.backends
    return hasattr(getattr(backends.cudnn, "conv", None), "fp32_precision")


def _switches() -> list[tuple[Any, str, Any]]:
    backends: Any = torch.backends
    rows: list[tuple[Any, str, Any]] = [(backends.cudnn, "benchmark", False), (backends.cudnn, "deterministic", True)]
    if not _has_new_switches():
        return [*rows, (backends.cudnn, "allow_tf32", False)]
    onednn, cudnn = backends.mkldnn, backends.cudnn
    exact = (backends.cuda.matmul, cudnn.conv, cudnn.rnn, onednn.conv, onednn.matmul)
    return rows + [(switch, "fp32_precision", "ieee") for switch in exact]


def _restore(saved: list[tuple[Any, str, Any]]) -> None:
    for switch, name, value in saved:
        setattr(switch, name, value)
