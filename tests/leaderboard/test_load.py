"""Two hundred readers for a minute while a submission is scored. Measured, not asserted to the millisecond."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import boards
import httpx
import numpy as np
import pytest
from boards import Copied, ended, npz, pictures, served, started

READERS, SECONDS, PAUSE = 200, 60.0, 1.0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_readers_are_served_while_a_submission_is_scored(scored_board: Path, copied: Copied, tmp_path: Path) -> None:
    board = copied(scored_board)
    with served(board) as address:
        worker = started(board.folder)
        board.submit(npz(tmp_path / "x.npz", pictures(boards.COUNT, 8)), team="busy", model="busy")
        seconds = asyncio.run(_read(address))
        boards.until(lambda: board.store.counts().get("scored") == 4, 120)
        ended(worker)
    assert len(seconds) > READERS * SECONDS / (PAUSE + 2), "everyone was served, again and again"
    print(f"{len(seconds)} pages, median {np.median(seconds):.3f} s, p99 {np.quantile(seconds, 0.99):.3f} s")
    assert all(np.isfinite(seconds))


async def _read(address: str) -> list[float]:
    """Each reader opens the board, and again a second after it came."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=READERS)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
        end = time.monotonic() + SECONDS

        async def reader(number: int) -> list[float]:
            await asyncio.sleep(PAUSE * number / READERS)
            found = []
            while time.monotonic() < end:
                began = time.monotonic()
                answer = await client.get("/")
                found.append(time.monotonic() - began)
                assert answer.status_code == 200
                await asyncio.sleep(PAUSE)
            return found

        parts = await asyncio.gather(*(reader(number) for number in range(READERS)))
    return [each for part in parts for each in part]
