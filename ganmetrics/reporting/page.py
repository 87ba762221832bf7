"""A result as HTML: a page of its own, or a part of a notebook."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ganmetrics._files import atomic_write, check_writable
from ganmetrics.reporting.plotting import figure_of, svg_of
from ganmetrics.reporting.run_views import figures_of, view_of
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure


def page(shown: Any, *, command: str = "") -> str:
    """Return a report as one HTML document that loads nothing.

    Parameters
    ----------
    shown : Report
        A result of any verb.
    command : str
        The command that made the result; the page shows it.

    Returns
    -------
    str
        Equal results give equal pages. The content security policy of a page lets no script run but its own.
    """
    script, style = _file("report.js"), _file("report.css")
    # The policy names the hash of the page's own script; any script that a file name smuggled in does not run.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    facts = {"script": script, "style": style, "script_hash": digest, "command": command, "version": __version__}
    return _template("page.html.j2").render(view=view_of(shown), svg_of=svg_of, **facts)


def fragment(shown: Any) -> str:
    """Return the verdicts and scores as a part of a notebook, without scripts or pictures."""
    view = view_of(shown, with_pictures=False)
    # A notebook shows many results, so a fragment has no identifiers, no scripts and no pictures.
    return _template("fragment.html.j2").render(view=view, style=_file("report.css"))


def plot(shown: Any) -> Figure:
    """Draw all figures of a result beside each other."""
    return figure_of(figures_of(shown))


def save(shown: Any, path: str | os.PathLike[str], *, command: str = "", force: bool = False) -> None:
    """Write a page, whole or not at all (UsageError for a file that exists, ResourceError)."""
    check_writable(path, force=force)
    text = page(shown, command=command)
    with atomic_write(path) as stream:
        stream.write(text.encode())


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("ganmetrics.reporting", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


@cache
def _file(name: str) -> str:
    return resources.files("ganmetrics.reporting").joinpath("templates", name).read_text(encoding="utf-8")
