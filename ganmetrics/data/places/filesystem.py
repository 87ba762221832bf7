"""Places that fsspec reads: opened by each process for itself, asked again where that may help, one sentence if not."""

from __future__ import annotations

import asyncio
import difflib
import errno
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from ganmetrics._files import shown
from ganmetrics._offline import is_offline
from ganmetrics.data.reading.unreadable import Unreadable
from ganmetrics.data.reading_choices import Reading
from ganmetrics.data.source import is_instance
from ganmetrics.errors import GanMetricsError, InputError, ResourceError, UsageError

Answer = TypeVar("Answer")

# Seconds before the second and the third attempt.
PAUSES = (0.2, 1.0)
# Schemes that need no network.
LOCAL = frozenset(("file", "local", "memory"))
# After these errors asking again changes nothing.
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
DISK = frozenset((errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)))
BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
DENIED = frozenset((401, 403, 407))
GONE = frozenset((404, 410))
# Packages whose names are not those of their modules.
PACKAGES = {"smbclient": "smbprotocol"}
# user:password@, also with a slash in the password; host:8080/a@b has none
PASSWORD = re.compile(r"(?<=://)(?:[^/@\s?]*|(?![^/@\s]*:\d+/)[^/@\s?]*:[^@\s?]*)@")
QUERY = re.compile(r"\?[^\s'\"()]*")


class Place:
    """A URL and the file system that reads it, which every process opens anew: connections do not survive a fork.

    Parameters
    ----------
    url : str
        ``scheme://…``, of any scheme that fsspec knows.

    Raises
    ------
    UsageError
        An unknown scheme, or one whose package is not installed.
    InputError
        The network is needed and forbidden, or the file system cannot be had.
    """

    def __init__(self, url: str) -> None:
        self.scheme = url.partition("://")[0].lower()
        self.url, self.name = self.scheme + url[len(self.scheme) :], shown_url(url)
        self._opened: tuple[Any, str] | None = None
        self._process = 0
        if self.scheme not in LOCAL and is_offline():
            what = "the place is on the network, which GANMETRICS_OFFLINE forbids"
            raise InputError(what, where=self.name, hint="Unset it, or copy the images here", code="E-OFFLINE")
        self.root = self._open()[1]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}

    @property
    def is_http(self) -> bool:
        """Whether it is a web server, whose listings are pages of links."""
        return self.scheme in ("http", "https")

    @property
    def system(self) -> Any:
        """fsspec's file system, of this process."""
        return self._open()[0]

    def ask(self, question: Callable[[Any], Answer], where: str = "") -> Answer:
        """What ``question(file system)`` answers, at the third attempt at the latest.

        Parameters
        ----------
        question : callable
        where : str
            What a refusal names, by default the whole place.

        Raises
        ------
        InputError, ResourceError
            It does not.
        """
        try:
            return retried(lambda: question(self.system))
        except Exception as error:
            raise refusal(error, where or self.name) from None

    def read(self, path: str, start: int | None = None, stop: int | None = None) -> bytes:
        """A file's bytes, or some of them.

        Raises
        ------
        Unreadable
            It cannot be read.
        """
        # By keyword: the second position is the object's version in s3fs, and the start of the range elsewhere.
        return self.attempt(lambda system: system.cat_file(path, start=start, end=stop))

    def attempt(self, load: Callable[[Any], bytes]) -> bytes:
        """What ``load(file system)`` gives for one image.

        Raises
        ------
        Unreadable
            It fails three times, or once where another attempt would not help.
        """
        try:
            return retried(lambda: load(self.system))
        except (GanMetricsError, MemoryError):
            raise
        except FileNotFoundError:
            raise Unreadable("disappeared after it was listed") from None
        except Exception as error:
            raise Unreadable(_sentence(error)) from None

    def _open(self) -> tuple[Any, str]:
        if self._opened is None or self._process != os.getpid():
            self._opened, self._process = _opened(self.url, self.scheme, self.name), os.getpid()
        return self._opened


def shown_url(url: str) -> str:
    """The URL for tables and messages: without user, password and query."""
    return shown(_clean(url))


