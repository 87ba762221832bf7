"""A board from its making to its verification; submissions are scored for real, in child processes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import boards
import numpy as np
import pytest
from boards import COUNT, REAL, Copied, npz, pictures

import ganmetrics as gm
from ganmetrics.errors import InputError, RejectedError, ResourceError, UsageError
from ganmetrics.leaderboard import Board
from ganmetrics.leaderboard import board as board_module
from ganmetrics.leaderboard.board import public_row
from ganmetrics.leaderboard.board_file import STORE_VARIABLE
from ganmetrics.leaderboard.creation import BoardOptions, create, upgrade
from ganmetrics.leaderboard.showing import comma_separated, text
from ganmetrics.leaderboard.worker import Worker


def entry_of(board: Board, model: str) -> str:
    return next(each.public_id for each in board.store.submissions() if each.model == model)


def test_the_order_is_right_and_the_tie_is_shown(scored_board: Path) -> None:
    with Board.open(scored_board) as board:
        rows = board.table()
        assert {row.model for row in rows[:2]} == {"one", "two"} and [row.rank for row in rows] == [1, 1, 3]
        assert [row.is_tied for row in rows] == [True, True, False] and rows[2].model == "far"
        shown = text(board, rows)
        assert shown.count("1 =") == 2 and "cannot tell apart" in shown


def test_scores_are_those_of_the_library(scored_board: Path) -> None:
    with Board.open(scored_board) as board:
        row = next(row for row in board.table() if row.model == "far")
        result = gm.evaluate(
            REAL, pictures(60, 4, 30), metrics=["fid", "precision_recall"], extractor="pixels", device="cpu"
        )
        for name in ("fid", "precision", "recall"):
            assert row.scores[name]["value"] == pytest.approx(result[name].value, rel=1e-9)
            assert row.scores[name]["signature"] == str(result[name].signature)
        hidden = gm.evaluate(pictures(boards.REALS, 9), pictures(60, 4, 30), extractor="pixels", device="cpu")
        found = next(row for row in board.table(hidden=True) if row.model == "far")
        assert found.scores["fid"]["value"] == pytest.approx(hidden["fid"].value, rel=1e-9)


def test_the_cheater_is_refused_and_only_the_organiser_sees_the_pairs(scored_board: Path) -> None:
    with Board.open(scored_board) as board:
        submission, record = board.entry(entry_of(board, "cheat"))
        assert submission.state == "rejected" and record is not None
        assert "16.7% of the images equal" in record.facts["reason"]
        assert record.facts["copied"] == [[index, index] for index in range(10)]
        assert "copied" not in json.dumps(board.export())


def test_what_is_public_holds_nothing_hidden(scored_board: Path) -> None:
    with Board.open(scored_board) as board:
        for row in board.table():
            public = public_row(row)
            assert not {"hidden", "copied", "environment"} & set(public)
            assert "std" not in json.dumps(public)
            for name, score in public["scores"].items():
                ends = row.scores[name]["interval"]
                half = (ends["high"] - ends["low"]) / 2
                assert abs(score["value"] - row.scores[name]["value"]) <= half * 1.01, "rounded within the interval"
        assert "hidden" not in board.export()["rules"]


@pytest.mark.slow
def test_a_row_is_recomputed(scored_board: Path, tmp_path: Path) -> None:
    with Board.open(scored_board) as board:
        assert board.check() == 5
        entry = entry_of(board, "one")
        assert board.verify(entry) <= 1e-9
        with pytest.raises(RejectedError, match="the bytes are not those"):
            board.verify(entry, npz(tmp_path / "other.npz", pictures(COUNT, 77)))
        with pytest.raises(UsageError, match="has no score"):
            board.verify(entry_of(board, "cheat"))


def _edit(board: Board, *statements: str) -> None:
    """Edit a database by hand, as someone with the file can."""
    with closing(sqlite3.connect(board.folder / "store.db")) as connection:
        for statement in ("DROP TRIGGER records_no_UPDATE", "DROP TRIGGER records_no_DELETE", *statements):
            connection.execute(statement)
        connection.commit()


NOUGHTS = """UPDATE records SET payload = replace(payload, '"value": ', '"value": 0') WHERE id = 2"""
FORGERIES = {
    "a score": (NOUGHTS, "record 2 was changed"),
    "a team": ("UPDATE submissions SET team = 'mine' WHERE id = 1", "the team of entry"),
    "a model": ("UPDATE submissions SET model = 'mine' WHERE id = 1", "the model of entry"),
    "a file": ("UPDATE submissions SET digest = 'f' WHERE id = 1", "the submission of entry"),
    "a time": ("UPDATE submissions SET received = 0 WHERE id = 1", "the received of entry"),
    "a state": ("UPDATE submissions SET state = 'scored' WHERE id = 4", "is scored, and its records say rejected"),
    "a record less": ("DELETE FROM records WHERE id = 3", "record 3 is missing"),
    "the last record less": ("DELETE FROM records WHERE id = 5", "is rejected, and its records say queued"),
    "a submission less": ("DELETE FROM submissions WHERE id = 1", "submissions that are gone"),
    "the rules": ("DELETE FROM records", "the rules are not those"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_row_that_was_edited_by_hand_is_found(name: str, scored_board: Path, copied: Copied) -> None:
    board = copied(scored_board)
    statement, what = FORGERIES[name]
    _edit(board, statement)
    with pytest.raises(RejectedError, match=what) as refused:
        board.check()
    assert refused.value.exit_code == 7


def test_a_chain_made_anew_is_found_by_a_head_noted_earlier(scored_board: Path, copied: Copied) -> None:
    board = copied(scored_board)
    head = board.store.head()[1]
    assert board.check(head) == 5
    with pytest.raises(RejectedError, match="the chain is another one"):
        board.check("f" * 64)


def test_edited_rules_are_found(scored_board: Path, copied: Copied) -> None:
    folder = copied(scored_board).folder
    settings = json.loads((folder / "board.json").read_text())
    settings["rules"]["copies"] = 1.0
    (folder / "board.json").write_text(json.dumps(settings))
    with Board.open(folder) as board, pytest.raises(RejectedError, match="the rules are not those"):
        board.check()


@pytest.mark.slow
def test_a_reference_that_was_exchanged_is_found(scored_board: Path, copied: Copied) -> None:
    board = copied(scored_board)
    shutil.copy(board.folder / "reference" / "hidden.npz", board.folder / "reference" / "public.npz")
    with pytest.raises(RejectedError, match="comes out otherwise"):
        board.verify(entry_of(board, "one"))


def test_entries_leave_the_board_and_stay_on_record(scored_board: Path, copied: Copied) -> None:
    board = copied(scored_board)
    board.withdraw(entry_of(board, "one"))
    board.disqualify(entry_of(board, "two"), "trained on the reference")
    assert [row.model for row in board.table()] == ["far"] and board.check() == 7
    _, record = board.entry(entry_of(board, "two"))
    assert record is not None and record.facts["reason"] == "trained on the reference"
    with pytest.raises(UsageError, match="off the board"):
        board.withdraw(entry_of(board, "one"))
    with pytest.raises(UsageError, match="no such entry"):
        board.withdraw("none")


def test_the_table_as_csv_runs_no_formula(scored_board: Path, copied: Copied) -> None:
    board = copied(scored_board)
    rows = board.table()
    forged = [row.__class__(**{**vars(row), "team": "=cmd|' /C calc'!A0"}) for row in rows]
    lines = comma_separated(forged).split("\r\n")
    assert lines[0].startswith("rank,tied,team,model,fid,fid_low,fid_high,") and lines[1].split(",")[2].startswith(
        "'=cmd"
    )
    assert comma_separated([]) == ""


def test_quota_holds_and_leaves_no_file(empty_board: Path, copied: Copied, tmp_path: Path) -> None:
    board, path = copied(empty_board), npz(tmp_path / "x.npz", pictures(COUNT, 3))
    for _ in range(5):
        board.submit(path, team="a", model="m")
    with pytest.raises(RejectedError, match="quota of 5"):
        board.submit(path, team="a", model="m")
    with pytest.raises(RejectedError, match="quota of 5"):
        board.queue(board_module.staging.stage_path(path, board.places["submissions"], board.rules), "a", "m", "cli")
    assert len(list(board.places["submissions"].iterdir())) == 5
    board.submit(path, team="b", model="m")


def test_a_submission_that_is_gone_is_rejected_and_no_more(empty_board: Path, copied: Copied, tmp_path: Path) -> None:
    board = copied(empty_board)
    entry = board.submit(npz(tmp_path / "x.npz", pictures(COUNT, 3)), team="a", model="m")
    next(board.places["submissions"].iterdir()).unlink()
    assert Worker(board).step()
    _, record = board.entry(entry)
    assert record is not None and "gone" in record.facts["reason"]


def test_a_submission_that_never_ends_is_given_up(empty_board: Path, copied: Copied, tmp_path: Path) -> None:
    board = copied(empty_board)
    entry = board.submit(npz(tmp_path / "x.npz", pictures(COUNT, 3)), team="a", model="m")
    for _ in range(8):
        assert board.store.claim("gone", lease=-1) is not None
    assert Worker(board).step()
    assert "begun 8 times" in board.entry(entry)[1].facts["reason"]  # type: ignore[union-attr]


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a metric that needs other things": ({"metrics": ("lpips_diversity",)}, UsageError, "does not keep"),
    "an unknown metric": ({"metrics": ("fyd",)}, UsageError, "fyd"),
    "another score to rank by": ({"rank_by": "kid"}, UsageError, "no score 'kid'"),
    "too few images": ({"num_images": 5}, UsageError, "num_images is 5"),
    "a small reference": ({"reference": REAL[:10]}, InputError, "10 images"),
    "a share": ({"copies": 2.0}, UsageError, "share is 2.0"),
    "a title": ({"title": "a\nb"}, UsageError, "does not print"),
    "a store": ({"store": "mysql://x/y"}, UsageError, "kind 'mysql'"),
    "statistics as reference": (
        {"reference": "mnist-test", "extractor": "digits"},
        UsageError,
        "statistics without them",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_board_that_cannot_be_meant_leaves_nothing(name: str, tmp_path: Path) -> None:
    wishes, kind, what = WRONG[name]
    with pytest.raises(kind, match=what):
        boards.board(tmp_path / "new", **wishes)
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_left_alone(scored_board: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not empty"):
        create(scored_board, BoardOptions(reference=REAL))
    with pytest.raises(InputError, match="no board"):
        Board.open(tmp_path)
    (tmp_path / "board.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        Board.open(tmp_path)


def test_a_store_holds_one_board(tmp_path: Path, server: boards.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.url()
    boards.board(tmp_path / "a", store=url).close()
    with pytest.raises(UsageError, match="another board already"):
        boards.board(tmp_path / "b", store=url)
    assert not (tmp_path / "a" / "store.db").exists()
    with Board.open(tmp_path / "a") as board:
        assert not board.store.is_sqlite and board.check() == 1
    monkeypatch.setenv(STORE_VARIABLE, server.url())
    with pytest.raises(ResourceError, match="upgrade"):
        Board.open(tmp_path / "a")
    assert upgrade(tmp_path / "a") == "0001"


def test_settings_are_for_the_owner_alone(empty_board: Path) -> None:
    assert (empty_board / "board.json").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_who_fits_one_network_is_betrayed_by_the_other(tmp_path: Path) -> None:
    """Images whose coarse means are those of reals, and whose details are noise, win by ``pixels`` alone."""
    real = boards.pictures(boards.REALS, 11)
    coarse = real.reshape(-1, 8, 3, 8, 3, 3).mean(axis=(2, 4), keepdims=True)
    noise = np.random.RandomState(0).randn(boards.REALS, 8, 3, 8, 3, 3) * 60
    noise -= noise.mean(axis=(2, 4), keepdims=True)
    fitted = (coarse + noise).clip(0, 255).astype(np.uint8).reshape(real.shape)
    honest = pictures(boards.REALS, 12, 6)
    wishes = {"second_extractor": "digits", "metrics": ("fid",), "num_images": boards.REALS, "has_diagnosis": False}
    with boards.board(tmp_path / "b", reference=real, copies=1.0, **wishes) as board:
        for model, images in (("honest", honest), ("fitted", fitted)):
            board.submit(npz(tmp_path / f"{model}.npz", images), team=model, model=model)
        Worker(board).run(until_empty=True)
        rows = {row.model: row for row in board.table()}
        second = {model: row.facts["evidence"]["second_fid"]["value"] for model, row in rows.items()}
        assert rows["fitted"].scores["fid"]["value"] < rows["honest"].scores["fid"]["value"]
        assert second["fitted"] > 2 * second["honest"]


@pytest.mark.slow
def test_a_second_network_stands_as_evidence(tmp_path: Path) -> None:
    board = boards.board(tmp_path / "b", second_extractor="digits", metrics=("fid",), num_images=20)
    with board:
        board.submit(npz(tmp_path / "x.npz", pictures(20, 3)), team="a", model="m")
        Worker(board).run(until_empty=True)
        (row,) = board.table()
        assert row.facts["evidence"]["second_fid"]["title"] == "FID(digits)"
        assert np.isfinite(row.facts["evidence"]["second_fid"]["value"])
        assert "SECOND FID" in text(board, [row])
