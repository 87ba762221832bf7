"""Serving a board: the web server in this process, workers in others, all of which end together."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganmetrics.errors import ResourceError

if TYPE_CHECKING:
    import uvicorn

    from ganmetrics.leaderboard.board import Board

# Seconds after which a worker that ended is started again, and that it has to end when it is told to.
RESTART = 5.0
SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Serving:
    """How a board is served.

    Attributes
    ----------
    host, port : str, int
    workers : int
        Processes that score submissions.
    device, threads : str, int
        What each worker may use.
    is_secure : bool
        Whether browsers reach the board by https, which a proxy in front of it ends.
    proxies : str
        Addresses whose forwarded headers are believed.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    device: str = "cpu"
    threads: int = 1
    is_secure: bool = False
    proxies: str = "127.0.0.1"


def serve(board: Board, how: Serving) -> None:
    """Serve until the process is told to end.

    Raises
    ------
    ResourceError
        Another program listens at the address, or the system allows none there.
    """
    import uvicorn

    config = configuration(board, how)
    try:
        # Before workers start, so that a taken port is told at once.
        socket = config.bind_socket()
    except SystemExit:
        what = f"nothing can be served at {how.host}:{how.port}"
        raise ResourceError(
            what, hint="Another program may listen there; choose another `port`", code="E-PORT"
        ) from None
    with socket, working(board, how):
        uvicorn.Server(config).run(sockets=[socket])


def configuration(board: Board, how: Serving) -> uvicorn.Config:
    """Return the settings of the web server."""
    import uvicorn

    from ganmetrics.leaderboard.web.app import create_app

    return uvicorn.Config(
        create_app(board, is_secure=how.is_secure),
        host=how.host,
        port=how.port,
        log_level="warning",
        access_log=False,
        forwarded_allow_ips=how.proxies,
        server_header=False,
        timeout_keep_alive=30,
        limit_concurrency=1000,
        backlog=1024,
        lifespan="off",
    )


@contextlib.contextmanager
def working(board: Board, how: Serving) -> Iterator[None]:
    """Run workers, each of which is started again when it ends."""
    ending = threading.Event()
    command = [
        *(sys.executable, "-m", "ganmetrics", "leaderboard", "work", str(board.folder.resolve())),
        *("--device", how.device, "--threads", str(how.threads), "--parent", str(os.getpid())),
    ]
    keepers = [threading.Thread(target=_keep, args=(command, ending)) for _ in range(how.workers)]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        ending.set()
        for keeper in keepers:
            keeper.join()


def _keep(command: list[str], ending: threading.Event) -> None:
    while not ending.is_set():
        # A session of its own: Ctrl-C reaches the server, which ends the workers.
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/")
        while worker.poll() is None and not ending.wait(0.2):
            pass
        if worker.poll() is None:
            worker.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(SECONDS_TO_END)
            worker.kill()
            worker.wait()
            return
        began = time.monotonic()
        while time.monotonic() - began < RESTART and not ending.wait(0.2):
            pass
