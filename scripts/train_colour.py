"""Train the network behind the ``colour`` extractor on procedural pictures and write its weights.

    python scripts/train_colour.py train --cache DIR --checkpoint colour.pt
    python scripts/train_colour.py export --cache DIR --checkpoint colour.pt -o colour.safetensors

Training needs no data: ``painter`` draws the pictures, which are kept in DIR. It goes on from the checkpoint where
there is one. About an hour on one core. The network says what a picture shows (kind, shapes, textures, arrangement,
counts, sizes), which distortion it went through, and which pictures come from one program. Hue, saturation,
brightness and contrast vary at random and are never asked for: networks that must tell them apart overrate them in FID.

The weights in the package took 3,700 steps. The first 2,200 had every kind of picture equally often and half the weight
on classes, so repeating the commands gives a similar network and not the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import colour_export
import colour_heads
import numpy as np
import torch
from colour_heads import TrainedNet
from distortions import DISTORTIONS
from painter import Factors, draw_programs, draw_sketch, paint
from torch import Tensor

from ganmetrics._progress import progress_bar
from ganmetrics.extractors._colour_net import SIZE

NUM_PROGRAMS, INSTANCES = 10_000, 4
AT_ONCE = 250  # programs that are painted between two steps of the progress bar
PROGRAMS_A_STEP, GROUP = 32, 4  # half of a batch is distorted, in groups that share a distortion and its level
LEARNING_RATE, WEIGHT_DECAY, KEPT = 1.5e-3, 1e-2, 0.998
CHECKPOINT_STEPS = 100
REDUCED_BATCHES = 60  # of which the statistics are standardised and reduced


class Pool:
    """Painted pictures on disk, the instances of each program side by side."""

    def __init__(self, folder: Path, seed: int) -> None:
        count = NUM_PROGRAMS * INSTANCES
        folder.mkdir(parents=True, exist_ok=True)
        shapes = {"images": ("uint8", (count, 3, SIZE, SIZE)), "classes": ("int64", (count, 5)),
                  "values": ("float32", (count, 8))}  # fmt: skip
        is_new = not (folder / "done").exists()
        arrays = {
            name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+" if is_new else "r", kind, shape)
            for name, (kind, shape) in shapes.items()
        }
        if is_new:
            self._paint(arrays, torch.Generator().manual_seed(seed))
            (folder / "done").touch()
        self.images, self.classes, self.values = arrays.values()

    def _paint(self, arrays: dict[str, np.ndarray], rng: torch.Generator) -> None:
        with progress_bar("painting", NUM_PROGRAMS * INSTANCES, True) as bar:
            for start in range(0, NUM_PROGRAMS, AT_ONCE):
                programs = draw_programs(AT_ONCE, rng)
                programs = programs.rows(torch.arange(AT_ONCE).repeat_interleave(INSTANCES))
                images, factors = paint(draw_sketch(programs, rng), SIZE, rng)
                rows = slice(start * INSTANCES, (start + AT_ONCE) * INSTANCES)
                for name, value in (("images", images), ("classes", factors.classes), ("values", factors.values)):
                    arrays[name][rows] = value.numpy()
                bar.update(len(images))

    def batch(self, rng: torch.Generator) -> tuple[Tensor, Factors]:
        """All instances of some programs: float32 images in 0..255 and their factors."""
        programs = torch.randint(NUM_PROGRAMS, (PROGRAMS_A_STEP,), generator=rng)
        rows = (programs[:, None] * INSTANCES + torch.arange(INSTANCES)).flatten().numpy()
        factors = Factors(torch.from_numpy(self.classes[rows]), torch.from_numpy(self.values[rows]))
        return torch.from_numpy(self.images[rows]).float(), factors


def toned(images: Tensor, rng: torch.Generator) -> Tensor:
    """Random hue, saturation, contrast, brightness and negation of each image."""
    count = len(images)
    turn, saturation, contrast, brightness = torch.rand(4, count, 1, 1, generator=rng)
    cos, sin = torch.cos(6.2832 * turn), torch.sin(6.2832 * turn) / 3**0.5
    grey = torch.full((3, 3), 1 / 3)
    skew = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    hue = grey + cos * (torch.eye(3) - grey) + sin * skew
    matrix = torch.lerp(grey.expand_as(hue), hue, 1.4 * saturation)
    matrix = matrix * (0.35 + 1.0 * contrast)
    flat = (images - 128).flatten(2)
    moved = torch.bmm(matrix, flat) + 128 + 100 * (brightness - 0.5)
    return moved.clamp(0, 255).view_as(images)


def distorted(images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Groups of images, each through one distortion: the images, which distortion, and its level."""
    found, kinds, levels = [], [], []
    for group in images.split(GROUP):
        kind = int(torch.randint(len(DISTORTIONS), (), generator=rng))
        level = float(torch.rand((), generator=rng))
        found.append(DISTORTIONS[kind](group, level, rng))
        kinds += [kind] * len(group)
        levels += [level] * len(group)
    return torch.cat(found), torch.tensor(kinds), torch.tensor(levels)


