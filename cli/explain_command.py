"""``ganmetrics explain PUBLISHED REAL FAKE``."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from .grouped_help import SCORES, Command
from .options import Settings, reading_options, set_argument
from .output import run
from .output_options import force_option, format_option, json_option


@click.command(cls=Command)
@click.argument("published")
@set_argument("real")
@set_argument("fake")
@click.option("--reference", "references", multiple=True, metavar="[NAME=]SET", cls=SCORES,
              help="Another set that may have been the reference. May be repeated.")  # fmt: skip
@click.option("--search", metavar="NAME,NAME,...", cls=SCORES,
              help="Differences to look at. They are protocol, reference, crop, format, number, classes, "
              "denominator, precision and mixture.  [default: all]")  # fmt: skip
@format_option
@json_option
@force_option
@reading_options
@click.pass_context
def command(
    ctx: click.Context, published: str, real: str, fake: str, references: tuple[str, ...], search: str | None
) -> None:
    """Find the recipe behind a published FID.

    PUBLISHED is the number as it was printed. The images are decoded once, and FID is computed as each package
    computes it, with other references, crops, numbers of images and so on. The answer names the nearest recipes and
    what differs from the plain command.

    \b
    ganmetrics explain 7.59 real/ fake/
    ganmetrics explain 7.59 real/ fake/ --reference validation=val/ --search protocol,reference
    """
    import ganmetrics as gm

    own: dict[str, Any] = {"references": dict(_named(text) for text in references)}
    if search:
        own["search"] = [name.strip() for name in search.split(",") if name.strip()]
    settings = Settings.of(ctx)
    found = run(partial(gm.explain, published), [real, fake], settings, own)
    best = found.nearest[0]
    if best.match and best.options and all(best.options) and settings.printed == "text" and settings.is_first:
        click.echo(f"\nTo compute it so: {'  '.join(map(_told, best.options))}")


def _told(option: tuple[str, ...]) -> str:
    """Return a parameter and its value as the command has them."""
    name, value = option
    return f"{value} as {name.upper()}" if name in ("real", "fake") else f"--{name} {value}"


def _named(text: str) -> tuple[str, str]:
    name, separator, place = text.partition("=")
    return (name, place) if separator and name.isidentifier() else (text, text)
