"""The transport against a real server that misbehaves in every way seen in the field."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from email.message import Message
from http.client import HTTPMessage
from pathlib import Path
from types import SimpleNamespace
from urllib.request import Request

import pytest
from serving import (
    BODY,
    HASTE,
    content_range,
    cut_once,
    environment,
    good,
    rangeless,
    running,
    sends,
    sha256,
    stalls,
    status,
    trickles,
)

import ganmetrics
from ganmetrics.errors import ResourceError, WeightsError
from ganmetrics.extractors.weights import download as download_module
from ganmetrics.extractors.weights import download as transport
from ganmetrics.extractors.weights.download import Patience, Wanted, download

ROOT = Path(ganmetrics.__file__).parents[1]
HALF = len(BODY) // 2


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def cold(monkeypatch, tmp_path):
    environment(monkeypatch, tmp_path)


@pytest.fixture
def wanted(tmp_path):
    return Wanted(tmp_path / "tiny.pth", len(BODY), sha256(BODY))


def attempt(urls, wanted, patience=HASTE):
    download(urls, wanted, progress=False, patience=patience)
    assert wanted.target.read_bytes() == BODY
    assert not wanted.part.exists()


def refusal(urls, wanted):
    with pytest.raises(WeightsError) as caught:
        download(urls, wanted, progress=False, patience=HASTE)
    assert caught.value.code == "E-DOWNLOAD"
    assert not wanted.target.exists()
    return caught.value.what


def test_whole_file_in_one_request(server, wanted, capfd):
    attempt([server.url("/a", good)], wanted)
    assert server.requests == [("/a", None)]
    assert capfd.readouterr() == ("", "")


def test_progress_never_reaches_stdout(server, wanted, capfd):
    download([server.url("/a", good)], wanted, progress=True, patience=HASTE)
    assert capfd.readouterr().out == ""


def test_resumes_after_a_cut(server, wanted):
    attempt([server.url("/a", cut_once)], wanted)
    assert server.requests == [("/a", None), ("/a", f"bytes={HALF}-")]


def test_next_mirror_goes_on_with_the_part(server, wanted):
    cut = server.url("/cut", lambda handler: handler.reply(200, BODY[:HALF], Content_Length=str(len(BODY))))
    patience = Patience(timeout=0.5, tries=1)
    attempt([cut, server.url("/b", good)], wanted, patience)
    assert server.requests == [("/cut", None), ("/b", f"bytes={HALF}-")]


def test_server_without_range_starts_over(server, wanted):
    wanted.part.write_bytes(BODY[:HALF])
    attempt([server.url("/a", rangeless)], wanted)
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", ["bytes 7-299999/300000", "bytes 150000-299999/999", "nonsense", ""])
def test_wrong_content_range_starts_over(server, wanted, header):
    def answer(handler):
        if handler.headers.get("Range"):
            handler.reply(206, BODY[HALF:], Content_Range=header)
        else:
            good(handler)

    wanted.part.write_bytes(BODY[:HALF])
    attempt([server.url("/a", answer)], wanted)
    assert [asked for _, asked in server.requests] == [f"bytes={HALF}-", None]


def test_unknown_total_in_content_range_is_accepted(server, wanted):
    header = content_range(HALF).replace(f"/{len(BODY)}", "/*")
    wanted.part.write_bytes(BODY[:HALF])
    attempt([server.url("/a", lambda handler: handler.reply(206, BODY[HALF:], Content_Range=header))], wanted)


def test_part_larger_than_the_file_starts_over(server, wanted):
    wanted.part.write_bytes(BODY + b"more")
    attempt([server.url("/a", good)], wanted)
    assert server.requests == [("/a", None)]


def test_complete_part_needs_no_request(server, wanted):
    wanted.part.write_bytes(BODY)
    attempt([server.url("/a", good)], wanted)
    assert server.requests == []


@pytest.mark.parametrize("length", [HALF, len(BODY)])
def test_foreign_part_is_thrown_away(server, wanted, length):
    wanted.part.write_bytes(bytes(length))
    attempt([server.url("/a", good)], wanted)


def test_range_not_satisfiable_starts_over(server, wanted):
    def answer(handler):
        handler.reply(416) if handler.headers.get("Range") else good(handler)

    wanted.part.write_bytes(BODY[:HALF])
    attempt([server.url("/a", answer)], wanted)


def test_stalled_server_gives_way_to_the_next_mirror(server, wanted):
    start = time.monotonic()
    attempt([server.url("/a", stalls), server.url("/b", good)], wanted, Patience(timeout=0.2, tries=2, backoff=0.01))
    assert time.monotonic() - start < 60
    assert [path for path, _ in server.requests] == ["/a", "/a", "/b"]


@pytest.mark.parametrize(("code", "requests"), [(404, 1), (403, 1), (410, 1), (429, 3), (500, 3), (503, 3)])
def test_error_status_gives_way_to_the_next_mirror(server, wanted, code, requests):
    attempt([server.url("/a", status(code)), server.url("/b", good)], wanted)
    assert [path for path, _ in server.requests] == ["/a"] * requests + ["/b"]


def test_passing_error_is_tried_again(server, wanted):
    answers = iter([status(503), status(429), good])
    attempt([server.url("/a", lambda handler: next(answers)(handler))], wanted)


PAGE = b"\n<!DOCTYPE html><html><body>Please log in</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 300000\n"


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (PAGE, {"Content_Type": "text/html; charset=utf-8"}, "a web page, not weights"),
        (PAGE, {}, "a web page, not weights"),
        (b'<?xml version="1.0"?><Error>AccessDenied</Error>', {"Content_Type": "application/xml"}, "a web page"),
        (POINTER, {"Content_Type": "text/plain"}, "a Git LFS pointer, not weights"),
    ],
)
def test_text_is_recognised(server, wanted, body, headers, words):
    assert words in refusal([server.url("/a", sends(body, **headers))], wanted)
    assert len(server.requests) == 1


def test_web_page_does_not_cost_the_part(server, wanted):
    wanted.part.write_bytes(BODY[:HALF])
    attempt([server.url("/a", sends(PAGE, Content_Type="text/html")), server.url("/b", good)], wanted)
    assert server.requests[-1] == ("/b", f"bytes={HALF}-")


def test_wrong_bytes_are_refused(server, wanted):
    wrong = bytes(len(BODY))
    what = refusal([server.url("/a", sends(wrong))], wanted)
    assert sha256(wrong) in what and wanted.sha256 in what
    assert len(server.requests) == 1
    assert not wanted.part.exists()


def test_content_length_that_lies(server, wanted):
    short = server.url("/short", lambda handler: handler.reply(200, BODY, Content_Length="1000"))
    assert "the connection ended after 1,000 of 300,000 bytes" in refusal([short], wanted)


def test_never_reads_past_the_expected_size(server, wanted):
    def endless(handler):
        handler.reply(200, Content_Length="1000000000000")
        while True:
            handler.wfile.write(bytes(1 << 16))

    assert "the server sent other bytes" in refusal([server.url("/a", endless)], wanted)


def test_redirect_is_followed(server, wanted):
    attempt([server.url("/a", status(302, Location=server.url("/b", good)))], wanted)
    assert [path for path, _ in server.requests] == ["/a", "/b"]


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "gopher://x/"])
def test_redirect_elsewhere_is_refused(server, wanted, place):
    assert place in refusal([server.url("/a", status(302, Location=place))], wanted)
    assert len(server.requests) == 1


def test_redirect_loop_ends(server, wanted):
    refusal([server.url("/a", status(302, Location="/a"))], wanted)


@pytest.mark.parametrize(
    ("start", "end", "allowed"),
    [
        ("https://a.org/x", "https://b.org/x", True),
        ("https://a.org/x", "http://b.org/x", False),
        ("https://a.org/x", "file:///x", False),
        ("http://a.org/x", "https://b.org/x", True),
        ("http://a.org/x", "ftp://b.org/x", False),
    ],
)
def test_a_redirect_never_leaves_https(start, end, allowed):
    rule, headers = transport._Redirects(), HTTPMessage()
    if allowed:
        assert rule.redirect_request(Request(start), io.BytesIO(), 302, "Found", headers, end).full_url == end
    else:
        with pytest.raises(transport._Failed, match="redirect"):
            rule.redirect_request(Request(start), io.BytesIO(), 302, "Found", headers, end)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "no address"])
def test_only_http_addresses_are_opened(wanted, url):
    assert url in refusal([url], wanted)


def test_proxy_from_the_environment_is_used(server, wanted, monkeypatch):
    proxy = server.url("", good)
    server.answers["http://weights.invalid/a"] = good  # a proxy is asked for the whole address
    monkeypatch.setenv("http_proxy", proxy)
    attempt(["http://weights.invalid/a"], wanted)


def test_each_mirror_has_its_reason(server, wanted):
    with socket.socket() as unheard:  # bound but not listening: connections are refused
        unheard.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unheard.getsockname()[1]}/x"
        what = refusal([server.url("/a", status(404)), closed], wanted)
    first, second = what.strip().splitlines()[1:]
    assert "/a: HTTP 404" in first
    assert f"{closed}: " in second and "refused" in second


def test_escapes_from_the_server_are_shown_not_sent(server, wanted):
    def answer(handler):
        handler.send_response(404, "\x1b[31mred")
        handler.end_headers()

    assert "\x1b" not in refusal([server.url("/a", answer)], wanted)


def test_folder_that_cannot_exist(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    wanted = Wanted(tmp_path / "file" / "tiny.pth", len(BODY), sha256(BODY))
    with pytest.raises(ResourceError, match="cannot write the file"):
        download([server.url("/a", good)], wanted, progress=False, patience=HASTE)


CHILD = """
import resource, sys
from pathlib import Path
from ganmetrics.errors import ResourceError
from ganmetrics.extractors.weights.download import Wanted, download
url, target, size, sha256, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    download([url], Wanted(Path(target), int(size), sha256), progress=False)
except ResourceError as error:
    sys.exit(str(error))
