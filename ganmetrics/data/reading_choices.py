"""How images are read: the choices of one reading, each checked, and as signatures write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganmetrics._arguments import described, interval, path, whole
from ganmetrics.data.reading.pixel_form import RGB8, TAKEN, PixelForm
from ganmetrics.data.reading.preparing import check_steps
from ganmetrics.errors import UsageError

CHOICES = {
    "on_error": ("error", "skip"),
    "alpha": ("error", "white", "black", "drop"),
    "frames": ("error", "first"),
    "exif": ("ignore", "transpose"),
    "classes": ("auto", "folders", "none"),
    "engine": ("local", "ranks", "ray"),
    "dtype": tuple(TAKEN),
}

# Of a sample whose rule names none.
SAMPLE_SEED = 2020
SAMPLE = re.compile(r"(first:)?(\d{1,12})(?:@(\d{1,12}))?")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How images are read; every field that changes pixels stands in the signature when it is not the default.

    Parameters
    ----------
    on_error : {"error", "skip"}
        What a file that cannot be read does: end the run with the list of such files, or be counted and left out.
    alpha : {"error", "white", "black", "drop"}
        Images with transparent pixels: refuse them, paint them on white or black, or drop the channel.
    frames : {"error", "first"}
        Images of several frames or pages: refuse them, or take the first.
    exif : {"ignore", "transpose"}
        The EXIF orientation: ignored, as every peer does, or applied.
    levels : (float, float), optional
        The numbers that are black and white in images of more than 8 bits a channel, such as ``(0, 4095)`` for images
        of 12 bits in files of 16; by default those of the depth that the file states. Numbers beyond are clipped.
        Images of 8 bits are read as they are; one whose file says that white is zero is inverted afterwards.
    prepare : str, optional
        Crops and resizes before anything else, such as ``adm-crop:256`` (guided-diffusion's), ``fidelity-crop:256``
        (torch-fidelity's), ``center-crop``, ``center-crop:N``, ``resize:N``, ``resize:HxW:lanczos`` or ``pad``; several
        are joined by ``+``. One number is the shorter side, and filters are bicubic, bilinear, lanczos and area.
    include, exclude : str or sequence of str
        Patterns of the relative names of images that are taken, and of those that are not, such as ``*_fake_B.png``. A
        pattern without a slash fits in every folder; ``**`` fits any folders.
    sample : int or str, optional
        How many images are drawn: a number, ``"1000@7"`` with another seed than 2020, or ``"first:1000"``. The names
        decide which, or without names the places, whatever the order of reading.
    every : int
        Of videos every so many-th frame is taken, the first always.
    root : str, optional
        Where the names in a list file ``@names.txt`` start; by default in its own folder.
    channels : int
        Of the images, where a network of one's own takes others than three; see ``load_extractor``.
    dtype : {"uint8", "uint16", "float32"}
        Of the images, where a network of one's own takes others than 8 bits: numbers of 16 bits, which it gets as int32
        in 0..65535, or floats as they are.
    max_pixels : int
        The most pixels an image file may have; decoding one of the default's size takes about a gigabyte.
    classes : {"auto", "folders", "none"}
        The class of an image file, for metrics and tables of classes: by StyleGAN's ``dataset.json``, else by its
        sub-folder of the first level unless those are numbered parts or splits; by that sub-folder in any case; or
        unknown.
    label_column : str or int, optional
        Of several labels of each image, as attributes of faces are, the one that is its class: a column's name, or its
        number from 0.
    workers : int or None
        Processes that decode; ``None`` chooses by the number of cores, 0 decodes in this process.
    engine : {"local", "ranks", "ray"}
        Where images are processed: in this process, in every rank of ``torch.distributed``, or on a Ray cluster. All
        ranks must make the same call. Ray needs ``pip install 'ganmetrics[ray]'``.
    cache : bool
        Whether features of files are kept in the user's cache and found there the next time.
    progress : bool
        Whether a bar on stderr shows how far the run is.
    thumbnails : bool
        Whether small pictures of all images are kept, which reports show: about 300 MiB at most for each set of up to a
        million images, and less where they are small or few.
    """

    on_error: str = "error"
    alpha: str = "error"
    frames: str = "error"
    exif: str = "ignore"
    levels: tuple[float, float] | None = None
    prepare: str | None = None
    include: str | Sequence[str] = ()
    exclude: str | Sequence[str] = ()
    sample: int | str | None = None
    every: int = 1
    root: str | None = None
    channels: int = 3
    dtype: str = "uint8"
    max_pixels: int = 64_000_000
    classes: str = "auto"
    label_column: str | int | None = None
    workers: int | None = None
    engine: str = "local"
    cache: bool = True
    progress: bool = False
    thumbnails: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in choices:
                what = f"{name} is {described(value)}; it must be one of {', '.join(choices)}"
                raise UsageError(what, where=f"Reading.{name}")
        if self.levels is not None:
            levels = interval(self.levels, "levels", "Images of 12 bits have (0, 4095)", where="Reading.levels")
            object.__setattr__(self, "levels", levels)
        if self.prepare is not None:
            check_steps(self.prepare)
        for name in ("include", "exclude"):
            object.__setattr__(self, name, _patterns(getattr(self, name), name))
        if self.sample is not None:
            object.__setattr__(self, "sample", _sample(self.sample))
        if self.label_column is not None:
            object.__setattr__(self, "label_column", _column(self.label_column))
        whole(self.every, "every", 1)
        if self.root is not None:
            path(self.root, "Reading.root")
        whole(self.channels, "channels", 1)
        self._check_form()
        whole(self.max_pixels, "max_pixels", 1)
        if self.workers is not None:
            whole(self.workers, "workers", 0)

    @property
    def column(self) -> str:
        """The column of labels that was chosen; empty where none was."""
        return "" if self.label_column is None else str(self.label_column)

    @property
    def form(self) -> PixelForm:
        """The form that images get."""
        return PixelForm(self.channels, self.dtype)

    def for_network(self, form: PixelForm) -> Reading:
        """The reading with the images that a network takes, where nothing was said of their form."""
        return replace(self, channels=form.channels, dtype=form.dtype) if self.form == RGB8 != form else self

    def _check_form(self) -> None:
        """Refuse choices that are for RGB images of 8 bits beside another form (UsageError)."""
        if self.form == RGB8:
            return
        for name, default in {"prepare": None, "levels": None, "alpha": "error", "exif": "ignore"}.items():
            if getattr(self, name) != default:
                what = f"{name} is for RGB images of 8 bits, and these have {self.form.words}"
                raise UsageError(what, where=f"Reading.{name}", hint=f"Leave {name} out, or channels and dtype")

    def changes(self) -> tuple[str, ...]:
        """The choices that change pixels or pick images and are not the default, as the signature writes them."""
        fields = ("alpha", "frames", "exif")
        found = [f"{name}={getattr(self, name)}" for name in fields if getattr(self, name) != CHOICES[name][0]]
        found += [] if self.levels is None else ["levels={:.15g}..{:.15g}".format(*self.levels)]
        found += [f"{name}={pattern}" for name in ("include", "exclude") for pattern in getattr(self, name)]
        found += [] if self.label_column is None else [f"label_column={self.label_column}"]
        found += [f"every={self.every}"] if self.every > 1 else []
        found += [f"{name}={value}" for name in ("sample", "prepare") if (value := getattr(self, name))]
        return tuple(found)


