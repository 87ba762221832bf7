"""Two hundred readers for ten seconds while a submission is scored: measured and printed, not asserted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import boards
import httpx
import numpy as np
import pytest
from boards import Copied, npz, pictures

READERS, SECONDS, PAUSE = 200, 10.0, 1.0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_readers_are_served_while_a_submission_is_scored(scored_board: Path, copied: Copied, tmp_path: Path) -> None:
    board, port = copied(scored_board), boards.free_port()
    command = [sys.executable, "-m", "ganmetrics", "leaderboard", "serve", str(board.folder), "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        boards.until(lambda: _answers(address))
        board.submit(npz(tmp_path / "x.npz", pictures(boards.COUNT, 8)), team="busy", model="busy")
        seconds = asyncio.run(_read(address))
        boards.until(lambda: board.store.counts().get("scored") == 4, 120)
    finally:
        server.terminate()
        server.wait(30)
    quantiles = ", ".join(f"{share:.0%} {np.quantile(seconds, share) * 1000:.0f} ms" for share in (0.5, 0.9, 0.99, 1))
    print(f"{len(seconds):,} pages: {quantiles}")
    assert len(seconds) > READERS, "everyone was served, and again"


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


async def _read(address: str) -> list[float]:
    """Each reader opens the board, and again a second after it came, over a connection of its own."""
    end = time.monotonic() + SECONDS
    parts = await asyncio.gather(*(_reader(address, PAUSE * number / READERS, end) for number in range(READERS)))
    return [each for part in parts for each in part]


async def _reader(address: str, delay: float, end: float) -> list[float]:
    # bare sockets: a client library would take more of the two cores than the server
    place = urlsplit(address)
    await asyncio.sleep(delay)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    found = []
    while time.monotonic() < end:
        began = time.monotonic()
        writer.write(f"GET / HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        found.append(time.monotonic() - began)
        assert head.startswith(b"HTTP/1.1 200")
        await asyncio.sleep(PAUSE)
    writer.close()
    return found