def reading_of(url: str, reading: Reading) -> Reading:
    """The reading without worker processes where only this process has the place: the store of memory://."""
    return replace(reading, workers=0) if url.lower().startswith("memory://") else reading


def retried(load: Callable[[], Answer]) -> Answer:
    """What ``load()`` gives, after a pause once more and once again where its failure may pass."""
    for pause in PAUSES:
        try:
            return load()
        except Exception as error:
            if not _may_pass(error):
                raise
        time.sleep(pause)
    return load()


def refusal(error: Exception, where: str) -> GanMetricsError:
    """The error of ours that says what became of a whole place."""
    if isinstance(error, GanMetricsError):
        return error
    if isinstance(error, OSError) and error.errno in DISK:
        return ResourceError(f"it cannot be copied: {error.strerror}", where=where, code="E-WRITE")
    if isinstance(error, (FileNotFoundError, NotADirectoryError)) and _status(error) in (0, *GONE):
        what = "there is no such file or folder"
        return InputError(what, where=where, hint="Check the URL, and that it may be listed", code="E-MISSING")
    hint = "Give credentials as that service's own tools expect them" if _is_denied(error) else ""
    return InputError(f"the place {_sentence(error)}", where=where, hint=hint, code="E-UNREADABLE")


def _opened(url: str, scheme: str, name: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        # A cached file system would remember old listings.
        system, root = url_to_fs(url, skip_instance_cache=True)
    except ImportError as error:
        raise _missing_driver(error, scheme, name) from None
    except Exception as error:
        if "Protocol not known" in str(error):
            raise _unknown_scheme(scheme, name) from None
        raise refusal(error, name) from None
    return system, root


def _missing_driver(error: ImportError, scheme: str, name: str) -> UsageError:
    cause = error if error.name else error.__cause__
    module = (getattr(cause, "name", None) or "").partition(".")[0] or f"the one for {scheme}"
    package = PACKAGES.get(module, module)
    what = f"{scheme}:// needs the package {package}, which is not installed"
    return UsageError(what, where=name, hint=f"Install it: pip install {package}", code="E-SOURCE")


def _unknown_scheme(scheme: str, name: str) -> UsageError:
    from fsspec import available_protocols

    near = difflib.get_close_matches(scheme, available_protocols(), n=1)
    hint = f"Did you mean {near[0]}://?" if near else "Usual ones are s3://, gs://, hf://, https:// and file://"
    return UsageError(f"fsspec knows no scheme {shown(scheme)}://", where=name, hint=hint, code="E-SOURCE")


def _status(error: BaseException) -> int:
    # aiohttp, gcsfs, requests and httpx each call it otherwise, and aiohttp warns of its older name.
    response = getattr(error, "response", None)
    places = ((error, "status"), (error, "code"), (response, "status_code"))
    found = (getattr(place, name, None) for place, name in places)
    number = next((number for number in found if isinstance(number, int)), 0)
    # fsspec says "not found" of whatever a web server answers; the answer is the cause.
    return number or (_status(error.__cause__) if error.__cause__ is not None else 0)


def _may_pass(error: BaseException) -> bool:
    if _status(error):
        return _status(error) in BUSY
    if isinstance(error, LASTING) or (isinstance(error, OSError) and error.errno in DISK):
        return False
    return isinstance(error, (OSError, asyncio.TimeoutError)) or is_instance(error, "aiohttp", "ClientError")


def _is_denied(error: BaseException) -> bool:
    # The errors of botocore and google.auth are no kind of OSError.
    is_named = "Credential" in type(error).__name__
    return isinstance(error, PermissionError) or _status(error) in DENIED or is_named


def _sentence(error: BaseException) -> str:
    if _is_denied(error):
        return "may not be read: access is denied"
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return "cannot be read: no answer in time"
    if isinstance(error, LASTING) and _status(error):
        return f"cannot be read: its server answers with the status {_status(error)}"
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    text = text if " " in text else f"{type(error).__name__}: {text}"
    return f"cannot be read: {shown(_clean(text.splitlines()[0])[:160])}"


def _clean(text: str) -> str:
    return QUERY.sub("", PASSWORD.sub("", text))
