"""Each file imports only from its own floor or those below, and no module imports itself by way of others.

Imports count wherever they stand: at the top of a file, inside functions, and as strings for ``import_module``. Those
that only type checkers see must lead downward too, but may close a circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {
        *("errors", "registry", "types", "version"),
        *("_arguments", "_content", "_files", "_offline", "_process", "_progress", "_report", "_table", "_wording"),
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
WINGS = ("generators", "leaderboard", "compat", "training", "selftest")
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for top in ("ganmetrics", "cli") for path in (ROOT / top).rglob("*.py"))


def module_of(path: Path) -> str:
    """The name that a file is imported by; the command line is installed as ``ganmetrics.cli``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = ("ganmetrics", *parts) if parts[0] == "cli" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def known(name: str) -> str:
    """The module that a dotted name stands in: the name may go on to a class or a function."""
    while name not in MODULES and name:
        name = name.rpartition(".")[0]
    return name


def seen_by_type_checkers(tree: ast.AST) -> set[ast.AST]:
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    return {inner for node in tests for statement in node.body for inner in ast.walk(statement)}


def named(node: ast.AST, module: str, path: Path) -> Iterator[str]:
    """The dotted names that one statement, or one call of ``import_module``, imports."""
    if isinstance(node, ast.ImportFrom):
        package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
        start = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*start, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
        argument = node.args[0]
        parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        if isinstance(parts[0], ast.Constant):  # of f"ganmetrics.cli.{name}" the package is known
            yield str(parts[0].value).rstrip(".")


@cache
def imports(text: str, module: str, path: Path, *, typing: bool = False) -> set[str]:
    """The modules of the package that a file imports; with ``typing`` those that type checkers see too."""
    tree = ast.parse(text)
    passed_over = set() if typing else seen_by_type_checkers(tree)
    names = [name for node in ast.walk(tree) if node not in passed_over for name in named(node, module, path)]
    found = {known(name) for name in names if name.split(".")[0] == "ganmetrics"}
    return found - {module, "ganmetrics", ""}


@cache
def imports_when_loaded(text: str, module: str, path: Path) -> set[str]:
    """The modules of the package that are imported as soon as a file is, and not inside its functions."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    later = {inner for function in functions for inner in ast.walk(function)} | seen_by_type_checkers(tree)
    names = [name for node in ast.walk(tree) if node not in later for name in named(node, module, path)]
    return {known(name) for name in names if name.split(".")[0] == "ganmetrics"}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other by way of others."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            for name in graph.get(waiting.pop(), ()):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found

    beyond = {name: reached(name) for name in graph}
    groups = {tuple(sorted(other for other in beyond[name] if name in beyond.get(other, ()))) for name in graph}
    return [list(group) for group in sorted(groups) if group]


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} <= set(FLOOR)


def test_a_file_imports_from_floors_below_only() -> None:
    upward = [
        f"{module} imports {found}, which is above it"
        for module, path in MODULES.items()
        for found in imports(path.read_text(), module, path, typing=True)
        if room_of(module) != "__init__" and FLOOR[room_of(found)] > FLOOR[room_of(module)]
    ]
    assert upward == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: imports(path.read_text(), name, path) for name, path in MODULES.items()}
    beside = {name: {found for found in graph[name] if not name.startswith(f"{found}.")} for name in graph}
    assert circles(beside) == []  # without a module's own package, which Python imports first in any case


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_is_loaded_by_those_who_ask_for_it_alone(wing: str) -> None:
    """No room of the core imports it; a command does when it runs, a wing may rest on another, the demo samples one."""
    for module, path in MODULES.items():
        room = room_of(module)
        if room not in (*WINGS, "demo", "__init__"):
            text = path.read_text()
            found = imports_when_loaded(text, module, path) if room == "cli" else imports(text, module, path)
            assert wing not in map(room_of, found), f"{module} imports {wing}"


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_has_tests_of_its_own(wing: str) -> None:
    assert list((ROOT / "tests" / wing).glob("test_*.py"))


def test_imports_inside_functions_wait() -> None:
    path = MODULES["ganmetrics.reporting.views"]
    text = "import ganmetrics.errors\ndef draw():\n    from ganmetrics import training"
    assert imports_when_loaded(text, "ganmetrics.reporting.views", path) == {"ganmetrics.errors"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def draw():\n    from ganmetrics.reporting import page", {"ganmetrics.reporting.page"}),
        ("from importlib import import_module\nimport_module('ganmetrics.cli')", {"ganmetrics.cli"}),
        ("import importlib\nimportlib.import_module(f'ganmetrics.cli.{name}_command')", {"ganmetrics.cli"}),
        ("from .gallery import of_pair", {"ganmetrics.reporting.gallery"}),
        ("if TYPE_CHECKING:\n    import ganmetrics.cli.main", set()),
        ("import torch", set()),
    ],
)
def test_imports_are_seen_wherever_they_stand(text: str, found: set[str]) -> None:
    path = MODULES["ganmetrics.reporting.views"]
    assert imports(text, "ganmetrics.reporting.views", path) == found


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_numerics_touch_no_file_and_print_nothing() -> None:
    for module, path in MODULES.items():
        if room_of(module) == "numerics":
            names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            assert not names & {"print", "open", "input"}, path
