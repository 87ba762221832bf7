"""``ganmetrics leaderboard`` as it is typed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import boards
import pytest
from boards import COUNT, npz, pictures

from ganmetrics.leaderboard import Board

INIT = ("--metrics", "fid", "--num-images", COUNT, "--resolution", boards.SIDE, "--extractor", "pixels", "--quiet")


@pytest.mark.slow
def test_from_nothing_to_a_rank(run: Any, tmp_path: Path) -> None:
    real, fake, board = (
        npz(tmp_path / "real.npz", boards.REAL),
        npz(tmp_path / "fake.npz", pictures(COUNT, 3)),
        tmp_path / "b",
    )
    made = run("leaderboard", "init", board, "--reference", real, *INIT, "--title", "Tiny", "--quota", "2/day")
    assert made.returncode == 0 and "Tiny, fid by pixels-8x8 against #120:" in made.stdout
    assert "no entries yet" in run("leaderboard", "show", board).stdout
    done = run("leaderboard", "submit", board, fake, "--team", "ours", "--model", "m")
    assert done.returncode == 0 and "rank 1 of 1" in done.stdout and "FID(pixels)" in done.stdout
    statistics = run("leaderboard", "submit", board, _statistics(tmp_path), "--team", "ours", "--model", "m")
    assert statistics.returncode == 7 and "holds statistics" in statistics.stderr and statistics.stdout == ""
    copies = run(
        "leaderboard", "submit", board, npz(tmp_path / "c.npz", boards.REAL[:COUNT]), "--team", "ours", "--model", "c"
    )
    assert copies.returncode == 7 and "100.0% of the images equal" in copies.stderr
    assert run("leaderboard", "submit", board, fake, "--team", "ours", "--model", "m").returncode == 7, "the quota"
    assert run("leaderboard", "verify", board).returncode == 0


def _statistics(folder: Path) -> Path:
    return npz(folder / "statistics.npz", boards.REAL[:COUNT], mu=boards.REAL[0], sigma=boards.REAL[0])


def test_the_table_in_every_form(run: Any, scored_board: Path) -> None:
    table = run("leaderboard", "show", scored_board).stdout.splitlines()
    assert table[0] == "Tiny" and table[1].startswith("RANK  TEAM") and table[-1] == "0 waiting, 1 rejected"
    found = json.loads(run("leaderboard", "show", scored_board, "--json").stdout)
    assert [each["rank"] for each in found] == [1, 1, 3] and "hidden" not in found[0]
    exact = json.loads(run("leaderboard", "show", scored_board, "--json", "--exact").stdout)
    assert exact[0]["scores"]["fid"]["value"] != found[0]["scores"]["fid"]["value"] and "hidden" in exact[0]
    rows = list(csv.DictReader(io.StringIO(run("leaderboard", "show", scored_board, "--csv").stdout)))
    assert [row["rank"] for row in rows] == ["1", "1", "3"] and float(rows[0]["fid"]) > 0
    assert run("leaderboard", "show", scored_board, "--hidden").returncode == 0


def test_export_and_verify(run: Any, scored_board: Path, tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    assert run("leaderboard", "export", scored_board, "--json", path).returncode == 0
    head = json.loads(path.read_text())["chain"]["head"]
    assert run("leaderboard", "export", scored_board, "--json", path).returncode == 2, "it exists"
    assert json.loads(run("leaderboard", "export", scored_board).stdout)["chain"]["head"] == head
    done = run("leaderboard", "verify", scored_board, "--chain-only", "--head", head)
    assert done.returncode == 0 and f"head {head}" in done.stdout
    assert run("leaderboard", "verify", scored_board, "--chain-only", "--head", "0" * 64).returncode == 7
    assert run("leaderboard", "verify", scored_board, "--bytes", path).returncode == 2


def test_tokens(run: Any, scored_board: Path, copied: Any) -> None:
    board: Board = copied(scored_board)
    token = run("leaderboard", "token", board.folder, "--team", "ours", "--days", "2").stdout.strip()
    found = board.store.token(token, "team")
    assert found is not None and found.team == "ours"
    assert run("leaderboard", "token", board.folder, "--organiser").stdout.startswith("gmt_")
    listed = run("leaderboard", "token", board.folder, "--list").stdout
    assert listed.count("\n") == 2 and token not in listed
    assert run("leaderboard", "token", board.folder, "--revoke", found.id).returncode == 0
    assert board.store.token(token, "team") is None
    for wrong in ((), ("--team", "a", "--organiser"), ("--team", "\x1b"), ("--revoke", 999)):
        assert run("leaderboard", "token", board.folder, *wrong).returncode == 2


def test_entries_are_taken_off(run: Any, scored_board: Path, copied: Any) -> None:
    board: Board = copied(scored_board)
    first, second = (row.entry for row in board.table()[:2])
    assert run("leaderboard", "withdraw", board.folder, first).returncode == 0
    assert run("leaderboard", "disqualify", board.folder, second, "--reason", "trained on it").returncode == 0
    assert run("leaderboard", "withdraw", board.folder, first).returncode == 2
    assert [row.model for row in board.table()] == ["far"]
    assert run("leaderboard", "verify", board.folder, "--chain-only").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("show", "none"), 3, "no board in the folder"),
        (("submit", "none", "fake"), 2, "--model"),
        (("submit", "none", "fake", "--model", "m"), 2, "no team"),
        (("submit", "http://example.org", "fake", "--model", "m", "--token", "x"), 2, "in the clear"),
        (("submit", "https://127.0.0.1:1", "fake", "--model", "m"), 2, "needs a token"),
        (("submit", "https://127.0.0.1:1", "fake", "--model", "m", "--token", "x"), 6, "does not answer"),
        (("init", "b"), 2, "--reference"),
        (("init", "b", "--reference", "none", "--weights", "w.pth"), 2, "no weights file of its own"),
        (("init", "b", "--reference", "none"), 3, "unknown folder or bundled statistics"),
        (("init", "b", "--reference", "none", "--quota", "x"), 2, "quota"),
        (("upgrade", "none"), 3, "no board"),
    ],
)
def test_mistakes_are_one_sentence(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("leaderboard", *arguments)
    assert done.returncode == code and what in done.stderr and done.stdout == ""
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_upgrade_of_a_present_board_changes_nothing(run: Any, scored_board: Path) -> None:
    assert "version 0001" in run("leaderboard", "upgrade", scored_board).stdout
