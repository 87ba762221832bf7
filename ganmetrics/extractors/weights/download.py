"""One file, fetched over HTTP from the first mirror that has it: resumed, capped in size, checked, then renamed.

The file takes its name only when it is complete and right. Until then its bytes wait in ``NAME.part``, which the next
try, mirror or program run goes on from. The caller holds a lock: two downloads of one target would share that part.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib import error as urlerror
from urllib import request as urlrequest
from urllib.parse import urlsplit

from ganmetrics import _files
from ganmetrics._files import shown
from ganmetrics._progress import Bar
from ganmetrics.errors import ResourceError, WeightsError

CHUNK = 1 << 20
# Seconds that a mirror may ask for before the next one is tried.
LONGEST_WAIT = 60.0
# The most bytes of a file whose size nobody publishes.
LARGEST = 1 << 36
# Answers that are worth another try at the same mirror.
PASSING_STATUS = frozenset({408, 416, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How long to wait (``timeout``, seconds per read), how often to try each mirror, and the first pause between."""

    timeout: float = 30.0
    tries: int = 3
    backoff: float = 1.0


PATIENCE = Patience()


@dataclass(frozen=True)
class Wanted:
    """The file to end up with: its place, its exact size in bytes and its SHA-256.

    Where nobody publishes these (``None`` and empty), the server says the size, and ``fault`` what is wrong with the
    bytes. ``content`` is what the file holds, and ``variable`` names its folder, for messages.
    """

    target: Path
    size: int | None
    sha256: str
    content: str = "weights"
    variable: str = "GANMETRICS_WEIGHTS_DIR"
    fault: Callable[[Path], str] | None = None

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    def disk_errors(self, path: Path) -> AbstractContextManager[None]:
        return disk_errors(path, self.variable)


