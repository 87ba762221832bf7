"""The common part of every training: a resumable state, a loop with checkpoints and a log, averaged weights."""

from __future__ import annotations

import copy
import io
import json
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from ganmetrics._files import atomic_write, disk_errors, shown
from ganmetrics._process import no_warnings, signals_held
from ganmetrics._progress import progress_bar
from ganmetrics.errors import InputError, NumericalError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

Net = TypeVar("Net", bound=nn.Module)
CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"
# Iterations between entries of the log.
LOG_EVERY = 50
SECONDS_BETWEEN_CHECKPOINTS = 60.0


class Training(ABC):
    """One system in training.

    A subclass puts every network and optimiser into ``parts`` and draws from ``rng`` (or, in dropout layers, from
    PyTorch's global stream, which is kept too), so that a checkpoint holds all that changes.

    Attributes
    ----------
    iteration : int
        Finished steps.
    seconds, cpu_seconds : float
        Time spent in them over all the runs that led here: on the clock, and of processors.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.rng = torch.Generator().manual_seed(seed)
        self.device = device
        self.iteration, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.parts: dict[str, nn.Module | Optimizer] = {}

    @abstractmethod
    def step(self) -> dict[str, float]:
        """Run one iteration; return the losses and whatever else the log should show."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """Return the weights that a card stores: the trained generator, ready for sampling."""

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of each network, without the averaged copies."""
        networks = {name: part for name, part in self.parts.items() if isinstance(part, nn.Module)}
        trained = {name: net for name, net in networks.items() if any(p.requires_grad for p in net.parameters())}
        return {name: sum(p.numel() for p in net.parameters()) for name, net in trained.items()}

    def draw(self, data: Tensor, count: int) -> Tensor:
        """Draw ``count`` rows of ``data``, with replacement, on the training's device."""
        index = torch.randint(len(data), (count,), generator=self.rng)
        return data[index.to(data.device)].to(self.device)

    def state(self) -> dict[str, Any]:
        return {
            "iteration": self.iteration,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "rng": self.rng.get_state(),
            "global_rng": torch.get_rng_state(),
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.iteration = int(state["iteration"])
        self.seconds, self.cpu_seconds = float(state["seconds"]), float(state["cpu_seconds"])
        self.rng.set_state(state["rng"])
        torch.set_rng_state(state["global_rng"])
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])


def save_checkpoint(training: Training, folder: Path) -> None:
    """Write the whole state, replacing the checkpoint before it."""
    buffer = io.BytesIO()
    torch.save(training.state(), buffer)
    with atomic_write(folder / CHECKPOINT) as stream:
        stream.write(buffer.getbuffer())


def resume(training: Training, folder: Path) -> None:
    """Go on from a folder's checkpoint, dropping what its log says of later iterations.

    Raises
    ------
    InputError
        The checkpoint is damaged, or of another training.
    """
    path = folder / CHECKPOINT
    try:
        # PyTorch remarks on pickles that others wrote.
        with no_warnings():
            training.restore(_state(path))
    # Bytes from anywhere can make the readers raise anything.
    except Exception as error:
        reason = shown(str(error).partition("\n")[0][:200]) or type(error).__name__
        what = f"the checkpoint cannot be resumed: {reason}"
        hint = "Train into another folder, or delete it"
        raise InputError(what, where=shown(path), hint=hint, code="E-CHECKPOINT") from error
    kept = [entry for entry in read_log(folder) if entry["iteration"] <= training.iteration]
    with atomic_write(folder / LOG) as stream:
        stream.writelines((json.dumps(entry) + "\n").encode() for entry in kept)


def _state(path: Path) -> Any:
    """Return the content of a checkpoint after checking its checksums, which PyTorch does not do."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"{damaged} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)


def read_log(folder: Path) -> list[dict[str, float]]:
    """Return the entries of a training's log, without lines that a kill left half written; none without a log."""
    path = folder / LOG
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [entry for entry in map(_entry, lines) if entry is not None]


def _entry(line: bytes) -> dict[str, float] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_entry = isinstance(entry, dict) and "iteration" in entry
    return entry if is_entry and all(type(value) in (int, float) for value in entry.values()) else None


