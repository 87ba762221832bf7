"""Reports in a real browser: nothing fails, everything is there, anyone can use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chromium
import pytest
from axe_core_python.selenium import Axe
from chromium import PHONE, WIDE
from selenium.webdriver.common.keys import Keys

from ganmetrics import reporting

pytestmark = pytest.mark.slow
COMMAND = "ganmetrics diagnose 'real <b>' fake --html \"r.html\" & echo <script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.browser() as found:
        yield found


def opened(browser: Any, path: Path, *, width: int = WIDE, dark: bool = False) -> None:
    chromium.look(browser, width=width, dark=dark)
    browser.get(path.as_uri())


@pytest.fixture(scope="module")
def pages(shown: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    for kind in ("diagnosis", "evaluation", "comparison", "saved", "bare"):
        reporting.save(getattr(shown, kind), root / f"{kind}.html", command=COMMAND)
    return {path.stem: path for path in root.iterdir()}


@pytest.mark.parametrize("kind", ["diagnosis", "evaluation", "comparison", "saved", "bare"])
def test_nothing_fails_and_all_is_drawn(browser: Any, pages: dict[str, Path], kind: str) -> None:
    opened(browser, pages[kind])
    assert browser.get_log("browser") == []
    pictures = browser.execute_script("return [...document.images].map(i => [i.complete, i.naturalWidth])")
    assert all(done and width > 0 for done, width in pictures)
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('svg.plot')].map(s => [s.getBoundingClientRect().height,"
        " s.querySelectorAll('path, use').length, s.querySelectorAll('text').length])"
    )
    assert all(height > 150 and shapes > 5 and words > 2 for height, shapes, words in boxes)
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
    assert all(name.startswith("data:") for name in loaded)
    assert len(pictures) > 100 or kind != "diagnosis"
    assert len(boxes) == 5 or kind != "diagnosis"


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("kind", ["diagnosis", "evaluation", "comparison"])
def test_it_is_readable_for_all(browser: Any, pages: dict[str, Path], kind: str, width: int, dark: bool) -> None:
    opened(browser, pages[kind], width=width, dark=dark)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    violations = Axe().run(browser, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})[
        "violations"
    ]
    assert [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in violations] == []
    inside, outside = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert inside <= outside, "the page is wider than the screen"
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(15, 19, 24)") is dark


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_figures_have_contrast(browser: Any, pages: dict[str, Path], dark: bool) -> None:
    """Text and marks of figures, which the accessibility checker does not look into: WCAG 1.4.3 and 1.4.11."""
    opened(browser, pages["diagnosis"], dark=dark)
    names = ("--ink", "--muted", "--real", "--fake", "--bad", "--warn", "--ground")
    colours = browser.execute_script(
        "const s = getComputedStyle(document.body);"
        "return Object.fromEntries(arguments[0].map(n => [n, s.getPropertyValue(n).trim()]))",
        names,
    )
    ground = colours.pop("--ground")
    for name, colour in colours.items():
        assert _contrast(colour, ground) >= (4.5 if name in ("--ink", "--muted") else 3.0), name


def _contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_copy_buttons_copy(browser: Any, pages: dict[str, Path], shown: SimpleNamespace) -> None:
    opened(browser, pages["diagnosis"])
    browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    buttons = browser.find_elements("css selector", "button.copy")
    texts = [str(score.signature) for score in shown.diagnosis.result.scores.values()]
    assert len(buttons) == len(texts) + 1
    for button, text in zip(buttons, [*texts, COMMAND], strict=True):
        button.click()
        assert _clipboard(browser) == text
        assert browser.find_element("id", "status").text == "Copied to the clipboard."


def _clipboard(browser: Any) -> str:
    text: str = browser.execute_async_script(
        "const done = arguments[0];"
        "setTimeout(() => navigator.clipboard.readText().then(done, e => done(String(e))), 50)"
    )
    return text


def test_the_keyboard_reaches_everything(browser: Any, pages: dict[str, Path]) -> None:
    opened(browser, pages["diagnosis"])
    wanted = browser.execute_script(
        "return document.querySelectorAll('a[href], button, summary, [tabindex=\"0\"]').length"
    )
    reached = set()
    for _ in range(wanted + 2):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(browser.execute_script(
            "const e = document.activeElement; return e === document.body ? null :"
            " [...document.querySelectorAll('*')].indexOf(e)"
        ))  # fmt: skip
    assert len(reached - {None}) == wanted
    browser.find_element("css selector", "summary").send_keys(Keys.ENTER)
    assert browser.get_log("browser") == []


def test_it_prints(browser: Any, pages: dict[str, Path]) -> None:
    opened(browser, pages["diagnosis"], dark=True)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    seen = browser.execute_script(
        "return ['nav', 'button.copy', 'h1', 'svg.plot'].map(s => getComputedStyle(document.querySelector(s)).display)"
    )
    assert seen[:2] == ["none", "none"] and "none" not in seen[2:]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert len(browser.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 50_000
