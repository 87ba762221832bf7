"""Ray in this process: the cluster is joined or started for a while, quietly, and the process is left as before."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ganmetrics.errors import ResourceError, UsageError

# Tries of what a worker did when it died, before the run ends.
RETRIES = 3
# Seconds that a cluster may take to answer at each address; Ray itself would try for eight minutes.
SECONDS = 5.0
ADDRESS = re.compile(r"(?:ray://)?(?P<host>\[.+\]|[^:/\[\]]+):(?P<port>\d{1,5})")
# The protocol that Ray's servers speak.
GRPC = b"application/grpc"
SILENT = logging.CRITICAL + 1
CORE_LEVEL = "RAY_BACKEND_LOG_LEVEL"


@contextmanager
def connected() -> Iterator[None]:
    """Within it there is Ray: the one that is there already, that of RAY_ADDRESS, else one on this machine.

    What is joined or started here is left at the end. Several calls of the engine within it share one start.

    Raises
    ------
    UsageError
        Ray is not installed.
    ResourceError
        The cluster is not there, or Ray does not start.
    """
    ray = require_ray()
    is_mine = not ray.is_initialized()
    with _environment(), _silence():
        try:
            if is_mine:
                _start(ray)
            yield
        finally:
            if is_mine:
                with _handlers():
                    ray.shutdown()


def require_ray() -> Any:
    """The package of that name (UsageError where it is not installed)."""
    try:
        with _environment(), _handlers():
            import ray
    except ImportError as error:
        what = f"the engine ray needs Ray, which is not installed ({first_line(error)})"
        raise UsageError(what, where="engine", hint="pip install 'ganmetrics[ray]'") from error
    return ray


def first_line(error: BaseException) -> str:
    """What an error says, in one line, or its class where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def _start(ray: Any) -> None:
    address = os.environ.get("RAY_ADDRESS", "")
    local = {} if address else {"include_dashboard": False}
    _require_answer(address)
    try:
        with _handlers(), _quiet_core():
            ray.init(log_to_driver=False, logging_level=SILENT, **local)
    except Exception as error:  # of many classes, all meaning that there is no Ray
        what = f"Ray does not start: {first_line(error)}"
        hint = "Look whether the cluster runs (ray status), or unset RAY_ADDRESS"
        raise ResourceError(what, where=address or "this machine", hint=hint, code="E-RAY") from error


def _require_answer(address: str) -> None:
    """Refuse the address of a cluster at which no Ray answers (ResourceError); other forms Ray settles at once."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        return
    try:
        reason = "" if _speaks_grpc(found["host"].strip("[]"), int(found["port"])) else "what answers there is not Ray"
    except TimeoutError:
        reason = f"nobody answers within {SECONDS:g} s"
    except OSError as error:
        reason = f"nobody answers ({error.strerror or type(error).__name__})"
    except OverflowError:
        reason = f"{found['port']} is no port"
    if reason:
        hint = "Look whether the cluster runs (ray status) and may be reached from here, or unset RAY_ADDRESS"
        raise ResourceError(f"there is no Ray cluster: {reason}", where=address, hint=hint, code="E-RAY")


def _speaks_grpc(host: str, port: int) -> bool:
    """Whether a server answers a health check of gRPC, whatever it says of its health (OSError where none answers)."""
    with socket.create_connection((host, port), timeout=SECONDS) as connection:
        if os.environ.get("RAY_USE_TLS", "0").lower() not in ("", "0", "false"):
            # What the server speaks is seen by those that have its certificates.
            return True
        connection.sendall(_health_check())
        found, until = b"", time.monotonic() + SECONDS
        while GRPC not in found and time.monotonic() < until:
            part = connection.recv(4096)
            if not part:
                return False
            found += part
        return GRPC in found


def _health_check() -> bytes:
    """The request in HTTP/2: its preface, settings, the headers of a POST over http, and an empty message."""

    def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
        return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body

    fields = {":path": "/grpc.health.v1.Health/Check", ":authority": "ray", "content-type": GRPC.decode()}
    pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
    headers = b"".join(b"\0%c%s%c%s" % (len(name), name, len(value), value) for name, value in pairs)
    trailers = b"\0\x02te\x08trailers"
    request = frame(1, 4, 1, b"\x83\x86" + headers + trailers) + frame(0, 1, 1, bytes(5))
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + request


@contextmanager
def _quiet_core() -> Iterator[None]:
    """Have Ray's core, which writes to stderr, tell nothing; that it does so is what it tells while it starts."""
    with ExitStack() as stack:
        if CORE_LEVEL not in os.environ:
            os.environ[CORE_LEVEL] = "fatal"
            kept = os.dup(2)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 2)
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 2)
            os.close(nothing)
        yield


@contextmanager
def _handlers() -> Iterator[None]:
    """Around an import, start or end of Ray: its warnings are silent, handlers and hooks are put back."""
    hook, handler = sys.excepthook, signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.excepthook = hook
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


@contextmanager
def _environment() -> Iterator[None]:
    """The environment, put back at the end."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing of Ray's loggers, and no warnings of its code about itself."""
    loggers = [(logging.getLogger(name), logging.getLogger(name).level) for name in ("ray",)]
    for logger, _ in loggers:
        logger.setLevel(SILENT)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"ray(\.|$)")
            yield
    finally:
        for logger, level in loggers:
            logger.setLevel(level)
