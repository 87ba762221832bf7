"""The API does what its description says, whatever it is asked: by schemathesis, over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from boards import Copied, served


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_request_breaks_the_server(scored_board: Path, copied: Copied, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    board = copied(scored_board)
    token = board.store.issue("team", "fuzz", 3600)
    with served(board) as address:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {token}", "--checks", "not_a_server_error", "--max-examples", "15"),
            *("--seed", "1", "--report", "ndjson", "--report-ndjson-path", str(tmp_path / "report.ndjson")),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=540, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert len([json.loads(line) for line in (tmp_path / "report.ndjson").read_text().splitlines()]) > 5
