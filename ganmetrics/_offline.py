"""Whether the network may be used."""

from __future__ import annotations

import os

NO = ("", "0", "false", "no", "off")


def is_offline() -> bool:
    """Whether ``GANMETRICS_OFFLINE`` forbids the network."""
    return os.environ.get("GANMETRICS_OFFLINE", "").strip().lower() not in NO
