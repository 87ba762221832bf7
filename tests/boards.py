"""Small boards and submissions for the tests of leaderboards."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import uvicorn
from PIL import Image

from ganmetrics.leaderboard import Board
from ganmetrics.leaderboard.creation import BoardOptions, create
from ganmetrics.leaderboard.web.serving import Serving, configuration
from ganmetrics.leaderboard.worker import Worker

Copied = Callable[[Path], Board]
SIDE, COUNT, REALS = 24, 60, 120
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []


def pictures(count: int, seed: int, shift: float = 0.0) -> np.ndarray[Any, Any]:
    """Smooth random images, uint8 [count, 24, 24, 3]."""
    rng = np.random.RandomState(seed)
    coarse = rng.randn(count, 4, 4, 3) * 40 + 128 + shift
    smooth = coarse.repeat(6, 1).repeat(6, 2) + rng.randn(count, SIDE, SIDE, 3) * 8
    return smooth.clip(0, 255).astype(np.uint8)


REAL = pictures(REALS, 1)


def npz(path: Path, images: np.ndarray[Any, Any], **more: Any) -> Path:
    np.savez(path, arr_0=images, **more)
    return path


def png(image: np.ndarray[Any, Any], format: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format=format)
    return stream.getvalue()


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def members(images: np.ndarray[Any, Any]) -> dict[str, bytes]:
    return {f"{index:05d}.png": png(image) for index, image in enumerate(images)}


def board(folder: Path, **wishes: Any) -> Board:
    """A board of 60 images of 24 pixels against 120 reals, by the extractor ``pixels``."""
    facts = {"title": "Tiny", "metrics": ("fid", "precision_recall"), "num_images": COUNT, "resolution": SIDE}
    return create(folder, BoardOptions(**{"reference": REAL, "extractor": "pixels", **facts, **wishes}), device="cpu")


def work_through(board: Board) -> None:
    """Score all that is queued in this process, without the two children that each submission has otherwise."""

    def answered(module: str, job: dict[str, Any], *_: Any, **__: Any) -> Any:
        return import_module(f"ganmetrics.leaderboard.{module}").answer(job)

    with mock.patch("ganmetrics.leaderboard.sandbox.run", answered):
        Worker(board).run(until_empty=True)


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server of its own, or a skip where Debian's packages are absent."""
    if not BINARIES:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:  # pytest's own are for one user alone
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.stop()


class Server:
    """PostgreSQL in a folder, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.number = folder, free_port(), 0
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:  # which it refuses to run as
            shutil.chown(folder, "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-N")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def url(self) -> str:
        """The URL of a fresh database."""
        self.number += 1
        name = f"board{self.number}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(BINARIES[-1] / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self.user, "--", *command]
        done = (
            subprocess.run(
                command, capture_output=True, text=True, timeout=120, cwd=self.folder, stdin=subprocess.DEVNULL
            )
            if program != "pg_ctl"
            else _quiet(command, self.folder)
        )
        assert done.returncode == 0, done.stderr


def _quiet(command: list[str], folder: Path) -> Any:
    # the server keeps what it is started with open, and a pipe would never end
    with open(os.devnull, "w") as nothing:
        return subprocess.run(
            command, stdout=nothing, stderr=nothing, timeout=120, cwd=folder, stdin=subprocess.DEVNULL
        )


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def until(condition: Any, seconds: float = 300.0) -> None:
    """Wait for something that happens elsewhere."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


class WebServer(uvicorn.Server):
    """Looks ten times as often as uvicorn's own whether it is to end."""

    async def main_loop(self) -> None:
        ticks = itertools.count()
        while not await self.on_tick(next(ticks)):
            await asyncio.sleep(0.01)


@contextmanager
def served(board: Board, **options: Any) -> Iterator[str]:
    """The address of a board that a thread serves."""
    config = configuration(board, Serving(port=0, **options))
    server, listening = WebServer(config), config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def started(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ganmetrics", "leaderboard", "work", str(folder), "--lease", "4", *options]
    with open(folder.parent / "worker.log", "ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder.parent, stdin=subprocess.DEVNULL)


def ended(*workers: subprocess.Popen[bytes]) -> None:
    for worker in workers:
        worker.terminate()
        worker.wait(30)