"""


def child(url, wanted, limit=0):
    arguments = [url, str(wanted.target), str(wanted.size), wanted.sha256, str(limit)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-I", "-c", CHILD, *arguments], stderr=subprocess.PIPE, env=environ)


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_full_disk_leaves_nothing(server, wanted):
    with child(server.url("/a", good), wanted, limit=100_000) as writer:
        _, text = writer.communicate(timeout=60)
    assert writer.returncode == 1
    assert b"cannot write the file: File too large" in text
    assert not wanted.target.exists() and not wanted.part.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_download_is_resumed(server, wanted):
    url = server.url("/a", trickles)
    with child(url, wanted) as writer:
        deadline = time.monotonic() + 30
        while not (wanted.part.exists() and wanted.part.stat().st_size > 0):
            assert time.monotonic() < deadline and writer.poll() is None
            time.sleep(0.01)
        writer.send_signal(signal.SIGKILL)
    assert not wanted.target.exists()
    kept = wanted.part.stat().st_size
    server.answers["/a"] = good
    attempt([url], wanted)
    assert server.requests[-1] == ("/a", f"bytes={kept}-")


def test_answer_of_another_status_is_not_a_file(wanted):
    class Response:
        status, headers = 203, Message()

    with pytest.raises(transport._Failed, match="another part"):
        transport._first_byte(Response(), 0, wanted)


def test_a_mirror_that_asks_for_time_gets_it(server, wanted, monkeypatch):
    waits = []
    # its name alone: a server of an earlier test may sleep still, in a thread of its own
    monkeypatch.setattr(download_module, "time", SimpleNamespace(sleep=waits.append))
    answers = iter([status(429, Retry_After="7"), status(503, Retry_After="soon"), good])
    attempt([server.url("/a", lambda handler: next(answers)(handler))], wanted)
    assert waits[0] == 7
    assert waits[1] < 1


def test_a_mirror_that_asks_for_an_hour_is_left(server, wanted):
    busy = server.url("/a", status(503, Retry_After="3600"))
    attempt([busy, server.url("/b", good)], wanted)
    assert [path for path, _ in server.requests] == ["/a", "/b"]