def fit(
    training: Training,
    folder: Path,
    iterations: int,
    *,
    watch: Callable[[], dict[str, float]] | None = None,
    watch_every: int = 1000,
    progress: bool = True,
) -> None:
    """Run steps up to ``iterations``; checkpoint every minute, at the end, and when interrupted.

    Parameters
    ----------
    training : Training
    folder : Path
        Where ``checkpoint.pt`` and ``log.jsonl`` go.
    iterations : int
        The total, those before a resumption included.
    watch : callable, optional
        Scores of the generator as it stands, logged every ``watch_every`` iterations.

    Raises
    ------
    NumericalError
        A loss is no longer finite.
    """
    # A run that was killed before its first checkpoint left a log whose entries come again.
    if not training.iteration:
        with disk_errors(folder):
            (folder / LOG).unlink(missing_ok=True)
    try:
        with progress_bar(f"training in {shown(folder)[-30:]}", iterations, progress, unit="it") as bar:
            bar.update(training.iteration)
            for entry in _steps(training, folder, iterations):
                if training.iteration % LOG_EVERY == 0 or training.iteration == iterations:
                    _log(training, folder, entry)
                    bar.set_postfix({name: f"{value:.3g}" for name, value in entry.items()}, refresh=False)
                if watch is not None and (training.iteration % watch_every == 0 or training.iteration == iterations):
                    _log(training, folder, watch())
                bar.update()
    except (KeyboardInterrupt, SystemExit):
        save_checkpoint(training, folder)
        raise
    save_checkpoint(training, folder)


def _steps(training: Training, folder: Path, iterations: int) -> Iterator[dict[str, float]]:
    saved = time.monotonic()
    while training.iteration < iterations:
        start, cpu_start = time.monotonic(), time.process_time()
        # Half a step in a checkpoint would change all that follows.
        with signals_held():
            entry = training.step()
            training.iteration += 1
        training.seconds += time.monotonic() - start
        training.cpu_seconds += time.process_time() - cpu_start
        yield entry
        if time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            save_checkpoint(training, folder)
            saved = time.monotonic()


def _log(training: Training, folder: Path, entry: dict[str, float]) -> None:
    wrong = [name for name, value in entry.items() if value != value or value in (float("inf"), float("-inf"))]
    if wrong:
        what = f"{wrong[0]} is {entry[wrong[0]]} at iteration {training.iteration}: the training has diverged"
        raise NumericalError(what, where=shown(folder), hint="Lower the learning rate", code="E-DIVERGED")
    line = {"iteration": training.iteration, "seconds": round(training.seconds, 1)}
    with disk_errors(folder / LOG), open(folder / LOG, "a") as stream:
        stream.write(json.dumps({**line, **{name: round(value, 6) for name, value in entry.items()}}) + "\n")


def placed(net: Net, device: torch.device) -> Net:
    """Put a convolutional network on its device, channels last, which is a fifth faster on a CPU."""
    return net.to(device).to(memory_format=torch.channels_last)


def averaged(net: Net) -> Net:
    """Return a frozen copy of a network, which ``move_average`` moves."""
    return copy.deepcopy(net).requires_grad_(False)


@torch.no_grad()
def move_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move an average of weights: average <- decay average + (1 - decay) net; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in net.parameters()], 1 - decay)
    for mean, value in zip(average.buffers(), net.buffers(), strict=True):
        mean.copy_(value)


@torch.no_grad()
def settle_batch_norm(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give a network's batch normalisations the mean statistics of these inputs, and leave it in evaluation mode.

    Averaged weights never ran in training mode, so their running statistics are those of other weights.
    """
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            # ``None`` makes the statistics a plain mean over all batches.
            module.momentum = None
    net.train()
    for batch in batches:
        net(batch)
    net.eval()


def update(optimizer: Optimizer, loss: Tensor) -> None:
    """One step of gradient descent on a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def set_learning_rate(optimizer: Optimizer, value: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = value


def linear_decay(iteration: int, iterations: int, *, after: float) -> float:
    """Return a factor: 1 up to the fraction ``after`` of a training, then linearly down to 0 at its end."""
    return min(1.0, (iterations - iteration) / (iterations * (1 - after)))
