"""Names of teams and models: text that strangers choose and others see."""

from __future__ import annotations

import unicodedata

from ganmetrics._files import shown
from ganmetrics.errors import UsageError

LONGEST = 64
# Unicode categories: controls, bidirectional marks, surrogates, private, unassigned, line ends.
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean_name(text: str, where: str) -> str:
    """Normalise a name: composed form (NFC), single spaces.

    Raises
    ------
    UsageError
        Empty, longer than 64 characters, without a letter or digit, or with characters that do not print.
    """
    name = " ".join(part for part in unicodedata.normalize("NFC", text).split(" ") if part)
    strange = next((c for c in name if unicodedata.category(c) in UNSEEN), "")
    if strange:
        what = f"the name holds the character U+{ord(strange):04X}, which does not print"
        raise UsageError(what, where=where, hint="Use letters, digits, spaces and signs", code="E-NAME")
    if not 1 <= len(name) <= LONGEST:
        raise UsageError(f"the name has {len(name)} characters; it may have 1 to {LONGEST}", where=where, code="E-NAME")
    if not any(c.isalnum() for c in name):
        raise UsageError(f"the name {shown(name)!r} has no letter or digit", where=where, code="E-NAME")
    return name


def cell(value: object) -> str:
    """Make a value safe for a spreadsheet: text that would be run as a formula gets an apostrophe before it.

    ``None`` is an empty cell.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
