"""The pages of the documentation taken apart: code, links, headings, command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not page.name.endswith(".in.md"))
READ = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"))]
NOT_RUN, RUN = "<!-- not run:", "<!-- run -->"
LEADS = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S* )*(?:(?=ganmetrics )|(?:torchrun .*?|python )-m (?=ganmetrics[. ]))")
NUMBER = r"\d+\.?\d*"
SHELL = {"|", ">", "&&", ";"}


class Block(NamedTuple):
    """A fenced block, or one that is indented: its language, its lines, where it begins, and the line before it."""

    language: str
    text: str
    line: int
    before: str


def blocks(text: str) -> list[Block]:
    """Every block of code of a page."""
    lines, found, i = text.splitlines(), [], 0
    while i < len(lines):
        fence = re.match(r"^(`{3,})(.*)$", lines[i])
        is_indented = lines[i].startswith("    ") and (i == 0 or not lines[i - 1].strip())
        if not fence and not is_indented:
            i += 1
            continue
        start, before = i, next((line for line in reversed(lines[:i]) if line.strip()), "")
        i += 1 if fence else 0
        body = []
        while i < len(lines) and (lines[i] != fence[1] if fence else lines[i].startswith("    ")):
            body.append(lines[i])
            i += 1
        i += 1
        found.append(Block(fence[2] if fence else "", "\n".join(body), start + 1, before))
    return found


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^(`{3,})[^`\n]*\n.*?^\1$", "", text, flags=re.M | re.S)


def links(text: str) -> list[str]:
    """Where its links and pictures lead, but for other sites."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(text)))
    return [target for target in found if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The names that its headings have, as GitHub and the site give them."""
    text = page.read_text()
    for block in blocks(text):
        if block.language.startswith("{include} "):
            return anchors(page.parent / block.language.split()[1])
    headings = re.findall(r"^#+ (.+)$", prose(text), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def children(page: Path) -> Iterator[Path]:
    """The pages below it in the navigation."""
    for block in blocks(page.read_text()):
        if block.language == "{toctree}":
            names = [line for line in block.text.splitlines() if line and not line.startswith(":")]
            yield from (page.parent / f"{name.partition('<')[2].rstrip('>') or name}.md" for name in names)


def commands(text: str) -> list[str]:
    """Every command line of ours in its blocks, and those within a sentence, which end in … as parts of one do."""
    found = []
    for block in blocks(text):
        for line in block.text.replace("\\\n", " ").splitlines():
            found += [LEADS.sub("", line.strip())] if LEADS.match(line.strip()) else []
    spans = re.findall(r"`([^`\n]+)`", prose(text))
    return found + [f"{LEADS.sub('', span)} …" for span in spans if LEADS.match(span)]


def words_of(line: str) -> list[str]:
    """A command line as its words: no comment, nothing behind a pipe, of alternatives the first."""
    words = shlex.split(re.sub(r"\s#\s.*|\s{2,}\S.*$|(\s…)+$", "", line))
    end = min((i for i, word in enumerate(words) if word in SHELL), default=len(words))
    return [re.split(r"(?<=\w)\|(?=\w)", word)[0] for word in words[:end]]


def parse(words: list[str], group: click.Group) -> None:
    """Read a command line as the command does, without running it; a click error where it cannot."""
    command: click.Command = group
    context = click.Context(group, info_name=words[0])
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            raise click.UsageError(f"there is no command {' '.join(words)}")
        command, rest = found, rest[1:]
        context = click.Context(command, parent=context, info_name=words[0])
    with command.make_context(command.name, list(rest), parent=context.parent):
        pass


def sessions(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The words of every command that a page shows with what it prints, and those lines."""
    for block in blocks(text):
        if block.language == "console" and block.before == RUN:
            for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
                line, *printed = part.splitlines()
                yield words_of(line), printed


def is_like(shown: str, line: str) -> bool:
    """Whether a line is the one shown: numbers to half a percent or the last decimal, any digest, … for anything."""
    shown, line = (re.sub(r"\b[0-9a-f]{8}\b|(?<=gm:)[\w.]+", "any", text) for text in (shown, line))
    parts = re.split(rf"(…|{NUMBER})", shown)
    places = {True: f"({NUMBER})", False: ".*"}
    pattern = "".join(places[part != "…"] if i % 2 else re.escape(part) for i, part in enumerate(parts))
    found = re.fullmatch(pattern, line)
    theirs = [part for part in parts[1::2] if part != "…"]
    return found is not None and all(
        abs(float(mine) - float(their)) <= max(5e-3 * abs(float(their)), 1.01 * _last_decimal(their))
        for mine, their in zip(found.groups(), theirs, strict=True)
    )


def _last_decimal(number: str) -> float:
    """The unit of a number's last decimal; 0 where it has none or an exponent."""
    decimals = number.partition(".")[2]
    return 10.0 ** -len(decimals) if decimals.isdigit() else 0.0
