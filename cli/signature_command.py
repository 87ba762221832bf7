"""``ganmetrics signature diff|show``."""

from __future__ import annotations

import click

from .grouped_help import Group


@click.group(cls=Group)
def command() -> None:
    """Explain the signature of a score, or compare two.

    \b
    ganmetrics signature show 'fid|inception-2015-12-05:6726825d|…'
    ganmetrics signature diff 'fid|…' 'fid|…'
    """


@command.command()
@click.argument("signature")
def show(signature: str) -> None:
    """Show the fields of SIGNATURE."""
    from ganmetrics import Signature

    for name, value in Signature.parse(signature).fields().items():
        click.echo(f"{name:<10} {value}")


@command.command()
@click.argument("first")
@click.argument("second")
@click.pass_context
def diff(ctx: click.Context, first: str, second: str) -> None:
    """Say in words how two signatures differ.

    The exit code is 1 where they differ.
    """
    from ganmetrics import Signature

    rows = Signature.parse(first).differences(Signature.parse(second))
    click.echo("\n".join(rows) if rows else "the signatures are the same")
    ctx.exit(1 if rows else 0)
