"""Running an extractor over batches of images: fixed batches, exact float32, halving when memory runs out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import torch

from ganmetrics._arguments import described, whole
from ganmetrics.data.reading.batches import Batches, most_together
from ganmetrics.errors import InputError, ResourceError, UsageError, is_out_of_memory
from ganmetrics.extractors._arithmetic import PIECE, arithmetic

if TYPE_CHECKING:
    from torch import Tensor

    from ganmetrics.extractors.extractor import Extractor
    from ganmetrics.types import Images

Result = TypeVar("Result")
# Images in a forward pass, at least.
DEFAULT_BATCH_SIZES = {"cpu": 32, "mps": 64, "cuda": 256}


def choose_device(device: str | torch.device) -> torch.device:
    """The device for ``"auto"`` (CUDA, then MPS, then the CPU) or for a name, checked for presence (UsageError)."""
    if str(device) == "auto":
        # Of several processes on one machine, each has a device of its own.
        if torch.cuda.is_available():
            rank = os.environ.get("LOCAL_RANK", "")
            return torch.device(f"cuda:{int(rank) % torch.cuda.device_count()}" if rank.isdecimal() else "cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        what = f"unknown device {described(device)}"
        raise UsageError(what, where="device", hint="Use auto, cpu, cuda, cuda:1 or mps") from error
    if chosen.type not in DEFAULT_BATCH_SIZES:
        raise UsageError(f"unsupported device {chosen}", hint="Use auto, cpu, cuda, cuda:1 or mps")
    found = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available()), "cpu": 1}[chosen.type]
    if (chosen.index or 0) >= found:
        what = f"the device {chosen} is not there; found {found} of type {chosen.type}"
        hint = 'Use `device="auto"` or `device="cpu"`'
        raise UsageError(what, where="device", hint=hint, code="E-DEVICE")
    return chosen


class Extraction:
    """An extractor on a device with a batch size.

    Parameters
    ----------
    extractor : Extractor
    layers : sequence of str
        What every batch yields.
    device : torch.device
    batch_size : int or None
        Images in one forward pass; ``None`` chooses by device. Memory running out halves it, down to 1.
    """

    def __init__(
        self, extractor: Extractor, layers: Sequence[str], device: torch.device, batch_size: int | None = None
    ) -> None:
        if batch_size is not None:
            batch_size = whole(batch_size, "batch_size", 1)
        if extractor.precision != "float32" and device.type != "cuda":
            what = f"{extractor.precision} is an arithmetic of NVIDIA GPUs; the device is {device}"
            hint = f"Leave {extractor.precision} out: the default is fastest here"
            raise UsageError(what, where=extractor.name, hint=hint, code="E-DEVICE")
        self.extractor, self.layers, self.device = extractor, list(layers), device
        # Where nobody chose, each thread of the CPU has a whole piece: see ``in_pieces``.
        pieces = PIECE * torch.get_num_threads() if device.type == "cpu" else 0
        self.batch_size = batch_size or max(DEFAULT_BATCH_SIZES[device.type], pieces, extractor.least_batch)
        # Images so far, over all runs.
        self.count = 0
        extractor.to(device)

    def run(self, batches: Iterable[Images]) -> Iterator[dict[str, Tensor]]:
        """The layers of consecutive images, float32 [n, D] on the CPU, in the order of the images.

        Raises
        ------
        InputError
            A NaN or infinity, with the index of its image.
        ResourceError
            Not even one image fits in memory.
        """
        cutter, inputs = Batches(self.batch_size), []
        for images in batches:
            for piece in cutter.cut(images, torch.arange(len(images))):
                inputs += self.prepared([piece.images])
                if piece.ends_batch:
                    yield from self.forward(inputs)
        yield from self.forward(inputs)

    def prepared(self, images: Sequence[Images]) -> list[Tensor]:
        """The network's inputs of consecutive images, neighbours of one size prepared together."""
        inputs: list[Tensor] = []
        for _, alike in groupby(images, key=lambda each: (each.shape[1:], each.device)):
            joined = _joined(list(alike))
            for part in joined.split(most_together(joined)):
                inputs += self._within_memory(self._prepared, part)
        return inputs

    def forward(self, inputs: list[Tensor]) -> Iterator[dict[str, Tensor]]:
        """The layers of consecutive inputs, of which the list is emptied; see ``run``."""
        while inputs:
            # Inputs of several shapes, as a network without a resize has them, are passes of their own.
            shapes = [each.shape[1:] for each in inputs]
            count = next((place for place, shape in enumerate(shapes) if shape != shapes[0]), len(shapes))
            joined = _joined(inputs[:count])
            del inputs[:count]
            while len(joined):
                batch, joined = joined[: self.batch_size], joined[self.batch_size :]
                yield from self._within_memory(self._forward, batch)

    def _prepared(self, images: Images) -> Tensor:
        with arithmetic():
            return self.extractor.prepare(images.to(self.device, non_blocking=True))

    def _forward(self, inputs: Tensor) -> dict[str, Tensor]:
        # On a GPU a short batch would choose other kernels and round otherwise: zeros fill it up.
        missing = self.batch_size - len(inputs) if self.device.type == "cuda" else 0
        filled = torch.cat([inputs, inputs.new_zeros(missing, *inputs.shape[1:])]) if missing > 0 else inputs
        with arithmetic(self.extractor.precision):
            found = self.extractor.forward(filled, self.layers)
            layers = {name: value[: len(inputs)].to("cpu", torch.float32) for name, value in found.items()}
        for name, value in layers.items():
            bad = (~torch.isfinite(value).all(dim=1)).nonzero()
            if len(bad):
                index = self.count + int(bad[0])
                what = f"the layer {name!r} of {self.extractor.name} is NaN or infinite for image {index}"
                raise InputError(what, hint="Look at that image and at the weights", code="E-NOT-FINITE")
        self.count += len(inputs)
        return layers

    def _within_memory(self, work: Callable[[Tensor], Result], batch: Tensor) -> list[Result]:
        """The work on a batch, or on its halves and their halves where memory runs out."""
        try:
            return [work(batch)]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                what = f"one image does not fit in the memory of {self.device}"
                hint = "Free memory" if self.device.type == "cpu" else 'Free memory or use `device="cpu"`'
                raise ResourceError(what, hint=hint, code="E-MEMORY") from error
        # Out of the handler, whose exception would keep every tensor of the failed pass alive.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(batch) // 2
        self.batch_size = min(self.batch_size, half)
        return self._within_memory(work, batch[:half]) + self._within_memory(work, batch[half:])


def _joined(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)
