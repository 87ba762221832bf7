"""Security headers on every answer, and requests that are refused before their bodies are read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # With "no-referrer" a form of this site would name no origin, and be refused.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
FORM_BYTES = 16 << 10
SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware: adds headers, refuses changes from other sites, and refuses bodies by their stated size.

    Parameters
    ----------
    app : ASGI application
    max_upload : int
        Bytes that a submission may have.
    is_secure : bool
        Whether browsers reach the board by https.
    """

    def __init__(self, app: ASGIApp, *, max_upload: int, is_secure: bool) -> None:
        self.app, self.max_upload = app, max_upload
        secure = {"strict-transport-security": "max-age=31536000"} if is_secure else {}
        self.headers = [(name.encode(), value.encode()) for name, value in {**HEADERS, **secure}.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                more = [header for header in self.headers if header[0] not in there]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            await _answer(with_headers, *refusal)
        else:
            await self.app(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        if scope["method"] in SAFE:
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not _is_own(headers):
            return 403, "E-ORIGIN", "the request comes from another site"
        most = self.max_upload if scope["path"].startswith("/api/") else FORM_BYTES
        length = headers.get("content-length", "")
        if length and (not length.isascii() or not length.isdigit()):
            return 400, "E-USAGE", "the content-length is no number"
        if not length and "transfer-encoding" in headers and most == FORM_BYTES:
            return 411, "E-USAGE", "the request does not say how long it is"
        if length and int(length) > most:
            return 413, "E-REJECTED", f"the request has {int(length):,} bytes; the most is {most:,}"
        return None


def _is_own(headers: dict[str, str]) -> bool:
    """Return whether a request that changes something comes from a page of this site, or from no page at all."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


async def _answer(send: Send, status: int, code: str, what: str) -> None:
    body = json.dumps({"error": {"code": code, "what": what}}).encode()
    headers: list[Any] = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # The body stays unread, so the connection cannot be used again.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
