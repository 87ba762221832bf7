"""The pages that everyone reads: the board, an entry, how to submit, what has become of a submission."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ganmetrics.leaderboard.ranking import interval_of, rounded, shown_interval
from ganmetrics.leaderboard.showing import EVIDENCE, shown_evidence
from ganmetrics.leaderboard.web.api import EntryId, Refused, job
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganmetrics.leaderboard.web.site import Site, View

# Size of a drawn interval and its margin on either side, in pixels.
WIDTH, HEIGHT, EDGE = 110, 20, 6
STATIC = {
    "board.css": "text/css",
    "board.js": "text/javascript",
    "upload.js": "text/javascript",
    "job.js": "text/javascript",
}
DESCENDING = "desc"


@dataclass(frozen=True)
class Mark:
    """An interval that is drawn on its column's scale: where it begins and ends and where its value is, in pixels."""

    low: float
    high: float
    middle: float


def router(site: Site) -> APIRouter:
    """Return the routes of the public pages and of the files that they show."""
    pages = APIRouter(include_in_schema=False)
    _add_pages(pages, site)
    _add_files(pages, site)
    return pages


def _add_pages(pages: APIRouter, site: Site) -> None:
    """Add the pages: the board, an entry, how to submit, the state of a submission."""

    @pages.get("/")
    async def board(sort: str = "", dir: str = "", q: Annotated[str, Query(max_length=100)] = "") -> Response:
        # Without a thread while the view is fresh, which most requests meet.
        scores = [name for row in site.view().rows[:1] for name in row.scores] if site.is_fresh() else None
        if scores is None:
            view = await run_in_threadpool(site.view)
            scores = [name for row in view.rows[:1] for name in row.scores]
        # Unknown columns are ignored, so that old links work.
        sort = sort if sort in (*scores, "team", "model", "received") else ""
        key = ("board", sort, dir == DESCENDING, q)
        return html(site.page(key, lambda view: _board(site, view, sort, dir == DESCENDING, q)))

    @pages.get("/entries/{entry}")
    def entry(request: Request, entry: EntryId) -> Response:
        if entry not in site.view().by_id:
            raise Refused(404, "E-ENTRY", "there is no such entry on the board")
        return html(site.page(("entry", entry, base(request)), lambda view: _entry(site, view, entry, base(request))))

    @pages.get("/submit")
    def submit(request: Request) -> Response:
        return html(render("submit.html.j2", site, {"rules": site.board.rules, "base": base(request)}).encode())

    @pages.get("/jobs/{entry}")
    def job_page(entry: EntryId) -> Response:
        return html(render("job.html.j2", site, {"job": job(site, entry)}).encode())


def _add_files(pages: APIRouter, site: Site) -> None:
    """Add what is no page: pictures, static files, and what monitoring and search engines ask for."""

    @pages.get("/grids/{entry}.png")
    def grid(entry: EntryId) -> Response:
        path = site.board.places["grids"] / f"{entry}.png"
        if entry not in site.view().by_id or not path.is_file():
            raise Refused(404, "E-ENTRY", "there is no such entry on the board")
        return FileResponse(path, media_type="image/png", headers={"cache-control": "public, max-age=86400"})

    @pages.get("/badge/{entry}.svg")
    def badge(entry: EntryId) -> Response:
        row = site.view().by_id.get(entry)
        if row is None:
            raise Refused(404, "E-ENTRY", "there is no such entry on the board")
        score = row["scores"][site.board.rules.rank_by]
        value = f"{score['title']} {rounded(score)} · rank {row['rank']}{' =' if row['tied'] else ''}"
        text = template("badge.svg.j2").render(
            label=site.board.rules.title, value=value, width_of=lambda t: 7 * len(t) + 12
        )
        return Response(text, media_type="image/svg+xml", headers={"cache-control": "public, max-age=300"})

    @pages.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in STATIC:
            raise Refused(404, "E-PAGE", "there is no such page")
        return Response(static_file(name), media_type=STATIC[name], headers={"cache-control": "public, max-age=3600"})

    @pages.get("/healthz")
    def health() -> Response:
        site.board.store.head()
        return PlainTextResponse("ok\n")

    @pages.get("/metrics")
    def metrics() -> Response:
        return Response(_metrics(site), media_type="text/plain; version=0.0.4")

    @pages.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /organiser\nDisallow: /jobs\n")


def html(body: bytes, status: int = 200) -> Response:
    """Return a page that browsers ask for again each time."""
    return HTMLResponse(body, status, headers={"cache-control": "no-cache"})


def base(request: Request) -> str:
    """Return the site's address as this visitor sees it."""
    return str(request.base_url).rstrip("/")


