"""``ganmetrics signature diff|show``."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """Signatures of scores: what they say, and how two of them differ.

    \b
    ganmetrics signature show 'fid|inception-2015-12-05:6726825d|…'
    ganmetrics signature diff 'fid|…' 'fid|…'
    """


@command.command()
@click.argument("signature")
def show(signature: str) -> None:
    """What SIGNATURE says, field by field."""
    from ganmetrics import Signature

    for name, value in Signature.parse(signature).fields().items():
        click.echo(f"{name:<10} {value}")


@command.command()
@click.argument("first")
@click.argument("second")
@click.pass_context
def diff(ctx: click.Context, first: str, second: str) -> None:
    """How two signatures differ, in words; exit code 1 where they do."""
    from ganmetrics import Signature

    rows = Signature.parse(first).differences(Signature.parse(second))
    click.echo("\n".join(rows) if rows else "the signatures are the same")
    ctx.exit(1 if rows else 0)
