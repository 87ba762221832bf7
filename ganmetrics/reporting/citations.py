"""Citations of the papers behind scores, as BibTeX: read from the metrics' own references."""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganmetrics.evaluation.saved_scores import metrics_of
from ganmetrics.version import __version__

if TYPE_CHECKING:
    from ganmetrics.metrics import Metric

# Authors: title. Venue and year.
REFERENCE = re.compile(r"(?P<authors>[^:]+): (?P<title>.+?)(?:\.|(?<=[?!])) (?P<venue>[^.,]*\d{4})")
BLOCK = re.compile(r"^ *References\n *----------\n(.+?)\n *\n", re.MULTILINE | re.DOTALL)
EPRINT = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
SOFTWARE = f"""@software{{ganmetrics,
  title = {{{{ganmetrics}}: evaluation metrics for GANs and other image generators}},
  author = {{{{The ganmetrics developers}}}},
  version = {{{__version__}}}
}}"""


def bibtex(names: Iterable[str]) -> str:
    """Return the entries of the papers behind scores, by the names of the scores, and of this package."""
    found = {metric.name: metric for name in names for metric in metrics_of(name)}
    # Several metrics may be of one paper.
    entries = dict.fromkeys(entry for metric in found.values() if (entry := _entry(metric)))
    return "\n\n".join([*entries, SOFTWARE]) + "\n"


def _entry(metric: Metric) -> str:
    year = re.search(r"\d{4}", metric.paper)
    eprint = EPRINT.search(metric.paper)
    reference = REFERENCE.match(_reference(metric))
    if reference is None or year is None:
        return ""
    first = re.split(r" et al\.|,", reference["authors"])[0]
    authors = " and ".join(re.sub(r" et al\.?$", ", others", reference["authors"]).split(", "))
    fields = {"title": f"{{{reference['title']}}}", "author": authors, "year": year[0], "note": reference["venue"]}
    if eprint:
        fields |= {"eprint": eprint[1], "archiveprefix": "arXiv"}
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    # Keys have plain letters, which every BibTeX reads.
    plain = unicodedata.normalize("NFKD", f"{first}{year[0]}{reference['title'].split()[0]}")
    key = re.sub(r"[^a-z0-9]", "", plain.lower())
    return f"@misc{{{key},\n{lines}\n}}"


def _reference(metric: Metric) -> str:
    """Return the reference of a metric's paper, on one line, from the first docstring of its module that names it."""
    author = re.split(r" et al|,", metric.paper)[0]
    source = inspect.getsource(inspect.getmodule(metric.function) or metric.function)
    blocks = (" ".join(line.strip() for line in found.splitlines()) for found in BLOCK.findall(source))
    return next((block for block in blocks if block.startswith(author)), "")
