"""``ganmetrics cache list|clear``."""

from __future__ import annotations

import time

import click

from .grouped_help import Group


@click.group(cls=Group)
def command() -> None:
    """Manage the cache of computed features.

    Features of files are kept by the pixels and the network. They lie in GANMETRICS_CACHE_DIR, by default
    ganmetrics/features in the user's cache. They take at most GANMETRICS_CACHE_SIZE, by default 10GiB; those used
    longest ago are removed first. With GANMETRICS_CACHE=0, or --no-cache of a command, the cache is not used.
    """


@command.command(name="list")
def list_() -> None:
    """List the cached features by network and layer."""
    from ganmetrics.measurement import feature_cache

    found = feature_cache.groups()
    total = sum(group.num_bytes for group in found)
    for group in found:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(group.last_used))
        click.echo(f"{group.num_bytes / 2**20:>10.1f} MiB  {group.entries:>7} blocks  used {used}  {group.name}")
    limit = feature_cache.size_limit() / 2**30
    click.echo(f"{total / 2**20:>10.1f} MiB of at most {limit:g} GiB in {feature_cache.cache_folder()}")


@command.command()
def clear() -> None:
    """Remove all cached features.

    Scores do not change; the next ones take longer.
    """
    from ganmetrics.measurement import feature_cache

    freed = feature_cache.clear()
    click.echo(f"{freed / 2**20:.1f} MiB removed from {feature_cache.cache_folder()}")
