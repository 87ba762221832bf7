"""Reading in a process that may have no children."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from noise_folders import real_and_fake

import ganmetrics as gm


def test_workers_of_a_daemonic_process_are_refused_in_a_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    real, fake = real_and_fake(tmp_path, 8, (8, 8), 20)
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.raises(gm.UsageError, match=r"daemonic and may start no others.*workers=0"):
        gm.evaluate(real, fake, metrics=["fid"], extractor="pixels", reading=gm.Reading(workers=2))
    gm.evaluate(real, fake, metrics=["fid"], extractor="pixels")