def _metrics(site: Site) -> bytes:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry, view = CollectorRegistry(), site.view()
    states = Gauge("ganmetrics_submissions", "Submissions by state.", ["state"], registry=registry)
    for state in ("queued", "scoring", "scored", "rejected", "withdrawn"):
        states.labels(state).set(view.counts.get(state, 0))
    Gauge("ganmetrics_entries", "Entries on the board.", registry=registry).set(len(view.rows))
    Gauge("ganmetrics_records", "Records of the chain.", registry=registry).set(view.records)
    return generate_latest(registry)


def _board(site: Site, view: View, sort: str, is_descending: bool, query: str) -> str:
    entries = [each for each in view.entries if _matches(each, query)]
    if sort:
        entries = _sorted(entries, sort, is_descending)
    scores = list(view.entries[0]["scores"]) if view.entries else []
    marks = {name: _marks([each["scores"][name] for each in view.entries]) for name in scores}
    drawn = {
        name: {each["entry"]: mark for each, mark in zip(view.entries, marks[name], strict=True)} for name in scores
    }
    evidence = [name for name in EVIDENCE if view.entries and name in view.entries[0]["evidence"]]
    facts = {
        "entries": entries, "view": view, "rules": site.board.rules, "marks": drawn, "scores": scores,
        "evidence": evidence, "names": EVIDENCE, "sort": sort, "is_descending": is_descending, "query": query,
        "titles": {name: view.entries[0]["scores"][name]["title"].partition("(")[0] for name in scores},
    }  # fmt: skip
    return render("board.html.j2", site, facts)


def _matches(entry: dict[str, Any], query: str) -> bool:
    return not query or query.casefold() in f"{entry['team']} {entry['model']}".casefold()


def _sorted(entries: list[dict[str, Any]], sort: str, is_descending: bool) -> list[dict[str, Any]]:
    def key(entry: dict[str, Any]) -> tuple[bool, Any]:
        if sort in entry["scores"]:
            value = entry["scores"][sort]["value"]
            return value is None, 0.0 if value is None else value
        return False, str(entry[sort]).casefold()

    return sorted(entries, key=key, reverse=is_descending)


def _marks(scores: Sequence[dict[str, Any]]) -> list[Mark | None]:
    """Place the intervals of a column on one scale, in pixels; ``None`` where there is no value."""
    ends = [_ends(score) for score in scores]
    known = [end for three in ends if three is not None for end in three if math.isfinite(end)]
    if not known:
        return [None] * len(scores)
    low, high = min(known), max(known)
    span = (high - low) or 1.0

    # An end without a bound ends with the scale.
    def place(value: float) -> float:
        share = (min(max(value, low), high) - low) / span
        return round(EDGE + (WIDTH - 2 * EDGE) * share, 1)

    return [None if three is None else Mark(*map(place, three)) for three in ends]


def _ends(score: dict[str, Any]) -> tuple[float, float, float] | None:
    """Return the low end, the high end and the value of a score; ``None`` without a finite value."""
    value, around = score["value"], interval_of(score)
    if value is None or not math.isfinite(value):
        return None
    return (value, value, value) if around is None else (around.low, around.high, value)


def _entry(site: Site, view: View, entry: str, address: str) -> str:
    row = view.by_id[entry]
    history = [each for each in view.entries if each["team"] == row["team"]]
    history.sort(key=lambda each: each["received"], reverse=True)
    facts = {
        "entry": row, "history": history, "rules": site.board.rules, "names": EVIDENCE, "base": address,
        "has_grid": (site.board.places["grids"] / f"{entry}.png").is_file(), "view": view,
    }  # fmt: skip
    return render("entry.html.j2", site, facts)


def render(name: str, site: Site, facts: Mapping[str, Any]) -> str:
    """Fill a template in with its own facts and with what every page shows."""
    return template(name).render({"title": site.board.rules.title, "version": __version__, "asset": asset, **facts})


@cache
def template(name: str) -> Any:
    """Return a template with the filters of scores and times; what it does not know is an error."""
    environment = Environment(
        loader=PackageLoader("ganmetrics.leaderboard.web", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"rounded": rounded, "around": shown_interval, "evidence": shown_evidence, "day": _day}
    environment.globals |= {"WIDTH": WIDTH, "HEIGHT": HEIGHT}
    return environment.get_template(name)


def _day(text: str) -> str:
    return re.sub(r"T(\d\d:\d\d).*", r" \1", text)


@cache
def static_file(name: str) -> bytes:
    """Return the content of a static file."""
    folder = resources.files("ganmetrics.leaderboard.web").joinpath("static")
    # Boards look like reports: their style sheet comes first, then what a board adds.
    if name == "board.css":
        report = resources.files("ganmetrics.reporting").joinpath("templates", "report.css").read_bytes()
        return report + folder.joinpath(name).read_bytes()
    return folder.joinpath(name).read_bytes()


def asset(name: str) -> str:
    """Return the address of a static file, which changes with its content so that no browser shows an old one."""
    return f"/static/{name}?v={hashlib.sha256(static_file(name)).hexdigest()[:8]}"
