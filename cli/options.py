"""The options that commands share; each command takes them as one ``Settings``."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganmetrics._wording import OF_METRICS, Option

if TYPE_CHECKING:
    from ganmetrics import Reading

Command = TypeVar("Command", bound=Callable[..., Any])
METAVAR = "NAME[:LAYER]"
PREFIX = "ganmetrics."
# where a parameter and the option that stands for it have different names
RENAMED = {"assume": "assume_recipe", "exif": "exif_transpose", OF_METRICS: "changes", "limit": "max_memory"}
ELSEWHERE = {"reads": Option("ganmetrics stats build --keep")}  # what another command is for


@dataclass(frozen=True)
class Settings:
    """What the shared options of one call say."""

    reading: Reading
    extractor: str | None = None
    weights: str | None = None
    device: str = "auto"
    batch_size: int | None = None
    seed: int = 2020
    ci: str = "fast"
    protocol: str | None = None
    changes: tuple[str, ...] = ()
    assume_recipe: str | None = None
    strict: bool = False
    json_path: str | None = None
    html_path: str | None = None
    force: bool = False
    is_first: bool = True  # of the ranks that run this command: the one that prints and writes

    @staticmethod
    def of(ctx: click.Context) -> Settings:
        """The settings of the command that is running, whose ranks meet here."""
        from ganmetrics import Reading
        from ganmetrics.extractors import respelled

        values = {name.removeprefix(PREFIX): value for name, value in ctx.meta.items() if name.startswith(PREFIX)}
        exif = "transpose" if values.pop("exif_transpose") else "ignore"
        engine = values.pop("engine", None) or ("ranks" if is_launched() else "local")
        is_first = engine != "ranks" or _rank_among(ctx) == 0
        progress = not values.pop("quiet") and is_first
        if way := values.pop("way", None):
            values["extractor"] = respelled(values["extractor"], way)
        names = ("workers", "on_error", "alpha", "frames", "levels", "max_pixels", "classes", "cache")
        reading = Reading(
            exif=exif,
            progress=progress,
            engine=engine,
            thumbnails=values.get("html_path") is not None,
            **{name: values.pop(name) for name in names if name in values},
        )
        return Settings(reading=reading, is_first=is_first, **values)


def spelled(command: click.Command) -> dict[str, Option]:
    """How a command spells the parameters that messages name; see ``ganmetrics._wording``."""
    found = {each.name: each for each in command.params if isinstance(each, click.Option) and each.name}
    options = {name: Option(max(each.opts, key=len), not each.is_flag) for name, each in found.items()}
    options |= {
        f"{name}=False": Option(each.secondary_opts[-1], False) for name, each in found.items() if each.secondary_opts
    }
    renamed = {ours: options[its] for ours, its in RENAMED.items() if its in options}
    return {**ELSEWHERE, **options, **renamed}


def is_launched() -> bool:
    """Whether torchrun, or what sets the same variables, started this process as one of several."""
    names = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    return all(name in os.environ for name in names) and os.environ["WORLD_SIZE"] not in ("", "1")


def _rank_among(ctx: click.Context) -> int:
    """This process among the ranks, which know of each other for as long as the command runs."""
    from ganmetrics.distributed import ranks

    ctx.with_resource(ranks.joined())
    return ranks.rank()


def file_options(command: Command) -> Command:
    """Options about files, for every command that reads images."""
    for option in reversed(
        [
            _shared("--on-error", type=click.Choice(["error", "skip"]), default="error", show_default=True,
                    help="A file that cannot be read ends the run, or is counted and left out."),
            _shared("--alpha", type=click.Choice(["error", "white", "black", "drop"]), default="error",
                    show_default=True, help="Transparent pixels: refuse, paint on a colour, or drop the channel."),
            _shared("--frames", type=click.Choice(["error", "first"]), default="error", show_default=True,
                    help="Images of several frames: refuse, or take the first."),
            _shared("--classes", type=click.Choice(["auto", "folders", "none"]), default="auto", show_default=True,
                    help="Classes of image files: dataset.json or sub-folders that are not numbered chunks; any "
                    "sub-folders; or none."),
            _shared("--levels", callback=_as_levels, metavar="LOW:HIGH",
                    help="Black and white of images of more than 8 bits, such as 0:4095 for 12 bits in files of 16.  "
                    "[default: by the depth that each file states]"),
            _shared("--max-pixels", type=click.IntRange(min=1), default=64_000_000, show_default=True, metavar="N",
                    help="Refuse images of more pixels, which could fill the memory."),
            _shared("--exif-transpose", is_flag=True, help="Apply EXIF orientations; peers ignore them."),
            memory_option,
            _shared("--quiet", "-q", is_flag=True, help="Show no progress bar."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def reading_options(command: Command) -> Command:
    """The same, and those of the network that sees them."""
    for option in reversed(
        [
            _shared("--extractor", metavar=METAVAR, help="inception, digits, fashion, vgg16 …, with a layer as in "
                    "inception:768; see `list extractors`.  [default: inception, or that of saved statistics]"),
            _shared("--exact", "way", flag_value="exact", help="Inception in the peers' order of operations: equal to "
                    "torch-fidelity to the last digits, half as fast."),
            _shared("--fast", "way", flag_value="fast", help="The network in TF32, on NVIDIA GPUs; signatures say so."),
            _shared("--weights", metavar="FILE", help="A weights file in place of the network's own."),
            _shared("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]|mps"),
            _shared("--batch-size", type=click.IntRange(min=1), metavar="N",
                    help="Images in one forward pass.  [default: by device]"),
            _shared("--workers", type=click.IntRange(min=0), metavar="N",
                    help="Decoding processes.  [default: by cores]"),
            _shared("--engine", type=click.Choice(["local", "ranks", "ray"]),
                    help="Who reads: this process, the ranks of torchrun, or a cluster by Ray.  [default: ranks under "
                    "torchrun]"),
            _shared("--cache/--no-cache", default=True, show_default=True,
                    help="Keep features of files, and take those that were kept; see `ganmetrics cache`."),
        ]
    ):  # fmt: skip
        command = option(command)
    return file_options(command)


def scoring_options(command: Command) -> Command:
    """The same, and those of every command that prints scores."""
    for option in reversed(
        [
            seed_option,
            _shared("--set", "changes", multiple=True, metavar="METRIC.OPTION=VALUE",
                    help="An option of a metric, such as kid.subset_size=500; may be repeated."),
            _shared("--protocol", metavar="NAME",
                    help="Whose numbers to reproduce, such as clean-fid; see ganmetrics list protocols."),
            _shared("--ci", type=click.Choice(["fast", "bootstrap", "off"]), default="fast", show_default=True,
                    help="How 95 % intervals are made."),
            _shared("--assume-recipe", type=click.Choice(["torch-fidelity", "pytorch-fid"]),
                    help="Vouch that statistics without a recipe were made by this other package."),
            _shared("--strict", is_flag=True, help="End with an error where there would be warnings."),
            json_option,
            force_option,
        ]
    ):  # fmt: skip
        command = option(command)
    return reading_options(command)


def diagnosis_options(command: Command) -> Command:
    """Options of reading, and of a command that prints verdicts."""
    for option in (force_option, html_option, json_option, seed_option):
        command = option(command)
    return reading_options(command)


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    ctx.meta[f"{PREFIX}{parameter.name}"] = value


def _as_levels(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Two numbers (UsageError for anything else)."""
    levels = None
    if value is not None:
        from ganmetrics import Reading, UsageError

        try:
            low, high = map(float, value.split(":"))
        except ValueError as error:
            what = f"--levels {value}: expected LOW:HIGH, the numbers that are black and white"
            raise UsageError(what, where="--levels", hint="Images of 12 bits in files of 16 have 0:4095") from error
        levels = Reading(levels=(low, high)).levels
    _keep(ctx, parameter, levels)


def _limited(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Bound the blocks for as long as the command runs."""
    if value is not None:
        from ganmetrics import memory_limit

        ctx.with_resource(memory_limit(value))


def _shared(*names: str, **facts: Any) -> Callable[[Command], Command]:
    return click.option(*names, expose_value=False, **{"callback": _keep, **facts})


seed_option = _shared("--seed", default=2020, show_default=True, help="Of every subset and shuffle.")
memory_option = _shared(
    "--max-memory",
    metavar="SIZE",
    callback=_limited,
    help="Memory for a run's buffers: images on their way, blocks of distances; such as 2GB.  [default: 256MiB]",
)
json_option = _shared("--json", "json_path", metavar="FILE|-", help="Write the result as JSON; - prints it instead.")
html_option = _shared(
    "--html", "html_path", metavar="FILE", help="Write a report with figures and pictures, one file for any browser."
)
force_option = _shared(
    "--force", is_flag=True, help="Overwrite an output that exists; compare results of different protocols."
)
