"""Images on real servers of this machine, an S3 store and web servers: the pixels of the same files on its disk."""

from __future__ import annotations

import functools
import gc
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from serving import started

import ganmetrics as gm
from ganmetrics.data import Source, open_source
from ganmetrics.errors import InputError, UsageError

NUM_SHARDS, IN_SHARD = 3, 4
PATTERN = "shard-{000..002}.tar"
QUIET = "ignore::DeprecationWarning"  # of the store, which runs in this process


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.RandomState(seed).randint(0, 256, (9, 7, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of two classes as shards, a folder and a zip."""
    root = tmp_path_factory.mktemp("here")
    for number in range(NUM_SHARDS):
        with tarfile.open(root / f"shard-{number:03}.tar", "w") as shard:
            for key in range(number * IN_SHARD, (number + 1) * IN_SHARD):
                for name, data in ((f"{key:04}.png", png(key)), (f"{key:04}.cls", b"%d" % (key % 2))):
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    shard.addfile(member, io.BytesIO(data))
    with zipfile.ZipFile(root / "set.zip", "w") as archive:
        for key in range(NUM_SHARDS * IN_SHARD):
            path = root / "set" / str(key % 2) / f"{key:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(key))
            archive.write(path, path.relative_to(root / "set"))
    return root


@pytest.fixture(scope="module")
def bucket(here: Path) -> Iterator[str]:
    """The same files in an S3 store, for which only the environment says where it is."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "name")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", str(here / "none"))
        patch.setenv("no_proxy", "127.0.0.1")
        patch.delenv("GANMETRICS_OFFLINE", raising=False)
        import s3fs

        store = s3fs.S3FileSystem(skip_instance_cache=True)
        store.mkdir("bucket")
        store.put(f"{here}/", "bucket/", recursive=True)
        yield "s3://bucket"
    server.stop()


class Ranged(SimpleHTTPRequestHandler):
    """A web server that sends the part of a file that was asked for."""

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            return super().do_GET()
        data, start = path.read_bytes(), int(asked[1])
        part = data[start : int(asked[2]) + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Rangeless(SimpleHTTPRequestHandler):
    """Python's own web server, which sends whole files whatever was asked for."""

    def log_message(self, format: str, *args: object) -> None:
        pass


class Forbidding(Rangeless):
    """A web server that says so, too."""

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "none")
        super().end_headers()


class Sizeless(Rangeless):
    """A web server that does not tell how long a file is, as those that compress on the way."""

    def send_header(self, keyword: str, value: str) -> None:
        if keyword.lower() != "content-length":
            super().send_header(keyword, value)


@pytest.fixture
def web(request: pytest.FixtureRequest, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("GANMETRICS_OFFLINE", raising=False)
    handler = functools.partial(request.param, directory=str(here))
    with started(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


def pixels(source: Source) -> torch.Tensor:
    return torch.cat(list(source.batches()))


@pytest.mark.slow
@pytest.mark.filterwarnings(QUIET)
@pytest.mark.parametrize("name", [PATTERN, "shard-*.tar", "set", "set.zip"])
def test_a_store_gives_what_the_disk_gives(bucket: str, here: Path, name: str) -> None:
    wanted, found = open_source(str(here / name)), open_source(f"{bucket}/{name}")
    assert found.count == NUM_SHARDS * IN_SHARD
    assert pixels(found).equal(pixels(wanted))
    assert found.item_names() == wanted.item_names()
    assert found.class_names() == wanted.class_names()


@pytest.mark.slow
@pytest.mark.filterwarnings(QUIET)
def test_shards_of_a_store_are_scored_by_worker_processes(bucket: str, here: Path) -> None:
    reading = gm.Reading(workers=2)
    found = gm.evaluate(f"{bucket}/{PATTERN}", str(here / PATTERN), extractor="pixels", reading=reading)
    assert found["fid"].value == pytest.approx(0, abs=1e-9)
    assert any("exactly the same images" in warning for warning in found.warnings)


@pytest.mark.slow
@pytest.mark.filterwarnings(QUIET)
@pytest.mark.parametrize("name", ["shard-{000..009}.tar", "nothing-*.tar", "nowhere"])
def test_what_a_store_does_not_hold_is_one_sentence(bucket: str, name: str) -> None:
    with pytest.raises(InputError, match=r"no such|no file") as caught:
        open_source(f"{bucket}/{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("web", [Ranged, Rangeless, Forbidding, Sizeless], indirect=True)
def test_a_web_server_gives_what_the_disk_gives(web: str, here: Path) -> None:
    for name in (PATTERN, "set", "set.zip"):
        found = open_source(f"{web}/{name}" + "/" * (name == "set"))
        assert pixels(found).equal(pixels(open_source(str(here / name))))


@pytest.mark.parametrize("web", [Rangeless], indirect=True)
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_server_without_ranges_is_named_and_its_shards_are_copied(
    web: str, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = open_source(f"{web}/{PATTERN}", reading=gm.Reading(workers=workers))
    assert len(list(tmp_path.glob("ganmetrics-*"))) == NUM_SHARDS
    found = gm.evaluate(str(here / PATTERN), source, extractor="pixels")
    assert found["fid"].value == pytest.approx(0, abs=1e-9)
    assert any(
        "ignores requests for a part of a file (Range); 3 of 3 archives were copied whole" in warning
        for warning in found.warnings
    )
    del source, found
    gc.collect()  # PyTorch's loader is a circle
    assert not list(tmp_path.glob("ganmetrics-*")), "the copies are gone with what needed them"


@pytest.mark.parametrize("web", [Ranged], indirect=True)
def test_a_server_that_stops_to_send_parts_is_told_from_a_cut_archive(
    web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(f"{web}/{PATTERN}")
    monkeypatch.setattr(Ranged, "do_GET", SimpleHTTPRequestHandler.do_GET)
    with pytest.raises(InputError, match=r"cannot be read: its server sent \d+ bytes where \d+ were asked for"):
        pixels(source)


class Refusing(Ranged):
    """A web server that has lost one shard, forbids another and is busy at the first question about a third."""

    questions: ClassVar[set[str]] = set()

    def send_head(self) -> Any:
        number = {"001": 404, "002": 403, "003": 503}.get(self.path[-7:-4], 0)
        is_first = self.path not in self.questions
        self.questions.add(self.path)
        if number and (number != 503 or is_first):
            return self.send_error(number)
        return super().send_head()

    do_GET = SimpleHTTPRequestHandler.do_GET


@pytest.mark.parametrize("web", [Refusing], indirect=True)
@pytest.mark.parametrize(
    ("pattern", "error", "words"),
    [
        ("shard-{000..001}.tar", InputError, r"there is no such file or folder \(http.*/shard-001\.tar\)"),
        ("shard-{000..002..2}.tar", InputError, r"access is denied \(http.*/shard-002\.tar\)"),
        ("shard-{000,003}.tar", InputError, r"no such file or folder \(http.*/shard-003\.tar\)"),
        ("shard-*.tar", UsageError, r"lists no files for wild cards .*\{000\.\.009\}"),
        ("{shard,shard}-000.tar", UsageError, r"names an archive twice: 'http.*/shard-000\.tar'"),
    ],
)
def test_a_shard_that_a_web_server_does_not_give_is_named(
    web: str, pattern: str, error: type[Exception], words: str
) -> None:
    Refusing.questions.clear()
    with pytest.raises(error, match=words):
        open_source(f"{web}/{pattern}")