def batches(pool: Pool, rng: torch.Generator) -> Iterator[colour_heads.Batch]:
    """Endless batches: the first half as painted, the second half distorted."""
    while True:
        images, factors = pool.batch(rng)
        images = toned(images, rng)
        half = len(images) // 2
        changed, kinds, levels = distorted(images[half:], rng)
        images = torch.cat([images[:half], changed]).round().clamp(0, 255)
        kinds = torch.cat([torch.zeros(half, dtype=torch.int64), kinds])
        levels = torch.cat([torch.zeros(half), levels])
        yield colour_heads.Batch(images, half, factors, kinds, levels)


class Training:
    """A network with its optimiser, its running average and the number of steps, kept in a checkpoint."""

    def __init__(self, checkpoint: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self.checkpoint, self.step = checkpoint, 0
        self.net = TrainedNet().to(memory_format=torch.channels_last)
        self.average = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
        if checkpoint.exists():
            stored = torch.load(checkpoint, weights_only=True)
            self.net.load_state_dict(stored["net"])
            self.optimizer.load_state_dict(stored["optimizer"])
            self.average, self.step = stored["average"], stored["step"]

    def save(self) -> None:
        stored = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "average": self.average,
                  "step": self.step}  # fmt: skip
        part = self.checkpoint.with_suffix(".part")
        torch.save(stored, part)
        part.replace(self.checkpoint)

    def learn(self, batch: colour_heads.Batch, rate: float) -> dict[str, float]:
        """One step of gradient descent; the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        losses = colour_heads.losses(self.net, batch)
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        kept = min(KEPT, self.step / (self.step + 10))
        for name, value in self.net.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - kept)
        return {name: float(loss.detach()) for name, loss in losses.items()}


@click.group()
def main() -> None:
    """Train the network of the extractor ``colour``, or export its weights."""


@main.command()
@click.option("--cache", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--checkpoint", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--steps", default=4000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def train(cache: Path, checkpoint: Path, steps: int, seed: int) -> None:
    """Train up to a number of steps; the learning rate falls to nothing over the last quarter."""
    torch.set_num_threads(1)
    pool, training = Pool(cache, seed), Training(checkpoint, seed)
    running: dict[str, float] = {}
    # A resumed run draws other batches than the interrupted one has seen.
    for batch in batches(pool, torch.Generator().manual_seed(seed + training.step)):
        if training.step >= steps:
            break
        warm, cold = (training.step + 1) / 200, (steps - training.step) / (steps / 4)
        losses = training.learn(batch, LEARNING_RATE * min(1.0, warm, cold))
        running = {name: 0.98 * running.get(name, loss) + 0.02 * loss for name, loss in losses.items()}
        if training.step % CHECKPOINT_STEPS == 0:
            training.save()
            click.echo(f"step {training.step}: " + ", ".join(f"{k} {v:.3f}" for k, v in running.items()), err=True)
    training.save()


@main.command("export")
@click.option("--cache", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--checkpoint", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seed", default=0, show_default=True)
def export_command(cache: Path, checkpoint: Path, output: Path, seed: int) -> None:
    """Write the weights of the package, with the batch norms folded into the convolutions."""
    torch.set_num_threads(1)
    training, source = Training(checkpoint, seed), batches(Pool(cache, seed), torch.Generator().manual_seed(seed))
    net = colour_export.unreduced(training.average)
    maps = colour_export.reduced(net, training.average, (next(source).images for _ in range(REDUCED_BATCHES)))
    facts = {"data": "procedural pictures of scripts/painter", "seed": seed, "steps": training.step}
    colour_export.write(net, maps, facts, output)


if __name__ == "__main__":
    main()
