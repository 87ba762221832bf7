"""torchmetrics' FID of two folders, in the loop that its users write: ``python -m benchmarks.peer_torchmetrics``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

BATCH = 32


@click.command()
@click.argument("real", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("fake", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(real: Path, fake: Path, weights: Path) -> None:
    """Print the FID of the images in REAL and FAKE, on the CPU, with the Inception of WEIGHTS."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(2048, normalize=False, feature_extractor_weights_path=str(weights))
    for folder, is_real in ((real, True), (fake, False)):
        for images in batches(folder):
            metric.update(images, real=is_real)
    click.echo(f"FID: {float(metric.compute())!r}")


def batches(folder: Path) -> Iterator[torch.Tensor]:
    """The images of a folder in the order of their names, uint8 [N, 3, H, W]."""
    paths = sorted(folder.iterdir())
    for start in range(0, len(paths), BATCH):
        stack = np.stack([np.asarray(Image.open(str(path)).convert("RGB")) for path in paths[start : start + BATCH]])
        yield torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()


if __name__ == "__main__":
    main()
