"""The web application of a board: its routes, and every failure as one sentence that names no path of the server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ganmetrics.errors import GanMetricsError
from ganmetrics.leaderboard.web import api, organiser, pages
from ganmetrics.leaderboard.web.api import Refused
from ganmetrics.leaderboard.web.pages import html, render
from ganmetrics.leaderboard.web.security import Guard
from ganmetrics.leaderboard.web.site import Site
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics.leaderboard.board import Board

log = logging.getLogger("ganmetrics.leaderboard")


def create_app(board: Board, *, is_secure: bool = False) -> FastAPI:
    """Return the ASGI application of a board.

    Parameters
    ----------
    board : Board
    is_secure : bool
        Whether browsers reach the board by https: cookies and headers then insist on it.
    """
    site = Site(board, is_secure=is_secure)
    app = FastAPI(
        title=f"{board.rules.title}: a ganmetrics leaderboard", version=__version__, docs_url=None, redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )  # fmt: skip
    for part in (api, pages, organiser):
        app.include_router(part.router(site))
    app.add_middleware(Guard, max_upload=board.rules.max_upload, is_secure=is_secure)

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        return _failure(site, request, error.status, error.code, error.what)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        # A malformed id is an unknown entry, not a wrong request.
        if any(each["loc"][0] == "path" for each in error.errors()):
            return _failure(site, request, 404, "E-ENTRY", "there is no such entry")
        places = ", ".join(sorted({str(each["loc"][-1])[:40] for each in error.errors()}))
        return _failure(site, request, 422, "E-USAGE", f"the request is wrong in {places}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        what = "there is no such page" if error.status_code == 404 else str(error.detail)
        return _failure(site, request, error.status_code, "E-PAGE", what, error.headers)

    @app.exception_handler(GanMetricsError)
    def ours(request: Request, error: GanMetricsError) -> Response:
        # The log may name a path of the server, the answer must not.
        log.error("%s %s: %s", request.method, request.url.path, error)
        return _failure(site, request, 503, error.code, "the board cannot answer at the moment; try again later")

    return app


def _failure(site: Site, request: Request, status: int, code: str, what: str, headers: object = None) -> Response:
    more = {"www-authenticate": "Bearer"} if status == 401 and request.url.path.startswith("/api/") else {}
    if status in (429, 503):
        more["retry-after"] = "60"
    if isinstance(headers, dict):
        more |= headers
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": {"code": code, "what": what}}, status, headers=more)
    answer = html(render("problem.html.j2", site, {"status": status, "what": what}).encode(), status)
    answer.headers.update(more)
    return answer
