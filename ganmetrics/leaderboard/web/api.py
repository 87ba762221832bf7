"""``/api/v1``: the board for programs, described by OpenAPI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from ganmetrics.errors import GanMetricsError, ResourceError, UsageError
from ganmetrics.leaderboard import staging
from ganmetrics.leaderboard.public_names import LONGEST, clean_name

if TYPE_CHECKING:
    from ganmetrics.leaderboard.chain import Record
    from ganmetrics.leaderboard.store import Submission, Token
    from ganmetrics.leaderboard.web.site import Site

# A client that sends nothing for so long is cut off.
SECONDS_BETWEEN_BLOCKS = 30.0
UPLOADS_AT_ONCE = 4

EntryId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The public id of an entry.")]


class Problem(BaseModel):
    """The code of an error and one sentence about what was wrong."""

    code: str
    what: str


class Failure(BaseModel):
    """The body of every answer that is not a success."""

    error: Problem


class Chain(BaseModel):
    """The length and the last digest of the chain of records; ``verify --head`` checks a digest noted earlier."""

    records: int
    head: str


class BoardFacts(BaseModel):
    """What a board asks for, and how many submissions it has."""

    rules: dict[str, Any]
    counts: dict[str, int]
    max_upload: int
    chain: Chain


class Entry(BaseModel):
    """One row of the table; values are rounded to what their intervals allow."""

    rank: int
    tied: bool
    entry: str
    team: str
    model: str
    via: str
    received: str
    submission: str = Field(description="SHA-256 of the submitted file.")
    rules: str
    scores: dict[str, Any]
    evidence: dict[str, Any]
    findings: list[dict[str, Any]] = []


class Entries(BaseModel):
    """The rows of the table, the best first."""

    entries: list[Entry]


class Job(BaseModel):
    """The state of a submission."""

    entry: str
    state: str = Field(description="queued, scoring, scored, rejected or withdrawn")
    ahead: int = Field(description="Number of submissions that are scored before this one.")
    reason: str = ""
    rank: int | None = None
    tied: bool | None = None


FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure} for status in (400, 401, 403, 404, 409, 411, 413, 422, 429, 503)
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "A zip archive of images, or an npz file of one uint8 array; images only, never statistics.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Refused(Exception):
    """An answer that is not a success: its HTTP status, a code and a sentence."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(what)
        self.status, self.code, self.what = status, code, what


def router(site: Site) -> APIRouter:
    """Return the routes of ``/api/v1``."""
    api = APIRouter(prefix="/api/v1", responses=FAILURES)
    _add_table(api, site)
    _add_submissions(api, site)
    return api


def _add_table(api: APIRouter, site: Site) -> None:
    """Add the routes that anyone may read: the board and its entries."""

    @api.get("/board")
    def board() -> BoardFacts:
        """Return what the board asks for, and how many submissions it has."""
        view = site.view()
        return BoardFacts(
            rules=site.public_rules,
            counts=view.counts,
            max_upload=site.board.rules.max_upload,
            chain=Chain(records=view.records, head=view.head),
        )

    @api.get("/entries")
    def entries() -> Entries:
        """Return the table, the best entry first."""
        return Entries(entries=[Entry(**each) for each in site.view().entries])

    @api.get("/entries/{entry}")
    def entry(entry: EntryId) -> Entry:
        """Return one row of the table."""
        row = site.view().by_id.get(entry)
        if row is None:
            raise Refused(404, "E-ENTRY", "there is no such entry on the board")
        return Entry(**row)


