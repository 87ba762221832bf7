"""Trainings in folders of their own: begun, gone on with, and turned into cards."""

from __future__ import annotations

import dataclasses
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from ganmetrics._files import atomic_write, disk_errors, shown
from ganmetrics.errors import MALFORMED, InputError, UsageError
from ganmetrics.extractors.extraction import choose_device
from ganmetrics.extractors.weights import weight_store as weight_files
from ganmetrics.generators import setting_rules as allowed
from ganmetrics.generators.card_scores import REFERENCES, quick_fid
from ganmetrics.generators.cards import CARD, SYSTEMS, WEIGHTS, Card, load_sampler, write_card
from ganmetrics.generators.pictures import save_samples
from ganmetrics.generators.setting_rules import rules_of
from ganmetrics.generators.training import CHECKPOINT, fit, read_log, resume
from ganmetrics.registry import unknown
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganmetrics.generators.system import Recipe, System
    from ganmetrics.generators.training import Training

RUN = "run.json"
# Iterations between FIDs in the log of a training.
WATCH_EVERY = 1000


@dataclass(frozen=True)
class Run:
    """A training in a folder: its recipe with the user's changes, and the folder of its data."""

    folder: Path
    system: System
    recipe: Recipe
    seed: int
    data: str | None
    watch_every: int = WATCH_EVERY

    def training(self, device: str = "auto") -> Training:
        """Return the training at its last checkpoint, or at its beginning."""
        training = self.system.train(self.recipe, self.data, self.seed, choose_device(device))
        if (self.folder / CHECKPOINT).exists():
            resume(training, self.folder)
        return training

    def save(self) -> None:
        """Write what ``reopen`` needs into the folder."""
        facts = {"name": self.recipe.name, "seed": self.seed, "data": self.data, "iterations": self.recipe.iterations}
        facts["watch_every"] = self.watch_every
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.folder / RUN) as stream:
            settings = dataclasses.asdict(self.recipe.settings)
            stream.write(json.dumps({**facts, "settings": settings}, indent=1).encode())

    @property
    def command(self) -> str:
        """The command that repeats the training."""
        original = recipes()[self.recipe.name][1]
        words = ["ganmetrics", "generators", "train", self.recipe.name, "--seed", str(self.seed)]
        # The command names only what differs from the recipe.
        if self.recipe.iterations != original.iterations:
            words += ["--iterations", str(self.recipe.iterations)]
        for name, value in dataclasses.asdict(self.recipe.settings).items():
            if value != getattr(original.settings, name):
                words += ["--set", f"{name}={value}"]
        return shlex.join(words)


def recipes() -> dict[str, tuple[System, Recipe]]:
    """Return every recipe by its name, with its system."""
    return {recipe.name: (system, recipe) for system in SYSTEMS.records().values() for recipe in system.recipes}


def begin(
    name: str,
    folder: Path,
    *,
    data: str | None = None,
    seed: int = 0,
    iterations: int | None = None,
    changes: Sequence[str] = (),
) -> Run:
    """Begin a training of a recipe; the folder is not written to before ``train``.

    Raises
    ------
    UsageError
        An unknown recipe or setting, or a folder that holds a training already.
    """
    if name not in recipes():
        raise unknown("recipe", name, sorted(recipes()))
    if (folder / RUN).exists():
        hint = "Pass `resume=True` to go on with it, or another `output`"
        raise UsageError("the folder holds a training already", where=shown(folder), hint=hint, code="E-EXISTS")
    system, recipe = recipes()[name]
    recipe = dataclasses.replace(
        recipe, settings=changed(recipe.settings, changes), iterations=iterations or recipe.iterations
    )
    return Run(folder, system, recipe, seed, data)


def reopen(folder: Path, name: str | None = None, *, data: str | None = None) -> Run:
    """Reopen a training that was begun before, of the recipe ``name`` if one is given; data may have moved.

    Raises
    ------
    InputError
        The folder holds no training.
    UsageError
        The folder holds a training of another recipe.
    """
    try:
        facts = json.loads((folder / RUN).read_text())
        system, recipe = recipes()[facts["name"]]
        recipe = dataclasses.replace(
            recipe, settings=system.settings_of(facts["settings"]), iterations=int(facts["iterations"])
        )
        place = data or (facts["data"] and str(facts["data"]))
        run = Run(folder, system, recipe, int(facts["seed"]), place, int(facts.get("watch_every", WATCH_EVERY)))
    except (OSError, *MALFORMED) as error:
        hint = "Name the folder that 'ganmetrics generators train' wrote"
        raise InputError("no training is in this folder", where=shown(folder), hint=hint, code="E-RUN") from error
    if name not in (None, recipe.name):
        hint = "Name that recipe, or another `output`"
        raise UsageError(f"the folder holds a training of {recipe.name}, not {name}", where=shown(folder), hint=hint)
    return run


