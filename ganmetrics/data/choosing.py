"""Which images of a set are taken: those whose names fit patterns, and of them a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from heapq import heappush, heapreplace
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from ganmetrics._files import shown
from ganmetrics.data.reading.batches import WHOLE, Among, Share
from ganmetrics.data.reading.result_names import roles_of
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
        Patterns for images without names, patterns that leave nothing, or too few images.
    """
    places = _fitting(source, reading) if reading.include or reading.exclude else None
    if places and source.notes.roles:
        names = source.item_names() or ()
        source.notes.roles = roles_of([names[place] for place in places])
    if reading.sample and source.count is None:
        return StreamSample(source, str(reading.sample))
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


class StreamSample(WrappedSource):
    """A sample of the images of a source that gives them one by one, of a number that only their end tells.

    The images that may belong to it are held in memory until the last one came; ``first:N`` holds none and stops early.

    Parameters
    ----------
    source : Source
    rule : str
        ``Reading.sample``.
    """

    def __init__(self, source: Source, rule: str) -> None:
        super().__init__(source)
        self._rule = Rule.parsed(rule)
        self.count = self._rule.num
        self.identity = f"{source.identity}?sample={rule}" if source.identity else ""

    def batches(self) -> Iterator[Images]:
        """The sample, in the order of the source (InputError for a source of fewer images)."""
        rule, kept = self._rule, 0
        for images in self._first() if rule.is_first else self._drawn():
            kept += len(images)
            yield images
        if kept < rule.num:
            raise _too_few(rule.num, kept, self.name)

    def share(self, share: Share) -> Iterator[Placed]:
        """A share of the sample; every reader draws it."""
        return Source.share(self, share)

    def item_names(self) -> None:
        """None: images that come one by one have no names."""

    def known_classes(self) -> Classes:
        """None: which images are taken is known at the end."""
        return Classes(None, "images that come one by one bring no classes", "Pass a list, a folder or a data set")

    def _first(self) -> Iterator[Images]:
        room = self._rule.num
        for images in self.source.batches():
            yield images[:room]
            room -= len(images)
            if room <= 0:
                return

    def _drawn(self) -> Iterator[Images]:
        # The largest rank stands first in the heap, and leaves for a smaller one.
        held: list[tuple[int, int, Images]] = []
        place = 0
        for images in self.source.batches():
            for image in images:
                entry = -int.from_bytes(self._rule.rank(str(place)), "big"), place
                place += 1
                if len(held) < self._rule.num:
                    heappush(held, (*entry, image.clone()))
                elif entry > held[0][:2]:
                    heapreplace(held, (*entry, image.clone()))
        self.notes.sizes = Counter((image.shape[1], image.shape[2]) for _, _, image in held)
        for _, _, image in sorted(held, key=itemgetter(1)):
            yield image[None]


class Rule(NamedTuple):
    """A rule of sampling in parts.

    Attributes
    ----------
    num : int
    is_first : bool
        Whether the first so many images are taken.
    seed : str
    """

    num: int
    is_first: bool
    seed: str

    @classmethod
    def parsed(cls, text: str) -> Rule:
        """The parts of ``Reading.sample``."""
        number, _, seed = text.removeprefix("first:").partition("@")
        return cls(int(number), text.startswith("first:"), seed)

    def rank(self, title: str) -> bytes:
        """Where an image stands in the shuffled order."""
        return blake2b(f"{self.seed}:{title}".encode(errors="surrogateescape"), digest_size=16).digest()


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
    places = list(range(source.count or 0)) if among is None else among
    wanted = Rule.parsed(rule)
    if wanted.num > len(places):
        raise _too_few(wanted.num, len(places), source.name)
    if wanted.is_first:
        return places[: wanted.num]
    names = source.item_names()

    def rank(place: int) -> bytes:
        return wanted.rank(str(place) if names is None else names[place].replace("\\", "/"))

    return sorted(sorted(places, key=rank)[: wanted.num])


def _too_few(wanted: int, found: int, where: str) -> InputError:
    what = f"a sample of {wanted} is asked for, and there are {found} images"
    return InputError(what, where=where, hint="Ask for fewer, or leave the sample out", code="E-TOO-FEW")
