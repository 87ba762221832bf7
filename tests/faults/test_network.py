"""The network through the command: proxies, certificates, servers that lie, and ten processes at once."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from nursery import Ending, Nursery
from serving import BODY, Answer, Handler, good, sends, started, status, weight_file

from ganmetrics.measurement import feature_cache

HOSTS = ("github.com", "huggingface.co", "download.pytorch.org")
INCEPTION = 95_628_359
FETCH = """
import json
from ganmetrics.extractors.weights import weight_store as weights
from ganmetrics.extractors.weights.download import Patience
weights.fetch.__kwdefaults__["patience"] = weights.resolve.__defaults__[-1].__class__(0.5, 2, 0.01)
weights.resolve.__defaults__ = (*weights.resolve.__defaults__[:-1], Patience(0.5, 2, 0.01))
if arguments[0]:
    file = weights.WeightFile(**json.loads(arguments[0]))
    weights.WEIGHTS = {file.name: file}
command(*arguments[1:])
"""


class ProxyHandler(Handler):
    """Takes a CONNECT to any host and answers as that host, under our certificate, by one behaviour for all."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.requests.append((self.path, None))
        self.send_response(200)
        self.end_headers()
        try:
            self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):  # the client does not trust us
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)  # type: ignore[assignment]
        self.close_connection = False

    def do_GET(self) -> None:
        with suppress(OSError):
            self.server.answer(self)
        self.close_connection = True

    def finish(self) -> None:
        super().finish()
        self.connection.close()


class Proxy(ThreadingHTTPServer):
    """A proxy on this machine that is every server of the world."""

    daemon_threads = True

    def __init__(self, certificate: Path, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.answer = answer
        self.requests: list[tuple[str, str | None]] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and the certificate, by ourselves, of every host that weights come from."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", "/CN=test"]
    try:
        made = subprocess.run(
            [*words, "-addext", f"subjectAltName={names}", "-keyout", "key.pem", "-out", "cert.pem"],
            cwd=path.parent, capture_output=True, check=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert made.returncode == 0
    path.write_text((path.parent / "key.pem").read_text() + (path.parent / "cert.pem").read_text())
    return path


@pytest.fixture
def env(certificate: Path, tmp_path: Path) -> dict[str, str | None]:
    """Cold folders, a network, and trust in our certificate."""
    places = {"GANMETRICS_WEIGHTS_DIR": "own", "TORCH_HOME": "torch", "XDG_CACHE_HOME": "cache"}
    trust = {"SSL_CERT_FILE": str(certificate.parent / "cert.pem"), "GANMETRICS_OFFLINE": None}
    proxies = dict.fromkeys(("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"))
    return {**proxies, **{name: str(tmp_path / place) for name, place in places.items()}, **trust}


def fetched(nursery: Nursery, env: dict[str, str | None], address: str, *words: str, file: str = "") -> Ending:
    return nursery.run("python", FETCH, file, *words, env={**env, "HTTPS_PROXY": address})


def tiny() -> str:
    return json.dumps(vars(weight_file("https://github.com/tiny.pth")))


@pytest.mark.slow
def test_91_a_proxy_and_a_certificate_of_ones_own(
    nursery: Nursery, env: dict[str, str | None], certificate: Path, tmp_path: Path
) -> None:
    with started(Proxy(certificate, good)) as server:
        ending = fetched(nursery, env, server.url, "weights", "fetch", "tiny", file=tiny())
        assert ending == (0, f"{tmp_path / 'own' / 'pt_tiny.pth'}\n", "")
        assert (tmp_path / "own" / "pt_tiny.pth").read_bytes() == BODY
        assert server.requests == [("github.com:443", None)]


def test_91_a_certificate_that_nobody_vouches_for(
    nursery: Nursery, env: dict[str, str | None], certificate: Path, tmp_path: Path
) -> None:
    with started(Proxy(certificate, good)) as server:
        strict = {**env, "SSL_CERT_FILE": None}
        ending = fetched(nursery, strict, server.url, "weights", "fetch", "tiny", file=tiny())
    assert (ending.code, ending.stdout) == (5, "")
    assert "https://github.com/tiny.pth: " in ending.stderr
    assert "certificate verify failed" in ending.stderr
    assert not (tmp_path / "own" / "pt_tiny.pth").exists()


LOGIN = b"<!DOCTYPE html><title>Please log in</title>"


def falls_silent(handler: Handler) -> None:
    handler.reply(200, bytes(100), Content_Length="7289")
    time.sleep(1.5)


FAULTS: dict[str, tuple[Answer, str]] = {
    "404": (status(404), "HTTP 404"),
    "403": (status(403), "HTTP 403"),
    "429": (status(429, Retry_After="0"), "HTTP 429"),
    "html": (sends(LOGIN, Content_Type="text/html"), "the server sent a web page, not weights"),
    "lying": (sends(bytes(7_289)), "the server sent other bytes (SHA-256 "),
    "short": (sends(bytes(100), Content_Length="7289"), "the connection ended after 100 of 7,289 bytes"),
    "stalled": (falls_silent, "no answer for 0.5 s"),
    "to http": (status(302, Location="http://127.0.0.1:9/x"), "a redirect to http://127.0.0.1:9/x was refused"),
    "to file": (status(302, Location="file:///etc/hostname"), "file:///etc/hostname"),
}


QUICK = ("404", "html", "stalled", "to file")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FAULTS]
)
def test_92_to_96_a_server_that_misbehaves(
    name: str, nursery: Nursery, env: dict[str, str | None], certificate: Path, tmp_path: Path
) -> None:
    """Both mirrors of a published file do: exit code 5, a line for each, what to do, and no file to be loaded."""
    answer, words = FAULTS[name]
    with started(Proxy(certificate, answer)) as server:
        ending = fetched(nursery, env, server.url, "weights", "fetch", "lpips-vgg16")
    assert (ending.code, ending.stdout) == (5, "")
    lines = ending.stderr.splitlines()
    assert lines[0] == "error[E-DOWNLOAD]: no mirror gave the file:"
    assert [line.partition(": ")[0].strip().split("/")[3] for line in lines[1:3]] == ["toshas", "richzhang"]
    assert all(words in line for line in lines[1:3]), ending.stderr
    assert "7,289 bytes, SHA-256 a78928a0" in ending.stderr
    assert str(tmp_path / "own" / "weights-vgg16-lpips.pth") in ending.stderr
    assert "Traceback" not in ending.stderr
    assert not (tmp_path / "own" / "weights-vgg16-lpips.pth").exists()


