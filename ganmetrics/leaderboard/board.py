"""A board: a folder with its rules, its references and its submissions, and a store beside it or elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganmetrics._files import atomic_write, disk_errors, shown
from ganmetrics.errors import MALFORMED, InputError, RejectedError, ResourceError, UsageError
from ganmetrics.leaderboard import chain, intake, sandbox
from ganmetrics.leaderboard.public_names import clean_name
from ganmetrics.leaderboard.ranking import Row, public_score, ranked, value_of
from ganmetrics.leaderboard.rules import Rules
from ganmetrics.leaderboard.sandbox import Limits
from ganmetrics.leaderboard.store import Store, Submission

if TYPE_CHECKING:
    from collections.abc import Callable

    from ganmetrics.leaderboard.chain import Record
    from ganmetrics.leaderboard.intake import Staged

SETTINGS = "board.json"
STORE_VARIABLE = "GANMETRICS_LEADERBOARD_STORE"
PARTS = ("reference", "submissions", "grids", "scratch")
DRIFT = 1e-4  # of a score's value, or of 1 for small ones: what another machine's rounding may change
PUBLIC = ("entry", "team", "model", "via", "received", "submission", "rules", "scores", "evidence", "findings")


class Board:
    """A board that exists; ``create`` and ``open`` give one.

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
        """The board of a folder.

        Raises
        ------
        InputError
            The folder holds none, or one that is damaged.
        ResourceError
            The store cannot be reached, or its tables are of another version.
        """
        path = Path(folder)
        try:
            settings = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
            rules, url = Rules.from_json(json.dumps(settings["rules"])), str(settings["store"])
        except FileNotFoundError:
            hint = "Make one with 'ganmetrics leaderboard init'"
            raise InputError("there is no board in the folder", where=shown(path), hint=hint, code="E-BOARD") from None
        except (OSError, *MALFORMED) as error:
            reason = shown(str(error)[:100])
            raise InputError(
                f"the board's settings cannot be read: {reason}", where=shown(path / SETTINGS), code="E-BOARD"
            ) from None
        board = Board(path, rules, Store(os.environ.get(STORE_VARIABLE) or store_url(url, path)))
        if (found := board.store.version()) != board.store.newest:
            board.close()
            what = f"the store's tables are of version {found or 'none'}; this version of ganmetrics uses another"
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
        """The folders of references, submissions and grids."""
        return {part: self.folder / part for part in PARTS}

    # submitting

    def submit(self, path: str | os.PathLike[str], *, team: str, model: str, via: str = "cli") -> str:
        """Take in a folder, zip or npz file of images and queue it; the public id of the entry.

        Raises
        ------
        UsageError
            A name that cannot be shown.
        RejectedError
            Another number of images, statistics, hostile archives, no quota left.
        """
        team, model = clean_name(team, "team"), clean_name(model, "model")
        self.check_quota(team)
        staged = intake.stage_path(path, self.places["submissions"], self.rules)
        return self.queue(staged, team, model, via)

    def queue(self, staged: Staged, team: str, model: str, via: str) -> str:
        """Queue a file of the board's folder, which goes where the quota is used up (RejectedError)."""
        try:
            return self.store.add(team, model, via, *staged, self.rules.quota)
        except BaseException:
            (self.places["submissions"] / staged.file).unlink(missing_ok=True)
            raise

    def check_quota(self, team: str) -> None:
        """Refuse a team without quota before its bytes are read; ``Store.add`` decides (RejectedError)."""
        self.store.check_quota(team, self.rules.quota)

    # scoring

    def score(
        self, submission: Submission, *, device: str = "cpu", threads: int = 1, alive: Callable[[], bool] = lambda: True
    ) -> tuple[str, dict[str, Any]]:
        """Decode and score in two children: the kind of the record and its facts.

        Raises
        ------
        ResourceError
            The machine has no room, or ``alive`` said no: nobody's fault.
        """
        facts = self.identity(submission)
        path = self.places["submissions"] / submission.file
        try:
            if not path.is_file():
                raise RejectedError("the submitted file is gone from the board's folder")
            grid = self.places["grids"] / f"{submission.public_id}.png"
            with self._scratch(submission) as scratch:
                found = self.recompute(path, scratch, grid, device=device, threads=threads, alive=alive)
        except RejectedError as error:
            return "reject", {**facts, "reason": error.what, "code": error.code}
        if "rejected" in found:
            reason = found.pop("rejected")
            return "reject", {**facts, "reason": reason, "code": "E-COPIES", **found}
        return "score", {**facts, **found}

    @contextmanager
    def _scratch(self, submission: Submission) -> Iterator[Path]:
        """A folder for one scoring; those that killed workers left for the same submission go."""
        for left in self.places["scratch"].glob(f"{submission.public_id}-*"):
            shutil.rmtree(left, ignore_errors=True)
        with (
            disk_errors("the board's folder"),
            tempfile.TemporaryDirectory(prefix=f"{submission.public_id}-", dir=self.places["scratch"]) as scratch,
        ):
            yield Path(scratch)

    def recompute(
        self,
        path: Path,
        scratch: Path,
        grid: Path,
        *,
        device: str = "cpu",
        threads: int = 1,
        alive: Callable[[], bool] = lambda: True,
    ) -> dict[str, Any]:
        """What the children say of a file, whose pixels they keep in ``scratch`` (RejectedError, ResourceError)."""
        rules, pixels = self.rules.to_json(), str(scratch.resolve() / "pixels.npy")
        job: dict[str, Any] = {"rules": rules, "file": str(path.resolve()), "pixels": pixels}
        limits = replace(_decoding_limits(self.rules), reads=(str(path.resolve()),), writes=str(scratch.resolve()))
        names = sandbox.run("pixels", job, limits, alive=alive)["names"]
        places = {"reference": str(self.places["reference"].resolve()), "grid": str(grid.resolve())}
        job = {"rules": rules, "pixels": pixels, "names": names, "device": device, "threads": threads, **places}
        return sandbox.run("scoring", job, _scoring_limits(self.rules, device), threads=threads, alive=alive)

    def identity(self, submission: Submission) -> dict[str, Any]:
        """What every record says of the submission that it is about."""
        return {
            "entry": submission.public_id,
            "team": submission.team,
            "model": submission.model,
            "via": submission.via,
            "received": stamp(submission.received),
            "submission": submission.digest,
            "rules": self.rules.digest,
        }

    # showing

    def entries(self) -> list[dict[str, Any]]:
        """The facts of every entry that stands, the oldest first."""
        found: dict[int | None, dict[str, Any]] = {}
        for record in self.store.records():
            if record.kind == "score":
                found[record.submission_id] = record.facts
            elif record.kind in ("withdraw", "disqualify"):
                found.pop(record.submission_id, None)
        return list(found.values())

    def table(self, *, hidden: bool = False) -> list[Row]:
        """The entries in their order, against the public reference or the hidden one (UsageError without one)."""
        if hidden and not self.rules.hidden:
            raise UsageError("the board has no hidden reference", where=shown(self.folder), code="E-BOARD")
        return ranked(self.entries(), self.rules.rank_by, table="hidden" if hidden else "scores")

    def entry(self, public_id: str) -> tuple[Submission, Record | None]:
        """A submission with its newest record (UsageError for an unknown one)."""
        submission = self.store.submission(public_id)
        if submission is None:
            hint = "'ganmetrics leaderboard show' lists them"
            raise UsageError("there is no such entry", where=shown(public_id[:40]), hint=hint, code="E-ENTRY")
        records = [self.store.record_of(submission, kind) for kind in ("score", "reject", "withdraw", "disqualify")]
        return submission, max(filter(None, records), key=lambda record: record.id, default=None)

    # judging

    def withdraw(self, public_id: str, reason: str = "") -> None:
        """Take an entry off the board; its record stays (UsageError for one that is off already)."""
        submission, _ = self.entry(public_id)
        self.store.append(submission, "withdraw", {**self.identity(submission), "reason": reason[:500]})

    def disqualify(self, public_id: str, reason: str) -> None:
        """Take an entry off the board for a stated reason (UsageError)."""
        submission, _ = self.entry(public_id)
        self.store.append(submission, "disqualify", {**self.identity(submission), "reason": reason[:500]})

    # verifying

    def check(self, head: str = "") -> int:
        """Check the chain of records, and every submission against it; how many records there are.

        Parameters
        ----------
        head : str
            A digest that was noted earlier: it must be one of the chain's.

        Raises
        ------
        RejectedError
            Something was changed, moved or left out.
        """
        records = self.store.records()
        fault = chain.fault(records) or self._fault(records)
        if not fault and head and head not in {record.digest for record in records}:
            fault = f"no record has the digest {shown(head[:64])}: the chain is another one"
        if fault:
            raise RejectedError(f"the board does not verify: {fault}", where=shown(self.folder), code="E-CHAIN")
        return len(records)

    def _fault(self, records: Sequence[Record]) -> str:
        if not records or records[0].kind != "rules" or records[0].facts != json.loads(self.rules.to_json()):
            return "the rules are not those that the chain begins with"
        outcomes: dict[int | None, list[Record]] = {}
        for record in records[1:]:
            outcomes.setdefault(record.submission_id, []).append(record)
        for submission in self.store.submissions():
            told = outcomes.pop(submission.id, [])
            for record in told:
                identity = self.identity(submission)
                wrong = next((name for name in identity if record.facts.get(name) != identity[name]), "")
                if wrong:
                    return f"the {wrong} of entry {submission.public_id} is not what record {record.id} says"
            expected = _state(told)
            if expected != submission.state and not (expected == "queued" and submission.state == "scoring"):
                return f"entry {submission.public_id} is {submission.state}, and its records say {expected}"
        return "records are about submissions that are gone" if outcomes else ""

    def verify(self, public_id: str, path: str | os.PathLike[str] | None = None, **options: Any) -> float:
        """Score an entry's stored file again, or the same bytes given again; the largest drift of a score.

        Raises
        ------
        RejectedError
            Other bytes than those that were submitted, or scores that come out otherwise.
        """
        submission, _ = self.entry(public_id)
        record = self.store.record_of(submission, "score")
        if record is None:
            raise UsageError("the entry has no score", where=public_id, code="E-ENTRY")
        with tempfile.TemporaryDirectory(prefix="ganmetrics-") as scratch:
            source = self.places["submissions"] / submission.file if path is None else Path(path)
            if not source.exists():
                hint = "Give the submission again as `path`"
                raise InputError("the submitted file is not there", where=shown(source), hint=hint, code="E-MISSING")
            staged = intake.stage_path(source, Path(scratch), self.rules)
            if staged.digest != record.facts["submission"]:
                raise RejectedError(f"the bytes are not those of entry {public_id}", code="E-BYTES")
            found = self.recompute(Path(scratch, staged.file), Path(scratch), Path(scratch, "grid.png"), **options)
        return _drift(record.facts, found, public_id)

    def rows_to_verify(self) -> list[str]:
        """The public ids of all entries that stand."""
        return [facts["entry"] for facts in self.entries()]

    def export(self) -> dict[str, Any]:
        """All that is public: rules, table, chain with its head; ``docs/leaderboard.md`` describes it."""
        number, head = self.store.head()
        return {
            "schema": 1,
            "rules": {name: value for name, value in json.loads(self.rules.to_json()).items() if name != "hidden"},
            "entries": [public_row(row) for row in self.table()],
            "chain": {"records": number, "head": head},
            "exported": stamp(time.time()),
        }


