"""The organiser's pages: refused submissions with the reason, copied images, hidden scores, tokens."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from ganmetrics.errors import GanMetricsError
from ganmetrics.leaderboard.chain import stamp
from ganmetrics.leaderboard.public_names import clean_name
from ganmetrics.leaderboard.web.api import EntryId, Refused, client
from ganmetrics.leaderboard.web.pages import html, render
from ganmetrics.leaderboard.web.security import FORM_BYTES
from ganmetrics.leaderboard.web.site import csrf_of

if TYPE_CHECKING:
    from ganmetrics.leaderboard.web.site import Site

COOKIE = "gm_session"
SESSION_SECONDS = 8 * 3600.0
DAY = 86400.0
# Submissions on the page, the newest first.
LISTED = 200


def router(site: Site) -> APIRouter:
    """Return the routes of the organiser's pages."""
    pages = APIRouter(prefix="/organiser", include_in_schema=False)

    @pages.get("")
    def dashboard(request: Request) -> Response:
        session = _session(site, request)
        if session is None:
            return _private(render("login.html.j2", site, {"wrong": False}))
        return _private(_dashboard(site, session))

    @pages.post("/login")
    async def login(request: Request) -> Response:
        form = await _form(request)
        return await run_in_threadpool(_login, site, request, form.get("token", ""))

    @pages.post("/logout")
    async def logout(request: Request) -> Response:
        session, _ = await _permitted(site, request)
        token = await run_in_threadpool(site.board.store.token, session, "session")
        if token is not None:
            await run_in_threadpool(site.board.store.revoke, token.id)
        answer = RedirectResponse("/organiser", 303)
        answer.delete_cookie(COOKIE, path="/organiser")
        return answer

    @pages.post("/tokens")
    async def issue(request: Request) -> Response:
        session, form = await _permitted(site, request)
        return await run_in_threadpool(_issue, site, session, form)

    @pages.post("/tokens/{number}/revoke")
    async def revoke(request: Request, number: int) -> Response:
        await _permitted(site, request)
        await run_in_threadpool(site.board.store.revoke, min(number, 2**31 - 1))
        return RedirectResponse("/organiser", 303)

    @pages.get("/entries/{entry}")
    def entry(request: Request, entry: EntryId) -> Response:
        session = _session(site, request)
        if session is None:
            return RedirectResponse("/organiser", 303)
        return _private(_entry(site, session, entry))

    @pages.post("/entries/{entry}/disqualify")
    async def disqualify(request: Request, entry: EntryId) -> Response:
        _, form = await _permitted(site, request)
        reason = form.get("reason", "").strip()
        if not reason:
            raise Refused(422, "E-USAGE", "a reason is needed")
        try:
            await run_in_threadpool(site.board.disqualify, entry, reason)
        except GanMetricsError as error:
            raise Refused(409, error.code, error.what) from None
        await run_in_threadpool(site.view, is_new=True)
        return RedirectResponse(f"/organiser/entries/{entry}", 303)

    return pages


def _session(site: Site, request: Request) -> str | None:
    """Return the session of the request's cookie; ``None`` where it is no organiser's."""
    session = request.cookies.get(COOKIE, "")
    return session if session and site.board.store.token(session, "session") else None


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a short form (413 for a longer one)."""
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > FORM_BYTES:
            raise Refused(413, "E-USAGE", f"the form has more than {FORM_BYTES} bytes")
    try:
        fields = parse_qs(body.decode(), max_num_fields=20)
    except ValueError:
        raise Refused(400, "E-USAGE", "the form cannot be read") from None
    return {name: values[0] for name, values in fields.items()}


async def _permitted(site: Site, request: Request) -> tuple[str, dict[str, str]]:
    """Return the session and the form of an organiser's request that changes something (401, 403)."""
    session = await run_in_threadpool(_session, site, request)
    if session is None:
        raise Refused(401, "E-TOKEN", "the session is over; sign in again")
    form = await _form(request)
    # Compared in constant time.
    if not hmac.compare_digest(form.get("csrf", "").encode(), csrf_of(session).encode()):
        raise Refused(403, "E-ORIGIN", "the form does not belong to this session")
    return session, form


def _login(site: Site, request: Request, token: str) -> Response:
    address = client(request)
    if site.failures.is_full(address):
        raise Refused(429, "E-RATE", "too many wrong tokens from this address; wait a minute")
    if site.board.store.token(token.strip(), "organiser") is None:
        site.failures.add(address)
        return _private(render("login.html.j2", site, {"wrong": True}), 401)
    # The cookie holds a session, never the organiser's token.
    session = site.board.store.issue("session", "", SESSION_SECONDS)
    answer = RedirectResponse("/organiser", 303)
    answer.set_cookie(
        COOKIE, session, max_age=int(SESSION_SECONDS), path="/organiser", secure=site.is_secure, httponly=True,
        samesite="strict",
    )  # fmt: skip
    return answer


def _issue(site: Site, session: str, form: dict[str, str]) -> Response:
    try:
        days = float(form.get("days", "30"))
        if not 0 < days <= 3650:
            raise ValueError
        team = clean_name(form.get("team", ""), "team")
    except GanMetricsError as error:
        raise Refused(422, error.code, error.what) from None
    except ValueError:
        raise Refused(422, "E-USAGE", "the days must be a number up to 3650") from None
    token = site.board.store.issue("team", team, days * DAY)
    return _private(_dashboard(site, session, token=token, team=team))


def _dashboard(site: Site, session: str, *, token: str = "", team: str = "") -> str:
    submissions = site.board.store.submissions()[::-1][:LISTED]
    reasons = {}
    for each in submissions:
        if each.state in ("rejected", "withdrawn"):
            record = site.board.entry(each.public_id)[1]
            reasons[each.public_id] = "" if record is None else str(record.facts.get("reason", ""))
    tokens = [(each, stamp(each.expires)) for each in site.board.store.tokens()]
    hidden = site.board.table(hidden=True) if site.board.rules.hidden else []
    facts = {
        "submissions": submissions, "reasons": reasons, "tokens": tokens, "csrf": csrf_of(session), "token": token,
        "team": team, "hidden": hidden, "rules": site.board.rules, "stamp": stamp,
    }  # fmt: skip
    return render("organiser.html.j2", site, facts)


def _entry(site: Site, session: str, entry: str) -> str:
    try:
        submission, record = site.board.entry(entry)
    except GanMetricsError as error:
        raise Refused(404, error.code, error.what) from None
    scored = site.board.store.record_of(submission, "score") or site.board.store.record_of(submission, "reject")
    facts: dict[str, Any] = {} if scored is None else scored.facts
    shown = {"submission": submission, "record": record, "facts": facts, "csrf": csrf_of(session), "stamp": stamp}
    return render("organiser_entry.html.j2", site, shown)


def _private(text: str, status: int = 200) -> Response:
    answer = html(text.encode(), status)
    answer.headers["cache-control"] = "no-store"
    return answer
