"""A client of a served board: it submits images and waits for the outcome."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from ganmetrics._files import shown
from ganmetrics.errors import MALFORMED, InputError, RejectedError, ResourceError, UsageError
from ganmetrics.leaderboard import staging
from ganmetrics.leaderboard.public_names import clean_name
from ganmetrics.leaderboard.rules import Rules

if TYPE_CHECKING:
    import os

# Seconds to wait for an answer, and between looks at a submission.
TIMEOUT = 120.0
POLL = 2.0
DONE = ("scored", "rejected", "withdrawn")


class Remote:
    """A served board.

    Parameters
    ----------
    url : str
        ``https://…``; plain ``http`` is taken for this machine only, because the token would be readable on the way.
    token : str
        The team's token.

    Raises
    ------
    UsageError
        Plain ``http`` to another machine, or no token.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        # The token is a password: it travels encrypted, or not off this machine.
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise UsageError("the token would be sent in the clear", where=shown(url), hint="Use https://")
        if not token:
            hint = "Pass `token` or set GANMETRICS_LEADERBOARD_TOKEN; the organiser issues it"
            raise UsageError("a served board needs a token", where=shown(url), hint=hint)
        self.url, self.token = url.rstrip("/"), token

    def submit(
        self, path: str | os.PathLike[str], model: str, *, read: Callable[[int], object] = lambda _: None
    ) -> str:
        """Send a folder, zip or npz file; return the entry's public id. ``read`` is called with numbers of sent bytes.

        Raises
        ------
        RejectedError
            The board's reason.
        """
        rules = self._rules()
        with tempfile.TemporaryDirectory(prefix="ganmetrics-") as scratch:
            staged = staging.stage_path(path, Path(scratch), rules)
            packed = Path(scratch, staged.file)
            query = urlencode({"model": clean_name(model, "model")})
            with open(packed, "rb") as stream:
                request = urllib.request.Request(
                    f"{self.url}/api/v1/submissions?{query}", data=_Watched(stream, read), method="POST",
                    headers={"Content-Type": "application/octet-stream", "Content-Length": str(packed.stat().st_size)},
                )  # fmt: skip
                return str(self._fact(self._answer(request), "entry"))

    def wait(self, entry: str) -> dict[str, Any]:
        """Wait until a submission is scored, rejected or withdrawn; return its facts."""
        while True:
            facts = self._get(f"/api/v1/submissions/{quote(entry)}")
            if self._fact(facts, "state") in DONE:
                return facts
            time.sleep(POLL)

    def _rules(self) -> Rules:
        facts = self._get("/api/v1/board")
        try:
            # A served board tells whether it has a hidden reference, not which.
            rules = {**facts["rules"], "hidden": ""}
            rules.pop("has_hidden", None)
            return Rules.from_json(json.dumps(rules))
        except MALFORMED:
            raise self._no_board() from None

    def _get(self, path: str) -> dict[str, Any]:
        return self._answer(urllib.request.Request(f"{self.url}{path}"))

    def _answer(self, request: urllib.request.Request) -> dict[str, Any]:
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.build_opener(_Http, _Https).open(request, timeout=TIMEOUT) as response:
                answer: dict[str, Any] = dict(json.load(response))
                return answer
        except urllib.error.HTTPError as error:
            self._refused(error)
        except (OSError, http.client.HTTPException) as error:
            what = f"the board does not answer: {getattr(error, 'reason', error)}"
            hint = "Check the URL, or try again later"
            raise ResourceError(what, where=shown(self.url), hint=hint, code="E-STORE") from None
        except MALFORMED:
            raise self._no_board() from None

    def _fact(self, answer: dict[str, Any], name: str) -> Any:
        if name not in answer:
            raise self._no_board()
        return answer[name]

    def _no_board(self, more: str = "") -> InputError:
        return InputError(f"no board is served there{more}", where=shown(self.url), code="E-BOARD")

    def _refused(self, error: urllib.error.HTTPError) -> NoReturn:
        try:
            said = json.load(error)["error"]
            what, code = shown(str(said["what"])), shown(str(said["code"]))
        except MALFORMED:
            raise self._no_board(f" (HTTP {error.code})") from None
        # The server is to blame, not the submission.
        if error.code >= 500:
            raise ResourceError(what, where=shown(self.url), code=code)
        raise RejectedError(what, code=code)


class _Listening(http.client.HTTPConnection):
    """A connection that reads the answer of a server which refuses a request before it has read all of it."""

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        if self.sock is None:
            self.connect()
        # The server closed the connection; its answer may still be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            super().endheaders(message_body, encode_chunked=encode_chunked)


class _ListeningSafely(_Listening, http.client.HTTPSConnection):
    """Listens over TLS as ``_Listening`` does over TCP."""


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Listening, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_ListeningSafely, req)


class _Watched:
    def __init__(self, stream: IO[bytes], read: Callable[[int], object]) -> None:
        self.stream, self.told = stream, read

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.told(len(data))
        return data