def public_row(row: Row) -> dict[str, Any]:
    """What everyone may see of an entry."""
    facts = {name: row.facts[name] for name in PUBLIC if name in row.facts}
    scores = {name: public_score(score) for name, score in row.facts["scores"].items()}
    evidence = dict(row.facts["evidence"])
    if "second_fid" in evidence:
        evidence["second_fid"] = public_score(evidence["second_fid"])
    return {"rank": row.rank, "tied": row.is_tied, **facts, "scores": scores, "evidence": evidence}


def store_url(url: str, folder: Path) -> str:
    """A store's URL, that of the board's own SQLite file where it is empty."""
    return url or f"sqlite:///{folder.resolve() / 'store.db'}"


def stamp(seconds: float) -> str:
    """A time as ISO 8601 in UTC."""
    return datetime.fromtimestamp(round(seconds, 3), timezone.utc).isoformat(timespec="milliseconds")


def save_settings(folder: Path, rules: Rules, url: str) -> None:
    """Write the file that makes a folder a board, readable by its owner alone: a URL may hold a password."""
    settings = {"rules": json.loads(rules.to_json()), "store": url}
    with atomic_write(folder / SETTINGS, mode=0o600) as stream:
        stream.write(json.dumps(settings, indent=1, ensure_ascii=False).encode() + b"\n")


