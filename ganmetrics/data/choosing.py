"""Which images of a set are taken: those whose names fit patterns, and of them a sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from ganmetrics._files import shown
from ganmetrics.data.reading.batches import WHOLE, Among, Share
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import Classes, Source
from ganmetrics.data.wrapped import WrappedSource
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.types import Images, Placed


def chosen(source: Source, reading: Reading) -> Source:
    """The images of a source that the patterns and the sample of a reading take.

    Raises
    ------
    InputError
        A source whose images have no names or no known number, patterns that leave nothing, or too few images.
    """
    places = _fitting(source, reading) if reading.include or reading.exclude else None
    if reading.sample:
        places = _sampled(source, str(reading.sample), places)
    told = [choice for choice in reading.changes() if choice.startswith(("include=", "exclude=", "sample="))]
    return ChosenSource(source, places or [], " ".join(told))


class ChosenSource(WrappedSource):
    """Some of the images of another source, in its order.

    Parameters
    ----------
    source : Source
    places : sequence of int
        Rising.
    told : str
        How they were chosen.
    """

    def __init__(self, source: Source, places: Sequence[int], told: str) -> None:
        import torch

        super().__init__(source)
        self.places = torch.tensor(places, dtype=torch.int64)
        self.count = len(places)
        self.identity = f"{source.identity}?{told}" if source.identity else ""

    def batches(self) -> Iterator[Images]:
        """The chosen images; see ``Source.batches``."""
        for _, images in self.share(WHOLE):
            yield images

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the chosen images; where the source can, only these are decoded."""
        import torch

        for places, images in self.source.share(Among(chosen=self.places, inner=share)):
            yield torch.searchsorted(self.places, places), images

    def item_names(self) -> Sequence[str] | None:
        """The names of the chosen images."""
        return self._those(self.source.item_names())

    def known_classes(self) -> Classes:
        """The classes of the chosen images."""
        found = self.source.known_classes()
        return found._replace(names=self._those(found.names))

    def _those(self, values: Sequence[str] | None) -> Sequence[str] | None:
        return None if values is None else [values[place] for place in self.places.tolist()]


def _fitting(source: Source, reading: Reading) -> list[int]:
    names = source.item_names()
    if names is None:
        what = "the images have no names, to which include and exclude could apply"
        raise InputError(what, where=source.name, hint="Leave both out, or name files", code="E-SOURCE")
    plain = [name.replace("\\", "/") for name in names]
    taken = [
        place
        for place, name in enumerate(plain)
        if (not reading.include or _fits(name, reading.include)) and not _fits(name, reading.exclude)
    ]
    if not taken:
        rules = [choice for choice in reading.changes() if choice.startswith(("include=", "exclude="))]
        what = f"none of {len(names)} images is left by {' and '.join(rules)}; one of them is {shown(plain[0])}"
        raise InputError(what, where=source.name, code="E-EMPTY")
    return taken


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of relative names, in which ``*`` and ``?`` stop at a slash; without a slash it fits in any folder."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    # Every second part is a sign, of which one in brackets stands for a set of characters.
    for part in parts[1::2]:
        if part.startswith("["):
            inside = re.escape(part[1:-1].removeprefix("!")).replace("\\-", "-")
            signs[part] = f"[{'^' * part.startswith('[!')}{inside}]"
    text = "".join(signs[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(text if "/" in pattern else f"(?:.*/)?{text}", re.DOTALL)


def _sampled(source: Source, rule: str, among: list[int] | None) -> list[int]:
    """The places of a sample: the first so many, or those whose names come first in an order that a seed shuffles.

    Names decide where there are such, so that neither the order of reading nor other images matter to which of two
    images comes first.
    """
    if source.count is None:
        what = "a sample is drawn from a known number of images, and this source gives them one by one"
        raise InputError(what, where=source.name, hint="Pass list(iterator), or a folder", code="E-SOURCE")
    places = list(range(source.count)) if among is None else among
    is_first, text = rule.startswith("first:"), rule.removeprefix("first:")
    number, _, seed = text.partition("@")
    count = int(number)
    if count > len(places):
        what = f"a sample of {count} is asked for, and there are {len(places)} images"
        raise InputError(what, where=source.name, hint="Ask for fewer, or leave the sample out", code="E-TOO-FEW")
    if is_first:
        return places[:count]
    names = source.item_names()

    def rank(place: int) -> bytes:
        title = str(place) if names is None else names[place].replace("\\", "/")
        return blake2b(f"{seed}:{title}".encode(errors="surrogateescape"), digest_size=16).digest()

    return sorted(sorted(places, key=rank)[:count])
