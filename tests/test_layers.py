"""Each file imports only from its own floor or those below: the house's one structural rule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {
        *("errors", "registry", "types", "version"),
        *("_arguments", "_content", "_files", "_offline", "_process", "_progress", "_shown", "_wording"),
    },
    {"numerics"},
    {"metrics", "extractors", "data", "protocols"},
    {"distributed"},
    {"measurement"},
    {"scoring"},
    {"evaluation"},
    {"diagnosis"},
    {"reporting"},
    {"generators"},
    {"training"},
    {"compat"},
    {"leaderboard"},
    {"functional", "demo", "selftest", "__init__"},
    {"cli", "__main__"},
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for top in ("ganmetrics", "cli") for path in (ROOT / top).rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "cli" if parts[0] == "cli" else parts[1]


def imported_rooms(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            top, _, rest = node.module.partition(".")
            if top == "ganmetrics":
                yield from [rest.split(".")[0]] if rest else (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ganmetrics."))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_floors_below_only(path: Path) -> None:
    room = room_of(path)
    assert room in FLOOR, f"the room {room} has no floor yet"
    for found in imported_rooms(ast.parse(path.read_text())):
        if found in FLOOR and room != "__init__":
            assert FLOOR[found] <= FLOOR[room], f"{room} imports {found}, which is above it"


def test_numerics_touch_no_file_and_print_nothing() -> None:
    for path in FILES:
        if room_of(path) == "numerics":
            names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            assert not names & {"print", "open", "input"}, path