def _state(told: Sequence[Record]) -> str:
    states = {"score": "scored", "reject": "rejected", "withdraw": "withdrawn", "disqualify": "rejected"}
    return states[told[-1].kind] if told else "queued"


def _drift(recorded: dict[str, Any], found: dict[str, Any], public_id: str) -> float:
    if "rejected" in found:
        raise RejectedError(f"entry {public_id} is refused now: {found['rejected']}", code="E-DRIFT")
    drifts = {}
    for table in ("scores", "hidden"):
        for name, score in recorded[table].items():
            then, now = value_of(score), value_of(found[table][name])
            same = score["value"] is None and found[table][name]["value"] is None
            drifts[f"{name} ({table})"] = 0.0 if same else abs(now - then) / max(1.0, abs(then))
    name, drift = max(drifts.items(), key=lambda item: item[1] if item[1] == item[1] else float("inf"))
    if not drift <= DRIFT:
        raise RejectedError(f"{name} of entry {public_id} comes out otherwise: {drift:.1e} of it", code="E-DRIFT")
    return drift


def _decoding_limits(rules: Rules) -> Limits:
    pixels = 3 * rules.num_images * rules.width * rules.height
    return Limits(memory=4 << 30, seconds=60 + pixels // 1_000_000 + rules.num_images // 50, file_bytes=pixels + 4096)


def _scoring_limits(rules: Rules, device: str) -> Limits:
    memory = (16 << 30) + (64 << 10) * rules.num_images if device == "cpu" else 0  # CUDA reserves what it never uses
    return Limits(memory=memory, seconds=900 + 2 * rules.num_images, file_bytes=1 << 30)
