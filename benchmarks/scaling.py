"""What the engine of clusters costs at sizes that this machine cannot reach: an event simulation with measured parts.

``python -m benchmarks.scaling`` prints the table of ``docs/scaling.md``. Merging, pickling and digests are measured
here; the speed of a GPU and of the network are assumptions, which are options.
"""

from __future__ import annotations

import heapq
import os
import pickle
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import click
import torch

from ganmetrics.distributed.ray import FAN_IN, Pool, divided
from ganmetrics.measurement.image_record import PixelDigests
from ganmetrics.numerics.moments import Moments

DIM, MANY = 2048, 1_000_000
BYTES_PER_IMAGE = 24  # a digest of 16 and a place of 8


class Measured(NamedTuple):
    """Seconds and bytes of the parts, on this machine."""

    merge: float  # of two states of moments
    carry: float  # of one state, to bytes and back
    state: int  # bytes of moments
    digest: float  # of the digest of a million images


class Costs(NamedTuple):
    """What one evaluation of FID costs a worker: seconds once, and for each image."""

    start: float  # imports, weights, processes
    network: float  # an image
    decode: float  # an image, on one core
    digest: float  # an image
    moments: float  # an image
    score: float  # once, on one worker
    cores: int  # that decode beside the network; 0: decoding takes turns with it


TWO_CORES = Costs(start=5.5, network=0.106, decode=0.0027, digest=0.0002, moments=0.00012, score=7.5, cores=0)
GPU = Costs(start=8.0, network=1 / 2500, decode=0.0007, digest=0.00002, moments=0.00002, score=7.5, cores=8)


def predicted(count: int, costs: Costs, workers: int = 1) -> float:
    """Seconds from the command to the score of that many images, divided among workers; merging is left out.

    Decoding has cores of its own beside a GPU, so the slower of the two counts; on the CPU both take the same cores.
    """
    own = costs.digest + costs.moments
    if costs.cores:
        image = max(costs.network + own, costs.decode / costs.cores)
    else:
        image = costs.network + own + costs.decode / 2
    return costs.start + count / workers * image + costs.score


@dataclass(frozen=True)
class Cluster:
    """What is assumed."""

    workers: int
    images_per_second: float  # of a worker
    bandwidth: float  # bytes a second into one machine
    lost_per_hour: float  # workers, of all
    restart: float  # seconds until a lost worker's place is taken


class Outcome(NamedTuple):
    seconds: float
    read_again: int  # images
    merges: int
    moved: int  # bytes


def measured() -> Measured:
    """The parts, timed."""
    rows = torch.randn(2 * DIM, DIM)
    one, other = Moments.of(rows), Moments.of(rows + 1)
    content = pickle.dumps(one, protocol=5)
    digests = PixelDigests()
    digests.restore(torch.frombuffer(bytearray(os.urandom(16 * MANY)), dtype=torch.uint8))
    return Measured(
        _timed(lambda: one.merge(other)),
        _timed(lambda: pickle.loads(pickle.dumps(one, protocol=5))),
        len(content),
        _timed(digests.combined, rounds=1),
    )


def simulated(count: int, cluster: Cluster, parts: Measured, seed: int = 0) -> Outcome:
    """One pass over a set: workers take stretches in turn, some are lost, states merge as they come."""
    rng = random.Random(seed)
    stretches = divided(count, Pool(cluster.workers, 1, 8, 4), is_cut=True)
    waiting = [_length(each.start, each.stop, count) for each in reversed(stretches)]
    free = [(0.0, worker) for worker in range(cluster.workers)]
    rate = cluster.lost_per_hour / 3600 / cluster.workers
    finished, read_again = 0.0, 0
    while waiting:
        now, worker = heapq.heappop(free)
        images = waiting.pop()
        needed = images / cluster.images_per_second + parts.carry + parts.state / cluster.bandwidth
        until_lost = rng.expovariate(rate) if rate else float("inf")
        if until_lost < needed:
            waiting.append(images)
            read_again += int(until_lost * cluster.images_per_second)
            heapq.heappush(free, (now + until_lost + cluster.restart, worker))
            continue
        finished = max(finished, now + needed)
        heapq.heappush(free, (now + needed, worker))
    states, merges, moved = len(stretches), 0, len(stretches) * parts.state
    while states > 1:  # the levels above the first overlap with the reading, but for the last of each
        merges += states - -(-states // FAN_IN)
        states = -(-states // FAN_IN)
        moved += states * parts.state
        finished += FAN_IN * (parts.merge + parts.carry + parts.state / cluster.bandwidth)
    return Outcome(finished, read_again, merges, moved + count * BYTES_PER_IMAGE)


def _readable(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _length(start: int, stop: int | None, count: int) -> int:
    return (count if stop is None else stop) - start


def _timed(work: Callable[[], object], rounds: int = 5) -> float:
    work()
    start = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - start) / rounds


@click.command()
@click.option("--images", default=1_000_000_000, show_default=True)
@click.option("--workers", default=64, show_default=True, help="GPUs.")
@click.option("--speed", default=2500.0, show_default=True, help="Images a second of one GPU: an assumption.")
@click.option("--bandwidth", default=1.25e9, show_default=True, help="Bytes a second into one machine: an assumption.")
def main(images: int, workers: int, speed: float, bandwidth: float) -> None:
    """Where the time goes, what the merge tree costs and what lost workers cost."""
    parts = measured()
    state, merge, carry = parts.state / 2**20, parts.merge * 1e3, parts.carry * 1e3
    click.echo(f"measured here: a merge {merge:.1f} ms, a state of {state:.0f} MiB to bytes and back {carry:.1f} ms")
    click.echo(f"the digest of a million images {parts.digest:.2f} s")
    click.echo("| workers lost an hour | time | against no loss | read again | merges | moved |")
    click.echo("|---|---|---|---|---|---|")
    base = 0.0
    for lost in (0.0, 1.0, 10.0, 64.0):
        found = simulated(images, Cluster(workers, speed, bandwidth, lost, restart=60.0), parts)
        base = base or found.seconds
        cells = [f"{lost:g}", f"{found.seconds / 60:.1f} min", f"{found.seconds / base - 1:+.2%}"]
        cells += [f"{found.read_again:,}", f"{found.merges:,}", f"{found.moved / 1e12:.2f} TB"]
        click.echo(f"| {' | '.join(cells)} |")
    network = images / speed / workers
    click.echo("| images | two cores | 1 GPU | 8 GPUs | 64 GPUs |")
    click.echo("|---|---|---|---|---|")
    gpu = GPU._replace(network=1 / speed)
    for power in range(3, 10):
        times = [predicted(10**power, TWO_CORES), *(predicted(10**power, gpu, count) for count in (1, 8, 64))]
        click.echo(f"| 10^{power} | {' | '.join(map(_readable, times))} |")
    click.echo(f"the network alone, without anything else: {network / 60:.1f} min")


if __name__ == "__main__":
    main()
