from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

import boards

from ganmetrics.leaderboard import Board
from ganmetrics.leaderboard.store import Store


@pytest.fixture(scope="session")
def server() -> Iterator[boards.Server]:
    with boards.postgresql() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of either kind."""
    is_sqlite = request.param == "sqlite"
    found = Store(f"sqlite:///{tmp_path / 'store.db'}" if is_sqlite else request.getfixturevalue("server").url())
    found.migrate()
    yield found
    found.close()


@pytest.fixture(scope="session")
def empty_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boards") / "empty"
    hidden = boards.pictures(boards.REALS, 9)
    boards.board(folder, hidden=hidden, quota="5/day").close()
    return folder


@pytest.fixture(scope="session")
def scored_board(empty_board: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two entries that tie, a worse one, and one that was rejected for its copies."""
    folder = tmp_path_factory.mktemp("boards") / "scored"
    shutil.copytree(empty_board, folder)
    cheat = boards.pictures(boards.COUNT, 5)
    cheat[:10] = boards.REAL[:10]
    sets = {
        "one": boards.pictures(60, 2),
        "two": boards.pictures(60, 3),
        "far": boards.pictures(60, 4, 30),
        "cheat": cheat,
    }
    with Board.open(folder) as board:
        for model, images in sets.items():
            board.submit(boards.npz(folder.parent / f"{model}.npz", images), team=f"team {model}", model=model)
        boards.work_through(board)
    return folder


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Callable[[Path], Board]]:
    """Opens a copy of a board, which the test may spoil."""
    opened: list[Board] = []

    def copy(source: Path) -> Board:
        folder = tmp_path / f"board{len(opened)}"
        shutil.copytree(source, folder)
        opened.append(Board.open(folder))
        return opened[-1]

    yield copy
    for board in opened:
        board.close()