def test_90_no_network_ends_a_score_before_any_image_is_read(
    nursery: Nursery, env: dict[str, str | None], sets: tuple[Path, Path], tmp_path: Path
) -> None:
    with socket.socket() as unheard:  # bound but not listening
        unheard.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        ending = fetched(nursery, env, closed, "fid", *map(str, sets), "-q")
    assert (ending.code, ending.stdout) == (5, "")
    assert ending.stderr.count("Connection refused") == 3, "one for each mirror"
    for fact in ("95,628,359 bytes", "6726825d", str(tmp_path / "own"), "ganmetrics weights import FILE", "digits"):
        assert fact in ending.stderr
    assert "Traceback" not in ending.stderr


@pytest.mark.slow
def test_93_a_cut_score_fetches_the_rest_and_then_refuses_wrong_bytes(
    nursery: Nursery, env: dict[str, str | None], certificate: Path, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    """A server whose Inception file is one of zeros: all of it is fetched, hashed, refused and removed."""

    def zeros(handler: Handler) -> None:
        handler.reply(200, Content_Length=str(INCEPTION))
        for _ in range(0, INCEPTION, 1 << 20):
            handler.wfile.write(bytes(1 << 20))

    with started(Proxy(certificate, zeros)) as server:
        ending = fetched(nursery, env, server.url, "fid", *map(str, sets), "-q")
    assert (ending.code, ending.stdout) == (5, "")
    assert ending.stderr.count("the server sent other bytes (SHA-256 ") == 3
    assert [path.name for path in (tmp_path / "own").iterdir()] == [".pt_inception-2015-12-05-6726825d.pth.lock"]


@pytest.mark.slow
def test_81_ten_processes_on_one_cold_cache(
    nursery: Nursery, sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    words = ["command", "fid", *map(str, sets), "--extractor", "pixels", "-q"]
    faults = {"GANMETRICS_CACHE": "1", "GANMETRICS_CACHE_DIR": str(cache)}
    children = [nursery.start(*words, env=faults) for _ in range(10)]
    endings = {child.wait() for child in children}
    assert endings == {nursery.run(*words)}
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert sum(path.suffix == feature_cache.SUFFIX for path in files) == 2
    assert {path.name for path in files if path.suffix != feature_cache.SUFFIX} <= {".lock"}
    assert all(feature_cache._read(path) is not None for path in files if path.suffix == feature_cache.SUFFIX)


@pytest.mark.slow
def test_94_ten_commands_make_one_download(
    nursery: Nursery, env: dict[str, str | None], certificate: Path, tmp_path: Path
) -> None:
    with started(Proxy(certificate, good)) as server:
        faults = {**env, "HTTPS_PROXY": server.url}
        children = [nursery.start("python", FETCH, tiny(), "weights", "fetch", "tiny", env=faults) for _ in range(10)]
        assert {child.wait() for child in children} == {(0, f"{tmp_path / 'own' / 'pt_tiny.pth'}\n", "")}
        assert len(server.requests) == 1
