"""A server that is no board, or a broken one, is told from a board whatever it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from ganmetrics.errors import GanMetricsError, InputError, RejectedError
from ganmetrics.leaderboard.client import Remote
from ganmetrics.leaderboard.rules import Rules

NESTED = b"[" * 100_000


@contextmanager
def serving(content: bytes, code: int = 200) -> Iterator[Remote]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            """Refuses without a look at the body."""
            said = json.dumps({"error": {"what": "the token is wrong", "code": "E-TOKEN"}}).encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Remote(f"http://127.0.0.1:{server.server_port}", "token")
        finally:
            server.shutdown()
            thread.join()


def test_a_refusal_is_heard_before_all_was_sent(tmp_path: Path) -> None:
    rules = Rules(
        title="x", metrics=("fid",), rank_by="fid", extractor="pixels", network="",
        second_extractor="", second_network="",
        reference="r", hidden="", num_images=100, width=160, height=160, seed=0, quota=((1, "day"),), copies=0.5,
        duplicates=0.5, has_diagnosis=False, version="0",
    )  # fmt: skip
    np.savez(tmp_path / "x.npz", np.zeros((100, 160, 160, 3), np.uint8))  # more than a connection holds
    facts = {"rules": {**json.loads(rules.to_json()), "has_hidden": False}}
    with (
        serving(json.dumps(facts).encode()) as remote,
        pytest.raises(RejectedError, match="the token is wrong"),
    ):
        remote.submit(tmp_path / "x.npz", "model")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"3",
        b"{}",
        b'{"rules": 3}',
        b'{"rules": {"title": "x"}}',
        NESTED,
        b'{"state": []}',
        b"\xff",
    ],
)
def test_other_answers_are_of_no_board(content: bytes, tmp_path: Path) -> None:
    with serving(content) as remote:
        with pytest.raises(InputError, match="no board is served there") as caught:
            remote.submit(tmp_path, "model")
        assert caught.value.code == "E-BOARD"
        if b"state" not in content:
            with pytest.raises(InputError, match="no board is served there"):
                remote.wait("entry")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"error": 3}', NESTED])
def test_refusals_of_another_form_are_of_no_board(content: bytes, tmp_path: Path) -> None:
    with serving(content, 404) as remote, pytest.raises(InputError, match=r"no board is served there \(HTTP 404\)"):
        remote.submit(tmp_path, "model")


def test_what_a_server_says_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    content = json.dumps({"error": {"what": "no\x1b[2J", "code": "E-\n"}}).encode()
    with serving(content, 403) as remote, pytest.raises(GanMetricsError) as caught:
        remote.submit(tmp_path, "model")
    assert str(caught.value) == "no\\x1b[2J"
