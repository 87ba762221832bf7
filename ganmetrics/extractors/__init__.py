"""The extractors: one file each, a network and an ``EXTRACTOR`` record."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ganmetrics._arguments import one_of, path, whole
from ganmetrics.data.reading.pixel_form import RGB8, TAKEN, PixelForm
from ganmetrics.errors import UsageError
from ganmetrics.extractors.extractor import Extractor, ExtractorRecord, check_resize
from ganmetrics.registry import Registry

if TYPE_CHECKING:
    import os

# Before the name of a network that is known by features which were computed elsewhere.
GIVEN = "features "
EXTRACTORS: Registry[ExtractorRecord] = Registry("ganmetrics.extractors", "EXTRACTOR", "extractor")


def load_extractor(
    extractor: str | Extractor | Callable[..., Any],
    weights: str | os.PathLike[str] | None = None,
    *,
    channels: int = 3,
    dtype: str = "uint8",
) -> Extractor:
    """The extractor that a name, a network or a function stands for.

    Parameters
    ----------
    extractor : str, Extractor or callable
        ``"inception"``, ``"colour"``, ``"digits"``, ``"fashion"``, ``"random-vgg16"``, ``"pixels"``, any of them with
        a layer as in ``"inception:768"``, Inception with a resize as in ``"inception@clean-bicubic"``, any with a
        precision as in ``"inception+tf32"``, or a ``torch.nn.Module`` or function from uint8 [N, 3, H, W] to [N, D].
    weights : path, optional
        A weights file in place of the network's own.
    channels : int
        Of the images that a module or function takes, such as 13 for Sentinel-2 or 1 for grey ones.
    dtype : {"uint8", "uint16", "float32"}
        Of the images that it takes. Numbers of 16 bits reach it as int32 in 0..65535, floats as they are.

    Raises
    ------
    UsageError
        An unknown name or layer, or channels and dtype beside a name.
    WeightsError
        Weights that are missing, damaged or cannot be fetched.
    """
    weights = weights if weights is None else path(weights, "weights")
    takes = PixelForm(whole(channels, "channels", 1), one_of(dtype, "dtype of images", TAKEN))
    if takes != RGB8 and (isinstance(extractor, (str, Extractor)) or not callable(extractor)):
        what = "channels and dtype say what a module or function of one's own takes"
        raise UsageError(what, where="extractor", hint="Leave them out: this network knows what it takes")
    if isinstance(extractor, str) and extractor.startswith(GIVEN):
        what = f"images cannot be scored against {extractor}, which were computed elsewhere"
        raise UsageError(what, hint="Give the features of every set, made by one network")
    if isinstance(extractor, str):
        spec, _, precision = extractor.partition("+")
        spec, _, resize = spec.partition("@")
        name, _, layer = spec.partition(":")
        record = EXTRACTORS[name]
        if resize:
            # Checked before the weights are fetched.
            check_resize(name, resize, record.resizes)
        loaded = record.load(weights or None)
        if resize:
            loaded.choose_resize(resize)
        if layer:
            loaded.choose_layer(layer)
        if precision:
            loaded.choose_precision(precision)
        return loaded
    if weights:
        raise UsageError("weights go with an extractor's name; this network has its own", where="weights")
    if isinstance(extractor, Extractor):
        return extractor
    if callable(extractor):
        from ganmetrics.extractors.callers_network import Custom

        return Custom(extractor, takes)
    raise UsageError(f"an extractor is a name, a module or a function; found {type(extractor).__name__}")


def respelled(extractor: str | None, way: str) -> str:
    """An extractor's spec for another way of computing it.

    Parameters
    ----------
    extractor : str or None
        ``None`` is Inception.
    way : {"exact", "fast"}
        In the peers' order of operations, which only Inception has; or in TF32.

    Raises
    ------
    UsageError
        Another network in the peers' order.
    """
    spec = extractor or "inception"
    if way == "fast":
        return f"{spec.partition('+')[0]}+tf32"
    name = re.split("[:@+]", spec)[0]
    if name not in ("inception", "inception-exact"):
        what = f"only Inception has an exact order of operations, which is its peers'; the extractor is {name!r}"
        raise UsageError(what, where="extractor", hint="Leave the exact order out")
    return spec.replace(name, "inception-exact", 1)


__all__ = ["EXTRACTORS", "GIVEN", "Extractor", "load_extractor", "respelled"]