def changed(settings: Any, changes: Sequence[str]) -> Any:
    """Apply every NAME=VALUE to settings (UsageError for an unknown name or a value that cannot be)."""
    values: dict[str, str] = {}
    for change in changes:
        name, sign, text = change.partition("=")
        if name not in rules_of(settings):
            raise unknown("setting", name, sorted(rules_of(settings)))
        if not sign or name in values:
            what = f"the setting {name} is given twice" if sign else f"the setting {name} has no value"
            raise UsageError(what, hint=f"Write it once, as {name}=VALUE", code="E-SETTING")
        values[name] = text
    return allowed.changed(settings, values)


def train(run: Run, *, device: str = "auto", watch_every: int | None = None, progress: bool = True) -> None:
    """Run a training to its end, checkpointed, with FID along the way where its data have bundled statistics.

    FID is logged every ``watch_every`` iterations, 0 for never; by default as often as when the training began.
    """
    if watch_every is not None:
        run = dataclasses.replace(run, watch_every=watch_every)
    training = run.training(device)
    run.save()

    def watch() -> dict[str, float]:
        return quick_fid(run.recipe, run.system.sampler(run.recipe.settings, on_cpu(training.weights())))

    # FID needs images, and bundled statistics of the data to compare with.
    watched = watch if run.recipe.data in REFERENCES and run.watch_every and run.system.makes == "images" else None
    fit(training, run.folder, run.recipe.iterations, watch=watched, watch_every=run.watch_every, progress=progress)


def export(run: Run, folder: Path) -> Card:
    """Export a training as it is: a card without scores, weights in float16, and a picture of samples."""
    training = run.training("cpu")
    if run.recipe.iterations and not training.iteration:
        raise InputError("the training has no checkpoint yet", where=shown(run.folder), code="E-RUN")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # float16 halves the bundle; samplers compute in float32 or float64.
    stored = {name: value.half().contiguous() for name, value in on_cpu(training.weights()).items()}
    if stored:
        with disk_errors(folder):
            # An older card must never stand beside newer weights.
            (folder / CARD).unlink(missing_ok=True)
        with atomic_write(folder / WEIGHTS) as stream:
            stream.write(save(stored))
    card = Card(
        name=run.recipe.name,
        system=run.system.name,
        title=run.system.title,
        summary=run.recipe.summary,
        paper=run.system.paper,
        data=run.recipe.data,
        settings=dataclasses.asdict(run.recipe.settings),
        parameters=training.parameters(),
        training={
            "command": run.command,
            "seed": run.seed,
            "iterations": training.iteration,
            "seconds": round(training.seconds),
            "cpu_seconds": round(training.cpu_seconds),
            "threads": torch.get_num_threads(),
            "versions": {"ganmetrics": __version__, "torch": torch.__version__},
        },
        curve=tuple(thinned(read_log(run.folder))),
        fault=run.recipe.fault,
        weights=weight_files.digest(folder / WEIGHTS) if stored else "",
    )
    write_card(card, folder)
    save_samples(load_sampler(folder), run.system, folder)
    return card


def thinned(log: list[dict[str, float]], most: int = 100) -> list[dict[str, float]]:
    """About ``most`` evenly spaced entries of each kind that a log holds: losses, and scores along the way."""
    kinds: dict[tuple[str, ...], list[dict[str, float]]] = {}
    for entry in log:
        kinds.setdefault(tuple(entry), []).append(entry)
    kept = [entry for entries in kinds.values() for entry in entries[:: -(-len(entries) // most)]]
    return sorted(kept, key=lambda entry: entry["iteration"])


def on_cpu(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the floating-point values on the CPU, without the counters of batches."""
    return {name: value.detach().cpu() for name, value in weights.items() if value.is_floating_point()}
