"""Sources of images: folders, archives, array files, tensors, data sets, loaders, functions and generators.

``open_source`` decides which one a value is; each kind is one file of this folder with a ``KIND`` record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from ganmetrics._arguments import check_keywords, with_keywords
from ganmetrics.data.kinds import kind_of, kinds
from ganmetrics.data.places.paths import place_of
from ganmetrics.data.places.refusals import refuse_path
from ganmetrics.data.reading_choices import DEFAULT_READING, Reading
from ganmetrics.data.source import DEFAULT_DRAWING, Drawing, Notes, Opening, Source, is_instance
from ganmetrics.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Notes", "Reading", "Source", "open_source"]


@with_keywords(Drawing, DEFAULT_DRAWING)
def open_source(
    value: Any,
    *,
    reading: Reading = DEFAULT_READING,
    name: str | None = None,
    labels: Any = None,
    **drawing: Unpack[Drawing],
) -> Source:
    """Return the source of images that a value stands for, checked as far as is cheap and not yet read.

    Parameters
    ----------
    value : Source, path, str, torch.Tensor, numpy.ndarray, list, Dataset, DataLoader, Module or callable
        A folder, .zip, .npz or .npy file; a pattern such as ``out/*_fake.png``; ``torchvision:NAME:SPLIT``; uint8
        [N, 3, H, W]; a list or an iterator of PIL images, arrays or paths; ``n -> images``; a generator.
    reading : Reading
        How images are read.
    value_range : (float, float), optional
        What float images call black and white, such as (0, 1) or (-1, 1); uint8 images and files need none.
    num_images : int, optional
        How many images to ask a function or a generator for; other sources bring their own number.
    name : str, optional
        The name for tables and messages, instead of the source's own.
    labels : path or sequence of int or str, optional
        One class for each image in order, or a file: ``name,class`` lines (.csv), StyleGAN's ``dataset.json``, one
        class a line or ``name class`` lines (.txt), or an .npy of whole numbers. They are those of the whole set, also
        where patterns or a sample pick some of it. By default the source's own classes.
    latents : int or callable, optional
        Of a generator network: the size of its standard normal latents, or a function of a count and a CPU
        ``torch.Generator`` that draws them; by default the size that the network's ``latent_dim`` or the like tells.
    seed : int
        Of a generator's images.

    Returns
    -------
    Source
        The value itself if it is a source already.

    Raises
    ------
    UsageError
        A value or an option that cannot be meant.
    InputError
        A missing or empty place, a broken archive, images of a wrong shape, dtype or range.
    StatisticsError
        An .npz file of saved statistics where images are wanted.

    Examples
    --------
    >>> import numpy as np
    >>> open_source(np.zeros((8, 32, 32, 3), dtype=np.uint8)).count
    8
    """
    check_keywords(open_source, drawing)
    if isinstance(value, Source):
        return value if labels is None else _labelled(value, labels, reading)
    opening = Opening(reading=reading, **drawing)
    kind = kind_of(value)
    if kind is None:
        _refuse(value)
    if opening.num_images is not None and not kind.is_counted_by_caller:
        what = "num_images is for a function that makes images; this source brings its own number"
        raise UsageError(what, where=kind.accepts, hint="Leave num_images out", code="E-SOURCE")
    if (opening.latents is not None or opening.seed) and not kind.takes_latents:
        what = "latents and seed are for a generator; this source brings its own images"
        raise UsageError(what, where=kind.accepts, hint="Leave them out", code="E-SOURCE")
    source = kind.open(value, opening)
    # These are imported where they are asked for, as a command needs few of them.
    if reading.prepare and not source.prepares:
        from ganmetrics.data.wrapped import preparing

        source = preparing(source, reading)
    if reading.include or reading.exclude or reading.sample:
        from ganmetrics.data.choosing import chosen

        source = chosen(source, reading)
    source.name, source.form = name or source.name, reading.form
    source.changes = reading.changes() if source.has_frames else replace(reading, every=1).changes()
    return source if labels is None else _labelled(source, labels, reading)


def _labelled(source: Source, labels: Any, reading: Reading) -> Source:
    from ganmetrics.data.labels import labelled

    return labelled(source, labels, reading.column)


def _refuse(value: Any) -> NoReturn:
    """Say why a value is no source of images."""
    if place_of(value) == "path":
        refuse_path(value)
    if is_instance(value, "datasets", "DatasetDict") or is_instance(value, "datasets", "IterableDatasetDict"):
        what = f"the value is a dictionary of the splits {', '.join(value)}; one set of images is wanted"
        hint = f"Pass one of them, as in dataset[{next(iter(value), 'test')!r}]"
        raise UsageError(what, hint=hint, code="E-SOURCE")
    accepted = "; ".join(sorted(kind.accepts for kind in kinds()))
    what = f"a value of type {type(value).__name__} is not a source of images; accepted are: {accepted}"
    raise UsageError(what, code="E-SOURCE")


# Users know this function as ``gm.source``.
source = open_source
