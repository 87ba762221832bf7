"""The file that makes a folder a board: its frozen rules and the URL of its store."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ganmetrics._files import atomic_write, shown
from ganmetrics.errors import MALFORMED, InputError
from ganmetrics.leaderboard.rules import Rules

SETTINGS = "board.json"
STORE_VARIABLE = "GANMETRICS_LEADERBOARD_STORE"


def read_settings(folder: Path) -> tuple[Rules, str]:
    """Return the rules of a board and the URL of its store, which an environment variable may replace.

    Raises
    ------
    InputError
        The folder holds no board, or one whose settings are damaged.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        rules, url = Rules.from_json(json.dumps(settings["rules"])), str(settings["store"])
    except FileNotFoundError:
        hint = "Make one with 'ganmetrics leaderboard init'"
        raise InputError("there is no board in the folder", where=shown(folder), hint=hint, code="E-BOARD") from None
    except (OSError, *MALFORMED) as error:
        what = f"the board's settings cannot be read: {shown(str(error)[:100])}"
        raise InputError(what, where=shown(folder / SETTINGS), code="E-BOARD") from None
    return rules, used_url(url, folder)


def used_url(url: str, folder: Path) -> str:
    """Return the URL of the store that is used: the environment's, else that of the settings."""
    return os.environ.get(STORE_VARIABLE) or store_url(url, folder)


def store_url(url: str, folder: Path) -> str:
    """Return a store's URL; an empty one stands for the board's own SQLite file."""
    return url or f"sqlite:///{folder.resolve() / 'store.db'}"


def save_settings(folder: Path, rules: Rules, url: str) -> None:
    """Write the file that makes a folder a board, readable by its owner alone: a URL may hold a password."""
    settings = {"rules": json.loads(rules.to_json()), "store": url}
    with atomic_write(folder / SETTINGS, mode=0o600) as stream:
        stream.write(json.dumps(settings, indent=1, ensure_ascii=False).encode() + b"\n")
