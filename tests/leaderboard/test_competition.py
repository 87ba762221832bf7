"""A competition from its beginning to its end, as people meet it: the command line, a browser, the API."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boards
import chromium
import httpx
import numpy as np
import pytest
from chromium import PHONE, WIDE
from commands import Run

NUM_IMAGES = 1000
SECONDS = 600

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.browser() as found:
        yield found


class Command:
    """``ganmetrics`` in an empty folder: what ends soon in this process, the server in one of its own."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder, self.run = folder, run

    def __call__(self, *arguments: object, code: int = 0) -> str:
        done = self.run(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    @contextmanager
    def serving(self) -> Iterator[str]:
        port = boards.free_port()
        command = [sys.executable, "-m", "ganmetrics", "leaderboard", "serve", "board", "--port", str(port)]
        with open(self.folder / "serve.log", "wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        address = f"http://127.0.0.1:{port}"
        try:
            boards.until(lambda: answers(address))
            yield address
        finally:
            server.terminate()
            assert server.wait(120) in (0, 143, -15)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def test_a_competition(
    browser: Any, data_root: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANMETRICS_DATA_DIR", str(data_root))
    command = Command(tmp_path, run)
    made = command(
        *("leaderboard", "init", "board", "--title", "Digits 2026", "--reference", "torchvision:MNIST:test"),
        *("--metrics", "fid,kid,precision_recall", "--extractor", "digits", "--num-images", NUM_IMAGES),
        *("--resolution", "28", "--quota", "6/day", "--quiet", "--device", "cpu"),
    )
    assert "digits" in made and "torchvision-MNIST-test#10000" in made
    organiser = command("leaderboard", "token", "board", "--organiser").strip()
    teams = {
        name: command("leaderboard", "token", "board", "--team", name).strip() for name in ("ours", "theirs", "cheats")
    }
    for name in ("msg-gan-mnist", "dcgan-mnist", "stylegan2-mnist"):
        command("generators", "sample", name, "-n", NUM_IMAGES, "-o", f"{name}.npz", "--quiet")
    copies = _copies(data_root, tmp_path / "copies.npz")
    np.savez(tmp_path / "statistics.npz", mu=np.zeros(128), sigma=np.eye(128), arr_0=copies)

    with command.serving() as address:
        _upload(browser, address, teams["ours"], "msg-gan", tmp_path / "msg-gan-mnist.npz")
        _wait_for(browser, "#job[data-state=scored]")
        assert "rank 1" in browser.find_element("id", "told").text
        arguments = (
            "leaderboard",
            "submit",
            address,
            "dcgan-mnist.npz",
            "--model",
            "dcgan",
            "--token",
            teams["theirs"],
        )
        assert "rank 2" in command(*arguments)
        with open(tmp_path / "stylegan2-mnist.npz", "rb") as stream:
            answer = httpx.post(
                f"{address}/api/v1/submissions", params={"model": "stylegan2"}, content=stream.read(),
                headers={"Authorization": f"Bearer {teams['ours']}"},
            )  # fmt: skip
        entry = answer.json()["entry"]
        boards.until(lambda: httpx.get(f"{address}/api/v1/submissions/{entry}").json()["state"] == "scored", SECONDS)

        _upload(browser, address, teams["cheats"], "statistics", tmp_path / "statistics.npz")
        _wait_for(browser, "#outcome:not(:empty)")
        assert "holds statistics (mu, sigma)" in browser.find_element("id", "outcome").text
        _upload(browser, address, teams["cheats"], "copies", tmp_path / "copies.npz")
        _wait_for(browser, "#job[data-state=rejected]")
        assert "20.0% of the images equal, or all but equal" in browser.find_element("id", "told").text

        _check_board(browser, address)
        _check_organiser(browser, address, organiser)
        for width, dark in ((WIDE, False), (WIDE, True), (PHONE, False), (PHONE, True)):
            _picture(browser, address, width, dark, tmp_path)
        errors = [
            line for line in browser.get_log("browser") if line["level"] == "SEVERE" and "422" not in line["message"]
        ]
        assert errors == []

    assert "scores come out again" in command("leaderboard", "verify", "board")
    with closing(sqlite3.connect(tmp_path / "board" / "store.db")) as connection:
        connection.execute("DROP TRIGGER records_no_UPDATE")
        connection.execute("UPDATE records SET payload = replace(payload, 'msg-gan', 'my-gan') WHERE kind = 'score'")
        connection.commit()
    assert "record 2 was changed" in command("leaderboard", "verify", "board", code=7)


def _copies(data_root: Path, path: Path) -> np.ndarray[Any, Any]:
    """A fifth of it test images, the rest noise."""
    from torchvision.datasets import MNIST

    digits = MNIST(str(data_root), train=False).data.numpy()[:200, :, :, None].repeat(3, axis=3)
    noise = np.random.RandomState(0).randint(0, 256, (NUM_IMAGES - 200, 28, 28, 3), dtype=np.uint8)
    images = np.concatenate([digits, noise])
    boards.npz(path, images)
    return images


def _upload(browser: Any, address: str, token: str, model: str, path: Path) -> None:
    chromium.look(browser)
    browser.get(f"{address}/submit")
    for name, text in (("token", token), ("model", model), ("file", str(path))):
        browser.find_element("id", name).send_keys(text)
    browser.find_element("css selector", "#upload button").click()


def _wait_for(browser: Any, selector: str) -> None:
    boards.until(lambda: browser.find_elements("css selector", selector), SECONDS)


def _check_board(browser: Any, address: str) -> None:
    """The order, the tie, the filter and the sorting, as someone sees them."""
    browser.get(address)
    assert [cell.text for cell in browser.find_elements("css selector", "#board td.rank")] == ["1", "2 =", "2 ="]
    rows = browser.find_elements("css selector", "#board tbody tr")
    assert rows[0].text.split()[1:3] == ["ours", "msg-gan"]
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('svg.interval .range')].map(l => l.getBoundingClientRect().width)"
    )
    assert len(boxes) == 12 and all(0 < width < 110 for width in boxes)
    browser.find_element("id", "q").send_keys("theirs")
    assert browser.find_element("id", "found").text.startswith("1 of 3")
    assert browser.current_url.endswith("?q=theirs"), "the address can be passed on"
    browser.get(browser.current_url)
    assert browser.find_element("id", "found").text.startswith("1 of 3")
    browser.get(address)
    browser.find_element("link text", "Recall").click()
    assert browser.find_element("css selector", "th[aria-sort=ascending]").text.startswith("Recall")
    browser.find_element("link text", "msg-gan").click()
    assert browser.find_element("tag name", "h1").text == "msg-gan"
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")


def _check_organiser(browser: Any, address: str, organiser: str) -> None:
    browser.get(f"{address}/organiser")
    browser.find_element("id", "token").send_keys(organiser)
    browser.find_element("css selector", "main form button").click()
    _wait_for(browser, "#submissions")
    browser.find_element("link text", "copies").click()
    _wait_for(browser, "#copies")
    assert len(browser.find_elements("css selector", "#copies li")) == 50
    browser.get(f"{address}/organiser")
    browser.find_element("id", "team").send_keys("late")
    browser.find_element("css selector", "form[action='/organiser/tokens'] button").click()
    _wait_for(browser, "#new-token")
    assert browser.find_element("id", "new-token").text.startswith("gmt_")


def _picture(browser: Any, address: str, width: int, dark: bool, folder: Path) -> None:
    """Pictures to look at, and what can be measured of them: nothing hangs over, everyone can read it."""
    from axe_core_python.selenium import Axe

    chromium.look(browser, width=width, dark=dark)
    entry = httpx.get(f"{address}/api/v1/entries").json()["entries"][0]["entry"]
    pages = {
        "board": "/",
        "entry": f"/entries/{entry}",
        "submit": "/submit",
        "job": f"/jobs/{entry}",
        "organiser": "/organiser",
    }
    for name, path in pages.items():
        browser.get(f"{address}{path}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, name
        found = Axe().run(browser, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})[
            "violations"
        ]
        assert found == [], f"{name}: {json.dumps([(each['id'], each['nodes'][0]['html']) for each in found])}"
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        place = Path(os.environ.get("GANMETRICS_SCREENSHOTS", folder))
        (place / f"{name}-{width}-{'dark' if dark else 'light'}.png").write_bytes(base64.b64decode(shot["data"]))
