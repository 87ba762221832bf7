"""A board: a folder with its rules, its references and its submissions, and a store beside it or elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import disk_errors, shown
from ganmetrics.errors import InputError, RejectedError, ResourceError, UsageError
from ganmetrics.leaderboard import staging, verification
from ganmetrics.leaderboard.board_file import read_settings
from ganmetrics.leaderboard.chain import stamp
from ganmetrics.leaderboard.public_names import clean_name
from ganmetrics.leaderboard.ranking import Row, public_score, ranked
from ganmetrics.leaderboard.recomputation import CPU, Machine, recompute
from ganmetrics.leaderboard.rules import Rules
from ganmetrics.leaderboard.store import Store, Submission
from ganmetrics.leaderboard.verification import identity

if TYPE_CHECKING:
    from ganmetrics.leaderboard.chain import Record
    from ganmetrics.leaderboard.staging import Staged

PARTS = ("reference", "submissions", "grids", "scratch")
PUBLIC = ("entry", "team", "model", "via", "received", "submission", "rules", "scores", "evidence", "findings")


class Board:
    """A board that exists. ``leaderboard.creation.create`` makes one, ``Board.open`` opens one.

    Attributes
    ----------
    folder : Path
    rules : Rules
    store : Store
    """

    def __init__(self, folder: Path, rules: Rules, store: Store) -> None:
        self.folder, self.rules, self.store = folder, rules, store

    @staticmethod
    def open(folder: str | os.PathLike[str]) -> Board:
        """Open the board of a folder.

        Raises
        ------
        InputError
            The folder holds no board, or a damaged one.
        ResourceError
            The store cannot be reached, or its tables are of another version.
        """
        path = Path(folder)
        rules, url = read_settings(path)
        board = Board(path, rules, Store(url))
        if (version := board.store.version()) != board.store.newest:
            board.close()
            what = f"the store's tables are of version {version or 'none'}; this version of ganmetrics uses another"
            hint = "Run 'ganmetrics leaderboard upgrade'"
            raise ResourceError(what, where=shown(path), hint=hint, code="E-STORE-VERSION")
        return board

    def close(self) -> None:
        """Give the store's connections back."""
        self.store.close()

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def places(self) -> dict[str, Path]:
        """The folders of references, submissions, grids and scratch files, by name."""
        return {part: self.folder / part for part in PARTS}

    # submitting

    def submit(self, path: str | os.PathLike[str], *, team: str, model: str, via: str = "cli") -> str:
        """Take in a folder, zip or npz file of images, queue it and return the public id of the entry.

        Raises
        ------
        UsageError
            A name that cannot be shown.
        RejectedError
            Another number of images than the rules ask for, statistics, a hostile archive, no quota left.
        """
        team, model = clean_name(team, "team"), clean_name(model, "model")
        self.check_quota(team)
        staged = staging.stage_path(path, self.places["submissions"], self.rules)
        return self.queue(staged, team, model, via)

    def queue(self, staged: Staged, team: str, model: str, via: str) -> str:
        """Queue a file of the submissions' folder; remove it where the quota is used up (RejectedError)."""
        try:
            return self.store.add(team, model, via, *staged, self.rules.quota)
        except BaseException:
            (self.places["submissions"] / staged.file).unlink(missing_ok=True)
            raise

    def check_quota(self, team: str) -> None:
        """Refuse a team without quota before its bytes are read; ``Store.add`` decides (RejectedError)."""
        self.store.check_quota(team, self.rules.quota)

    # scoring

    def score(self, submission: Submission, machine: Machine = CPU) -> tuple[str, dict[str, Any]]:
        """Score a submission in child processes; return the kind of the record and its facts.

        Raises
        ------
        ResourceError
            The machine has no room, or the scoring is no longer wanted: the submission is not to blame.
        """
        facts = self.identity(submission)
        path, reference = self.places["submissions"] / submission.file, self.places["reference"]
        grid = self.places["grids"] / f"{submission.public_id}.png"
        try:
            if not path.is_file():
                raise RejectedError("the submitted file is gone from the board's folder")
            with self._scratch(submission) as scratch:
                outcome = recompute(self.rules, path, reference, scratch=scratch, grid=grid, machine=machine)
        except RejectedError as error:
            return "reject", {**facts, "reason": error.what, "code": error.code}
        if "rejected" in outcome:
            reason = outcome.pop("rejected")
            return "reject", {**facts, "reason": reason, "code": "E-COPIES", **outcome}
        return "score", {**facts, **outcome}

    @contextmanager
    def _scratch(self, submission: Submission) -> Iterator[Path]:
        """Make a folder for one scoring; remove those that killed workers left for the same submission."""
        for left in self.places["scratch"].glob(f"{submission.public_id}-*"):
            shutil.rmtree(left, ignore_errors=True)
        with (
            disk_errors("the board's folder"),
            tempfile.TemporaryDirectory(prefix=f"{submission.public_id}-", dir=self.places["scratch"]) as scratch,
        ):
            yield Path(scratch)

    def identity(self, submission: Submission) -> dict[str, Any]:
        """Return what every record says of the submission that it is about."""
        return identity(submission, self.rules)

    # showing

    def entries(self) -> list[dict[str, Any]]:
        """Return the facts of every entry that stands, the oldest first."""
        standing: dict[int | None, dict[str, Any]] = {}
        for record in self.store.records():
            if record.kind == "score":
                standing[record.submission_id] = record.facts
            elif record.kind in ("withdraw", "disqualify"):
                standing.pop(record.submission_id, None)
        return list(standing.values())

    def table(self, *, hidden: bool = False) -> list[Row]:
        """Return the entries in their order, against the public reference or the hidden one (UsageError without)."""
        if hidden and not self.rules.hidden:
            raise UsageError("the board has no hidden reference", where=shown(self.folder), code="E-BOARD")
        return ranked(self.entries(), self.rules.rank_by, table="hidden" if hidden else "scores")

    def entry(self, public_id: str) -> tuple[Submission, Record | None]:
        """Return a submission and the newest record about it (UsageError for an unknown id)."""
        submission = self.store.submission(public_id)
        if submission is None:
            hint = "'ganmetrics leaderboard show' lists them"
            raise UsageError("there is no such entry", where=shown(public_id[:40]), hint=hint, code="E-ENTRY")
        records = [self.store.record_of(submission, kind) for kind in ("score", "reject", "withdraw", "disqualify")]
        return submission, max(filter(None, records), key=lambda record: record.id, default=None)

    # judging

    def withdraw(self, public_id: str, reason: str = "") -> None:
        """Take an entry off the board; its record stays (UsageError for one that is off already)."""
        self._remove("withdraw", public_id, reason)

    def disqualify(self, public_id: str, reason: str) -> None:
        """Take an entry off the board for a stated reason (UsageError for one that is off already)."""
        self._remove("disqualify", public_id, reason)

    def _remove(self, kind: str, public_id: str, reason: str) -> None:
        submission, _ = self.entry(public_id)
        self.store.append(submission, kind, {**self.identity(submission), "reason": reason[:500]})

    # verifying

    def check(self, head: str = "") -> int:
        """Check the chain of records and every submission against it; return how many records there are.

        Parameters
        ----------
        head : str
            A digest that was noted earlier: one of the chain's records must have it.

        Raises
        ------
        RejectedError
            Something was changed, moved or left out.
        """
        records = self.store.records()
        fault = verification.fault(self.rules, records, self.store.submissions())
        if not fault and head and head not in {record.digest for record in records}:
            fault = f"no record has the digest {shown(head[:64])}: the chain is another one"
        if fault:
            raise RejectedError(f"the board does not verify: {fault}", where=shown(self.folder), code="E-CHAIN")
        return len(records)

    def verify(self, public_id: str, path: str | os.PathLike[str] | None = None, machine: Machine = CPU) -> float:
        """Score an entry again and return the largest relative difference to its recorded scores.

        Parameters
        ----------
        public_id : str
        path : path, optional
            The submission, given again; by default the file that the board keeps.
        machine : Machine

        Raises
        ------
        RejectedError
            Other bytes than those that were submitted, or scores that differ by more than rounding.
        """
        submission, _ = self.entry(public_id)
        record = self.store.record_of(submission, "score")
        if record is None:
            raise UsageError("the entry has no score", where=public_id, code="E-ENTRY")
        source = self.places["submissions"] / submission.file if path is None else Path(path)
        if not source.exists():
            hint = "Give the submission again as `path`"
            raise InputError("the submitted file is not there", where=shown(source), hint=hint, code="E-MISSING")
        with tempfile.TemporaryDirectory(prefix="ganmetrics-") as folder:
            scratch = Path(folder)
            staged = staging.stage_path(source, scratch, self.rules)
            if staged.digest != record.facts["submission"]:
                raise RejectedError(f"the bytes are not those of entry {public_id}", code="E-BYTES")
            file, reference, grid = scratch / staged.file, self.places["reference"], scratch / "grid.png"
            outcome = recompute(self.rules, file, reference, scratch=scratch, grid=grid, machine=machine)
        return verification.drift_of(record.facts, outcome, public_id)

    def rows_to_verify(self) -> list[str]:
        """Return the public ids of all entries that stand."""
        return [facts["entry"] for facts in self.entries()]

    def export(self) -> dict[str, Any]:
        """Return all that is public: rules, table, chain with its head; ``docs/leaderboard.md`` describes the keys."""
        number, head = self.store.head()
        return {
            "schema": 1,
            "rules": {name: value for name, value in json.loads(self.rules.to_json()).items() if name != "hidden"},
            "entries": [public_row(row) for row in self.table()],
            "chain": {"records": number, "head": head},
            "exported": stamp(time.time()),
        }


def public_row(row: Row) -> dict[str, Any]:
    """Return what everyone may see of an entry."""
    facts = {name: row.facts[name] for name in PUBLIC if name in row.facts}
    scores = {name: public_score(score) for name, score in row.facts["scores"].items()}
    evidence = dict(row.facts["evidence"])
    if "second_fid" in evidence:
        evidence["second_fid"] = public_score(evidence["second_fid"])
    return {"rank": row.rank, "tied": row.is_tied, **facts, "scores": scores, "evidence": evidence}
