"""The options that commands share; each command takes them as one ``Settings``."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganmetrics._wording import OF_METRICS, Option

from .grouped_help import COMMON, IMAGES, NETWORK, OUTPUT, SCORES
from .output_options import (
    PREFIX,
    fail_if_option,
    force_option,
    format_option,
    html_option,
    json_option,
    seed_option,
    shared,
)
from .sets import PATTERNS, SINGLE, SetChoice, bounds, opened, readings

if TYPE_CHECKING:
    from ganmetrics import Reading

Command = TypeVar("Command", bound=Callable[..., Any])
METAVAR = "NAME[:LAYER]"
DEVICES = "auto|cpu|cuda[:N]|mps"
# Parameters of the library whose option has another name.
RENAMED = {"assume": "assume_recipe", "exif": "exif_transpose", OF_METRICS: "changes", "limit": "max_memory"}
# Parameters of the library that an option of another command stands for.
ELSEWHERE = {"reads": Option("ganmetrics stats build --keep")}


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
    features_name: str | None = None
    logits: tuple[str, ...] = ()
    strict: bool = False
    fail_if: tuple[str, ...] = ()
    printed: str = "text"
    json_path: str | None = None
    html_path: str | None = None
    bibtex_path: str | None = None
    force: bool = False
    choices: Mapping[str, SetChoice] = field(default_factory=dict)
    set_options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Of the ranks that run this command, the first one prints and writes.
    is_first: bool = True

    @staticmethod
    def of(ctx: click.Context) -> Settings:
        """Return the settings of the command that is running; torchrun's ranks meet here."""
        from ganmetrics import Reading, memory_limit
        from ganmetrics.distributed import LAUNCHED
        from ganmetrics.extractors import respelled

        values = _values_of(ctx)
        if limit := values.pop("max_memory"):
            # Buffers are bounded for as long as the command runs.
            ctx.with_resource(memory_limit(limit))
        if text := values["levels"]:
            values["levels"] = bounds(text, "--levels", "Images of 12 bits in files of 16 have 0:4095")
        # Under torchrun the ranks share the images unless another engine is asked for.
        is_launched = all(name in os.environ for name in LAUNCHED) and os.environ["WORLD_SIZE"] not in ("", "1")
        engine = values.pop("engine", None) or ("ranks" if is_launched else "local")
        is_first = engine != "ranks" or _rank_among(ctx) == 0
        values |= _printed_as(values)
        if way := values.pop("way", None):
            values["extractor"] = respelled(values["extractor"], way)
        set_options = {name: values.pop(name) for name in (*PATTERNS, *SINGLE) if name in values}
        names = {each.name for each in fields(Reading)}
        base = partial(
            Reading,
            exif="transpose" if values.pop("exif_transpose") else "ignore",
            progress=not values.pop("quiet") and is_first,
            engine=engine,
            thumbnails=values.get("html_path") is not None,
            **{name: values.pop(name) for name in names & set(values)},
        )
        reading, choices = readings(base, set_options)
        return Settings(reading=reading, choices=choices, set_options=set_options, is_first=is_first, **values)

    @staticmethod
    def of_output(ctx: click.Context) -> Settings:
        """Return the settings of a command that reads no images and has options about its output alone."""
        from ganmetrics import Reading

        values = _values_of(ctx)
        return Settings(reading=Reading(), **{**values, **_printed_as(values)})

    def opened(self, sides: Sequence[tuple[str, Any]]) -> list[Any]:
        """Return sets by their roles, opened where options say something about one alone (UsageError)."""
        return opened(sides, self.choices, self.set_options, self.extractor, self.protocol)

    def arguments_of(self, verb: Callable[..., Any]) -> dict[str, Any]:
        """Return the arguments that a function of the library takes of these settings."""
        # The signature of a verb lists every keyword, the shared ones too.
        taken = inspect.signature(verb).parameters
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name in taken}


def spelled(command: click.Command) -> dict[str, Option]:
    """Return how a command spells the parameters that messages name; ``ganmetrics._wording`` puts them in place."""
    found = {each.name: each for each in command.params if isinstance(each, click.Option) and each.name}
    options = {name: _option(each) for name, each in found.items()}
    options |= {
        f"{name}=False": Option(each.secondary_opts[-1], False) for name, each in found.items() if each.secondary_opts
    }
    renamed = {ours: options[its] for ours, its in RENAMED.items() if its in options}
    return {**ELSEWHERE, **options, **renamed}


def _values_of(ctx: click.Context) -> dict[str, Any]:
    """Return the values of the shared options of a command."""
    return {name.removeprefix(PREFIX): value for name, value in ctx.meta.items() if name.startswith(PREFIX)}


