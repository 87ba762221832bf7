"""``ganmetrics stats build|fetch|list|show|verify``."""

from __future__ import annotations

import json
from typing import Any

import click

from .grouped_help import Group
from .options import Settings, reading_options
from .output import build_statistics, print_table
from .output_options import force_option


@click.group(cls=Group)
def command() -> None:
    """Build, list and check reference statistics.

    Statistics are computed once; every later score against them needs no real images.

    \b
    ganmetrics stats build real/ -o real.npz
    ganmetrics fid real.npz fake/
    """


@command.command()
@click.argument("source")
@click.option("-o", "--output", required=True, metavar="FILE.npz", help="The file for the statistics.")
@click.option("--name", default="", help="A name for signatures.")
@click.option("--keep", multiple=True, metavar="NAME,NAME,...",
              help="Also keep features, logits, spatial_moments or images. KID reads features, IS logits and sFID "
              "spatial_moments; up to 10,000 images are kept. moments are kept in any case.")  # fmt: skip
@force_option
@reading_options
@click.pass_context
def build(ctx: click.Context, source: str, output: str, name: str, keep: tuple[str, ...]) -> None:
    """Compute and save the statistics of a set of images.

    `ganmetrics fid --help` says what SOURCE may be. The file holds mean, covariance, count, recipe and digest.

    \b
    ganmetrics stats build real/ -o real.npz
    ganmetrics stats build real/ -o real.npz --keep spatial_moments,images   a reference batch of guided diffusion
    """
    kept = [word.strip() for each in keep for word in each.split(",") if word.strip()]
    build_statistics(Settings.of(ctx), source, output, tuple(dict.fromkeys(["moments", *kept])), name)


@command.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the published statistics NAME.

    The names are listed by `ganmetrics stats list --published`. They may stand in place of REAL, and are then fetched
    by the first command that needs them. Files lie in GANMETRICS_STATISTICS_DIR, else in the user's cache folder. With
    GANMETRICS_OFFLINE=1 nothing is ever downloaded.

    \b
    ganmetrics stats fetch adm:imagenet256
    ganmetrics fid adm:imagenet256 fake/
    """
    from ganmetrics._files import shown
    from ganmetrics.measurement import published_store
    from ganmetrics.measurement.published_statistics import known

    path, sha256 = published_store.fetch(known(name))
    click.echo(f"{shown(path)}  sha256 {sha256}")


@command.command(name="list")
@click.option("--published", is_flag=True, help="List the published files that can be fetched.")
def list_(published: bool) -> None:
    """List the bundled statistics.

    Their names may stand in place of REAL.
    """
    from ganmetrics.measurement import archive
    from ganmetrics.measurement.published_statistics import PUBLISHED

    if published:
        table = [("NAME", "PROTOCOL", "IMAGES", "SHA-256", "DATA", "ADDRESS")]
        for file in PUBLISHED.values():
            told = f"{file.count:,}" if file.count else "not told"
            table.append((file.name, file.protocol, told, file.sha256[:8] or "first seen", file.data, file.url))
        print_table(table)
        return
    rows = [("NAME", "EXTRACTOR", "IMAGES", "DATA")]
    for name, entries in archive.index().items():
        rows += [(name, extractor, str(entry["count"]), entry["data"]) for extractor, entry in entries.items()]
    print_table(rows)


@command.command()
@click.argument("statistics")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(statistics: str, as_json: bool) -> None:
    """Show what statistics were computed from.

    STATISTICS is a file or the name of bundled statistics.
    """
    from ganmetrics.measurement.archive_checks import facts_of

    facts = facts_of(statistics)
    click.echo(json.dumps(facts, indent=2) if as_json else "\n".join(_lines(facts)))


@command.command(name="verify")
@click.argument("statistics")
@click.argument("source", required=False)
@reading_options
@click.pass_context
def verify_(ctx: click.Context, statistics: str, source: str | None) -> None:
    """Check that a file of statistics is undamaged.

    With SOURCE the statistics are computed again from those images, and compared.
    """
    import ganmetrics as gm
    from ganmetrics.measurement.archive_checks import opened, verify

    settings = Settings.of(ctx)
    found = opened(statistics)
    if source is None:
        click.echo(f"{statistics}: well-formed; {found.label} under {found.recipe.network}")
        return
    [images] = settings.opened([("real", source)])
    again = gm.measure(
        images,
        **settings.arguments_of(gm.measure) | {"extractor": settings.extractor or found.recipe.extractor},
    )
    drift = verify(found, again, (statistics, source))
    click.echo(f"{statistics}: verified against {source}; {found.label}, drift {drift:.1e} of the trace")


def _lines(facts: dict[str, Any]) -> list[str]:
    return [f"{name:<12} {value}" for name, value in facts.items()]
