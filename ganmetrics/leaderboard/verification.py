"""What shows that a board was tampered with: records that contradict its rules or submissions, scores that differ."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganmetrics.errors import RejectedError
from ganmetrics.leaderboard import chain
from ganmetrics.leaderboard.chain import stamp
from ganmetrics.leaderboard.ranking import value_of
from ganmetrics.leaderboard.rules import Rules

if TYPE_CHECKING:
    from ganmetrics.leaderboard.chain import Record
    from ganmetrics.leaderboard.store import Submission

# What another machine's rounding may change of a score: a share of its value, or of 1 for small ones.
DRIFT = 1e-4
STATES = {"score": "scored", "reject": "rejected", "withdraw": "withdrawn", "disqualify": "rejected"}


def fault(rules: Rules, records: Sequence[Record], submissions: Sequence[Submission]) -> str:
    """Return what is wrong with a board's records, in one sentence; empty where they hold."""
    if broken := chain.fault(records):
        return broken
    if not records or records[0].kind != "rules" or records[0].facts != json.loads(rules.to_json()):
        return "the rules are not those that the chain begins with"
    outcomes: dict[int | None, list[Record]] = {}
    for record in records[1:]:
        outcomes.setdefault(record.submission_id, []).append(record)
    for submission in submissions:
        if broken := _fault_of(submission, outcomes.pop(submission.id, []), rules):
            return broken
    return "records are about submissions that are gone" if outcomes else ""


def _fault_of(submission: Submission, told: Sequence[Record], rules: Rules) -> str:
    """Return how the records about a submission contradict it."""
    expected = identity(submission, rules)
    for record in told:
        wrong = next((name for name in expected if record.facts.get(name) != expected[name]), "")
        if wrong:
            return f"the {wrong} of entry {submission.public_id} is not what record {record.id} says"
    state = STATES[told[-1].kind] if told else "queued"
    # No record is made when a worker takes a submission.
    if state != submission.state and (state, submission.state) != ("queued", "scoring"):
        return f"entry {submission.public_id} is {submission.state}, and its records say {state}"
    return ""


def identity(submission: Submission, rules: Rules) -> dict[str, Any]:
    """Return what every record says of the submission that it is about."""
    return {
        "entry": submission.public_id,
        "team": submission.team,
        "model": submission.model,
        "via": submission.via,
        "received": stamp(submission.received),
        "submission": submission.digest,
        "rules": rules.digest,
    }


def drift_of(recorded: dict[str, Any], recomputed: dict[str, Any], public_id: str) -> float:
    """Return the largest relative difference between the recorded scores of an entry and the recomputed ones.

    Raises
    ------
    RejectedError
        A difference that is larger than rounding explains, or an entry that the rules refuse now.
    """
    if "rejected" in recomputed:
        raise RejectedError(f"entry {public_id} is refused now: {recomputed['rejected']}", code="E-DRIFT")
    drifts = {}
    for table in ("scores", "hidden"):
        for name, score in recorded[table].items():
            then, now = value_of(score), value_of(recomputed[table][name])
            same = score["value"] is None and recomputed[table][name]["value"] is None
            drifts[f"{name} ({table})"] = 0.0 if same else abs(now - then) / max(1.0, abs(then))
    name, drift = max(drifts.items(), key=lambda item: math.inf if math.isnan(item[1]) else item[1])
    # Written so that NaN, a score that was finite once, is refused too.
    if not drift <= DRIFT:
        raise RejectedError(f"{name} of entry {public_id} comes out otherwise: {drift:.1e} of it", code="E-DRIFT")
    return drift