def _add_submissions(api: APIRouter, site: Site) -> None:
    """Add the routes of a submission, of which sending and withdrawing need the team's token."""
    gate = asyncio.Semaphore(UPLOADS_AT_ONCE)

    @api.get("/submissions/{entry}")
    def submission(entry: EntryId) -> Job:
        """Return the state of a submission."""
        return job(site, entry)

    @api.delete("/submissions/{entry}")
    def withdraw(request: Request, entry: EntryId, authorization: Annotated[str | None, Header()] = None) -> Job:
        """Take an entry of the token's team off the board."""
        token = permitted(site, request, authorization)
        submission, _ = _existing(site, entry)
        # Not 403: a team must not learn which submissions of others exist.
        if submission.team != token.team:
            raise Refused(404, "E-ENTRY", "the team has no such submission")
        try:
            site.board.withdraw(entry)
        except GanMetricsError as error:
            raise Refused(409, error.code, error.what) from None
        site.view(is_new=True)
        return job(site, entry)

    @api.post("/submissions", status_code=202, openapi_extra=BODY)
    async def submit(
        request: Request,
        response: Response,
        model: Annotated[str, Query(min_length=1, max_length=LONGEST)],
        authorization: Annotated[str | None, Header()] = None,
    ) -> Job:
        """Submit a zip archive or an npz file as the body, with the team's token as ``Authorization: Bearer``."""
        token = await run_in_threadpool(permitted, site, request, authorization)
        if not site.uploads.add(client(request)):
            raise Refused(429, "E-RATE", "too many submissions from this address; wait a minute")
        # Uploads write to disk: more at once would only make all slower.
        if gate.locked():
            raise Refused(503, "E-BUSY", "others are uploading; try again in a minute")
        async with gate:
            public_id = await _received(site, request, token, model)
        response.headers["location"] = f"/api/v1/submissions/{public_id}"
        return await run_in_threadpool(job, site, public_id)


async def _received(site: Site, request: Request, token: Token, model: str) -> str:
    """Receive the body and queue it; the name and the quota are checked before the first byte is read."""
    try:
        model = clean_name(model, "model")
        # Before the body is read: a refused team must not fill the disk.
        await run_in_threadpool(site.board.check_quota, token.team)
        with staging.receiving(site.board.places["submissions"], site.board.rules) as receiver:
            blocks = request.stream().__aiter__()
            while True:
                try:
                    block = await asyncio.wait_for(anext(blocks), SECONDS_BETWEEN_BLOCKS)
                except StopAsyncIteration:
                    break
                receiver.write(block)
            staged = await run_in_threadpool(receiver.done)
        return await run_in_threadpool(site.board.queue, staged, token.team, model, "web")
    except asyncio.TimeoutError:
        raise Refused(400, "E-SLOW", "the upload stalled") from None
    except ResourceError as error:
        raise Refused(503, error.code, "the board cannot take submissions at the moment; try again later") from error
    except GanMetricsError as error:
        raise Refused(_status(error), error.code, error.what) from None


def _status(error: GanMetricsError) -> int:
    return 429 if error.code == "E-QUOTA" else 422


def permitted(site: Site, request: Request, authorization: str | None) -> Token:
    """Return the token that a request brings (401 without a valid one, 429 after too many wrong ones)."""
    address = client(request)
    if site.failures.is_full(address):
        raise Refused(429, "E-RATE", "too many wrong tokens from this address; wait a minute")
    kind, _, text = (authorization or "").partition(" ")
    token = site.board.store.token(text.strip(), "team") if kind.lower() == "bearer" else None
    if token is None:
        site.failures.add(address)
        raise Refused(401, "E-TOKEN", "the token is missing, wrong or expired; the organiser issues another")
    return token


def client(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else "unknown"


def job(site: Site, entry: str) -> Job:
    """Return the state of a submission (404 for an unknown one)."""
    submission, record = _existing(site, entry)
    ahead = site.board.store.waiting_before(submission) if submission.state == "queued" else 0
    row = None
    if submission.state == "scored":
        # The view may be half a second old.
        row = site.view().by_id.get(entry) or site.view(is_new=True).by_id.get(entry)
    reason = str(record.facts.get("reason", "")) if record is not None and record.kind != "score" else ""
    place = {} if row is None else {"rank": row["rank"], "tied": row["tied"]}
    return Job(entry=entry, state=submission.state, ahead=ahead, reason=reason, **place)


def _existing(site: Site, entry: str) -> tuple[Submission, Record | None]:
    try:
        return site.board.entry(entry)
    except UsageError as error:
        raise Refused(404, error.code, error.what) from None