def _printed_as(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``--json -`` says: it is another spelling of ``--format json``, and no file."""
    return {"json_path": None, "printed": "json"} if values.get("json_path") == "-" else {}


def _option(option: click.Option) -> Option:
    takes_set = (option.metavar or "").startswith("[SET:]")
    return Option(max(option.opts, key=len), not option.is_flag, takes_set)


def _rank_among(ctx: click.Context) -> int:
    """Return the rank of this process; the ranks know of each other for as long as the command runs."""
    from ganmetrics.distributed import ranks

    ctx.with_resource(ranks.joined())
    return ranks.rank()


def set_argument(name: str) -> Callable[[Command], Command]:
    """Return a positional argument that names a set of images; a shell completes it by files and bundled names."""
    return click.argument(name, shell_complete=_complete_set)


def file_options(command: Command) -> Command:
    """Add the options about files and sets, for commands that read images."""
    return _all(command, [*SET_OPTIONS, *FILE_OPTIONS])


def hosting_options(command: Command) -> Command:
    """Add the options about files and about the network, for a board, whose sets are chosen by its rules."""
    return _all(command, [*NETWORK_OPTIONS, *FILE_OPTIONS])


def reading_options(command: Command) -> Command:
    """Add the options about files, sets and the network, for commands that compute features."""
    return _all(command, [*NETWORK_OPTIONS, *SET_OPTIONS, *FILE_OPTIONS])


def scoring_options(command: Command) -> Command:
    """Add the options about files, sets, the network and scores, for commands that print scores."""
    return _all(command, [*SCORE_OPTIONS, *FEATURE_OPTIONS, *NETWORK_OPTIONS, *SET_OPTIONS, *FILE_OPTIONS])


def diagnosis_options(command: Command) -> Command:
    """Add the options about files, sets, the network and output, for the command that prints verdicts."""
    output = [seed_option, format_option, json_option, html_option, force_option]
    return _all(command, [*output, *FEATURE_OPTIONS, *NETWORK_OPTIONS, *SET_OPTIONS, *FILE_OPTIONS])


def _all(command: Command, options: Sequence[Callable[[Any], Any]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _complete_set(ctx: click.Context, parameter: click.Parameter, typed: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    from ganmetrics.measurement import archive
    from ganmetrics.measurement.published_statistics import PUBLISHED

    names = [CompletionItem(name) for name in [*archive.index(), *PUBLISHED] if typed and name.startswith(typed)]
    return [*names, CompletionItem(typed, type="file")]


# One list for each kind of option, in the order in which the help shows them.
SET_OPTIONS = [
    shared("--include", multiple=True, metavar="[SET:]PATTERN", cls=IMAGES,
            help="Take the images whose names fit, such as 'seed1*.png'. May be repeated. SET is real, fake or test "
            "where one alone is meant."),
    shared("--exclude", multiple=True, metavar="[SET:]PATTERN", cls=IMAGES,
            help="Leave out the images whose names fit. May be repeated."),
    shared("--sample", multiple=True, metavar="[SET:]N[@SEED]", cls=IMAGES,
            help="Draw N of the images, the same whatever the order of reading. first:N takes the first."),
    shared("--prepare", multiple=True, metavar="[SET:]STEPS", cls=IMAGES,
            help="Crop or resize before anything else. STEPS are adm-crop:N, fidelity-crop:N, center-crop[:N], "
            "resize:N or pad, joined by +."),
    shared("--labels", multiple=True, metavar="[SET:]FILE", cls=IMAGES,
            help="A file with the class of each image. It is for the real ones if no SET is named. It holds "
            "name,class lines (.csv), StyleGAN's dataset.json, a class a line (.txt), or an array (.npy).  "
            "[default: the images' own classes]"),
    shared("--label-column", multiple=True, metavar="[SET:]COLUMN", cls=IMAGES,
            help="Which of several labels is the class. Give the column's name, or its number from 0."),
    shared("--value-range", multiple=True, metavar="[SET:]LOW:HIGH", cls=IMAGES,
            help="Black and white of float images in npy and npz files. Give -1:1 for images that end in tanh."),
    shared("--every", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", cls=IMAGES,
            help="Take every N-th frame of videos."),
    shared("--root", metavar="FOLDER", cls=IMAGES,
            help="The folder in which the names of a list @FILE start.  [default: that of the list]"),
]  # fmt: skip
FILE_OPTIONS = [
    shared("--on-error", type=click.Choice(["error", "skip"]), default="error", show_default=True, cls=IMAGES,
            help="What to do with a file that cannot be read. skip counts it and leaves it out."),
    shared("--alpha", type=click.Choice(["error", "white", "black", "drop"]), default="error", show_default=True,
            cls=IMAGES, help="Transparent pixels: refuse, paint on, or drop alpha."),
    shared("--frames", type=click.Choice(["error", "first"]), default="error", show_default=True, cls=IMAGES,
            help="Images of several frames: refuse, or take the first."),
    shared("--classes", type=click.Choice(["auto", "folders", "none"]), default="auto", show_default=True, cls=IMAGES,
            help="Where the classes of images come from. auto takes dataset.json, or sub-folders that are not "
            "numbered parts of a set. folders takes any sub-folders."),
    shared("--levels", metavar="LOW:HIGH", cls=IMAGES,
            help="Black and white of images of more than 8 bits. Give 0:4095 for 12 bits in files of 16.  "
            "[default: by the depth that each file states]"),
    shared("--max-pixels", type=click.IntRange(min=1), default=64_000_000, show_default=True, metavar="N", cls=IMAGES,
            help="Refuse images of more pixels. They could fill the memory."),
    shared("--exif-transpose", is_flag=True, cls=IMAGES, help="Apply EXIF orientations. Other packages ignore them."),
    shared("--max-memory", metavar="SIZE", cls=COMMON,
            help="Memory for images and distances, such as 2GB.  [default: 256MiB]"),
    shared("--quiet", "-q", is_flag=True, cls=COMMON, help="Show no progress bar."),
]  # fmt: skip
NETWORK_OPTIONS = [
    shared("--extractor", metavar=METAVAR, cls=NETWORK,
            help="The network that turns images into features. Names such as inception, digits or vgg16 may have a "
            "layer, as inception:768. `ganmetrics list extractors` lists them.  [default: inception, or that of saved "
            "statistics]"),
    shared("--exact", "way", flag_value="exact", cls=NETWORK,
            help="Run Inception in torch-fidelity's order of operations. Scores are equal to the last digits; it takes "
            "twice the time."),
    shared("--fast", "way", flag_value="fast", cls=NETWORK,
            help="Run the network in TF32 on NVIDIA GPUs. Signatures say so."),
    shared("--weights", metavar="FILE", cls=NETWORK, help="A weights file in place of the network's own."),
    shared("--device", default="auto", show_default=True, metavar=DEVICES, cls=NETWORK,
            help="Where the network runs."),
    shared("--batch-size", type=click.IntRange(min=1), metavar="N", cls=NETWORK,
            help="Images in one forward pass.  [default: by device]"),
    shared("--workers", type=click.IntRange(min=0), metavar="N", cls=NETWORK,
            help="Number of decoding processes.  [default: by cores]"),
    shared("--engine", type=click.Choice(["local", "ranks", "ray"]), cls=NETWORK,
            help="Where images are processed. local is this process, ranks are torchrun's, ray is a Ray cluster.  "
            "[default: ranks under torchrun, else local]"),
    shared("--cache/--no-cache", default=True, show_default=True, cls=NETWORK,
            help="Reuse the features of files. `ganmetrics cache` manages them."),
]  # fmt: skip
# For sets that hold features in place of images.
FEATURE_OPTIONS = [
    shared("--features-name", metavar="NAME", cls=NETWORK,
            help="The sets hold features of the network NAME of your own. Each set is an "
            ".npy, .npz or .safetensors file of an array [N, D]."),
    shared("--logits", multiple=True, metavar="FILE", cls=NETWORK,
            help="Logits [N, K] beside features, for the Inception Score. One file belongs to the last set; repeat the "
            "option to give one to each set, in their order."),
]  # fmt: skip
SCORE_OPTIONS = [
    seed_option,
    shared("--set", "changes", multiple=True, metavar="METRIC.OPTION=VALUE", cls=SCORES,
            help="Set an option of a metric, such as kid.subset_size=500. May be repeated."),
    shared("--protocol", metavar="NAME", cls=SCORES,
            help="Reproduce the numbers of another package. Names such as clean-fid: `ganmetrics list protocols`."),
    shared("--ci", type=click.Choice(["fast", "bootstrap", "off"]), default="fast", show_default=True, cls=SCORES,
            help="How the 95 % intervals are made."),
    shared("--assume-recipe", metavar="NAME", cls=SCORES,
            help="Say which package made statistics without a recipe. Names are those of `ganmetrics list protocols`; "
            "with --weights they were made by those weights."),
    shared("--strict", is_flag=True, cls=SCORES, help="End with an error where there would be warnings."),
    shared("--bibtex", "bibtex_path", metavar="FILE", cls=OUTPUT, help="Write BibTeX entries of the metrics' papers."),
    fail_if_option,
    format_option,
    json_option,
    force_option,
]  # fmt: skip
