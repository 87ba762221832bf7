"""The built documentation in a browser: every page fits a desk and a phone, and no table is wider than its page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
from chromium import PHONE, WIDE
from pages import DOCS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# The tables whose right end lies beyond their page's, by their first words; the pictures that are missing or stand out;
# the widths of the page and the window.
MEASURE = """
const beyond = [...document.querySelectorAll('.content table')].filter(
  (t) => t.getBoundingClientRect().right > t.parentElement.getBoundingClientRect().right + 1
    || t.scrollWidth > t.parentElement.clientWidth + 1);
const pictures = [...document.querySelectorAll('.content img')].filter(
  (i) => !i.naturalWidth || i.getBoundingClientRect().right > innerWidth);
return [beyond.map((t) => t.textContent.trim().slice(0, 40)), pictures.map((i) => i.src),
  document.documentElement.scrollWidth, innerWidth];
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.browser() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew without a warning; one that CI has built already where it says so."""
    if built := os.environ.get("GANMETRICS_SITE"):
        return Path(built)
    pytest.importorskip("furo", reason="the site needs the extra docs")
    output = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(DOCS), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_page_fits(browser: Any, site: Path, width: int) -> None:
    chromium.look(browser, width=width)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        browser.get(page.as_uri())
        tables, pictures, inside, outside = browser.execute_script(MEASURE)
        assert (page.name, tables, pictures) == (page.name, [], [])
        assert inside <= outside, page.name
