"""The rules of a board: what it asks for and how it scores, frozen when the board is made."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from ganmetrics.data.zip_file import Caps
from ganmetrics.errors import UsageError

SCHEMA = 1
PERIODS = {"hour": 3600.0, "day": 86400.0, "total": float("inf")}
# Files that an archive may hold beside its images.
EXTRA_FILES = 50
MEMBER_BYTES, TOTAL_BYTES, RATIO, MAX_PIXELS = 32 << 20, 20 << 30, 200, 16_000_000
# Types that JSON gives for each type of a rule.
KINDS = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
MOST_IMAGES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The recipe of a board.

    Attributes
    ----------
    title : str
    metrics : tuple of str
        As ``gm.evaluate`` takes them, with every option, such as ``kid(subset_size=1000)``.
    rank_by : str
        The score that orders the table.
    extractor, network : str
        What is loaded, and the network, weights' hash and layer that it must turn out to be.
    second_extractor, second_network : str
        A second network, whose FID stands beside the scores as evidence; empty for none.
    reference, hidden : str
        Labels of the reference sets in signatures; ``hidden`` is empty where there is none.
    num_images, width, height : int
        The number and size of the images of a submission.
    seed : int
        Seed of every subset.
    quota : tuple of (int, str)
        Submissions of a team in any ``"hour"``, ``"day"`` or in ``"total"``.
    copies, duplicates : float
        The shares of images that may equal, or all but equal, a reference image, and equal another of the submission.
    has_diagnosis : bool
        Whether every entry is diagnosed, which takes half of the time of scoring a small set.
    version : str
        The version of ganmetrics that made the board.
    """

    title: str
    metrics: tuple[str, ...]
    rank_by: str
    extractor: str
    network: str
    second_extractor: str
    second_network: str
    reference: str
    hidden: str
    num_images: int
    width: int
    height: int
    seed: int
    quota: tuple[tuple[int, str], ...]
    copies: float
    duplicates: float
    has_diagnosis: bool
    version: str

    def to_json(self) -> str:
        """Return the rules as one line of JSON; equal rules give equal lines."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Rules:
        """Return the rules that ``to_json`` wrote (an error of ``MALFORMED`` for any other text)."""
        # Strict: the rules' digest begins the chain, so nothing may be read that was not written.
        facts: dict[str, Any] = json.loads(text)
        if not isinstance(facts, dict) or facts.pop("schema", None) != SCHEMA:
            raise ValueError("of another schema")
        if set(facts) != {each.name for each in fields(Rules)}:
            raise ValueError("with other fields")
        wrong = [
            each.name for each in fields(Rules) if type(facts[each.name]) not in KINDS.get(str(each.type), (list,))
        ]
        if wrong:
            raise ValueError(f"{wrong[0]} is of another type")
        quota = tuple((int(count), str(period)) for count, period in facts.pop("quota"))
        return Rules(**{**facts, "metrics": tuple(facts["metrics"]), "quota": quota})

    @property
    def digest(self) -> str:
        """SHA-256 of the rules: where the chain of results begins."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def caps(self) -> Caps:
        """The most that an archive may hold."""
        return Caps(
            members=self.num_images + EXTRA_FILES, member_bytes=MEMBER_BYTES, total_bytes=TOTAL_BYTES, ratio=RATIO
        )

    @property
    def max_upload(self) -> int:
        """Bytes that a submission may have: twice its pixels and 4 KiB for each file, at least 4 MiB."""
        return max(4 << 20, min(TOTAL_BYTES, self.num_images * (6 * self.width * self.height + 4096)))


def parsed_quota(text: str) -> tuple[tuple[int, str], ...]:
    """Parse a quota such as ``"5/day,50/total"``; empty text is no quota (UsageError)."""
    quota = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = re.fullmatch(r"([1-9]\d{0,5})\s*/\s*(hour|day|total)", part)
        if match is None:
            what = f"the quota {part!r} cannot be read; expected NUMBER/PERIOD"
            raise UsageError(what, where="quota", hint="Such as 5/day, 2/hour or 5/day,50/total")
        quota.append((int(match[1]), match[2]))
    return tuple(quota)


def parsed_resolution(text: str | int) -> tuple[int, int]:
    """Parse a resolution, ``"32"`` or ``"64x32"``, into (width, height) (UsageError)."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", str(text))
    width, height = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= width * height <= MAX_PIXELS:
        what = f"the resolution {text!r} cannot be read; expected SIDE or WIDTHxHEIGHT, at most {MAX_PIXELS:,} pixels"
        raise UsageError(what, where="resolution", hint="Such as 32 or 64x32")
    return width, height


def check_share(value: float, where: str) -> float:
    """Check that a share is in 0..1 and return it (UsageError)."""
    if not 0 <= value <= 1:
        raise UsageError(f"the share is {value}; it must be between 0 and 1", where=where)
    return value
