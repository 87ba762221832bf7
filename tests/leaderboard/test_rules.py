from __future__ import annotations

import json

import pytest

from ganmetrics.errors import UsageError
from ganmetrics.leaderboard.rules import Rules, check_share, parsed_quota, parsed_resolution

RULES = Rules(
    title="T", metrics=("fid",), rank_by="fid", extractor="pixels", network="pixels-8x8", second_extractor="",
    second_network="", reference="#2:ab", hidden="", num_images=100, width=32, height=16, seed=1, quota=((5, "day"),),
    copies=0.01, duplicates=0.1, has_diagnosis=True, version="0",
)  # fmt: skip


def test_rules_survive_json() -> None:
    assert Rules.from_json(RULES.to_json()) == RULES
    assert Rules.from_json(json.dumps(json.loads(RULES.to_json()), indent=3)).digest == RULES.digest


@pytest.mark.parametrize("change", [{"schema": 2}, {"more": 1}])
def test_rules_of_another_form_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"of another schema|with other fields"):
        Rules.from_json(json.dumps(json.loads(RULES.to_json()) | change))


def test_quotas() -> None:
    assert parsed_quota("") == ()
    assert parsed_quota("5/day, 50/total") == ((5, "day"), (50, "total"))
    for text in ("5", "0/day", "5/week", "-1/day", "5/day;2/hour", "5.5/day"):
        with pytest.raises(UsageError):
            parsed_quota(text)


def test_resolutions() -> None:
    assert parsed_resolution("64x32") == (64, 32) and parsed_resolution(28) == (28, 28)
    for text in ("", "0", "x", "32x", "-1", "100000x100000", "32x32x3"):
        with pytest.raises(UsageError):
            parsed_resolution(text)


def test_caps_follow_the_rules() -> None:
    assert RULES.caps.members == 150 and RULES.caps.ratio == 200 and RULES.caps.member_bytes == 32 << 20
    assert RULES.max_upload >= 2 * 3 * 100 * 32 * 16
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError):
            check_share(share, "copies")
