from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ganmetrics.leaderboard import chain


def records(count: int) -> list[chain.Record]:
    found: list[chain.Record] = []
    for place in range(1, count + 1):
        previous = found[-1].digest if found else chain.GENESIS
        found.append(chain.linked(place, place, "score", {"value": place, "name": "ж"}, previous))
    return found


def test_a_chain_holds() -> None:
    assert chain.fault(records(5)) == "" and chain.fault([]) == ""


@given(st.integers(0, 4), st.sampled_from(["payload", "kind", "submission_id", "previous", "digest"]))
def test_any_change_is_seen(place: int, field: str) -> None:
    found = records(5)
    changed = {"payload": json.dumps({"value": 0}), "kind": "reject", "submission_id": 77}.get(field, "f" * 64)
    found[place] = found[place]._replace(**{field: changed})
    assert chain.fault(found)


def test_left_out_and_moved_records_are_seen() -> None:
    found = records(5)
    assert "missing" in chain.fault(found[:2] + found[3:])
    assert chain.fault([*found[:2], found[3], found[2], found[4]])
