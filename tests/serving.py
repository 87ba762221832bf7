"""A real HTTP server on this machine that serves one file well or badly, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

from ganmetrics.extractors.weights.download import Patience
from ganmetrics.extractors.weights.weight_store import WeightFile

BODY = random.Random(0).randbytes(300_000)
HASTE = Patience(timeout=30, tries=3, backoff=0.01)  # a busy machine answers late; servers fall silent elsewhere

Answer = Callable[["Handler"], None]
AnyServer = TypeVar("AnyServer", bound=ThreadingHTTPServer)


class Handler(BaseHTTPRequestHandler):
    """Answers each path by the behaviour registered for it."""

    server: Server

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests.append((self.path, self.headers.get("Range")))
        try:
            self.server.answers[self.path](self)
        except OSError:  # the client has had enough
            self.close_connection = True

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """The server, its behaviours by path, and the ``(path, Range header)`` of each request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, str | None]] = []

    def url(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


@contextmanager
def started(server: AnyServer) -> Iterator[AnyServer]:
    """A server that answers in a thread of its own, and is gone at the end."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running() -> Iterator[Server]:
    with started(Server()) as server:
        yield server


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def weight_file(*urls: str, body: bytes = BODY) -> WeightFile:
    filenames = ("pt_tiny.pth", "weights-tiny.pth")
    return WeightFile("tiny", filenames, urls, len(body), sha256(body), "CC0-1.0", ("pixels",))


def offset_of(handler: Handler) -> int:
    asked = handler.headers.get("Range")
    return int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0


def good(handler: Handler) -> None:
    """The file, or the rest of it."""
    start = offset_of(handler)
    if start:
        handler.reply(206, BODY[start:], Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
    else:
        handler.reply(200, BODY)


def rangeless(handler: Handler) -> None:
    handler.reply(200, BODY)


def sends(body: bytes, **headers: str) -> Answer:
    return lambda handler: handler.reply(200, body, **headers)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.reply(code, b"no", **headers)


def cut_once(handler: Handler) -> None:
    """Half of the file at the first request, the rest at the next."""
    if offset_of(handler):
        return good(handler)
    return handler.reply(200, BODY[: len(BODY) // 2], Content_Length=str(len(BODY)))


def stalls(handler: Handler) -> None:
    """A tenth of the file, then silence."""
    handler.reply(200, BODY[: len(BODY) // 10], Content_Length=str(len(BODY)))
    time.sleep(1.5)


def trickles(handler: Handler) -> None:
    """The file in small pieces, over about two seconds; the rest of it at once."""
    start = offset_of(handler)
    handler.reply(206 if start else 200, Content_Length=str(len(BODY) - start), Content_Range=content_range(start))
    for first in range(start, len(BODY), 6000):
        handler.wfile.write(BODY[first : first + 6000])
        time.sleep(0 if start else 0.04)


def content_range(start: int) -> str:
    return f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"


def environment(monkeypatch, folder: Path) -> None:
    """Cold caches below ``folder``, and no proxy between this process and the server."""
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.delenv("GANMETRICS_WEIGHTS_DIR", raising=False)
    monkeypatch.delenv("GANMETRICS_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
