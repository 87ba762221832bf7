"""The chain of records: each holds the hash of the one before, so none can be changed, moved or left out unseen.

Whoever can write the store can also make a whole new chain. The hash of the last record, kept elsewhere, shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any, NamedTuple

# The digest before the first record.
GENESIS = "0" * 64


class Record(NamedTuple):
    """One row of the chain.

    Attributes
    ----------
    id : int
        1, 2, 3 … without a gap.
    submission_id : int or None
        ``None`` for the rules, which come first.
    kind : str
        ``rules``, ``score``, ``reject``, ``withdraw`` or ``disqualify``.
    payload : str
        JSON.
    previous, digest : str
    """

    id: int
    submission_id: int | None
    kind: str
    payload: str
    previous: str
    digest: str

    @property
    def facts(self) -> dict[str, Any]:
        """The payload as plain data."""
        facts: dict[str, Any] = json.loads(self.payload)
        return facts


def linked(id: int, submission_id: int | None, kind: str, facts: dict[str, Any], previous: str) -> Record:
    """Return the record that follows one whose digest is ``previous``."""
    # Sorted keys, so that equal facts give equal digests.
    payload = json.dumps(facts, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return Record(id, submission_id, kind, payload, previous, _digest(id, submission_id, kind, payload, previous))


def fault(records: Iterable[Record]) -> str:
    """Return what is wrong with a chain, in one sentence; empty where it holds."""
    previous = GENESIS
    for place, record in enumerate(records, start=1):
        if record.id != place:
            return f"record {place} is missing"
        if record.previous != previous:
            return f"record {place} does not follow the record before it"
        if record.digest != _digest(record.id, record.submission_id, record.kind, record.payload, previous):
            return f"record {place} was changed"
        previous = record.digest
    return ""


def stamp(seconds: float) -> str:
    """Return a time, in seconds since 1970, as ISO 8601 in UTC, as records have it."""
    return datetime.fromtimestamp(round(seconds, 3), timezone.utc).isoformat(timespec="milliseconds")


def _digest(id: int, submission_id: int | None, kind: str, payload: str, previous: str) -> str:
    # A list in JSON separates its parts without ambiguity.
    text = json.dumps([id, submission_id, kind, payload, previous], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
