"""The parts of pytorch-fid that public code imports beside its command: network, data set, activations, statistics."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganmetrics._files import shown
from ganmetrics.compat._peer_errors import ArgumentValueError, ImageValueError
from ganmetrics.compat._peer_files import PYTORCH_FID, peer_folder, pytorch_fids_rule
from ganmetrics.compat._sides import peers_reading
from ganmetrics.data.image_files import files_source
from ganmetrics.data.source import Opening
from ganmetrics.errors import UsageError
from ganmetrics.extractors import load_extractor
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.extractors.inception import Inception
from ganmetrics.measurement import archive

if TYPE_CHECKING:
    from ganmetrics.data import Source

    Path = str | os.PathLike[str]
    Device = str | torch.device | None

IMAGE_EXTENSIONS = set(PYTORCH_FID)
SIZE = (299, 299)


class InceptionV3(nn.Module):
    """The FID Inception as pytorch-fid's class of that name has it, from images in 0..1 to features.

    Where pytorch-fid returns maps of the blocks before the last, these are their means over all places, which is what
    its own functions take of them.

    Parameters
    ----------
    output_blocks : sequence of int
        Of 0 to 3, for 64, 192, 768 and 2048 features.
    resize_input, normalize_input : bool
        Whether images are resized to 299 × 299, and scaled from 0..1 to -1..1.
    requires_grad : bool
        Whether the network's values can be trained.
    use_fid_inception : bool
        ``False``, torchvision's network, is refused.
    weights : path, optional
        A weights file in place of the published one; not an argument of pytorch-fid's.

    Raises
    ------
    UsageError
        Another block, or torchvision's network.
    WeightsError
        Weights that are missing or damaged.
    """

    DEFAULT_BLOCK_INDEX = 3
    BLOCK_INDEX_BY_DIM: ClassVar = {64: 0, 192: 1, 768: 2, 2048: 3}

    def __init__(
        self,
        output_blocks: Sequence[int] = (DEFAULT_BLOCK_INDEX,),
        resize_input: bool = True,
        normalize_input: bool = True,
        requires_grad: bool = False,
        use_fid_inception: bool = True,
        *,
        weights: Path | None = None,
    ) -> None:
        super().__init__()
        if not use_fid_inception:
            hint = 'Use gm.evaluate(real, fake, extractor="torchvision-inception")'
            raise UsageError("torchvision's network gives no FID", where="use_fid_inception", hint=hint)
        self.resize_input, self.normalize_input = resize_input, normalize_input
        self.output_blocks = sorted(output_blocks)
        dims = {block: dim for dim, block in self.BLOCK_INDEX_BY_DIM.items()}
        odd = [block for block in self.output_blocks if block not in dims]
        if odd or not self.output_blocks:
            what = f"output_blocks are {list(output_blocks)}; they must be some of 0, 1, 2, 3"
            raise ArgumentValueError(what, where="output_blocks")
        self.last_needed_block = self.output_blocks[-1]
        loaded = load_extractor("inception", weights)
        # The name above is this class's alone.
        assert isinstance(loaded, Inception)
        self.network = loaded.net
        self.network.requires_grad_(requires_grad)
        self._layers = [str(dims[block]) for block in self.output_blocks]

    def forward(self, inp: Tensor) -> list[Tensor]:
        """The features of images [N, 3, H, W] in 0..1: [N, D, 1, 1] for each block, in rising order."""
        x = inp
        if self.resize_input:
            x = F.interpolate(x, size=SIZE, mode="bilinear", align_corners=False)
        if self.normalize_input:
            x = 2 * x - 1
        found = self.network(x, self._layers)
        return [found[name][:, :, None, None] for name in self._layers]


class ImagePathDataset(torch.utils.data.Dataset[Any]):
    """Image files by their paths, each as an RGB image of Pillow or what ``transforms`` makes of it."""

    def __init__(self, files: Sequence[Path], transforms: Callable[[Any], Any] | None = None) -> None:
        self.files, self.transforms = list(files), transforms

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> Any:
        from PIL import Image

        with Image.open(self.files[i]) as image:
            found = image.convert("RGB")
        return found if self.transforms is None else self.transforms(found)


def get_activations(
    files: Sequence[Path],
    model: nn.Module,
    batch_size: int = 50,
    dims: int = 2048,
    device: Device = "cpu",
    num_workers: int = 1,
) -> np.ndarray[Any, Any]:
    """The features of image files by a model such as ``InceptionV3``, float64 [N, dims], in their order.

    Raises
    ------
    InputError
        Files that cannot be read; a model that gives other features than ``dims``.
    """
    source = files_source(list(files), Opening(reading=peers_reading(workers=num_workers)))
    return _activations(source, model, batch_size, dims, device)


def calculate_activation_statistics(
    files: Sequence[Path],
    model: nn.Module,
    batch_size: int = 50,
    dims: int = 2048,
    device: Device = "cpu",
    num_workers: int = 1,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The mean [dims] and the unbiased covariance [dims, dims] of image files' features; see ``get_activations``."""
    return _statistics(get_activations(files, model, batch_size, dims, device, num_workers))


def compute_statistics_of_path(
    path: Path, model: nn.Module, batch_size: int, dims: int, device: Device, num_workers: int = 1
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Mean and covariance of the images in a folder, or those in an npz file (errors of ``get_activations``)."""
    if os.fspath(path).endswith(".npz"):
        moments = archive.load_statistics(path, assume="pytorch-fid").moments
        # Files without moments are refused.
        assert moments is not None
        return moments.mean.numpy(), moments.covariance().numpy()
    source = peer_folder(path, pytorch_fids_rule(), peers_reading(workers=num_workers))
    return _statistics(_activations(source, model, batch_size, dims, device))


def _activations(source: Source, model: nn.Module, batch_size: int, dims: int, device: Device) -> np.ndarray[Any, Any]:
    model.eval()
    place, rows = choose_device("auto" if device is None else device), []
    with torch.no_grad():
        for part in _parts(source, batch_size):
            found = model(part.to(place).float() / 255)[0]
            if found.shape[2:] != (1, 1):
                found = F.adaptive_avg_pool2d(found, (1, 1))
            rows.append(found[:, :, 0, 0].cpu().double())
    joined = torch.cat(rows)
    if joined.shape[1] != dims:
        what = f"the model gives {joined.shape[1]} features, and dims is {dims}"
        raise ImageValueError(what, where=shown(source.name), hint="Make both the same", code="E-SHAPE")
    return joined.numpy()


def _parts(source: Source, batch_size: int) -> Iterator[Tensor]:
    for images in source.batches():
        yield from images.split(batch_size)


def _statistics(rows: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return rows.mean(axis=0), np.cov(rows, rowvar=False)
