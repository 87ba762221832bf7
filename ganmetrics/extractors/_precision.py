"""True float32 for a while: no TF32, no bfloat16, no autocast leaking in, deterministic kernels, no gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import torch

from ganmetrics._process import Held, Undo, no_warnings

if TYPE_CHECKING:
    Row = tuple[Callable[[Any], None], Any, Any]  # what sets a switch, its value inside and outside

_SWITCHES = Held()


@contextmanager
def true_float32() -> Iterator[None]:
    """Run the body in exact single precision under inference mode; every global switch is put back afterwards.

    PyTorch lets cuDNN's convolutions use TF32 by default (10 bits of mantissa), and a caller's autocast or
    ``set_float32_matmul_precision`` would reach the extractor. The switches are those of the process: threads inside
    share them, and the last to leave puts them back.
    """
    with _arithmetic("float32"):
        yield


@contextmanager
def tf32() -> Iterator[None]:
    """Run the body as ``true_float32`` does, but with products in TF32 on NVIDIA GPUs.

    TF32 has 8 bits of exponent and 10 of mantissa; sums are in float32.
    """
    with _arithmetic("tf32"):
        yield


ARITHMETIC = {"float32": true_float32, "tf32": tf32}


@contextmanager
def _arithmetic(precision: str) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(_SWITCHES.at(precision, lambda: _switched(precision == "tf32")))
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode())
        yield


def _switched(is_tf32: bool) -> Undo:
    """Set the switches, and return what sets them back.

    Since torch 2.9 there is a switch for each operation beside the older ones, whose reading is an error where the two
    disagree. So both are set, the newer ones last, as the older ones set them too.
    """
    newer = [(owner, name, value, getattr(owner, name)) for owner, name, value in _newer(is_tf32)]
    older: list[Row] = []
    with suppress(RuntimeError):  # the caller has set the newer one alone: the older one cannot be read
        older.append((_set_cudnn, is_tf32, torch.backends.cudnn.allow_tf32))
    with suppress(RuntimeError):
        wanted = "high" if is_tf32 else "highest"
        older.append((torch.set_float32_matmul_precision, wanted, torch.get_float32_matmul_precision()))
    older = [row for row in older if row[1] != row[2]]

    def undo() -> None:
        _assign(older, newer, 2)

    try:
        _assign(older, newer, 1)
    except BaseException:
        undo()
        raise
    return undo


def _assign(older: list[Row], newer: list[tuple[Any, ...]], column: int) -> None:
    with no_warnings():  # torch would rather see its newer switches alone, which the caller may not know
        for setter, *values in older:
            setter(values[column - 1])
        for owner, name, *values in newer:
            setattr(owner, name, values[column - 1])


def _set_cudnn(is_tf32: bool) -> None:
    torch.backends.cudnn.allow_tf32 = is_tf32


def _newer(is_tf32: bool) -> list[tuple[Any, str, Any]]:
    backends: Any = torch.backends
    rows: list[tuple[Any, str, Any]] = [(backends.cudnn, "benchmark", False), (backends.cudnn, "deterministic", True)]
    if not hasattr(getattr(backends.cudnn, "conv", None), "fp32_precision"):
        return rows
    onednn, cudnn = backends.mkldnn, backends.cudnn
    on_gpu, on_cpu = (backends.cuda.matmul, cudnn.conv, cudnn.rnn), (onednn.conv, onednn.matmul)
    rows += [(switch, "fp32_precision", "tf32" if is_tf32 else "ieee") for switch in on_gpu]
    return rows + [(switch, "fp32_precision", "ieee") for switch in on_cpu]
