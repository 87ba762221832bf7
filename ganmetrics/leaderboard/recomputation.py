"""The two child processes that score a submission: one decodes its images, the other scores the decoded pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganmetrics.leaderboard import sandbox
from ganmetrics.leaderboard.rules import Rules
from ganmetrics.leaderboard.sandbox import Limits


@dataclass(frozen=True)
class Machine:
    """What a scoring may use of the machine, and whether it is still wanted.

    Attributes
    ----------
    device : str
        Where the network runs.
    threads : int
        CPU threads of each child process.
    is_wanted : callable
        Asked every half second; once it returns false the child processes are ended.
    """

    device: str = "cpu"
    threads: int = 1
    is_wanted: Callable[[], bool] = lambda: True


CPU = Machine()


def recompute(rules: Rules, file: Path, reference: Path, *, scratch: Path, grid: Path, machine: Machine = CPU) -> Any:
    """Return what the child processes say of a submitted file: the facts of a record.

    Parameters
    ----------
    rules : Rules
    file : Path
        The submission, a zip or npz file.
    reference : Path
        The folder of the measured references.
    scratch : Path
        A folder for the decoded pixels.
    grid : Path
        Where the picture of samples is written.
    machine : Machine

    Raises
    ------
    RejectedError
        The submission breaks a rule or a limit.
    ResourceError
        The machine has no room, or the scoring is no longer wanted.
    """
    pixels, place = str(scratch.resolve() / "pixels.npy"), str(file.resolve())
    job: dict[str, Any] = {"rules": rules.to_json(), "pixels": pixels}
    # The decoder meets a stranger's bytes, so it sees that one file and writes to the scratch folder alone.
    limits = replace(_decoding_limits(rules), reads=(place,), writes=str(scratch.resolve()))
    names = sandbox.run("decoding", {**job, "file": place}, limits, alive=machine.is_wanted)["names"]
    places = {"reference": str(reference.resolve()), "grid": str(grid.resolve())}
    job |= {"names": names, "device": machine.device, "threads": machine.threads, **places}
    limits = _scoring_limits(rules, machine.device)
    return sandbox.run("submission_scores", job, limits, threads=machine.threads, alive=machine.is_wanted)


def _decoding_limits(rules: Rules) -> Limits:
    pixels = 3 * rules.num_images * rules.width * rules.height
    return Limits(memory=4 << 30, seconds=60 + pixels // 1_000_000 + rules.num_images // 50, file_bytes=pixels + 4096)


def _scoring_limits(rules: Rules, device: str) -> Limits:
    # CUDA reserves address space that it never uses, so that only a CPU's scoring can be limited.
    memory = (16 << 30) + (64 << 10) * rules.num_images if device == "cpu" else 0
    return Limits(memory=memory, seconds=900 + 2 * rules.num_images, file_bytes=1 << 30)
