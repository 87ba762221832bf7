"""The web side over real HTTP on this machine."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from boards import COUNT, Copied, npz, pictures, served, work_through

from ganmetrics.errors import RejectedError, UsageError
from ganmetrics.leaderboard import Board
from ganmetrics.leaderboard.client import Remote
from ganmetrics.leaderboard.web.limiting import Limiter
from ganmetrics.leaderboard.worker import Worker

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def site(scored_board: Path) -> Iterator[httpx.Client]:
    with Board.open(scored_board) as board, served(board) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.fixture
def open_site(empty_board: Path, copied: Copied) -> Iterator[tuple[Board, httpx.Client]]:
    """A board that takes submissions, and a client with the token of the team ``ours``."""
    board = copied(empty_board)
    token = board.store.issue("team", "ours", 60)
    with served(board) as address:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=address, headers=headers) as client:
            yield board, client


def content(tmp_path: Path, seed: int = 3) -> bytes:
    return npz(tmp_path / "fake.npz", pictures(COUNT, seed)).read_bytes()


# reading


def test_the_board_reads_without_scripts(site: httpx.Client) -> None:
    page = site.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    rows = re.findall(r'<tr id="([\w-]{16})".*?</tr>', page.text, re.DOTALL)
    assert len(rows) == 3 and page.text.count('class="tie"') == 2 and page.text.count("<svg") == 9
    assert "3 of 3 entries" in page.text


@pytest.mark.parametrize(
    ("query", "order"), [("sort=fid&dir=desc", "far"), ("sort=team", "far"), ("sort=team&dir=desc", "two")]
)
def test_the_board_is_sorted_by_links(site: httpx.Client, query: str, order: str) -> None:
    page = site.get(f"/?{query}").text
    first = re.search(r'data-name="team (\w+) ', page)
    assert first is not None and first[1] == order
    assert page.count("aria-sort") == 1


def test_the_board_is_filtered_by_a_form(site: httpx.Client) -> None:
    page = site.get("/", params={"q": "TEAM two"}).text
    assert "1 of 3 entries" in page and page.count("data-name") == 1
    evil = site.get("/", params={"q": f'"{EVIL}'}).text
    assert EVIL not in evil and "&lt;img" in evil
    assert site.get("/", params={"q": "x" * 101}).status_code == 422


def test_an_entry_has_its_page(site: httpx.Client) -> None:
    entry = site.get("/api/v1/entries").json()["entries"][0]
    page = site.get(f"/entries/{entry['entry']}").text
    assert entry["scores"]["fid"]["signature"].replace("<", "&lt;").replace(">", "&gt;") in page
    assert entry["submission"] in page and "Mode collapse" in page and "Evidence" in page
    grid = site.get(f"/grids/{entry['entry']}.png")
    assert grid.headers["content-type"] == "image/png" and grid.content.startswith(b"\x89PNG")
    badge = site.get(f"/badge/{entry['entry']}.svg")
    assert badge.headers["content-type"] == "image/svg+xml" and "rank 1 =" in badge.text


def test_the_api_says_the_same_as_the_board(site: httpx.Client) -> None:
    entries = site.get("/api/v1/entries").json()["entries"]
    assert [each["rank"] for each in entries] == [1, 1, 3]
    assert site.get(f"/api/v1/entries/{entries[0]['entry']}").json() == entries[0]
    facts = site.get("/api/v1/board").json()
    assert facts["counts"] == {"scored": 3, "rejected": 1} and facts["chain"]["records"] == 5
    assert "hidden" not in facts["rules"] and facts["rules"]["has_hidden"] is True


def test_health_and_metrics(site: httpx.Client) -> None:
    assert site.get("/healthz").text == "ok\n"
    assert 'ganmetrics_submissions{state="scored"} 3.0' in site.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/submit", "/organiser", "/none", "/api/v1/board", "/api/v1/none", "/metrics"])
def test_every_answer_is_guarded(site: httpx.Client, path: str) -> None:
    headers = site.get(path).headers
    assert (
        "default-src 'none'" in headers["content-security-policy"]
        and "unsafe" not in headers["content-security-policy"]
    )
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        *("/none", "/entries/none", "/entries/" + "a" * 16, "/entries/..%2f..%2fetc", "/grids/../../etc/passwd.png"),
        *("/static/x", "/static/..%2fboard.css", "/badge/" + "a" * 16 + ".svg", "/jobs/" + "a" * 16),
        "/api/v1/entries/" + "a" * 16,
    ],
)
def test_what_is_not_there_is_said_so(site: httpx.Client, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404 and "Traceback" not in answer.text


def test_pages_name_no_path_and_no_hidden_reference(site: httpx.Client, scored_board: Path) -> None:
    entry = site.get("/api/v1/entries").json()["entries"][0]["entry"]
    with Board.open(scored_board) as board:
        hidden = board.rules.hidden
    for path in (
        "/",
        f"/entries/{entry}",
        "/api/v1/board",
        "/api/v1/entries",
        "/submit",
        "/none",
        "/api/v1/openapi.json",
    ):
        text = site.get(path).text
        assert str(scored_board) not in text and hidden not in text and "copied" not in text


# submitting


@pytest.mark.slow
def test_a_submission_is_followed_to_its_place(open_site: tuple[Board, httpx.Client], tmp_path: Path) -> None:
    board, client = open_site
    answer = client.post("/api/v1/submissions", params={"model": EVIL}, content=content(tmp_path))
    assert answer.status_code == 202
    entry = answer.json()["entry"]
    assert answer.headers["location"] == f"/api/v1/submissions/{entry}"
    assert client.get(f"/jobs/{entry}").text.count("queued") >= 1
    Worker(board).run(until_empty=True)
    facts = client.get(f"/api/v1/submissions/{entry}").json()
    assert facts == {"entry": entry, "state": "scored", "ahead": 0, "reason": "", "rank": 1, "tied": False}
    for path in ("/", f"/entries/{entry}", f"/jobs/{entry}", f"/badge/{entry}.svg"):
        assert EVIL not in client.get(path).text, path
    assert client.delete(f"/api/v1/submissions/{entry}").json()["state"] == "withdrawn"
    assert client.delete(f"/api/v1/submissions/{entry}").status_code == 409
    assert client.get("/api/v1/entries").json() == {"entries": []}


def test_the_client_of_the_command_line(open_site: tuple[Board, httpx.Client], tmp_path: Path) -> None:
    board, client = open_site
    token = client.headers["authorization"].removeprefix("Bearer ")
    remote = Remote(str(client.base_url), token)
    path, sent = npz(tmp_path / "x.npz", pictures(COUNT, 3)), []
    entry = remote.submit(path, "m", read=sent.append)
    assert sum(sent) == path.stat().st_size
    work_through(board)
    assert remote.wait(entry)["rank"] == 1
    with pytest.raises(RejectedError, match=r"\[59, 24, 24, 3\]; expected"):
        remote.submit(npz(tmp_path / "y.npz", pictures(COUNT - 1, 3)), "m")
    with pytest.raises(RejectedError, match="token"):
        Remote(str(client.base_url), "gmt_wrong").submit(path, "m")
    with pytest.raises(UsageError, match="in the clear"):
        Remote("http://example.org", token)
    with pytest.raises(UsageError, match="needs a token"):
        Remote("https://example.org", "")


@pytest.mark.parametrize(
    ("body", "model", "status", "what"),
    [
        (b"", "m", 422, "cannot be opened"),
        (b"PK\x05\x06" + bytes(18), "m", 422, "0 images"),
        (b"nonsense", "m", 422, "cannot be opened"),
        (None, "\x1b[31m", 422, "does not print"),
        (None, "x" * 65, 422, "wrong in model"),
    ],
)
def test_what_is_no_submission(
    open_site: tuple[Board, httpx.Client], tmp_path: Path, body: bytes | None, model: str, status: int, what: str
) -> None:
    board, client = open_site
    answer = client.post(
        "/api/v1/submissions", params={"model": model}, content=content(tmp_path) if body is None else body
    )
    assert answer.status_code == status and what in answer.json()["error"]["what"]
    assert str(board.folder) not in answer.text
    assert board.store.counts() == {} and not list(board.places["submissions"].iterdir())


def test_a_url_is_no_submission(open_site: tuple[Board, httpx.Client]) -> None:
    """No address that a submitter names is ever asked."""
    board, client = open_site
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.2)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x.zip"
        answer = client.post("/api/v1/submissions", params={"model": "m", "url": url}, content=url.encode())
        assert answer.status_code == 422
        with pytest.raises(TimeoutError):
            listening.accept()
    assert board.store.counts() == {}


def test_too_many_bytes_are_refused_before_they_are_read(open_site: tuple[Board, httpx.Client]) -> None:
    _, client = open_site
    address = urlsplit(str(client.base_url))
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.putrequest("POST", "/api/v1/submissions?model=m")
    connection.putheader("Authorization", client.headers["authorization"])
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse()  # not one byte of the body was sent
    assert answer.status == 413 and b"1,000,000,000,000 bytes" in answer.read()
    connection.close()


def test_an_upload_without_a_length_is_cut_off(open_site: tuple[Board, httpx.Client]) -> None:
    board, client = open_site
    most = board.rules.max_upload

    def blocks() -> Iterator[bytes]:
        for _ in range(most // 2**16 + 20):
            yield bytes(2**16)

    try:
        answer = client.post("/api/v1/submissions", params={"model": "m"}, content=blocks())
    except httpx.HTTPError:  # the server closed before all was sent
        pass
    else:
        assert answer.status_code == 422 and "the most that this board takes" in answer.text
    assert not list(board.places["submissions"].iterdir())


def test_ten_posts_at_once_cannot_pass_the_quota(open_site: tuple[Board, httpx.Client], tmp_path: Path) -> None:
    board, client = open_site
    body = content(tmp_path)

    def post(_: int) -> int:
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=60) as own:
            while True:
                answer = own.post("/api/v1/submissions", params={"model": "m"}, content=body)
                if answer.status_code != 503:  # others are uploading
                    return answer.status_code

    with ThreadPoolExecutor(10) as pool:
        found = sorted(pool.map(post, range(10)))
    assert found == [202] * 5 + [429] * 5
    assert board.store.counts() == {"queued": 5} and len(list(board.places["submissions"].iterdir())) == 5


def test_guessing_tokens_ends_soon(open_site: tuple[Board, httpx.Client]) -> None:
    _, client = open_site
    guesses = [
        client.post("/api/v1/submissions", params={"model": "m"}, headers={"Authorization": f"Bearer gmt_{i}"})
        for i in range(12)
    ]
    assert [each.status_code for each in guesses] == [401] * 10 + [429] * 2
    assert guesses[0].headers["www-authenticate"] == "Bearer" and "retry-after" in guesses[-1].headers
    assert client.post("/api/v1/submissions", params={"model": "m"}, content=b"x").status_code == 429, (
        "the right one too"
    )


def test_a_token_is_for_its_team_and_its_purpose(open_site: tuple[Board, httpx.Client], tmp_path: Path) -> None:
    board, client = open_site
    entry = client.post("/api/v1/submissions", params={"model": "m"}, content=content(tmp_path)).json()["entry"]
    other = {"Authorization": f"Bearer {board.store.issue('team', 'others', 60)}"}
    assert client.delete(f"/api/v1/submissions/{entry}", headers=other).status_code == 404
    organiser = {"Authorization": f"Bearer {board.store.issue('organiser', '', 60)}"}
    assert client.delete(f"/api/v1/submissions/{entry}", headers=organiser).status_code == 401
    assert board.entry(entry)[0].team == "ours", "the token says whose it is"


def test_limiters_forget() -> None:
    limiter = Limiter(2, 0.2)
    assert limiter.add("a") and limiter.add("a") and not limiter.add("a") and limiter.is_full("a")
    assert limiter.add("b")
    threading.Event().wait(0.3)
    assert limiter.add("a")


# the organiser


def signed_in(board: Board, client: httpx.Client) -> str:
    """Sign in and return what forms must bring along."""
    token = board.store.issue("organiser", "", 60)
    answer = client.post("/organiser/login", data={"token": token})
    assert answer.status_code == 303 and answer.headers["location"] == "/organiser"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/organiser" in cookie
    found = re.search(r'name="csrf" value="(\w{64})"', client.get("/organiser").text)
    assert found is not None
    return found[1]


def test_the_organiser_sees_what_others_do_not(scored_board: Path, copied: Copied) -> None:
    board = copied(scored_board)
    with served(board) as address, httpx.Client(base_url=address) as client:
        assert "16.7%" not in client.get("/organiser").text
        csrf = signed_in(board, client)
        page = client.get("/organiser")
        assert "16.7% of the images equal" in page.text and 'id="hidden"' in page.text
        assert page.headers["cache-control"] == "no-store"
        entries = {each.model: each.public_id for each in board.store.submissions()}
        assert client.get(f"/organiser/entries/{entries['cheat']}").text.count("and reference image") == 10
        path = f"/organiser/entries/{entries['far']}/disqualify"
        assert client.post(path, data={"csrf": "0" * 64, "reason": "x"}).status_code == 403
        assert client.post(path, data={"csrf": csrf, "reason": " "}).status_code == 422
        assert client.post(path, data={"csrf": csrf, "reason": EVIL}).status_code == 303
        assert client.post(path, data={"csrf": csrf, "reason": "x"}).status_code == 409
        assert EVIL not in client.get(f"/organiser/entries/{entries['far']}").text
        assert [row.model for row in board.table()] and all(row.model != "far" for row in board.table())


def test_the_organiser_issues_and_revokes_tokens(empty_board: Path, copied: Copied) -> None:
    board = copied(empty_board)
    with served(board) as address, httpx.Client(base_url=address) as client:
        csrf = signed_in(board, client)
        page = client.post("/organiser/tokens", data={"csrf": csrf, "team": "A & B", "days": "2"}).text
        found = re.search(r"gmt_[\w-]+", page)
        assert found is not None and "A &amp; B" in page
        token = board.store.token(found[0], "team")
        assert token is not None and token.team == "A & B"
        assert found[0] not in client.get("/organiser").text, "it is shown once"
        for data in (
            {"team": "", "days": "2"},
            {"team": "x", "days": "nan"},
            {"team": "x", "days": "9999"},
            {"team": "x", "days": "y"},
        ):
            assert client.post("/organiser/tokens", data={"csrf": csrf, **data}).status_code == 422
        assert client.post(f"/organiser/tokens/{token.id}/revoke", data={"csrf": csrf}).status_code == 303
        assert board.store.token(found[0], "team") is None
        assert client.post("/organiser/logout", data={"csrf": csrf}).status_code == 303
        assert client.post("/organiser/tokens", data={"csrf": csrf, "team": "x"}).status_code == 401


def test_wrong_tokens_do_not_sign_in(empty_board: Path, copied: Copied) -> None:
    board = copied(empty_board)
    team = board.store.issue("team", "a", 60)
    with served(board) as address, httpx.Client(base_url=address) as client:
        assert [client.post("/organiser/login", data={"token": t}).status_code for t in ("", "x", team)] == [401] * 3
        assert client.post("/organiser/login", content=b"token=" + b"x" * 20_000).status_code == 413
        assert client.post("/organiser/login", content=b"\xff\xfe").status_code in (400, 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_change_nothing(open_site: tuple[Board, httpx.Client], headers: dict[str, str]) -> None:
    _, client = open_site
    for path in ("/organiser/login", "/organiser/tokens", "/api/v1/submissions?model=m"):
        answer = client.post(path, headers=headers, content=b"")
        assert answer.status_code == 403 and json.loads(answer.text)["error"]["code"] == "E-ORIGIN"


def test_behind_https_cookies_are_secure(empty_board: Path, copied: Copied) -> None:
    board = copied(empty_board)
    with served(board, is_secure=True) as address, httpx.Client(base_url=address) as client:
        answer = client.post("/organiser/login", data={"token": board.store.issue("organiser", "", 60)})
        assert "Secure" in answer.headers["set-cookie"] and "max-age" in answer.headers["strict-transport-security"]


def test_a_store_that_is_away_is_no_traceback(empty_board: Path, copied: Copied) -> None:
    board = copied(empty_board)
    with served(board) as address, httpx.Client(base_url=address) as client:
        assert client.get("/healthz").status_code == 200
        board.close()
        (board.folder / "store.db").rename(board.folder / "away.db")
        (board.folder / "store.db").mkdir()
        answer = client.get("/healthz")
        assert answer.status_code == 503 and str(board.folder) not in answer.text and "retry-after" in answer.headers