def _patterns(value: Any, name: str) -> tuple[str, ...]:
    patterns = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, (list, tuple)) else ()
    odd = [each for each in patterns if not isinstance(each, str) or not each.isprintable() or not each.strip("|")]
    if odd or not (patterns or isinstance(value, (list, tuple))) or any("|" in each for each in patterns):
        what = f"{name} is {described(value)}; expected patterns of names such as '*_fake_B.png', without |"
        raise UsageError(what, where=f"Reading.{name}")
    return patterns


def _column(value: Any) -> str:
    """A column's name or number as text (UsageError)."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not text.strip() or not text.isprintable() or "|" in text or text.startswith("-"):
        what = f"label_column is {described(value)}; expected the name of a column, or its number from 0"
        raise UsageError(what, where="Reading.label_column")
    return text


def _sample(value: Any) -> str:
    """A rule of sampling with its seed spelled out (UsageError)."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    found = SAMPLE.fullmatch(str(value)) if is_number or isinstance(value, str) else None
    if found is None or int(found[2]) < 2 or (found[1] and found[3]):
        what = f"sample is {described(value)}; expected a number of images from 2, such as 1000, 1000@7 or first:1000"
        raise UsageError(what, where="Reading.sample")
    return f"first:{int(found[2])}" if found[1] else f"{int(found[2])}@{int(found[3] or SAMPLE_SEED)}"


def chosen_reading(reading: Reading | None) -> Reading:
    """How files are read: as the caller says, or by default (UsageError for what says nothing about reading)."""
    if reading is not None and not isinstance(reading, Reading):
        raise UsageError(f"reading is {described(reading)}; it must be a gm.Reading", where="reading")
    return reading or Reading()


DEFAULT_READING = Reading()
