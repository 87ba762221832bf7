"""Whatever bytes a reader is given, it takes them or refuses them by an error of ours: a short run of changed files.

The long run is ``python scripts/fuzz.py``; files that once showed a fault stand in ``corpus``, by reader.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing.campaign import CORPUS, Campaign, regressions
from fuzzing.readers import READERS

SEED = 0


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_taken_or_refused(name: str, tmp_path: Path) -> None:
    campaign = Campaign(name, tmp_path)
    campaign.run(campaign.reader.rounds, SEED)
    assert not campaign.findings, campaign.report()
    assert campaign.taken, "the sound files are none"
    assert campaign.refused or name in ("feature-entry", "log", "pattern"), "nothing was changed enough to be refused"


@pytest.mark.parametrize("path", [path for name in READERS for path in regressions(name)], ids=lambda path: path.name)
def test_what_once_showed_a_fault_no_longer_does(path: Path, tmp_path: Path) -> None:
    campaign = Campaign(path.parent.name, tmp_path)
    campaign.give(path.read_bytes())
    assert not campaign.findings, campaign.report()


def test_the_corpus_is_small_and_each_file_has_a_reader() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} <= set(READERS)
    assert all(path.parent.parent == CORPUS for path in files)
    assert sum(path.stat().st_size for path in files) < 100_000