class _Failed(Exception):
    """One try that failed: why, whether the mirror deserves ``again``, whether the part is useless (``restart``).

    ``wait`` are the seconds that the mirror asked for.
    """

    def __init__(self, reason: str, *, again: bool = True, restart: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.again, self.restart, self.wait = again, restart, wait


def download(urls: Sequence[str], wanted: Wanted, *, progress: bool = True, patience: Patience = PATIENCE) -> None:
    """Fetch ``wanted`` from the first of ``urls`` that gives the right bytes.

    Raises
    ------
    WeightsError
        No mirror gave the file (``E-DOWNLOAD``); one line for each says why.
    ResourceError
        The disk is full or the folder cannot be written.
    """
    reasons = []
    for url in urls:
        reason = _try_mirror(url, wanted, progress, patience)
        if not reason:
            return
        reasons.append(f"\n  {url}: {reason}")
    raise WeightsError(f"no mirror gave the file:{''.join(reasons)}", code="E-DOWNLOAD")


def digest(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def text_kind(path: str | os.PathLike[str]) -> str:
    """What a file is that should be weights but is text: a web page, a Git LFS pointer; or nothing, ``""``."""
    with open(path, "rb") as stream:
        head = stream.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        return "a web page"
    return "a Git LFS pointer" if head.startswith(b"version https://git-lfs") else ""


def disk_errors(path: Path, variable: str = "GANMETRICS_WEIGHTS_DIR") -> AbstractContextManager[None]:
    """The operating system's refusal to write a file at ``path``, as a ``ResourceError`` with a way out."""
    hint = f"Free some space there, or set {variable} to a folder that can be written"
    return _files.disk_errors(path, hint)


def _try_mirror(url: str, wanted: Wanted, progress: bool, patience: Patience) -> str:  # the last reason, "" when done
    reason, wait = "", 0.0
    for count in range(patience.tries):
        if count:
            time.sleep(max(wait, patience.backoff * 2 ** (count - 1)))
        try:
            _attempt(url, wanted, progress, patience.timeout)
            return ""
        except _Failed as failed:
            reason, wait = str(failed), failed.wait
            if failed.restart:
                _discard(wanted)
            if not failed.again:
                break
    return reason


def _attempt(url: str, wanted: Wanted, progress: bool, timeout: float) -> None:
    offset, size = _resume_point(wanted), wanted.size
    if size is None or offset < size:
        with _opened(url, offset, timeout) as response:
            first = _first_byte(response, offset, wanted)
            size = _told_size(response, first) if size is None else size
            _receive(response, (first, size), wanted, progress, timeout)
    _check(wanted, size, resumed=offset > 0)
    with wanted.disk_errors(wanted.target):
        os.replace(wanted.part, wanted.target)


def _resume_point(wanted: Wanted) -> int:
    with wanted.disk_errors(wanted.part):
        size = wanted.part.stat().st_size if wanted.part.exists() else 0
    if wanted.size is None or size <= wanted.size:
        return size
    _discard(wanted)
    return 0


def _discard(wanted: Wanted) -> None:
    with wanted.disk_errors(wanted.part):
        wanted.part.unlink(missing_ok=True)


class _Redirects(urlrequest.HTTPRedirectHandler):
    """Redirects that stay within HTTP, and within HTTPS once there."""

    def redirect_request(
        self, req: urlrequest.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urlrequest.Request | None:
        allowed = ("https",) if urlsplit(req.full_url).scheme == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            fp.close()
            raise _Failed(f"a redirect to {shown(newurl)} was refused", again=False)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urlrequest.OpenerDirector:
    # An opener of build_opener() would also read file:, ftp: and data: addresses.
    opener = urlrequest.OpenerDirector()
    for handler in (
        urlrequest.ProxyHandler(),
        urlrequest.HTTPHandler(),
        urlrequest.HTTPSHandler(),
        urlrequest.HTTPDefaultErrorHandler(),
        urlrequest.HTTPErrorProcessor(),
        urlrequest.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _opened(url: str, offset: int, timeout: float) -> HTTPResponse:
    headers = {"User-Agent": "ganmetrics"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with _network_errors(timeout):
        response: HTTPResponse = _opener().open(urlrequest.Request(url, headers=headers), timeout=timeout)
    return response


@contextmanager
def _network_errors(timeout: float) -> Iterator[None]:
    try:
        yield
    except urlerror.HTTPError as error:
        error.close()
        status = shown(f"HTTP {error.code} {error.reason}")
        again, wait = error.code in PASSING_STATUS, _asked_wait(error.headers.get("Retry-After"))
        raise _Failed(status, again=again and wait <= LONGEST_WAIT, restart=error.code == 416, wait=wait) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        silence = isinstance(reason, TimeoutError)
        text = f"no answer for {timeout:g} s" if silence else shown(str(reason)) or type(reason).__name__
        raise _Failed(text) from error


def _asked_wait(header: str | None) -> float:
    """The seconds of a ``Retry-After``; 0 where it is a date or missing, as the next try is seconds away anyway."""
    return float(header) if header is not None and header.strip().isdecimal() else 0.0


def _first_byte(response: HTTPResponse, offset: int, wanted: Wanted) -> int:
    # Where the answer's bytes belong: a server that ignores Range answers 200 and sends the file from its start.
    if response.headers.get_content_type() == "text/html":
        raise _Failed(f"the server sent a web page, not {wanted.content}", again=False)
    if response.status == 200:
        return 0
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    is_of_file = wanted.size is None or (found is not None and found[2] in (str(wanted.size), "*"))
    if response.status != 206 or not found or int(found[1]) != offset or not is_of_file:
        raise _Failed("the server answered with another part of a file than the one asked for", restart=True)
    return offset


def _told_size(response: HTTPResponse, first: int) -> int:
    """The size of the whole file, as the server says it with the bytes from ``first`` on."""
    length = response.headers.get("Content-Length", "").strip()
    if not length.isdecimal() or first + int(length) > LARGEST:
        raise _Failed("the server does not say how long the file is", again=False)
    return first + int(length)


def _receive(
    response: HTTPResponse, span: tuple[int, int], wanted: Wanted, progress: bool, timeout: float
) -> None:  # span: from the first byte on, up to the size
    offset, size = span
    bar = Bar(
        desc=wanted.target.name,
        total=size,
        initial=offset,
        unit="B",
        unit_scale=True,
        disable=None if progress else True,  # None: shown only where stderr is a terminal
    )
    with bar, _part_stream(wanted, "ab" if offset else "wb") as stream:
        while offset < size:
            with _network_errors(timeout):
                chunk = response.read1(min(CHUNK, size - offset))
            if not chunk:
                break
            stream.write(chunk)
            offset += len(chunk)
            bar.update(len(chunk))


@contextmanager
def _part_stream(wanted: Wanted, mode: str) -> Iterator[IO[bytes]]:
    # A part that cannot be written is removed, so that a full disk is not left full.
    try:
        with wanted.disk_errors(wanted.part), open(wanted.part, mode) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except ResourceError:
        with suppress(OSError):
            wanted.part.unlink()
        raise


def _check(wanted: Wanted, size: int, *, resumed: bool) -> None:
    with wanted.disk_errors(wanted.part):
        found_size, kind, found = wanted.part.stat().st_size, text_kind(wanted.part), digest(wanted.part)
    is_right = found == wanted.sha256 if wanted.sha256 else not kind
    fault = wanted.fault(wanted.part) if wanted.fault is not None and is_right and found_size == size else ""
    if is_right and found_size == size and not fault:
        return
    if kind:
        raise _Failed(f"the server sent {kind}, not {wanted.content}", again=resumed, restart=True)
    if found_size < size:
        raise _Failed(f"the connection ended after {found_size:,} of {size:,} bytes")
    reason = fault or f"the server sent other bytes (SHA-256 {found}, expected {wanted.sha256})"
    # After a resume, an older run's bytes may be the wrong ones.
    raise _Failed(reason, again=resumed, restart=True)
